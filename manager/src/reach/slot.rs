//! One board: its connection, and the attempt at one.
//!
//! An attempt is a task of its own. Whoever loses patience leaves it running, and whoever asks meanwhile waits
//! for the same one; a board that failed before is given a moment, and then its last words are told.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};
use pirack_swarm::docker::{Deadlines, DockerEngine};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::{Reached, chain};
use crate::bootstrap::link::{Doors, Link};
use crate::rack::Board;

/// How long an engine that was there may take for a sign of life, before its connection is looked at.
const PING: Duration = Duration::from_secs(2);
/// How long a board that failed at the last attempt is waited for.
const MOMENT: Duration = Duration::from_millis(300);

/// One board.
pub(super) struct Slot {
    kept: Arc<Kept>,
    attempt: Mutex<Option<Attempt>>,
}

/// What stays from one attempt to the next: a link is made anew under itself.
struct Kept {
    board: Board,
    doors: Arc<Doors>,
    link: OnceLock<Arc<Link>>,
    engine: OnceLock<DockerEngine>,
    /// Why the last attempt failed; nothing where it did not.
    words: Mutex<Option<String>>,
}

/// What comes of an attempt, for everybody who waits for it.
type Outcome = Shared<BoxFuture<'static, Result<Reached, String>>>;

struct Attempt {
    outcome: Outcome,
    task: JoinHandle<()>,
}

impl Slot {
    pub(super) fn of(board: Board, doors: Arc<Doors>) -> Self {
        let (link, engine, words) = (OnceLock::new(), OnceLock::new(), Mutex::default());
        let kept = Kept { board, doors, link, engine, words };
        Self { kept: Arc::new(kept), attempt: Mutex::default() }
    }

    /// Whether that board is reached this way.
    pub(super) fn is_at(&self, board: &Board) -> bool {
        let own = &self.kept.board;
        (&own.name, own.address, &own.access) == (&board.name, board.address, &board.access)
    }

    /// The engine as it was reached once; whether it answers now nobody knows.
    pub(super) fn engine(&self) -> Option<&DockerEngine> {
        self.kept.engine.get()
    }

    pub(super) async fn reach(&self, within: Duration) -> Result<Reached, String> {
        let before = self.kept.words().clone();
        let patience = if before.is_some() { MOMENT.min(within) } else { within };
        match timeout(patience, self.attempt()).await {
            Ok(outcome) => outcome,
            Err(_) => {
                let words = before.unwrap_or_else(|| format!("no answer within {} s", within.as_secs()));
                *self.kept.words() = Some(words.clone());
                Err(words)
            }
        }
    }

    /// The attempt that is under way, or a new one.
    fn attempt(&self) -> Outcome {
        let mut attempt = self.attempt.lock().unwrap_or_else(PoisonError::into_inner);
        match &*attempt {
            Some(current) if !current.task.is_finished() => current.outcome.clone(),
            _ => attempt.insert(Attempt::begin(Arc::clone(&self.kept))).outcome.clone(),
        }
    }
}

impl Attempt {
    fn begin(kept: Arc<Kept>) -> Self {
        let (told, hears) = tokio::sync::oneshot::channel();
        let task = tokio::spawn(async move {
            let outcome = kept.connect().await;
            *kept.words() = outcome.as_ref().err().cloned();
            // Nobody may be waiting any more.
            drop(told.send(outcome));
        });
        let outcome = async { hears.await.unwrap_or_else(|_| Err("the attempt was broken off".to_owned())) };
        Self { outcome: outcome.boxed().shared(), task }
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Kept {
    fn words(&self) -> MutexGuard<'_, Option<String>> {
        self.words.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn connect(&self) -> Result<Reached, String> {
        if let (Some(link), Some(engine)) = (self.link.get(), self.engine.get()) {
            // One question tells of the connection and of the engine.
            if matches!(timeout(PING, engine.client().ping()).await, Ok(Ok(_))) {
                return Ok(Reached { link: Arc::clone(link), engine: Ok(engine.clone()) });
            }
        }
        let link = match self.link.get() {
            Some(link) => {
                link.renew().await.map_err(|error| chain(&error))?;
                link
            }
            None => {
                let link = self.doors.open(&self.board).await.map_err(|error| chain(&error))?;
                self.link.get_or_init(|| link)
            }
        };
        Ok(Reached { link: Arc::clone(link), engine: self.engine_over(link).await })
    }

    async fn engine_over(&self, link: &Link) -> Result<DockerEngine, String> {
        let docker = link.docker().await.map_err(|error| chain(&error))?;
        let over = || DockerEngine::over(self.board.name.as_str(), docker, Deadlines::default());
        Ok(self.engine.get_or_init(over).clone())
    }
}
