//! Whether agents' records arrive: a rack whose brokers and nodes are well and get no records is not.
//!
//! Judged from a look alone. What is kept: only what is there to take a record is waited for, so topics and tables
//! that are still to be made, and boards that do not answer, hold nobody up.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use tokio::time::Instant;

use super::{Job, Look, OperationError, Run, come_up};
use crate::look::{AgentWords, Sink};
use crate::operation::seen::{BoardSeen, Seen};
use crate::operation::world::World;
use crate::rack::{BoardName, Rack};

/// How often agents are looked at: each look asks every board.
const LOOK: Duration = Duration::from_secs(2);
/// How long agents may take without one of them coming nearer: longer than an agent's longest pause between two
/// tries.
const STILL: Duration = Duration::from_secs(180);
/// So many records wait at any moment on a board whose records arrive, at the least: what was just made.
const FEWEST: u64 = 50;
/// Or what a board makes in so many seconds, of so many sources in each of its intervals.
const FRESH: Duration = Duration::from_secs(5);
const SOURCES: u64 = 20;

/// A board's sink that lacks records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::operation) struct Behind {
    board: BoardName,
    sink: &'static str,
    waiting: u64,
    /// Whether something keeps them back.
    failing: bool,
}

impl fmt::Display for Behind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { board, sink, waiting, failing } = self;
        match failing {
            true => {
                write!(f, "{sink} does not take the records of the agent on {board}, of which {waiting} wait")
            }
            false => write!(f, "{sink} has not got {waiting} records of the agent on {board} yet"),
        }
    }
}

/// The sinks that lack records, of the boards that answered.
pub(in crate::operation) fn behind(rack: &Rack, seen: &Seen) -> Vec<Behind> {
    if !rack.agent.enabled {
        return vec![];
    }
    let takes = |changes: &Option<Vec<String>>| changes.as_ref().is_some_and(Vec::is_empty);
    let kafka = (rack.kafka.is_some() && takes(&seen.data.topics)).then_some("kafka");
    let cassandra = (rack.cassandra.is_some() && takes(&seen.data.schema)).then_some("cassandra");
    let sinks: Vec<&'static str> = kafka.into_iter().chain(cassandra).collect();
    let agents = rack.boards.iter().filter_map(|board| match seen.boards.get(&board.name) {
        Some(BoardSeen::Reached(reached)) => Some((&board.name, reached.agent.as_ref()?)),
        _ => None,
    });
    let fresh = fresh(rack.agent.interval);
    let each = |(board, agent)| sinks.iter().filter_map(move |sink| lacks(board, agent, sink, fresh));
    agents.flat_map(each).collect()
}

/// How many records may be on their way to a sink that has all there is to have.
fn fresh(interval: Duration) -> u64 {
    let intervals = FRESH.as_millis() / interval.as_millis().max(1);
    FEWEST.max(u64::try_from(intervals).unwrap_or(u64::MAX).saturating_mul(SOURCES))
}

/// An agent that tells of no such sink has none.
fn lacks(board: &BoardName, agent: &AgentWords, name: &&'static str, fresh: u64) -> Option<Behind> {
    let Sink { waiting, failing, acknowledgement_age_seconds: age, .. } = *agent.sinks.get(*name)?;
    let behind = failing || age.is_none() || waiting > fresh;
    behind.then(|| Behind { board: board.clone(), sink: name, waiting, failing })
}

impl<W: World> Run<'_, W> {
    /// Waits until every sink has what the agents' queues hold.
    pub(super) async fn delivered<J: Job<W>>(
        &self,
        job: &J,
        first: Look<J::Rest>,
    ) -> Result<(), OperationError> {
        let what = "wait until the agents' records have arrived".to_owned();
        let underway = self.conductor.begin(what.clone(), self.done + 1, self.done + 1, LOOK)?;
        let (mut until, mut nearest) = (Instant::now() + STILL, u64::MAX);
        let (mut look, mut silent) = (first, BTreeSet::new());
        while let Some(behind) = look.behind.first() {
            let (sinks, records) =
                (look.behind.len(), look.behind.iter().map(|one| one.waiting).sum::<u64>());
            let why = match sinks {
                1 => behind.to_string(),
                more => format!("{behind}; and {} more", more - 1),
            };
            // As many sinks count before as many records.
            let distance = (sinks as u64).saturating_mul(1 << 40).saturating_add(records);
            if distance < nearest {
                (nearest, until) = (distance, Instant::now() + STILL);
            } else if Instant::now() >= until {
                let gate = "every agent's records arrive".to_owned();
                return Err(OperationError::Gate { step: what, gate, why, seconds: STILL.as_secs() });
            }
            underway.waits(&why);
            self.pause(LOOK).await?;
            let again = || async { Ok(job.look(self.world).await?) };
            look = come_up(self.conductor, again, |_| None).await?;
            self.tell_silent(&look.seen, &mut silent);
        }
        underway.done();
        Ok(())
    }

    /// A board that stops answering is not waited for, which is said once.
    fn tell_silent(&self, seen: &Seen, told: &mut BTreeSet<BoardName>) {
        for (board, words) in seen.boards.iter().filter_map(|(name, board)| match board {
            BoardSeen::Unreached(words) => Some((name, words)),
            BoardSeen::Reached(_) => None,
        }) {
            if told.insert(board.clone()) {
                self.conductor.note(&format!("the agent on {board} is not waited for: {words}"));
            }
        }
    }
}
