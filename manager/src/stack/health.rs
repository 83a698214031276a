//! How the stacks of a rack are, as one value: what reports show and what gates look at.
//!
//! Asking is each engine's own affair; what comes back is plain data, so that whatever is decided from it can
//! be decided again, and tested.

use std::collections::{BTreeMap, BTreeSet};

use pirack_swarm::object::Id;
use pirack_swarm::observed::{ObservedNode, ObservedTask, TaskState};
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
pub fn of_tasks(tasks: &[ObservedTask], nodes: &[ObservedNode]) -> StackHealth {
    let runs = |task: &&ObservedTask| task.is_wanted() && task.state == TaskState::Running;
    let running: BTreeSet<String> = tasks.iter().filter(runs).map(|task| task.service.clone()).collect();
    let has_begun = |task: &ObservedTask| matches!(task.state, TaskState::Starting | TaskState::Running);
    let outdated = tasks.iter().filter(|task| match running.contains(&task.service) {
        true => runs(task) && !task.present,
        false => !task.is_wanted() && has_begun(task) && !task.is_away(nodes),
    });
    let outdated = outdated.map(|task| task.service.clone()).collect();
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
    /// The services that have changed, or stop, and whose task of before runs still: it looks well until it has ended.
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

#[cfg(test)]
mod tests {
    use pirack_swarm::observed::NodeState;

    use super::*;
    use crate::report::tests::racks::{node, task};

    #[test]
    fn a_service_stops_until_its_task_of_before_has_ended_or_its_board_is_away() {
        let unwanted = |state| ObservedTask { desired: TaskState::Shutdown, ..task("kafka-b1", 0, state) };
        let old = ObservedTask { present: false, ..task("kafka-b1", 0, TaskState::Running) };
        let (up, mut down) = (node(0), node(0));
        down.state = NodeState::Down;
        let stops = |tasks: &[ObservedTask], node: &ObservedNode| {
            of_tasks(tasks, std::slice::from_ref(node)).outdated.contains("kafka-b1")
        };
        let next = || task("kafka-b1", 0, TaskState::Ready);
        assert!(stops(&[old], &up), "its managers have not begun to replace it");
        assert!(stops(&[unwanted(TaskState::Running), next()], &up), "it was told to stop");
        assert!(stops(&[unwanted(TaskState::Starting)], &up));
        assert!(!stops(&[unwanted(TaskState::Shutdown), next()], &up), "it has ended");
        assert!(!stops(&[unwanted(TaskState::Running), next()], &down), "and never tells its end");
        let runs = task("kafka-b1", 0, TaskState::Running);
        assert!(!stops(&[runs, unwanted(TaskState::Running)], &up), "its new task runs");
    }
}
