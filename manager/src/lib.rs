//! The manager: one file in, a running rack out. It deploys the rack's stacks, watches its boards and
//! shows who does what.
//!
//! Rooms know nothing of the faces. [`watch`] is a room: records come back from Kafka into live state
//! and a history. [`rack`] is what a rack should be, read from its file; [`stack`] what runs on it, and what that needs. [`text`] is how a file that somebody names is read, [`excerpt`] what is shown of it, `suspect` which names in it are likely a secret's. [`reach`] is the way to its boards, [`look`] what they, the swarm and the stacks told; whoever plans or reports begins there. [`report`] is how the rack is, and why. [`api`], [`web`] and [`tui`] are faces: each calls rooms and never another face. [`demo`] and [`serve`] alone compose them: an embedded rack, and the service of a real one.

pub mod api;
pub mod bootstrap;
pub mod demo;
pub mod excerpt;
pub mod lint;
pub mod look;
pub mod operation;
pub mod rack;
pub mod reach;
pub mod report;
pub mod serve;
pub mod stack;
mod suspect;
pub mod text;
pub mod tui;
pub mod watch;
pub mod web;
