//! What must be done inside a data service before or after a step, as plain data: commands in a node's container, and
//! what Kafka's cluster is told as a whole.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use serde::Serialize;
use uuid::Uuid;

use crate::stack::StackHealth;
use crate::stack::cassandra::{State, nodetool};
use crate::stack::exec::{Exec, ExecError, Ran};
use crate::stack::kafka::{self, Where};
use crate::stack::service::Engine;

/// How long a node may take to tell how far it is.
const TOLD: Duration = Duration::from_secs(20);

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    /// The node writes everything to disk and takes nothing more: what a stop alone would not do.
    Drain {
        /// Its board.
        board: String,
    },
    /// The node hands its data over to the others and leaves the ring.
    Decommission {
        /// Its board.
        board: String,
        /// Whether the ring may be left with fewer nodes than replicas.
        force: bool,
    },
    /// The ring gives a dead node's share to the others, out of the replicas that they have.
    Forget {
        /// The board that is asked.
        from: String,
        /// The dead node's board.
        board: String,
        /// Its identity in the ring.
        host_id: Uuid,
    },
    /// Every replica of Kafka's that lies on a board is made anew on another, and then goes.
    Vacate {
        /// Its board.
        board: String,
        /// Who may take them.
        onto: BTreeSet<String>,
    },
    /// Kafka counts a broker that is away no more among its own.
    Unregister {
        /// Its board.
        board: String,
    },
}

/// Whether a thing is to be done now: a plan is older than the moment of its steps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Due {
    /// It is.
    Now,
    /// It is not, and the step goes on without it, for this reason.
    Needless(String),
    /// What it was planned on is so no more.
    Aged(String),
}

/// Why it was not done.
#[derive(Debug, thiserror::Error)]
pub enum ActError {
    /// The command was not run.
    #[error("cannot {act}")]
    Exec {
        /// What was tried.
        act: Act,
        /// What came of it.
        #[source]
        source: ExecError,
    },
    /// The command failed.
    #[error(
        "cannot {act}: nodetool ends with {status} and says \"{words}\"; look into the node's log (pirack logs)"
    )]
    Failed {
        /// What was tried.
        act: Act,
        /// The exit status.
        status: i64,
        /// Its words.
        words: String,
    },
    /// Kafka's cluster did not do it.
    #[error("cannot {act}: {words}")]
    Kafka {
        /// What was tried.
        act: Act,
        /// What came of it.
        words: String,
    },
}

impl Act {
    /// Whether it is to be done, as the stacks are now. A node that serves nobody has nothing that a drain would
    /// save; one that is mended by its change, since its task does not run, must not be waited for.
    #[must_use]
    pub fn due(&self, health: &StackHealth) -> Due {
        let node = |board: &String| health.cassandra().and_then(|ring| ring.nodes.get(board));
        let serves = |board: &String| health.cassandra().is_some_and(|ring| ring.serves(board));
        let gossip = |board| node(board).and_then(|node| node.gossip.as_ref());
        match self {
            Self::Drain { board } if node(board).is_some_and(|node| node.cql.is_some()) => Due::Now,
            Self::Drain { board } if serves(board) && health.runs(&Engine::Cassandra.on(board)) => Due::Now,
            Self::Drain { board } => {
                Due::Needless(format!("Cassandra on {board} does not answer, and so is not drained"))
            }
            Self::Decommission { board, .. } => match gossip(board) {
                Some(gossip) if gossip.up && gossip.state != State::Leaving => Due::Now,
                _ => Due::Aged(format!("Cassandra on {board} is not up any more: looking again")),
            },
            Self::Forget { board, .. } => match gossip(board) {
                Some(gossip) if !gossip.up => Due::Now,
                _ => Due::Aged(format!("Cassandra on {board} is not down any more: looking again")),
            },
            Self::Vacate { board, .. } => match health.kafka() {
                Some(kafka) if kafka.has_to_move(board) => Due::Now,
                _ => Due::Needless(format!("nothing of Kafka has to be moved off {board}")),
            },
            Self::Unregister { board } => match health.kafka() {
                Some(kafka) if kafka.away.contains(board) => Due::Now,
                _ => Due::Aged(format!("{board}'s broker is not away any more: looking again")),
            },
        }
    }

    /// Whether it takes so long that whatever was planned with it must be planned anew.
    #[must_use]
    pub fn takes_long(&self) -> bool {
        matches!(self, Self::Decommission { .. } | Self::Forget { .. })
    }

    /// In which board's container it runs; nothing where a cluster is told as a whole.
    #[must_use]
    pub fn board(&self) -> Option<&str> {
        match self {
            Self::Drain { board } | Self::Decommission { board, .. } | Self::Forget { from: board, .. } => {
                Some(board)
            }
            Self::Vacate { .. } | Self::Unregister { .. } => None,
        }
    }

