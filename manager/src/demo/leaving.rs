//! What agents leave behind. Each is asked by itself: one that ends badly, or not at all, costs no other
//! its farewell and stays in the reckoning with what it had counted.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use pirack_agent::run::{Agent, Counts, Farewell, Tally};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

use super::rack::RackError;

/// How long an agent may take to end besides its draining: a last read, and what it gives its disk.
const CLOSING: Duration = Duration::from_secs(35);

/// One agent's end.
pub(super) struct Leaving {
    /// Whose.
    pub(super) board: String,
    /// Its counters at the end.
    pub(super) counts: Counts,
    /// What it appended, what waits, what was given up; nothing where it could not say.
    pub(super) farewell: Option<Farewell>,
    /// What went wrong.
    pub(super) fault: Option<RackError>,
}

/// An agent that was told to end.
struct End {
    board: String,
    tally: Arc<Tally>,
    task: JoinHandle<Farewell>,
}

/// Stops every agent, all at once; each ships for up to `drain` what waits.
pub(super) async fn stop_all(agents: BTreeMap<String, Agent>, drain: Duration) -> Vec<Leaving> {
    let end = |(board, agent): (String, Agent)| End {
        board,
        tally: agent.tally(),
        task: tokio::spawn(agent.stop(drain)),
    };
    gather(agents.into_iter().map(end).collect(), Instant::now() + drain + CLOSING).await
}

async fn gather(ends: Vec<End>, deadline: Instant) -> Vec<Leaving> {
    let mut leavings = Vec::with_capacity(ends.len());
    for End { board, tally, mut task } in ends {
        let (farewell, fault) = match timeout_at(deadline, &mut task).await {
            Ok(Ok(mut farewell)) => {
                let closed = std::mem::replace(&mut farewell.closed, Ok(()));
                (Some(farewell), closed.err().map(RackError::Agent))
            }
            Ok(Err(_panicked)) => (None, Some(RackError::Broken { board: board.clone() })),
            Err(_elapsed) => {
                task.abort();
                (None, Some(RackError::Unended { board: board.clone() }))
            }
        };
        leavings.push(Leaving { board, counts: tally.counts(), farewell, fault });
    }
    leavings
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use pirack_agent::run::RunError;

    use super::*;

    fn farewell(board: &str, closed: Result<(), RunError>) -> Farewell {
        Farewell {
            board: board.parse().unwrap(),
            queue: uuid::Uuid::from_u128(1),
            appended: 0..7,
            waiting: 5..7,
            backlog: 2,
            losses: Vec::new(),
            closed,
        }
    }

    fn end(board: &str, future: impl Future<Output = Farewell> + Send + 'static) -> End {
        End { board: board.to_owned(), tally: Arc::default(), task: tokio::spawn(future) }
    }

    #[tokio::test(start_paused = true)]
    async fn one_agents_bad_end_costs_no_other_its_farewell() {
        let hung = Err(RunError::Hung { board: "w1".parse().unwrap() });
        let ends = vec![
            end("w1", async { farewell("w1", hung) }),
            end("w2", pending()),
            end("w3", async { panic!("on purpose") }),
            end("w4", async { farewell("w4", Ok(())) }),
        ];
        let leavings = gather(ends, Instant::now() + Duration::from_secs(10)).await;
        let boards: Vec<_> = leavings.iter().map(|leaving| leaving.board.as_str()).collect();
        assert_eq!(boards, ["w1", "w2", "w3", "w4"], "each is in the reckoning");
        let faults: Vec<_> = leavings.iter().map(|leaving| leaving.fault.as_ref()).collect();
        assert!(matches!(
            faults[..],
            [
                Some(RackError::Agent(_)),
                Some(RackError::Unended { .. }),
                Some(RackError::Broken { .. }),
                None
            ]
        ));
        let told: Vec<_> = leavings.iter().map(|leaving| leaving.farewell.is_some()).collect();
        assert_eq!(told, [true, false, false, true]);
    }
}
