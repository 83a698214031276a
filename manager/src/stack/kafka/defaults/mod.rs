//! What the rack sets on every broker beyond what tells one from another: `images/kafka/defaults.toml`, and what
//! a rack says otherwise, to the variables of the image's contract.
//!
//! Invariants: every value is checked once, here; what follows from the number of brokers or from the listeners
//! cannot be set beside them, so that the two never contradict each other; the same settings and the same number
//! of brokers give the same variables, to the letter, and all nodes get them, controllers too: where Kafka keeps
//! `min.insync.replicas` for the whole cluster, it takes it from a controller at the cluster's first start.

mod listener;
mod settings;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

pub use listener::{Listener, Security};
pub use settings::{ListenerSettings, PropertySetting, ReplicationSettings, Settings};

use crate::stack::kafka::Replication;
use listener::Listeners;

/// What the rack sets unless it is told otherwise.
const FILE: &str = include_str!("../../../../../images/kafka/defaults.toml");
/// Topics' replicas: guests', then Kafka's own, which otherwise want three brokers.
const REPLICAS: [&str; 4] = [
    "default.replication.factor",
    "offsets.topic.replication.factor",
    "transaction.state.log.replication.factor",
    "share.coordinator.state.topic.replication.factor",
];
/// How many of those must have a message before it is acknowledged.
const IN_SYNC: [&str; 3] =
    ["min.insync.replicas", "transaction.state.log.min.isr", "share.coordinator.state.topic.min.isr"];
/// What follows from the listeners and from the boards.
const PLACES: [&str; 8] = [
    "listeners",
    "advertised.listeners",
    "listener.security.protocol.map",
    "inter.broker.listener.name",
    "controller.listener.names",
    "controller.quorum.voters",
    "node.id",
    "process.roles",
];

/// A container's variables, in the order of their names.
pub type Variables = BTreeMap<String, String>;

/// What every broker of a rack gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Defaults {
    replication: Replication,
    listeners: Listeners,
    properties: BTreeMap<String, String>,
}

/// Why settings set nothing.
#[derive(Debug, thiserror::Error)]
pub enum DefaultsError {
    /// Not TOML, or not of the file's shape.
    #[error("Kafka's settings cannot be read: compare them with images/kafka/defaults.toml")]
    Shape(#[from] toml::de::Error),
    /// They can be read, and are wrong.
    #[error("Kafka's settings: {what}; {remedy}")]
    Wrong {
        /// What is wrong.
        what: String,
        /// What to do.
        remedy: String,
    },
}

impl Defaults {
    /// What the program was built with.
    ///
    /// # Errors
    /// When that file is wrong, which a test makes sure it is not.
    pub fn built_in() -> Result<Self, DefaultsError> {
        Self::with(&Settings::default())
    }

    /// What the program was built with, but for what this rack says.
    ///
    /// # Errors
    /// With the first thing that is wrong.
    pub fn with(rack: &Settings) -> Result<Self, DefaultsError> {
        let own: Settings = toml::from_str(FILE)?;
        Self::checked(&own.under(rack))
    }

    fn checked(settings: &Settings) -> Result<Self, DefaultsError> {
        let ReplicationSettings { most, spare } = settings.replication;
        let replication = Replication::checked(most.unwrap_or(0), spare.unwrap_or(0))
            .map_err(|(what, remedy)| wrong(what, remedy))?;
        let listeners = Listeners::checked(&settings.listeners)?;
        let properties = settings
            .properties
            .iter()
            .map(|(name, value)| property(name, value.value()))
            .collect::<Result<_, _>>()?;
        Ok(Self { replication, listeners, properties })
    }

    /// How often a guest's message is kept.
    #[must_use]
    pub fn replication(&self) -> Replication {
        self.replication
    }

    /// Between brokers, and for the boards' own programs.
    #[must_use]
    pub fn rack(&self) -> Listener {
        self.listeners.rack
    }

    /// For the quorum alone.
    #[must_use]
    pub fn controller(&self) -> Listener {
        self.listeners.controller
    }

    /// For programs of people who visit.
    #[must_use]
    pub fn guest(&self) -> Listener {
        self.listeners.guest
    }

    /// What every node gets in a rack of so many brokers, whatever its own number and place.
    #[must_use]
    pub fn variables(&self, brokers: usize) -> Variables {
        let replicas = self.replication.replicas(brokers);
        let in_sync = self.replication.in_sync(replicas);
        let set = self.properties.iter().map(|(name, value)| (name.as_str(), value.clone()));
        let kept = REPLICAS.iter().map(|name| (*name, replicas.to_string()));
        let acknowledged = IN_SYNC.iter().map(|name| (*name, in_sync.to_string()));
        let all = set.chain(kept).chain(acknowledged).chain(self.listeners.shared());
        all.map(|(name, value)| (variable(name), value)).collect()
    }

    /// What a node at this address gets that is a broker and a controller: where it listens, and what it tells.
    #[must_use]
    pub fn places(&self, address: &str) -> Variables {
        self.listeners.places(address).map(|(name, value)| (variable(name), value)).into()
    }

    /// The quorum of these controllers, each a node's number and its address.
    #[must_use]
    pub fn voters<'a>(&self, controllers: impl IntoIterator<Item = (u32, &'a str)>) -> String {
        let port = self.listeners.controller.port;
        let voter = |(node, address)| format!("{node}@{address}:{port}");
        controllers.into_iter().map(voter).collect::<Vec<_>>().join(",")
    }
}

/// A server property as the brokers take it.
fn property(name: &str, value: &toml::Value) -> Result<(String, String), DefaultsError> {
    let allowed = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, b'.' | b'_' | b'-');
    if name.is_empty() || !name.bytes().all(allowed) {
        let what = format!("\"{name}\" is no server property");
        return Err(wrong(what, "write it as Kafka does, in quotes: \"num.partitions\" = 16"));
    }
    if REPLICAS.contains(&name) || IN_SYNC.contains(&name) {
        let what = format!("{name} follows from the number of brokers");
        return Err(wrong(what, "set replication.most and replication.spare instead"));
    }
    if PLACES.contains(&name) {
        let what = format!("{name} follows from the listeners and the boards");
        return Err(wrong(what, "set listeners.NAME.port instead, or take it out"));
    }
    let text = match value {
        toml::Value::String(text) => text.clone(),
        toml::Value::Integer(number) => number.to_string(),
        toml::Value::Float(number) => number.to_string(),
        toml::Value::Boolean(truth) => truth.to_string(),
        other => {
            let what = format!("{name} is of the kind {}", other.type_str());
            return Err(wrong(what, "give it a text, a number, true or false"));
        }
    };
    Ok((name.to_owned(), text))
}

/// The variable that both images read a server property from: `.` is `_`, `_` is `__`, `-` is `___`.
fn variable(property: &str) -> String {
    let letters = property.chars().map(|c| match c {
        '.' => "_".to_owned(),
        '_' => "__".to_owned(),
        '-' => "___".to_owned(),
        other => other.to_ascii_uppercase().to_string(),
    });
    format!("KAFKA_{}", letters.collect::<String>())
}

fn wrong(what: String, remedy: impl Into<String>) -> DefaultsError {
    DefaultsError::Wrong { what, remedy: remedy.into() }
}
