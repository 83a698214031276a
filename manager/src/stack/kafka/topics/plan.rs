//! Decides: what is declared and what a cluster shows, to the steps between. Touches nothing.

use std::collections::BTreeMap;

use serde::Serialize;

use super::declared::{Declared, IN_SYNC, Topic};

/// What a cluster shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observed {
    /// Brokers that are there now.
    pub brokers: usize,
    /// The declared topics that exist, by name.
    pub topics: BTreeMap<String, ObservedTopic>,
}

/// One topic as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ObservedTopic {
    /// Its partitions.
    pub partitions: Vec<Partition>,
    /// What is set at the topic itself; a broker's default is not.
    pub settings: BTreeMap<String, String>,
}

/// One partition as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Partition {
    /// Its number.
    pub number: i32,
    /// Whether a broker leads it.
    pub led: bool,
    /// On how many brokers it is to lie, those that are away included.
    pub replicas: usize,
}

/// What there is to do, what stays, and what must not be done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// In order.
    pub steps: Vec<Step>,
    /// Differences that stay.
    pub left: Vec<Left>,
    /// Differences that a person must resolve; with one of these nothing at all is done.
    pub refused: Vec<Refusal>,
}

/// One move.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum Step {
    /// A topic that is missing comes.
    Create {
        /// Its name.
        topic: String,
        /// How many partitions.
        partitions: i32,
        /// How many replicas of each.
        replicas: usize,
        /// All its settings.
        settings: BTreeMap<String, String>,
    },
    /// Settings of a topic change.
    Alter {
        /// Its name.
        topic: String,
        /// What changes.
        changes: Vec<Change>,
        /// Everything that is set at the topic afterwards: Kafka's AlterConfigs sets all or resets it.
        #[serde(skip)]
        whole: BTreeMap<String, String>,
    },
}

/// One setting that changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// Its name.
    pub setting: String,
    /// What it is; absent where the topic takes its broker's default.
    pub from: Option<String>,
    /// What it becomes.
    pub to: String,
}

/// A difference that stays, each displayed as a sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Left {
    /// Somebody else set it.
    #[error("{topic}: {setting} = {value} was set by somebody else and stays")]
    Setting {
        /// Where.
        topic: String,
        /// Its name.
        setting: String,
        /// Its value.
        value: String,
    },
    /// The cluster has grown since the topic was created.
    #[error(
        "{topic} lies on {replicas} of {brokers} brokers and could lie on {wanted}: move it with Kafka's own kafka-reassign-partitions, then apply again"
    )]
    Fewer {
        /// Which topic.
        topic: String,
        /// Its replicas.
        replicas: usize,
        /// How many it would be created with now.
        wanted: usize,
        /// Brokers there are.
        brokers: usize,
    },
    /// Brokers are away, or are gone.
    #[error(
        "{topic} has {replicas} replicas and only {brokers} brokers are there: none is taken away; bring the others back"
    )]
    Away {
        /// Which topic.
        topic: String,
        /// Its replicas.
        replicas: usize,
        /// Brokers there are.
        brokers: usize,
    },
}

/// What must not be done, each displayed as a letter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A board would move to another partition.
    #[error(
        "{topic} has {observed} partitions and topics.toml says {declared}: a partition count never changes, because every board would move to another partition and its records be out of order; write partitions = {observed}, or read the topic empty, delete it and apply again"
    )]
    Partitions {
        /// Which topic.
        topic: String,
        /// How many there are.
        observed: usize,
        /// How many are declared.
        declared: i32,
    },
    /// A copy would be thrown away.
    #[error(
        "{topic} has {observed} replicas and topics.toml says at most {most}: a replica is never taken away by apply; write most = {observed}, or move the topic with Kafka's own kafka-reassign-partitions"
    )]
    Shrink {
        /// Which topic.
        topic: String,
        /// How many there are.
        observed: usize,
        /// How many are declared.
        most: usize,
    },
}

impl Plan {
    /// Whether a topic is missing: then the number of brokers decides how it is created, for good.
    #[must_use]
    pub fn creates(&self) -> bool {
        self.steps.iter().any(|step| matches!(step, Step::Create { .. }))
    }
}

/// The steps from what is observed to what is declared.
#[must_use]
pub fn plan(declared: &Declared, observed: &Observed) -> Plan {
    let mut plan = Plan::default();
    for topic in &declared.topics {
        match observed.topics.get(&topic.name) {
            None => plan.steps.push(create(declared, topic, observed.brokers)),
            Some(found) => compare(&mut plan, declared, topic, found, observed.brokers),
        }
    }
    plan
}

/// Every partition of a declared topic that nobody leads yet, and every topic without one; as text.
#[must_use]
pub fn leaderless(declared: &Declared, observed: &Observed) -> Vec<String> {
    let mut waiting = Vec::new();
    for topic in &declared.topics {
        match observed.topics.get(&topic.name) {
            None => waiting.push(topic.name.clone()),
            Some(found) => {
                let unled = found.partitions.iter().filter(|partition| !partition.led);
                waiting.extend(unled.map(|partition| format!("{} {}", topic.name, partition.number)));
            }
        }
    }
    waiting
}

fn create(declared: &Declared, topic: &Topic, brokers: usize) -> Step {
    let replicas = declared.replication.replicas(brokers);
    Step::Create {
        topic: topic.name.clone(),
        partitions: topic.partitions,
        replicas,
        settings: wanted(declared, topic, replicas),
    }
}

/// All settings of a topic with so many replicas.
fn wanted(declared: &Declared, topic: &Topic, replicas: usize) -> BTreeMap<String, String> {
    let mut settings = topic.settings.clone();
    settings.insert(IN_SYNC.to_owned(), declared.replication.in_sync(replicas).to_string());
    settings
}

fn compare(plan: &mut Plan, declared: &Declared, topic: &Topic, found: &ObservedTopic, brokers: usize) {
    let name = || topic.name.clone();
    if usize::try_from(topic.partitions) != Ok(found.partitions.len()) {
        plan.refused.push(Refusal::Partitions {
            topic: name(),
            observed: found.partitions.len(),
            declared: topic.partitions,
        });
    }
    let counts = || found.partitions.iter().map(|partition| partition.replicas);
    // A topic is as safe as its worst partition; Kafka's own tools can make them differ.
    let (fewest, most) = (counts().min().unwrap_or(1).max(1), counts().max().unwrap_or(1));
    let limit = declared.replication.most;
    let now = declared.replication.replicas(brokers);
    if most > limit {
        plan.refused.push(Refusal::Shrink { topic: name(), observed: most, most: limit });
        return;
    } else if most > brokers {
        plan.left.push(Left::Away { topic: name(), replicas: most, brokers });
    } else if fewest < now {
        plan.left.push(Left::Fewer { topic: name(), replicas: fewest, wanted: now, brokers });
    }
    let wanted = wanted(declared, topic, fewest);
    for (setting, value) in &found.settings {
        if !wanted.contains_key(setting) {
            plan.left.push(Left::Setting { topic: name(), setting: setting.clone(), value: value.clone() });
        }
    }
    let changes: Vec<Change> = (wanted.iter())
        .filter(|(setting, to)| found.settings.get(*setting) != Some(*to))
        .map(|(setting, to)| {
            let from = found.settings.get(setting).cloned();
            Change { setting: setting.clone(), from, to: to.clone() }
        })
        .collect();
    if !changes.is_empty() {
        let mut whole = found.settings.clone();
        whole.extend(wanted);
        plan.steps.push(Step::Alter { topic: name(), changes, whole });
    }
}
