//! Boards made out of one Linux machine: what the rack's promises are proven on.
//!
//! A lab is a hub and some boards, each a machine of its own by Linux namespaces: its root (an overlay over one
//! tree made by debootstrap), network, processes, mounts, host name, Docker engine and SSH door. The hub is their
//! switch, their router (slirp4netns, which needs nothing of this machine's network) and their image registry.
//!
//! The invariant: all that a lab is lies inside the namespaces of its machines' first processes, in its state
//! folder, its disk folder and its control groups. This machine's firewall, routes, links and mounts are never
//! changed, and to end those first processes, by process id and start time, is to end the lab.
//!
//! docs/lab.md tells how to use it.

mod board;
mod calls;
mod cgroup;
mod debian;
mod down;
mod error;
mod fault;
mod flaw;
mod harness;
mod hub;
pub mod images;
mod lab;
mod layout;
mod lock;
mod machine;
mod making;
mod package;
mod place;
mod power;
mod process;
mod prune;
mod requirements;
mod ssh;
mod status;
mod tool;
mod tree;

pub use board::Board;
pub use error::LabError;
pub use fault::SMALL_DISK;
pub use flaw::Flaw;
pub use harness::{
    Chapter, LoneTest, Outcome, Promise, Test, chain, chapters, conduct, conduct_alone, conduct_story,
    conduct_together,
};
pub use lab::{Lab, Spec};
pub use libtest_mimic::Failed;
pub use package::package;
pub use place::cache_folder;
pub use prune::{PruneError, Waste};
pub use requirements::Missing;
pub use rustix::process::Signal;
pub use ssh::Ssh;
pub use status::{BoardStatus, LabStatus, Standing};
