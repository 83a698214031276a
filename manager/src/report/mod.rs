//! How a rack is: what its file declares beside what was seen, as plain data with a verdict and its reasons.
//!
//! [`report`] is pure: one look, what an apply would change and the rack give one [`Report`], whose reasons each
//! say what is wrong and what to do. Faces show it; [`show`] is the one for people's terminals.

mod board;
pub mod drift;
mod service;
pub mod show;
mod stacks;
pub mod support;
mod swarm;
mod verdict;

use std::net::{IpAddr, Ipv4Addr};

use jiff::Timestamp;
use pirack_swarm::spec::{Availability, Role};
use serde::Serialize;

pub use service::Service;
pub use swarm::Swarm;
pub use verdict::{Reason, Verdict};

use crate::look::{AgentWords, Look};
use crate::operation::lock::Lock;
use crate::rack::Rack;
use crate::stack::StackHealth;

/// How a rack is.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The rack's name.
    pub rack: String,
    /// When it was looked at, by the clock of whoever looked.
    pub at: String,
    /// How long looking took.
    pub took_seconds: f64,
    /// In a word.
    pub verdict: Verdict,
    /// Why it is no better: the worst first.
    pub reasons: Vec<Reason>,
    /// The managers; absent where none of them speaks for the swarm.
    pub swarm: Option<Swarm>,
    /// Why there is no swarm to speak of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub swarm_silence: Option<String>,
    /// Who changes the rack now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub under_way: Option<String>,
    /// The file's boards, in its order.
    pub boards: Vec<Board>,
    /// Whether the file wants an agent on every board.
    pub agents_declared: bool,
    /// Nodes of the rack's own that no board of the file is.
    pub strangers: Vec<String>,
    /// Services: those that the file means, and what else the rack owns.
    pub services: Vec<Service>,
    /// Kafka, Cassandra and Stargate in their own words.
    pub stacks: StackHealth,
    /// What an apply would change; absent where it cannot be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drift: Option<Vec<String>>,
    /// Why that is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drift_silence: Option<String>,
}

/// One board.
#[derive(Clone, Debug, Serialize)]
pub struct Board {
    /// Its name.
    pub name: String,
    /// Its address in the file.
    pub address: Ipv4Addr,
    /// What the file declares it to be.
    pub roles: Vec<&'static str>,
    /// Whether it should be in the swarm: all but an admin that is nothing else.
    pub member: bool,
    /// Why it does not answer; absent where it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub silence: Option<String>,
    /// Why its engine does not; absent where it does, or the board itself does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub engine_silence: Option<String>,
    /// Why its data disk is not in its place; absent where it is, or nobody could tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disk_astray: Option<String>,
    /// Its engine's version, from itself or, where it does not answer, as the managers heard it last.
    pub engine_version: Option<String>,
    /// What the engine says of its place in a swarm, where that is none: not joined, locked, failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub membership: Option<String>,
    /// Its node in the managers' eyes; absent where they do not know it.
    pub node: Option<Node>,
    /// Its agent; absent where it could not be asked about.
    pub agent: Option<AgentWords>,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent_silence: Option<String>,
}

/// A node of the swarm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Node {
    /// What it is there.
    pub role: Role,
    /// Docker's word: ready, down, unknown.
    pub state: &'static str,
    /// Docker's own words about that; empty where there is nothing to say.
    pub words: String,
    /// Whether it takes tasks.
    pub availability: Availability,
    /// Its place among the managers; none for a worker.
    pub manager: Option<Manager>,
    /// The address that the swarm has of it.
    pub address: Option<IpAddr>,
}

/// A manager among the managers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Manager {
    /// Whether the others reach it.
    pub reachable: bool,
    /// Whether it leads.
    pub leader: bool,
}

/// The report of one look at this rack, and of what an apply would change, a few words each, or why that cannot
/// be told.
#[must_use]
pub fn report(rack: &Rack, look: &Look, drift: &Result<Vec<String>, String>) -> Report {
    let mut report = Report {
        rack: rack.name.to_string(),
        at: time(look.at),
        took_seconds: look.took.as_secs_f64(),
        verdict: Verdict::Healthy,
        reasons: vec![],
        swarm: look.swarm.as_ref().ok().map(|seen| Swarm::of(&seen.observed.nodes)),
        swarm_silence: look.swarm.as_ref().err().cloned(),
        under_way: look.swarm.as_ref().ok().and_then(|seen| seen.lock.as_ref()).map(under_way),
        boards: rack.boards.iter().map(|board| board::board(board, look)).collect(),
        agents_declared: rack.agent.enabled,
        strangers: board::strangers(rack, look),
        services: service::services(rack, look),
        stacks: stacks::stacks(rack, look),
        drift: drift.as_ref().ok().cloned(),
        drift_silence: drift.as_ref().err().cloned(),
    };
    report.reasons = verdict::reasons(rack, &report);
    report.verdict = report.reasons.iter().map(|reason| reason.verdict).max().unwrap_or(Verdict::Healthy);
    report
}

fn under_way(lock: &Lock) -> String {
    format!("{} by {} (operation {})", lock.kind, lock.by, lock.operation)
}

fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[cfg(test)]
pub(crate) mod tests;
