//! The one way anything long runs: an operation has an id, steps, progress, and an end that is told.
//!
//! A job is given a [`Conductor`]: it says there how many steps it sees, which one begins, what it waits for
//! and how it ended. Whoever listens (a terminal, lines in a pipe, the history with its outbox, a browser)
//! is an [`Audience`] and hears the same, in the same order. What is kept:
//! - Between two steps, and only there, an operation can be ended by whoever asked for it ([`Interrupted`]).
//! - Nothing of an operation is needed to go on after a crash: the next one observes the world and plans anew.
//! - An audience never holds an operation up and never fails it.

pub mod apply;
pub mod destroy;
pub mod dispatch;
mod end;
pub mod fix;
pub mod held;
mod join;
pub mod journal;
mod leave;
pub mod lock;
mod patience;
pub mod plan;
mod progress;
pub mod real;
mod run;
pub mod saved;
pub mod seen;
#[cfg(test)]
mod testing;
mod took;
pub mod world;

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use uuid::Uuid;

pub use end::{Ended, Outcome, Stopped};
pub use progress::{Progress, StepState};
pub use run::OperationError;
pub use took::Took;

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Makes the rack what its file says.
    Apply,
    /// Takes the rack, or a part of it, away.
    Destroy,
    /// Mends on boards what preflight finds.
    Fix,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Apply, Self::Destroy, Self::Fix];

    /// The word, as in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Apply => "apply",
            Self::Destroy => "destroy",
            Self::Fix => "fix",
        }
    }
}

/// One operation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operation {
    /// Its id, for ever.
    pub id: Uuid,
    /// What it does.
    pub kind: Kind,
    /// To which rack.
    pub rack: String,
    /// Who asked for it: a user and a host.
    pub by: String,
}

impl Operation {
    /// A new one.
    #[must_use]
    pub fn new(kind: Kind, rack: &str, by: &str) -> Self {
        Self { id: Uuid::new_v4(), kind, rack: rack.to_owned(), by: by.to_owned() }
    }
}

/// Whoever hears how an operation goes. A call returns at once.
pub trait Audience: Send + Sync {
    /// Something happened at this time: now, or long ago where whoever tells it has read of it.
    fn hear(&self, operation: &Operation, at: Timestamp, progress: &Progress);
}

/// Whoever asked for the operation wants it to end here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("ended between two steps, as asked: the same command again goes on from here")]
pub struct Interrupted;

/// What a job tells its progress to.
pub struct Conductor {
    operation: Operation,
    audiences: Vec<Arc<dyn Audience>>,
    interrupted: watch::Receiver<bool>,
    clock: took::Clock,
}

impl Conductor {
    /// For this operation; `interrupted` turns true when it shall end between two steps.
    #[must_use]
    pub fn new(
        operation: Operation,
        audiences: Vec<Arc<dyn Audience>>,
        interrupted: watch::Receiver<bool>,
    ) -> Self {
        let conductor = Self { operation, audiences, interrupted, clock: took::Clock::start() };
        conductor.tell(&Progress::Scheduled);
        conductor
    }

    /// Which operation.
    #[must_use]
    pub fn operation(&self) -> &Operation {
        &self.operation
    }

    /// It begins.
    pub fn started(&self) {
        self.tell(&Progress::Started);
    }

    /// A step begins: what it does, which number it has of how many are seen, and how long all that is left
    /// will probably take, this one included.
    ///
    /// # Errors
    /// When the operation shall end instead.
    pub fn begin(
        &self,
        what: String,
        number: usize,
        of: usize,
        left: Duration,
    ) -> Result<Underway<'_>, Interrupted> {
        if *self.interrupted.borrow() {
            return Err(Interrupted);
        }
        let step = Underway {
            conductor: self,
            what,
            number,
            of,
            lap: self.clock.step(),
            began: Instant::now(),
            last: None.into(),
        };
        step.tell(StepState::Begun { left });
        Ok(step)
    }

    /// Whether it shall end at the next opportunity.
    #[must_use]
    pub fn is_interrupted(&self) -> bool {
        *self.interrupted.borrow()
    }

    /// Resolves once it shall end at the next opportunity; never where nobody can ask for that any more.
    pub async fn interruption(&self) {
        let mut interrupted = self.interrupted.clone();
        if interrupted.wait_for(|asked| *asked).await.is_err() {
            std::future::pending().await
        }
    }

    /// Something worth a line that is no step.
    pub fn note(&self, note: &str) {
        self.tell(&Progress::Note { note: note.to_owned() });
    }

    /// It ended; returns what was told of that.
    pub fn ended(&self, ended: Ended) -> Progress {
        let end = Progress::end(ended, self.clock.took());
        self.tell(&end);
        end
    }

    fn tell(&self, progress: &Progress) {
        // One moment for all of them, so that who reads in one place sees the same as in another.
        let now = Timestamp::now();
        for audience in &self.audiences {
            audience.hear(&self.operation, now, progress);
        }
    }
}

/// A step that is being taken.
pub struct Underway<'a> {
    conductor: &'a Conductor,
    what: String,
    number: usize,
    of: usize,
    lap: took::Lap<'a>,
    began: Instant,
    last: std::sync::Mutex<Option<String>>,
}

impl Underway<'_> {
    /// Says what it waits for, once for each change of it.
    pub fn waits(&self, why: &str) {
        self.lap.waits(true);
        let mut last = self.last.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if last.as_deref() != Some(why) {
            *last = Some(why.to_owned());
            self.tell(StepState::Waiting { why: why.to_owned() });
        }
    }

    /// All its time is others'.
    pub fn idles(&self) {
        self.lap.waits(true);
    }

    /// What it waited for is there: from here on it works again.
    pub fn goes_on(&self) {
        self.lap.waits(false);
    }

    /// Whether it had to wait for anything.
    #[must_use]
    pub fn has_waited(&self) -> bool {
        self.last.lock().unwrap_or_else(std::sync::PoisonError::into_inner).is_some()
    }

    /// It is done.
    pub fn done(self) {
        self.tell(StepState::Done { seconds: self.began.elapsed().as_secs_f64() });
    }

    fn tell(&self, state: StepState) {
        let (what, number, of) = (self.what.clone(), self.number, self.of);
        self.conductor.tell(&Progress::Step { number, of, what, state });
    }
}

#[cfg(test)]
mod tests;
