//! Events out: judged every 500 ms, put into the outbox, told to listeners, published to Kafka in order.
//!
//! Invariant: an event is in the outbox before anybody hears of it, and is published again until the
//! broker has confirmed it. Whoever reads the topic may see one twice and drops it by its id.

mod publisher;

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::events::{Event, Happening};
use super::history::{History, HistoryError};
use super::live::Live;
use super::watcher::Stop;
use publisher::Publisher;

/// The topic of events.
pub const TOPIC_EVENTS: &str = "rack.events";

/// How often boards are judged.
const TICK: Duration = Duration::from_millis(500);
/// How often the thread looks for confirmations while it waits for some.
const LOOK: Duration = Duration::from_millis(50);
/// How often the history lets go of what is too old.
const PRUNE: Duration = Duration::from_secs(30);
/// How long it may do so in one go; boards are judged and events told in between.
const PRUNE_SLICE: Duration = Duration::from_millis(100);
/// How soon it goes on where more is too old.
const PRUNE_ON: Duration = Duration::from_millis(100);
/// After each step: a mutex is not fair, so whoever waits for the history gets it only in a pause.
const BREATH: Duration = Duration::from_millis(1);
/// Events that wait for the outbox while its disk refuses them; further ones are said in the log only.
const MOST_WAITING: usize = 1000;

/// Where events are announced. Cheap to clone; a call returns at once.
#[derive(Clone, Debug)]
pub struct Herald {
    rack: String,
    pending: Arc<Mutex<Vec<Event>>>,
    wake: SyncSender<()>,
}

impl Herald {
    pub(super) fn new(rack: &str) -> (Self, Receiver<()>) {
        let (wake, woken) = sync_channel(1);
        (Self { rack: rack.to_owned(), pending: Arc::default(), wake }, woken)
    }

    /// Announces what happened to `subject`: a board's name, "broker" or "rack".
    pub fn announce(&self, subject: &str, what: Happening) {
        self.push([Event::now(&self.rack, subject, what)]);
        self.wake();
    }

    /// Makes the thread look at once.
    pub(crate) fn wake(&self) {
        // A full channel means that the thread is about to look anyway.
        let _full_or_ended = self.wake.try_send(());
    }

    fn push(&self, events: impl IntoIterator<Item = Event>) {
        add(&mut self.pending(), events);
    }

    /// Puts events back before those that were announced since.
    fn give_back(&self, events: Vec<Event>) {
        let mut pending = self.pending();
        let since = std::mem::replace(&mut *pending, events);
        add(&mut pending, since);
    }

    fn pending(&self) -> MutexGuard<'_, Vec<Event>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn add(pending: &mut Vec<Event>, events: impl IntoIterator<Item = Event>) {
    for event in events {
        if pending.len() < MOST_WAITING {
            pending.push(event);
        } else {
            tracing::error!("the outbox cannot be written, and an event is lost: {}", event.sentence());
        }
    }
}

/// What became of an outbox that was to be published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivered {
    /// The broker has confirmed all of it.
    All,
    /// Another program publishes it.
    Elsewhere,
    /// This many events wait for the next program at this file.
    Waiting(u64),
}

/// Publishes what waits in the outbox, for a program that ends: for up to `patience`. Blocks.
///
/// # Errors
/// When the file cannot be read.
pub fn deliver(history: &History, bootstrap: &str, patience: Duration) -> Result<Delivered, HistoryError> {
    let mut publisher = Publisher::new(bootstrap);
    let until = Instant::now() + patience;
    while history.events_waiting()? > 0 && !bootstrap.is_empty() {
        let empty = publisher.advance(history);
        if publisher.is_elsewhere() {
            return Ok(Delivered::Elsewhere);
        }
        if !empty && Instant::now() >= until {
            break;
        }
        std::thread::park_timeout(if empty { Duration::ZERO } else { LOOK });
    }
    Ok(match history.events_waiting()? {
        0 => Delivered::All,
        waiting => Delivered::Waiting(waiting),
    })
}

/// The herald's thread.
pub(super) struct Heralding {
    pub(super) herald: Herald,
    pub(super) live: Arc<Live>,
    pub(super) history: Arc<History>,
    pub(super) publisher: Publisher,
    pub(super) keep: Duration,
}

impl Heralding {
    pub(super) fn new(
        herald: Herald,
        live: Arc<Live>,
        history: Arc<History>,
        bootstrap: &str,
        keep: Duration,
    ) -> Self {
        Self { herald, live, history, publisher: Publisher::new(bootstrap), keep }
    }

    /// Works until told to stop, then until the outbox is empty or the deadline has passed. Returns
    /// whether it is empty.
    pub(super) fn run(mut self, woken: &Receiver<()>, stop: &Stop) -> bool {
        let (mut tick_at, mut prune_at) = (Instant::now(), Instant::now() + PRUNE);
        loop {
            let now = Instant::now();
            let deadline = stop.deadline();
            if now >= tick_at && deadline.is_none() {
                self.herald.push(self.live.tick(now));
                tick_at = now + TICK;
            }
            if now >= prune_at && deadline.is_none() {
                let done = self.prune(PRUNE_SLICE);
                prune_at = Instant::now() + if done { PRUNE } else { PRUNE_ON };
            }
            let recorded = self.record_pending();
            let idle = self.publisher.advance(&self.history) && recorded;
            if let Some(deadline) = deadline
                && (idle || now >= deadline)
            {
                return idle;
            }
            let until = tick_at.min(prune_at).saturating_duration_since(Instant::now());
            let wait = if idle { until } else { LOOK };
            match woken.recv_timeout(wait) {
                Ok(()) | Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return idle,
            }
        }
    }

    /// Puts what was announced into the outbox and then tells it. Returns whether nothing is left.
    ///
    /// Whoever announces must not wait for the disk, so the lock is not held while it is written.
    fn record_pending(&self) -> bool {
        let events = std::mem::take(&mut *self.herald.pending());
        match self.history.put_events(&events) {
            Ok(()) => events.into_iter().for_each(|event| self.live.tell(event)),
            Err(error) => {
                tracing::debug!(error = &error as &dyn std::error::Error, "events wait for the outbox");
                self.herald.give_back(events);
            }
        }
        self.herald.pending().is_empty()
    }

    /// Lets go of what is too old, for about `slice`. Returns whether that was all.
    fn prune(&self, slice: Duration) -> bool {
        let Ok(older_than) = Timestamp::now().checked_sub(self.keep) else { return true };
        let until = Instant::now() + slice;
        loop {
            match self.history.retain(older_than) {
                Ok(0) => return true,
                Ok(_) if Instant::now() >= until => return false,
                Ok(_) => std::thread::sleep(BREATH),
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(error, "the history keeps what it should let go");
                    return true;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
