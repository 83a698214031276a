//! `topics.toml` to [`Declared`]: every value checked once, at the door.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;

use crate::stack::kafka::Replication;

/// The one source of what the rack's topics are.
const FILE: &str = include_str!("../../../../../images/kafka/topics.toml");
/// Derived from the number of replicas, so that the two can never contradict each other.
pub(super) const IN_SYNC: &str = "min.insync.replicas";
/// How long messages stay.
const RETENTION: &str = "retention.ms";
/// How long a segment takes messages.
const SEGMENT: &str = "segment.ms";
/// The rack's topics begin so; all others are guests'.
const OURS: &str = "rack.";
/// More partitions than any rack needs, and fewer than a board cannot hold.
const MOST_PARTITIONS: i32 = 1000;

/// What the rack's topics are to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declared {
    /// How often a message is kept.
    pub replication: Replication,
    /// The topics, in the order of the file.
    pub topics: Vec<Topic>,
}

/// One topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topic {
    /// Its name.
    pub name: String,
    /// How many partitions, for ever.
    pub partitions: i32,
    /// Its settings by Kafka's names, but for `min.insync.replicas`.
    pub settings: BTreeMap<String, String>,
}

/// Why `topics.toml` declares nothing.
#[derive(Debug, thiserror::Error)]
pub enum DeclaredError {
    /// Not TOML, or not of the file's shape.
    #[error("topics.toml cannot be read: compare it with images/kafka/topics.toml")]
    Shape(#[from] toml::de::Error),
    /// It can be read, and is wrong.
    #[error("topics.toml: {what}; {remedy}")]
    Wrong {
        /// What is wrong.
        what: String,
        /// What to do.
        remedy: &'static str,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFile {
    replication: RawReplication,
    #[serde(default)]
    settings: BTreeMap<String, toml::Value>,
    #[serde(default)]
    topic: Vec<RawTopic>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawReplication {
    most: usize,
    spare: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTopic {
    name: String,
    partitions: i32,
    #[serde(default)]
    settings: BTreeMap<String, toml::Value>,
}

impl Declared {
    /// What the program was built with.
    ///
    /// # Errors
    /// When that file is wrong, which a test makes sure it is not.
    pub fn built_in() -> Result<Self, DeclaredError> {
        Self::parse(FILE)
    }

    /// Checks a text.
    ///
    /// # Errors
    /// With the first thing that is wrong.
    pub fn parse(text: &str) -> Result<Self, DeclaredError> {
        let raw: RawFile = toml::from_str(text)?;
        let RawReplication { most, spare } = raw.replication;
        let replication = Replication::checked(most, spare).map_err(|(what, remedy)| wrong(what, remedy))?;
        let mut topics: Vec<Topic> = Vec::new();
        for RawTopic { name, partitions, settings } in raw.topic {
            if !name.strip_prefix(OURS).is_some_and(is_name) {
                return Err(wrong(format!("\"{name}\" is no topic of the rack"), "name it rack.SOMETHING"));
            }
            if topics.iter().any(|topic| topic.name == name) {
                return Err(wrong(format!("{name} stands there twice"), "take one of the two out"));
            }
            if !(1..=MOST_PARTITIONS).contains(&partitions) {
                let what = format!("{name}: partitions = {partitions}");
                return Err(wrong(what, "give it 1 to 1000"));
            }
            let mut all = raw.settings.clone();
            all.extend(settings);
            topics.push(Topic { partitions, settings: checked(&name, all)?, name });
        }
        if topics.is_empty() {
            return Err(wrong("no topic is declared".to_owned(), "add a [[topic]]"));
        }
        Ok(Self { replication, topics })
    }

    /// The same, but messages stay so long; a segment never takes messages for longer than that.
    #[must_use]
    pub fn keeping(mut self, retention: Duration) -> Self {
        let retention = retention.as_millis();
        for topic in &mut self.topics {
            topic.settings.insert(RETENTION.to_owned(), retention.to_string());
            let segment = topic.settings.get(SEGMENT).and_then(|text| text.parse::<u128>().ok());
            if let Some(segment) = segment {
                topic.settings.insert(SEGMENT.to_owned(), segment.min(retention).to_string());
            }
        }
        self
    }
}

/// A topic's settings as Kafka takes them.
fn checked(
    topic: &str,
    raw: BTreeMap<String, toml::Value>,
) -> Result<BTreeMap<String, String>, DeclaredError> {
    let mut settings = BTreeMap::new();
    for (key, value) in raw {
        if key == IN_SYNC {
            let what = format!("{topic}: {IN_SYNC} follows from the number of replicas");
            return Err(wrong(what, "set replication.spare instead"));
        }
        if key.is_empty() || !key.bytes().all(|c| c.is_ascii_lowercase() || c == b'.') {
            let what = format!("{topic}: \"{key}\" is no setting of a topic");
            return Err(wrong(what, "write it as Kafka does, in quotes: \"retention.ms\" = 86_400_000"));
        }
        let text = match value {
            toml::Value::String(text) => text,
            toml::Value::Integer(number) => number.to_string(),
            toml::Value::Boolean(truth) => truth.to_string(),
            other => {
                let what = format!("{topic}: {key} is a {}", other.type_str());
                return Err(wrong(what, "give it a text, a whole number, true or false"));
            }
        };
        settings.insert(key, text);
    }
    let milliseconds = |key: &str| settings.get(key).map(|text| text.parse::<u64>().unwrap_or(0));
    let (retention, segment) = (milliseconds(RETENTION), milliseconds(SEGMENT));
    match (retention, segment) {
        (Some(kept), Some(open)) if open > 0 && open <= kept => Ok(settings),
        _ => {
            let what = format!("{topic}: {RETENTION} and {SEGMENT} do not fit each other");
            Err(wrong(what, "give both in milliseconds, the segment's not above the retention"))
        }
    }
}

/// What may stand behind `rack.`: Kafka's letters, and no longer than Kafka's limit of 249 in all.
fn is_name(rest: &str) -> bool {
    let allowed = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'_' | b'-');
    (1..=249 - OURS.len()).contains(&rest.len()) && rest.bytes().all(allowed)
}

fn wrong(what: String, remedy: &'static str) -> DeclaredError {
    DeclaredError::Wrong { what, remedy }
}
