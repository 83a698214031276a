//! One board of the fake cloud: its power, its engine's membership, its images, and what becomes of tasks there.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use crate::object::Id;
use crate::observed::Machine;

/// What becomes of tasks of an image, wherever they are started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// They run. Any image's, until something else is said.
    Runs,
    /// They never get healthy: they stay `starting`.
    Starts,
    /// They end at once with this exit status.
    Exits(i64),
    /// The engine cannot start them, in these words.
    Rejected(String),
}

#[derive(Debug)]
pub(super) struct Board {
    pub(super) address: Ipv4Addr,
    pub(super) has_power: bool,
    pub(super) has_link: bool,
    pub(super) member: Option<Joined>,
    pub(super) images: BTreeSet<String>,
    pub(super) machine: Machine,
}

/// Which node of which swarm its engine takes itself for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Joined {
    pub(super) swarm: Id,
    pub(super) node: Id,
}

impl Board {
    /// Whether the other boards hear of it.
    pub(super) fn is_heard(&self) -> bool {
        self.has_power && self.has_link
    }

    /// The number is its place in the cloud, from 1.
    pub(super) fn new(number: u8) -> Self {
        Self {
            address: Ipv4Addr::new(10, 77, 0, number.saturating_add(10)),
            has_power: true,
            has_link: true,
            member: None,
            images: BTreeSet::new(),
            machine: Machine {
                engine_version: "20.10.24".to_owned(),
                architecture: "aarch64".to_owned(),
                memory_bytes: 8 << 30,
                nano_cpus: 4_000_000_000,
            },
        }
    }
}
