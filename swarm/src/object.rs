//! How an engine names what it holds: kind and name for people, id and version for the engine itself.

use std::fmt;

use serde::Serialize;

/// The kinds of object that a swarm has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The swarm itself.
    Swarm,
    /// A board that has joined.
    Node,
    /// An overlay network.
    Network,
    /// A config.
    Config,
    /// A secret.
    Secret,
    /// A service.
    Service,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Swarm => "swarm",
            Self::Node => "node",
            Self::Network => "network",
            Self::Config => "config",
            Self::Secret => "secret",
            Self::Service => "service",
        })
    }
}

/// One object by kind and name, as plans and errors speak of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct Object {
    /// What it is.
    pub kind: Kind,
    /// Its name at the engine; a node's host name.
    pub name: String,
}

impl Object {
    /// An object of `kind` named `name`.
    #[must_use]
    pub fn new(kind: Kind, name: impl Into<String>) -> Self {
        Self { kind, name: name.into() }
    }
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.name)
    }
}

/// The engine's own identity of an object: never used twice.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Id(pub String);

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The swarm's index at an object's last change (Docker's `Version.Index`): only grows, and an update
/// that names an older one is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Version(pub u64);

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
