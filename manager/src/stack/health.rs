//! How the stacks of a rack are, as one value: what reports show and what gates look at.
//!
//! Asking is each engine's own affair; what comes back is plain data, so that whatever is decided from it can
//! be decided again, and tested.

use std::collections::{BTreeMap, BTreeSet};

use pirack_swarm::object::Id;
use pirack_swarm::observed::{ObservedTask, TaskState};
use serde::Serialize;

use super::cassandra::CassandraHealth;
use super::kafka::KafkaHealth;
use super::stargate::StargateHealth;

/// The answer of one engine.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer<T> {
    /// It said how it is.
    Said(T),
    /// Nobody answered in time.
    Silent {
        /// What was tried and what came of it.
        reason: String,
    },
}

impl<T> Answer<T> {
    /// What it said.
    #[must_use]
    pub fn said(&self) -> Option<&T> {
        match self {
            Self::Said(health) => Some(health),
            Self::Silent { .. } => None,
        }
    }
}

/// Why a service has no task that runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Stopped {
    /// The last task that ended by itself, if one did: another one is another failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended: Option<Id>,
    /// What Docker says of it, or else of the task that is on its way.
    pub words: String,
}

/// What tasks tell of it: the engines are yet to be asked.
#[must_use]
pub fn of_tasks(tasks: &[ObservedTask]) -> StackHealth {
    let runs = |task: &&ObservedTask| task.is_wanted() && task.state == TaskState::Running;
    let running: BTreeSet<String> = tasks.iter().filter(runs).map(|task| task.service.clone()).collect();
    let old = tasks.iter().filter(runs).filter(|task| !task.present);
    let outdated = old.map(|task| task.service.clone()).collect();
    let mut stopped: BTreeMap<String, Vec<&ObservedTask>> = BTreeMap::new();
    for task in tasks.iter().filter(|task| !running.contains(&task.service)) {
        stopped.entry(task.service.clone()).or_default().push(task);
    }
    let told = |(service, tasks): (String, Vec<&ObservedTask>)| Some((service, stopped_by(&tasks)?));
    let stopped = stopped.into_iter().filter_map(told).collect();
    StackHealth { running, stopped, outdated, ..StackHealth::default() }
}

fn stopped_by(tasks: &[&ObservedTask]) -> Option<Stopped> {
    let age = |task: &&&ObservedTask| (task.since, task.created);
    let failed = |task: &&&ObservedTask| {
        task.present && matches!(task.state, TaskState::Failed | TaskState::Rejected | TaskState::Complete)
    };
    let ended = tasks.iter().filter(failed).max_by_key(age);
    let underway = tasks.iter().filter(|task| task.is_wanted() && !task.error.is_empty()).max_by_key(age);
    let last = ended.or(underway)?;
    let on = last.node.as_ref().map(|node| format!(" on {}", node.name)).unwrap_or_default();
    let words = format!("its task{on} is {}: {}", last.state, last.words());
    Some(Stopped { ended: ended.map(|task| task.id.clone()), words })
}

/// All of them, each where the rack has it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct StackHealth {
    /// The services that have a task which runs, by their own health checks.
    pub running: BTreeSet<String>,
    /// The services that have none, in Docker's own words.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub stopped: BTreeMap<String, Stopped>,
    /// The services that have changed, and whose task of before runs still: it looks well, and is about to stop.
    #[serde(skip)]
    pub outdated: BTreeSet<String>,
    /// Kafka.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kafka: Option<Answer<KafkaHealth>>,
    /// Cassandra.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cassandra: Option<Answer<CassandraHealth>>,
    /// Stargate, by board.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub stargate: BTreeMap<String, Answer<StargateHealth>>,
}

impl StackHealth {
    /// Whether a service runs.
    #[must_use]
    pub fn runs(&self, service: &str) -> bool {
        self.running.contains(service)
    }

    /// What Kafka said.
    #[must_use]
    pub fn kafka(&self) -> Option<&KafkaHealth> {
        self.kafka.as_ref()?.said()
    }

    /// What Cassandra said.
    #[must_use]
    pub fn cassandra(&self) -> Option<&CassandraHealth> {
        self.cassandra.as_ref()?.said()
    }
}
