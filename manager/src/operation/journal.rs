//! The journal: an [`Audience`] that writes what it hears into the rack's history, with an event for the outbox.
//!
//! What is kept:
//! - Progress is written in the order in which it was heard, each with its event in one transaction.
//! - An operation never waits for the disk: what was heard is written by a thread of the journal's own, and what
//!   that cannot write is offered again until the disk takes it or the journal ends.
//! - An operation whose process is no more is told as failed, by whoever has a journal open or opens the next one.
//! - Nothing here is needed to go on after a crash. The file may be deleted: [`place`] says what comes of it.

mod owner;
pub mod place;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::sync::watch;

use super::{Audience, Operation, Progress, StepState, Stopped, Took};
use crate::watch::{Asked, Delivered, Event, Happening, History, HistoryError, Note, deliver};
use owner::Owner;

/// Progress that waits for a disk that refuses it; of what comes then, only ends are taken.
const MOST_WAITING: usize = 4096;
/// How soon a disk that refused is asked again.
const AGAIN: Duration = Duration::from_millis(500);
/// How often a journal looks for operations whose process has ended.
const TEND: Duration = Duration::from_secs(20);
/// How long the journal's end waits for such a disk.
const LAST: Duration = Duration::from_secs(6);

/// Why there is no journal.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// Its folder.
    #[error(transparent)]
    Place(#[from] place::PlaceError),
    /// Its file.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// Its thread.
    #[error("cannot start a thread for the journal: check the limit of processes (ulimit -u)")]
    Thread(#[source] std::io::Error),
}

/// Who is told of an event once the history holds it.
pub type Told = Box<dyn Fn(Event) + Send>;

/// The journal of one process.
pub struct Journal {
    shared: Arc<Shared>,
    history: Arc<History>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

struct Shared {
    inner: Mutex<Inner>,
    heard: Condvar,
    /// Counts what was written, for whoever follows.
    written: watch::Sender<u64>,
}

#[derive(Default)]
struct Inner {
    waiting: VecDeque<Note>,
    /// Whether something of that is being written just now.
    writing: bool,
    /// Set once the journal shall end: by when.
    until: Option<Instant>,
}

impl Journal {
    /// Begins to write into this history. Operations that a process which is no more had left open are told as
    /// failed first.
    ///
    /// # Errors
    /// When the file cannot be used, or no thread be started.
    pub fn start(history: Arc<History>, told: Told) -> Result<Arc<Self>, JournalError> {
        Self::tending(history, told, TEND)
    }

    fn tending(history: Arc<History>, told: Told, every: Duration) -> Result<Arc<Self>, JournalError> {
        let owner = Owner::this();
        let lost = abandoned(&history, &owner)?;
        let shared = Arc::new(Shared {
            inner: Mutex::new(Inner { waiting: lost.into(), ..Inner::default() }),
            heard: Condvar::new(),
            written: watch::Sender::new(0),
        });
        let (theirs, file) = (Arc::clone(&shared), Arc::clone(&history));
        let thread = std::thread::Builder::new()
            .name("pirack-journal".to_owned())
            .spawn(move || theirs.write(&file, &owner, &told, every))
            .map_err(JournalError::Thread)?;
        Ok(Arc::new(Self { shared, history, thread: Mutex::new(Some(thread)) }))
    }

    /// Where it writes.
    #[must_use]
    pub fn history(&self) -> &Arc<History> {
        &self.history
    }

    /// Changes with everything that is written from here.
    #[must_use]
    pub fn written(&self) -> watch::Receiver<u64> {
        self.shared.written.subscribe()
    }

    /// Whether something was heard that the history has not got yet.
    #[must_use]
    pub fn lags(&self) -> bool {
        let inner = self.shared.lock();
        inner.writing || !inner.waiting.is_empty()
    }

    /// Writes what was heard and ends; what is heard afterwards is lost. Blocks, a few seconds at most.
    pub fn close(&self) {
        self.shared.lock().until.get_or_insert_with(|| Instant::now() + LAST);
        self.shared.heard.notify_all();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            // A thread that panicked has nothing left to write.
            drop(thread.join());
        }
    }

    /// The end of a command that ran its operation by itself: writes what was heard, then publishes the outbox,
    /// for up to `patience`. What is left then is published by the next program at this file.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn close_and_deliver(&self, kafka: &str, patience: Duration) -> Result<Delivered, HistoryError> {
        self.close();
        self.history.tidy()?;
        deliver(&self.history, kafka, patience)
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.close();
    }
}

