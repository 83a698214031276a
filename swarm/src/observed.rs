//! What a swarm is, as its engine reports it: plain data, with the ids and versions that updates need.
//!
//! [`Observed`] is all that a plan looks at. What only waits and reports need (tasks, rollouts, the swarm's own
//! labels) is asked for by itself, so that a plan never waits for it.

mod task;

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

pub use task::{ObservedTask, Rollout, RolloutState, TaskNode, TaskState};

use crate::object::{Id, Version};
use crate::spec::{ConfigSpec, NetworkSpec, NodeSpec, SecretSpec, ServiceSpec};

/// An object that the engine holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held<T> {
    /// Its identity.
    pub id: Id,
    /// Its version at the time of the report.
    pub version: Version,
    /// What it is.
    pub spec: T,
}

/// Whether a node answers, in the managers' eyes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeState {
    /// It does.
    Ready,
    /// It does not, or it has left.
    Down,
    /// The managers cannot tell: they have just begun, or have just lost it.
    Unknown,
}

/// One node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObservedNode {
    /// Its identity, version, role, availability and labels.
    pub held: Held<NodeSpec>,
    /// Its host name. Two nodes may share one, when a board has joined anew.
    pub name: String,
    /// Whether it answers.
    pub state: NodeState,
    /// Docker's own words about its state; empty when there is nothing to say.
    pub words: String,
    /// Whether it takes part in the managers' votes; always false for a worker.
    pub reachable_manager: bool,
    /// Its place among the managers. It comes some time after a promotion, and goes some time after a demotion.
    pub manager: Option<ManagerStatus>,
    /// The address that the managers see it at.
    pub address: Option<IpAddr>,
    /// What it is made of; none until the node has first reported.
    pub machine: Option<Machine>,
}

/// What a manager is among the managers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ManagerStatus {
    /// Where the others reach it.
    pub address: Option<SocketAddr>,
    /// Whether it leads them now.
    pub leader: bool,
}

/// A node's engine and hardware, as it reported them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    /// The engine's version.
    pub engine_version: String,
    /// The architecture: `aarch64`, `x86_64`.
    pub architecture: String,
    /// Memory in bytes.
    pub memory_bytes: u64,
    /// Processors, in billionths of one.
    pub nano_cpus: u64,
}

/// What the swarm itself remembers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObservedSwarm {
    /// Its identity, which no other swarm has.
    pub id: Id,
    /// Its version.
    pub version: Version,
    /// Its labels: a small memory that all managers share, changed only under its version.
    pub labels: BTreeMap<String, String>,
}

/// Everything that a plan looks at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observed {
    /// Nodes.
    pub nodes: Vec<ObservedNode>,
    /// Networks, those that Docker keeps for itself among them.
    pub networks: Vec<Held<NetworkSpec>>,
    /// Configs.
    pub configs: Vec<Held<ConfigSpec>>,
    /// Secrets, without their values.
    pub secrets: Vec<Held<SecretSpec>>,
    /// Services.
    pub services: Vec<Held<ServiceSpec>>,
}
