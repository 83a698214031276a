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
use std::fmt;

pub use listener::{Listener, Part, Security};
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
/// What pirack decides, with all that begins so where it ends in a point, and what to do instead.
const DECIDED: [(&str, &str); 19] = [
    ("listeners", LISTENERS),
    ("advertised.listeners", LISTENERS),
    ("listener.security.protocol.map", LISTENERS),
    ("inter.broker.listener.name", LISTENERS),
    ("security.inter.broker.protocol", LISTENERS),
    ("controller.listener.names", LISTENERS),
    ("early.start.listeners", LISTENERS),
    ("controller.quorum.", "voters in [kafka] names them"),
    ("node.id", NUMBER),
    ("broker.id", NUMBER),
    ("broker.id.", NUMBER),
    ("reserved.broker.max.id", NUMBER),
    ("cluster.id", NUMBER),
    ("process.roles", "brokers and voters in [kafka] name who is what"),
    ("broker.rack", "it is the board's place"),
    ("log.dir", DATA),
    ("log.dirs", DATA),
    ("metadata.log.dir", DATA),
    ("zookeeper.", "take it out: a rack has no ZooKeeper"),
];
const LISTENERS: &str = "set listeners.NAME.port instead, or take it out";
const NUMBER: &str = "take it out: it is given once, and remembered by the rack";
const DATA: &str = "take it out: the board's data_disk says where data lie";

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
    /// They can be read, and are wrong: never empty.
    #[error("Kafka's settings: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Wrong(Vec<Mistake>),
}

/// One thing that is wrong with settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The keys that lead to it.
    pub at: Vec<String>,
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub remedy: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.what, self.remedy)
    }
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
    /// With everything that is wrong.
    pub fn with(rack: &Settings) -> Result<Self, DefaultsError> {
        let own: Settings = toml::from_str(FILE)?;
        let settings = own.under(rack);
        let mut wrong: Vec<Mistake> = rack.properties.keys().filter_map(|name| decided(name)).collect();
        let ReplicationSettings { most, spare } = settings.replication;
        let replication = Replication::checked(most.unwrap_or(0), spare.unwrap_or(0))
            .map_err(|(what, remedy)| wrong.push(mistake(&["replication"], what, remedy)));
        let listeners = Listeners::checked(&settings.listeners).map_err(|mistakes| wrong.extend(mistakes));
        let mut properties = BTreeMap::new();
        for (name, value) in &settings.properties {
            match property(name, value.value()) {
                Ok((name, text)) => drop(properties.insert(name, text)),
                Err(mistake) => wrong.push(mistake),
            }
        }
        match (replication, listeners) {
            (Ok(replication), Ok(listeners)) if wrong.is_empty() => {
                Ok(Self { replication, listeners, properties })
            }
            _ => Err(DefaultsError::Wrong(wrong)),
        }
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

    /// What a node at this address gets: where it listens, and what it tells.
    #[must_use]
    pub fn places(&self, part: Part, address: &str) -> Variables {
        let places = self.listeners.places(part, address).into_iter();
        places.map(|(name, value)| (variable(name), value)).collect()
    }

    /// The ports that a node listens on.
    #[must_use]
    pub fn ports(&self, part: Part) -> Vec<u16> {
        self.listeners.ports(part)
    }

    /// The quorum of these controllers, each a node's number and its address.
    #[must_use]
    pub fn voters<'a>(&self, controllers: impl IntoIterator<Item = (u32, &'a str)>) -> String {
        let port = self.listeners.controller.port;
        let voter = |(node, address)| format!("{node}@{address}:{port}");
        controllers.into_iter().map(voter).collect::<Vec<_>>().join(",")
    }
}

/// Why a rack does not say this property: what follows from elsewhere cannot be said beside it.
fn decided(name: &str) -> Option<Mistake> {
    let at = ["properties", name];
    if REPLICAS.contains(&name) || IN_SYNC.contains(&name) {
        let what = format!("{name} follows from the number of brokers");
        return Some(mistake(&at, what, "set replication.most and replication.spare instead"));
    }
    let is = |known: &str| name == known || (known.ends_with('.') && name.starts_with(known));
    let (_, remedy) = DECIDED.iter().find(|(known, _)| is(known))?;
    Some(mistake(&at, format!("{name} follows from the rest of the file"), *remedy))
}

/// A server property as the brokers take it.
fn property(name: &str, value: &toml::Value) -> Result<(String, String), Mistake> {
    let at = ["properties", name];
    let allowed = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, b'.' | b'_' | b'-');
    if name.is_empty() || !name.bytes().all(allowed) {
        let what = format!("\"{name}\" is no server property");
        return Err(mistake(&at, what, "write it as Kafka does, in quotes: \"num.partitions\" = 16"));
    }
    let text = match value {
        toml::Value::String(text) => text.clone(),
        toml::Value::Integer(number) => number.to_string(),
        toml::Value::Float(number) => number.to_string(),
        toml::Value::Boolean(truth) => truth.to_string(),
        other => {
            let what = format!("{name} is of the kind {}", other.type_str());
            return Err(mistake(&at, what, "give it a text, a number, true or false"));
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

fn mistake(at: &[&str], what: String, remedy: impl Into<String>) -> Mistake {
    Mistake { at: at.iter().map(ToString::to_string).collect(), what, remedy: remedy.into() }
}