impl Audience for Journal {
    fn hear(&self, operation: &Operation, at: Timestamp, progress: &Progress) {
        let event = happening(operation, progress).map(|what| Event::at(at, &operation.rack, "rack", what));
        let note = Note { at, operation: operation.clone(), progress: progress.clone(), event };
        let mut inner = self.shared.lock();
        let is_end = progress.is_end();
        if inner.waiting.len() < MOST_WAITING || is_end {
            inner.waiting.push_back(note);
        } else {
            tracing::error!("the history cannot be written, and a progress is lost: {progress:?}");
        }
        self.shared.heard.notify_all();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The thread: writes what is heard until told to end and nothing is left, or too long after.
    fn write(&self, history: &History, owner: &Owner, told: &Told, every: Duration) {
        let (name, mut said) = (owner.text(), false);
        while let Some(mut notes) = self.next(every) {
            if notes.is_empty() {
                // A history that cannot be read now is read at the next look.
                notes = abandoned(history, owner).unwrap_or_default();
            }
            if notes.is_empty() {
                continue;
            }
            match history.note(&name, &notes) {
                Ok(()) => {
                    said = false;
                    self.written.send_modify(|written| *written += notes.len() as u64);
                    notes.into_iter().filter_map(|note| note.event).for_each(told);
                }
                Err(error) => {
                    if !said {
                        tracing::warn!(
                            error = &error as &dyn std::error::Error,
                            "the journal waits for its disk"
                        );
                        said = true;
                    }
                    if !self.give_back(notes) {
                        return;
                    }
                }
            }
        }
    }

    /// What is to be written next, empty when it is time to look for what others left; nothing once all is written
    /// and it shall end.
    fn next(&self, every: Duration) -> Option<Vec<Note>> {
        let mut inner = self.lock();
        inner.writing = false;
        while inner.waiting.is_empty() {
            if inner.until.is_some() {
                return None;
            }
            let waited = self.heard.wait_timeout(inner, every).unwrap_or_else(PoisonError::into_inner);
            inner = waited.0;
            if waited.1.timed_out() {
                break;
            }
        }
        inner.writing = !inner.waiting.is_empty();
        Some(std::mem::take(&mut inner.waiting).into())
    }

    /// Puts notes back before those that were heard since, and waits a little. False when it is too late.
    fn give_back(&self, notes: Vec<Note>) -> bool {
        let mut inner = self.lock();
        let since = std::mem::replace(&mut inner.waiting, notes.into());
        inner.waiting.extend(since);
        if inner.until.is_some_and(|until| Instant::now() >= until) {
            tracing::error!("{} progresses could not be written and are lost", inner.waiting.len());
            return false;
        }
        drop(self.heard.wait_timeout(inner, AGAIN).unwrap_or_else(PoisonError::into_inner));
        true
    }
}

/// The event that a progress is, where it is one.
fn happening(operation: &Operation, progress: &Progress) -> Option<Happening> {
    let of = Asked { operation: operation.id, kind: operation.kind, by: operation.by.clone() };
    Some(match progress {
        Progress::Scheduled => Happening::OperationScheduled { of },
        Progress::Started => Happening::OperationStarted { of },
        Progress::Step { number, of: all, what, state } => {
            let seconds = match state {
                StepState::Begun { .. } => None,
                StepState::Done { seconds } => Some(*seconds),
                StepState::Waiting { .. } => return None,
            };
            let (number, all, what) = (*number as u64, *all as u64, what.clone());
            Happening::OperationStep { operation: of, number, of: all, what, seconds }
        }
        Progress::Note { .. } => return None,
        Progress::Completed { outcome, took } => {
            Happening::OperationCompleted { of, steps: outcome.steps as u64, seconds: took.seconds }
        }
        Progress::Failed { why, took, .. } => {
            Happening::OperationFailed { of, why: why.clone(), seconds: took.seconds }
        }
    })
}

/// Ends for operations whose process ended before them.
fn abandoned(history: &History, us: &Owner) -> Result<Vec<Note>, HistoryError> {
    let open = history.unfinished()?.into_iter();
    let lost = open.filter(|(_, owner, _)| us.knows_dead(owner)).map(|(stored, _, heard)| {
        let why = "its process ended before it did; the same command goes on from there".to_owned();
        let seconds = heard.duration_since(stored.scheduled).as_secs_f64().max(0.0);
        let progress = Progress::end(Err(Stopped::Failed(why)), Took { seconds, ..Took::default() });
        let event = happening(&stored.operation, &progress)
            .map(|what| Event::now(&stored.operation.rack, "rack", what));
        Note { at: Timestamp::now(), operation: stored.operation, progress, event }
    });
    Ok(lost.collect())
}
