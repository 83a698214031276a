//! What a swarm is, as its engine reports it: plain data, with the ids and versions that updates need.

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
    /// Whether it takes part in the managers' votes; always false for a worker.
    pub reachable_manager: bool,
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
