//! Agents of the fake: each has a backlog for both sinks when it begins, and gets rid of it look by look once there
//! is something that takes it.

use std::collections::BTreeMap;

use super::FakeRack;
use crate::look::{DataSeen, Sink};

/// Records that wait when an agent begins.
const BACKLOG: u64 = 120;
/// Records that arrive between two looks.
const ARRIVE: u64 = 50;

/// The sinks of an agent that has just begun: nobody has taken a record yet.
pub(super) fn begun() -> BTreeMap<String, Sink> {
    let sink = Sink { waiting: BACKLOG, failing: true, ..Sink::default() };
    ["kafka", "cassandra"].map(|name| (name.to_owned(), sink)).into()
}

impl FakeRack {
    /// Time passes for the agents of all boards that have power.
    pub(super) fn records_arrive(&self, data: &DataSeen) {
        let mut state = self.state();
        let (away, stuck) = (state.away.clone(), state.stuck.clone());
        let takes = |made: &Option<Vec<String>>| made.as_ref().is_some_and(Vec::is_empty);
        for (board, agent) in state.agents.iter_mut().filter(|(board, _)| !away.contains(*board)) {
            for (name, sink) in &mut agent.sinks {
                let answers = if name == "kafka" { takes(&data.topics) } else { takes(&data.schema) };
                sink.failing = !answers || stuck.contains(&(board.to_string(), name.clone()));
                if !sink.failing {
                    sink.waiting = sink.waiting.saturating_sub(ARRIVE);
                    sink.acknowledgement_age_seconds = Some(1.0);
                }
            }
        }
    }

    /// From now on this sink takes nothing of this board's agent.
    pub(in crate::operation) fn refuses_records(&self, board: &str, sink: &str) {
        self.state().stuck.insert((board.to_owned(), sink.to_owned()));
    }

    /// So many more records were made on this board.
    pub(in crate::operation) fn records(&self, board: &str, made: u64) {
        let name: crate::rack::BoardName = board.parse().unwrap();
        let mut state = self.state();
        let sinks = state.agents.entry(name).or_default().sinks.values_mut();
        sinks.for_each(|sink| sink.waiting += made);
    }

    /// Records that wait on each board, for all sinks together.
    pub(in crate::operation) fn records_waiting(&self) -> BTreeMap<String, u64> {
        let state = self.state();
        let of = |agent: &crate::look::AgentWords| agent.sinks.values().map(|sink| sink.waiting).sum();
        state.agents.iter().map(|(board, agent)| (board.to_string(), of(agent))).collect()
    }
}