    /// How long it may take: a drain is bounded by what is in memory, what hands data over by what is on the disk.
    /// Kafka only notes what it is told.
    #[must_use]
    pub fn within(&self) -> Duration {
        match self {
            Self::Drain { .. } => Duration::from_secs(180),
            Self::Decommission { .. } | Self::Forget { .. } => Duration::from_secs(6 * 3600),
            Self::Vacate { .. } | Self::Unregister { .. } => Duration::from_secs(30),
        }
    }

    /// Does it. `cluster` is the rack's Kafka, where it has one.
    ///
    /// # Errors
    /// See [`ActError`].
    pub async fn run(&self, exec: &impl Exec, cluster: Option<&Where>) -> Result<(), ActError> {
        let refused = |words: String| ActError::Kafka { act: self.clone(), words };
        match (self, cluster) {
            (Self::Vacate { board, onto }, Some(cluster)) => {
                kafka::vacate(cluster, board, onto, self.within()).await.map(drop).map_err(refused)
            }
            (Self::Unregister { board }, Some(cluster)) => {
                kafka::unregister(cluster, board, self.within()).await.map_err(refused)
            }
            (Self::Vacate { .. } | Self::Unregister { .. }, None) => {
                Err(refused("the rack has no Kafka, or does not remember which".to_owned()))
            }
            (Self::Drain { board }, _) => self.nodetool(exec, board, &["drain"]).await,
            (Self::Decommission { board, force: true }, _) => {
                self.nodetool(exec, board, &["decommission", "--force"]).await
            }
            (Self::Decommission { board, force: false }, _) => {
                self.nodetool(exec, board, &["decommission"]).await
            }
            (Self::Forget { from, host_id, .. }, _) => {
                self.nodetool(exec, from, &["removenode", &host_id.to_string()]).await
            }
        }
    }

    /// How far it is while it lasts, where a node tells.
    pub async fn progress(&self, exec: &impl Exec) -> Option<String> {
        let Self::Decommission { board, .. } = self else { return None };
        let asked = exec.exec(board, Engine::Cassandra, &["nodetool", "netstats"], TOLD);
        let (sent, all) = nodetool::sent(&asked.await.ok()?.out)?;
        let megabytes = |bytes: u64| bytes / 1_000_000;
        Some(format!("{} of {} MB are sent", megabytes(sent), megabytes(all)))
    }

    async fn nodetool(&self, exec: &impl Exec, board: &str, words: &[&str]) -> Result<(), ActError> {
        let command = [&["nodetool"], words].concat();
        let ran = exec.exec(board, Engine::Cassandra, &command, self.within()).await;
        let ran = ran.map_err(|source| ActError::Exec { act: self.clone(), source })?;
        if ran.status == 0 {
            return Ok(());
        }
        let words = reason(&ran).to_owned();
        Err(ActError::Failed { act: self.clone(), status: ran.status, words })
    }
}

/// Why nodetool failed: what it calls an error stands before a stack trace that nobody wants to read.
fn reason(ran: &Ran) -> &str {
    let lines = || ran.err.lines().chain(ran.out.lines()).map(str::trim).filter(|line| !line.is_empty());
    let named = lines().find_map(|line| line.strip_prefix("error: ").or(line.strip_prefix("nodetool: ")));
    named.or_else(|| lines().take_while(|line| !line.starts_with("-- ")).last()).unwrap_or("nothing")
}

impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Drain { board } => write!(f, "drain Cassandra on {board}"),
            Self::Decommission { board, .. } => write!(f, "decommission Cassandra's node of {board}"),
            Self::Forget { board, .. } => write!(f, "give the share of {board}'s dead node to the others"),
            Self::Vacate { board, .. } => {
                write!(f, "move what lies on Kafka's broker of {board} to the others")
            }
            Self::Unregister { board } => write!(f, "strike {board}'s broker off Kafka's list"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodetool_is_quoted_with_what_it_calls_an_error_and_not_with_a_stack_trace() {
        let refused = "nodetool: Unsupported operation: Not enough live nodes to maintain replication factor\n\
            See 'nodetool help' or 'nodetool help <command>'.\n";
        let thrown = "error: Node in LEAVING state; wait for status to become normal or restart\n\
            -- StackTrace --\njava.lang.UnsupportedOperationException\n\tat java.base/java.lang.Thread.run(Unknown)\n";
        let said = |err: &str| reason(&Ran { status: 2, out: String::new(), err: err.to_owned() }).to_owned();
        assert_eq!(
            said(refused),
            "Unsupported operation: Not enough live nodes to maintain replication factor"
        );
        assert_eq!(said(thrown), "Node in LEAVING state; wait for status to become normal or restart");
        assert_eq!((said("Killed\n").as_str(), said("").as_str()), ("Killed", "nothing"));
    }
}
