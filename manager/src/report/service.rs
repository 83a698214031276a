//! Services: how many tasks are wanted, how many run, and why one does not, in Docker's own words.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use pirack_swarm::observed::{ObservedTask, TaskState};
use pirack_swarm::spec::{Scale, ServiceSpec};
use serde::Serialize;

use crate::look::Look;
use crate::rack::{BoardName, Rack};
use crate::stack::{BOARD, Engine};

/// For how long ended tasks count as restarts.
const RECENT: SignedDuration = SignedDuration::from_mins(10);

/// One service.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Service {
    /// Its name.
    pub name: String,
    /// Whether the rack's file means it.
    pub declared: bool,
    /// Whether the swarm has it.
    pub exists: bool,
    /// Tasks that should run.
    pub wanted: u64,
    /// Tasks that do.
    pub running: u64,
    /// The boards where they do.
    pub boards: BTreeSet<String>,
    /// The one board that it belongs on, where there is such a one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pinned: Option<String>,
    /// Tasks that ended by themselves within the last ten minutes; Docker remembers a few of each slot, so it
    /// may have been more.
    pub recent_restarts: u64,
    /// For how many seconds the youngest of its tasks has run.
    pub running_seconds: Option<f64>,
    /// Why not all run: the newest task's state and Docker's words about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// Those that the file means, by name, then what else the rack owns.
pub(super) fn services(rack: &Rack, look: &Look) -> Vec<Service> {
    let declared = declared(rack);
    let Ok(swarm) = &look.swarm else {
        return declared.iter().map(|(name, wanted)| missing(name, *wanted, None)).collect();
    };
    let mut tasks: BTreeMap<&str, Vec<&ObservedTask>> = BTreeMap::new();
    for task in &swarm.tasks {
        tasks.entry(task.service.as_str()).or_default().push(task);
    }
    let held: BTreeMap<&str, &ServiceSpec> =
        swarm.observed.services.iter().map(|held| (held.spec.name.as_str(), &held.spec)).collect();
    let of = |name: &str| tasks.get(name).map_or(&[][..], Vec::as_slice);
    let mut all: Vec<Service> = (declared.iter())
        .map(|(name, wanted)| match held.get(name.as_str()) {
            Some(spec) => service(spec, of(name), look.at, true),
            None => missing(name, *wanted, Some("the swarm has no such service")),
        })
        .collect();
    let others = held.values().filter(|spec| {
        pirack_swarm::owner(&spec.labels) == Some(rack.name.as_str()) && !declared.contains_key(&spec.name)
    });
    all.extend(others.map(|spec| service(spec, of(&spec.name), look.at, false)));
    all
}

/// The services that a file means, with how many tasks each has.
fn declared(rack: &Rack) -> BTreeMap<String, u64> {
    let mut named: BTreeSet<(Engine, &BoardName)> = BTreeSet::new();
    if let Some(kafka) = &rack.kafka {
        named.extend(kafka.brokers.iter().chain(&kafka.voters).map(|board| (Engine::Kafka, board)));
    }
    if let Some(cassandra) = &rack.cassandra {
        named.extend(cassandra.nodes.iter().map(|board| (Engine::Cassandra, board)));
    }
    if let Some(stargate) = &rack.stargate {
        named.extend(stargate.boards.iter().map(|board| (Engine::Stargate, board)));
        named.extend(stargate.boards.iter().map(|board| (Engine::Graphql, board)));
    }
    let pinned = named.into_iter().map(|(engine, board)| (engine.on(board.as_str()), 1));
    pinned.chain(rack.apps.iter().map(|app| (app.name.to_string(), app.replicas))).collect()
}

fn missing(name: &str, wanted: u64, why: Option<&str>) -> Service {
    Service {
        name: name.to_owned(),
        declared: true,
        exists: false,
        wanted,
        running: 0,
        boards: BTreeSet::new(),
        pinned: None,
        recent_restarts: 0,
        running_seconds: None,
        why: why.map(str::to_owned),
    }
}

fn service(spec: &ServiceSpec, tasks: &[&ObservedTask], at: Timestamp, declared: bool) -> Service {
    let wanted_tasks: Vec<_> = tasks.iter().filter(|task| task.is_wanted()).collect();
    let running: Vec<_> = wanted_tasks.iter().filter(|task| task.state == TaskState::Running).collect();
    let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
    let wanted = match spec.scale {
        Scale::Replicas(replicas) => replicas,
        Scale::Global => count(wanted_tasks.len()),
    };
    let youngest = running.iter().filter_map(|task| task.since).max();
    let running_count = count(running.len());
    Service {
        name: spec.name.clone(),
        declared,
        exists: true,
        wanted,
        running: running_count,
        boards: running.iter().filter_map(|task| Some(task.node.as_ref()?.name.clone())).collect(),
        pinned: spec.labels.get(BOARD).cloned(),
        recent_restarts: count(tasks.iter().filter(|task| ended_by_itself(task, at)).count()),
        running_seconds: youngest.map(|since| at.duration_since(since).as_secs_f64().max(0.0)),
        why: (running_count < wanted).then(|| why(tasks)),
    }
}

/// What the managers say of a task whose board lost a label that it stands by.
const MOVED_AWAY: &str = "assigned node no longer meets constraints";

/// A task that was replaced by a change is `shutdown`, and is none; nor is one whose board lost its label.
fn ended_by_itself(task: &ObservedTask, at: Timestamp) -> bool {
    let ended = matches!(task.state, TaskState::Failed | TaskState::Rejected | TaskState::Complete);
    ended && task.error != MOVED_AWAY && task.since.is_some_and(|since| at.duration_since(since) < RECENT)
}

/// What the newest tasks say: the newest that does not run, and where it only waits, the newest that failed.
fn why(tasks: &[&ObservedTask]) -> String {
    let newest = |holds: &dyn Fn(&ObservedTask) -> bool| {
        tasks.iter().filter(|task| holds(task)).max_by_key(|task| task.created.or(task.since))
    };
    let Some(now) = newest(&|task| task.state != TaskState::Running) else {
        return "the managers have made no task for it yet".to_owned();
    };
    let told = |task: &ObservedTask| {
        let exit = task.exit_code.filter(|code| *code != 0 && task.error.is_empty());
        let place = task.node.as_ref().map(|node| format!(" on {}", node.name)).unwrap_or_default();
        let words = match (task.words(), exit) {
            ("", Some(code)) => format!(": exit status {code}"),
            ("", None) => String::new(),
            (words, _) => format!(": {words}"),
        };
        format!("{}{place}{words}", task.state)
    };
    let failed = newest(&|task| !task.error.is_empty() && task.id != now.id);
    match failed {
        Some(before) if now.error.is_empty() => format!("{}; before it {}", told(now), told(before)),
        _ => told(now),
    }
}
