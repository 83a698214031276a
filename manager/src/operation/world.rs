//! What an operation can see of a rack and do to it: the edge between deciding and boards, engines, stacks.
//!
//! One [`World`] is real ([`super::real`]), one keeps the same rules without a board (`testing`). Each call is
//! one thing with one outcome; none of them waits for what comes of it, and none decides.

use std::collections::BTreeMap;
use std::future::Future;

use pirack_swarm::engine::{Engine, EngineError};
use pirack_swarm::host::Pulled;

use super::lock::Lock;
use super::plan::Act;
use super::seen::{Glance, Kept, Seen};
use crate::bootstrap::fix::Fix;
use crate::bootstrap::preflight::Report;
use crate::rack::{Board, BoardName, Rack};
use crate::stack::roll;

/// What is said while a swarm has no leader.
pub(super) const UNLED: &str = "no manager answers for the swarm yet: looking again";

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
pub enum WorldError {
    /// The swarm's manager refused, or did not answer.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// No manager of the swarm answers.
    #[error("no manager of the swarm can be reached: {0}")]
    NoManager(String),
    /// A board refused, or could not be reached.
    #[error("{what} on board {board}")]
    Board {
        /// Which.
        board: BoardName,
        /// What was tried.
        what: String,
        /// What came of it.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Not yet, and whoever asks again may find it otherwise.
    #[error("{what} on board {board}: {why}")]
    Busy {
        /// Where.
        board: BoardName,
        /// What was tried.
        what: String,
        /// What is in the way.
        why: String,
    },
    /// What the rack remembers of itself has no text.
    #[error("what the rack remembers cannot be written down, which is a fault of pirack: please report it")]
    Identity(#[from] serde_json::Error),
    /// Kafka or Cassandra refused.
    #[error("{what}")]
    Stack {
        /// What was tried.
        what: String,
        /// What came of it.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl WorldError {
    /// What to say where another look may well show another way: the world has moved, or its managers are choosing a
    /// leader. What was asked for may have been done all the same.
    #[must_use]
    pub fn passing(&self) -> Option<&'static str> {
        match self {
            // Whoever was asked managed a moment ago, and was demoted since, by this very step perhaps.
            Self::Engine(error) if error.is_stale() || matches!(error, EngineError::NotManager { .. }) => {
                Some("the swarm has moved meanwhile: looking again")
            }
            Self::Engine(EngineError::NoLeader { .. }) | Self::NoManager(_) => Some(UNLED),
            _ => None,
        }
    }

    /// Whether the same question may well be answered a moment later, with nothing done in between. It goes to whichever
    /// engine manages then: to another, where this one was demoted.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Engine(EngineError::NotManager { .. }) | Self::NoManager(_) => true,
            Self::Engine(error) => error.is_transient(),
            _ => false,
        }
    }
}

/// A future of what came of it.
pub trait Doing<T>: Future<Output = Result<T, WorldError>> + Send {}
impl<T, F: Future<Output = Result<T, WorldError>> + Send> Doing<T> for F {}

/// Whoever hears how far something is, in words.
pub type Tell<'a> = &'a (dyn Fn(&str) + Send + Sync);

/// How far a pull is, in words.
pub(super) fn pulled(pulled: &Pulled) -> String {
    let megabytes = |bytes: u64| bytes / 1_000_000;
    format!("{} of {} MB have come", megabytes(pulled.bytes), megabytes(pulled.of))
}

/// A rack's boards, swarm and stacks.
pub trait World: Send + Sync {
    /// The swarm's engine.
    type Engine: Engine;

    /// One look at everything. What cannot be seen says so in its place.
    fn see(&self, rack: &Rack) -> impl Future<Output = Seen> + Send;

    /// The part of a look that is asked for again and again: no board is asked for what it has.
    fn glance(&self, rack: &Rack) -> impl Future<Output = Glance> + Send;

    /// The data on each board that answers: for whoever takes them away.
    fn kept(&self, rack: &Rack) -> impl Future<Output = Kept> + Send;

    /// What preflight finds on these boards. It changes nothing.
    fn inspect(&self, rack: &Rack, boards: &[&Board]) -> impl Future<Output = Report> + Send;

    /// Mends one of its findings; what was done, in lines.
    fn mend(&self, fix: &Fix) -> impl Doing<Vec<String>>;

    /// The swarm, through a manager that answers now.
    fn engine(&self) -> impl Doing<&Self::Engine>;

    /// Begins a swarm on this board, with these labels from its first moment.
    fn begin(&self, rack: &Rack, board: &BoardName, labels: BTreeMap<String, String>) -> impl Doing<()>;

    /// Does what only boards and stacks themselves can: all acts but [`Act::Begin`], [`Act::Remember`] and
    /// [`Act::Swarm`]. `tell` hears how far it is, where anybody tells.
    fn act(&self, rack: &Rack, act: &Act, tell: Tell<'_>) -> impl Doing<()>;

    /// Does what must be done inside a data service before a step or after it.
    fn prepare(&self, rack: &Rack, act: &roll::Act) -> impl Doing<()>;

    /// How far that is while it lasts, in words, where anybody tells.
    fn progress(&self, act: &roll::Act) -> impl Future<Output = Option<String>> + Send;

    /// What the lock's file on this board holds, be it a lock or not.
    fn lock_file(&self, board: &BoardName) -> impl Doing<Option<Vec<u8>>>;

    /// Writes the lock's file, where there is none (`over` is none) or where it holds just what `over` says.
    /// Whether it was so.
    fn write_lock_file(&self, board: &BoardName, lock: &Lock, over: Option<&[u8]>) -> impl Doing<bool>;

    /// Takes the lock's file away, if it is that one.
    fn unlock_file(&self, board: &BoardName, lock: &Lock) -> impl Doing<()>;
}

/// Something that was tried on a board and failed.
pub(super) fn failed(
    board: &BoardName,
    what: &str,
    source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> WorldError {
    WorldError::Board { board: board.clone(), what: what.to_owned(), source: source.into() }
}
