//! What of a node can be said from outside: its role, its availability, its labels.

use std::collections::BTreeMap;

use serde::Serialize;

/// A node's part in the swarm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Holds the swarm's state, with the other managers, by majority.
    Manager,
    /// Runs tasks.
    Worker,
}

impl Role {
    /// Docker's word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Manager => "manager",
            Self::Worker => "worker",
        }
    }
}

/// Whether a node takes tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Availability {
    /// It does.
    Active,
    /// It keeps those that it has.
    Pause,
    /// It has none.
    Drain,
}

/// One node, as far as it can be set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NodeSpec {
    /// Its part.
    pub role: Role,
    /// Whether it takes tasks.
    pub availability: Availability,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
}
