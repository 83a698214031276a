//! The manager: one file in, a running rack out. It deploys the rack's stacks, watches its boards and
//! shows who does what.
//!
//! Rooms know nothing of the faces. [`watch`] is a room: records come back from Kafka into live state
//! and a history. [`stack`] is another: what runs on the rack, and what it needs. [`api`], [`web`] and [`tui`] are faces: each calls rooms and never another face.

pub mod api;
pub mod demo;
pub mod stack;
pub mod tui;
pub mod watch;
pub mod web;
