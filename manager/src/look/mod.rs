//! One look at a rack: what boards, engines, managers and stacks told, as plain data. Whoever plans, applies,
//! destroys or reports looks in this one way.
//!
//! [`look()`] asks everybody at once and never fails as a whole: what could not be asked says why in its own
//! place, and nothing else waits for it.

mod agent;
mod ask;
pub mod data;
pub(crate) mod disk;
mod shell;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use jiff::Timestamp;
use pirack_swarm::desired::{AbsolutePath, Image};
use pirack_swarm::host::{HeldImage, HostFacts};
use pirack_swarm::member::Membership;
use pirack_swarm::object::Id;
use pirack_swarm::observed::{Observed, ObservedNode, ObservedTask};

pub use agent::{AgentWords, Sink};
pub use ask::{glance, look};
pub use data::DataSeen;

use crate::operation::lock::Lock;
use crate::rack::{BoardName, Identity, Rack};
use crate::stack::StackHealth;

/// One look.
#[derive(Clone, Debug)]
pub struct Look {
    /// When it began.
    pub at: Timestamp,
    /// How long it took.
    pub took: Duration,
    /// Each board of the file.
    pub boards: BTreeMap<BoardName, BoardLook>,
    /// Boards that the file names no more and that are the rack's own nodes still, by their names there.
    pub departed: BTreeMap<BoardName, BoardLook>,
    /// The swarm, through the first manager that spoke for it; the words of all where none did.
    pub swarm: Result<SwarmLook, String>,
    /// The stacks that have a service.
    pub stacks: StackHealth,
    /// What topics and tables still want.
    pub data: DataSeen,
}

/// One board.
#[derive(Clone, Debug)]
pub enum BoardLook {
    /// It did not answer, and why.
    Silent(String),
    /// It did.
    Reached(Box<Answered>),
}

/// What a board that answered told.
#[derive(Clone, Debug)]
pub struct Answered {
    /// Its engine, or why not.
    pub engine: Result<EngineLook, String>,
    /// What its shell told, or why nobody could ask.
    pub shell: Result<ShellLook, NoShell>,
    /// Its data disk, or why nobody could tell; nothing where the file names none, or it has no shell.
    pub disk: Result<Option<DiskSeen>, String>,
}

/// Why a board's shell told nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoShell {
    /// It has none for us.
    #[error("the board is reached without a shell")]
    Absent,
    /// It failed.
    #[error("{0}")]
    Failed(String),
}

/// An engine.
#[derive(Clone, Debug)]
pub struct EngineLook {
    /// What it is.
    pub facts: HostFacts,
    /// Its place in a swarm.
    pub membership: Membership,
    /// Of the images that its tasks may need, those that it has.
    pub images: BTreeMap<Image, HeldImage>,
}

/// A board's data disk.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DiskSeen {
    /// Why it is not in its place, where it is not.
    pub astray: Option<String>,
    /// The folders on it that services want and that are there, each with its owner.
    pub folders: BTreeMap<AbsolutePath, u32>,
}

/// What a board's shell tells.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ShellLook {
    /// Its agent.
    pub agent: AgentWords,
    /// The lock's file, which holds while there is no swarm.
    pub lock: Option<Lock>,
}

/// A swarm.
#[derive(Clone, Debug, Default)]
pub struct SwarmLook {
    /// Its id.
    pub id: String,
    /// What the rack remembers of itself there; the words where that cannot be read.
    pub identity: Option<Result<Identity, String>>,
    /// Who changes the rack now.
    pub lock: Option<Lock>,
    /// Nodes, services and whatever else a plan looks at; other owners' among them.
    pub observed: Observed,
    /// Tasks that the managers remember.
    pub tasks: Vec<ObservedTask>,
}

impl SwarmLook {
    /// Whether the swarm has this node, in whatever state.
    #[must_use]
    pub fn knows(&self, node: &Id) -> bool {
        self.observed.nodes.iter().any(|known| known.held.id == *node)
    }

    /// Nodes of this rack's own that are no board of its file.
    pub fn strangers<'a>(&'a self, rack: &'a Rack) -> impl Iterator<Item = &'a ObservedNode> {
        self.observed.nodes.iter().filter(|node| {
            pirack_swarm::owner(&node.held.spec.labels) == Some(rack.name.as_str())
                && !rack.boards.iter().any(|board| board.name.as_str() == node.name)
        })
    }
}

/// The address that the swarm has of a node. A manager's own is what the others know it by; the node's may be the
/// one it connected from.
#[must_use]
pub fn address(node: &ObservedNode) -> Option<IpAddr> {
    let told = node.manager.and_then(|manager| manager.address).map(|address| address.ip());
    told.filter(|address| !address.is_unspecified()).or(node.address)
}

/// A stranger's name and address, where it has such as a board has.
fn departed(node: &ObservedNode) -> Option<(BoardName, Ipv4Addr)> {
    match address(node)? {
        IpAddr::V4(address) => Some((node.name.parse().ok()?, address)),
        IpAddr::V6(_) => None,
    }
}
