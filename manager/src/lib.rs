//! The manager: one file in, a running rack out. It deploys the rack's stacks, watches its boards and
//! shows who does what.
//!
//! Rooms know nothing of the faces. [`watch`] is a room: records come back from Kafka into live state
//! and a history; [`stack`] keeps what the rack runs as it should be. [`api`], [`web`] and [`tui`] are faces: each calls rooms and never another face.

pub mod api;
pub mod demo;
pub mod stack;
pub mod tui;
pub mod watch;
pub mod web;
