//! Events out: judged every 500 ms, put into the outbox, told to listeners, published to Kafka in order.
//!
//! Invariant: an event is in the outbox before anybody hears of it, and is published again until the
//! broker has confirmed it. Whoever reads the topic may see one twice and drops it by its id.

mod publisher;

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::events::{Event, Happening};
use super::history::History;
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
    pub(super) fn wake(&self) {
        // A full channel means that the thread is about to look anyway.
        let _full_or_ended = self.wake.try_send(());
    }

    fn push(&self, events: impl IntoIterator<Item = Event>) {
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        for event in events {
            if pending.len() < MOST_WAITING {
                pending.push(event);
            } else {
                tracing::error!("the outbox cannot be written, and an event is lost: {}", event.sentence());
            }
        }
    }
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
            if now >= prune_at {
                self.prune();
                prune_at = now + PRUNE;
            }
            let recorded = self.record_pending();
            let idle = self.publisher.advance(&self.history) && recorded;
            if let Some(deadline) = deadline
                && (idle || now >= deadline)
            {
                return idle;
            }
            let wait = if idle { tick_at.saturating_duration_since(Instant::now()) } else { LOOK };
            match woken.recv_timeout(wait) {
                Ok(()) | Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return idle,
            }
        }
    }

    /// Puts what was announced into the outbox and then tells it. Returns whether nothing is left.
    fn record_pending(&self) -> bool {
        let mut pending = self.herald.pending.lock().unwrap_or_else(PoisonError::into_inner);
        match self.history.put_events(&pending) {
            Ok(()) => pending.drain(..).for_each(|event| self.live.tell(event)),
            Err(error) => tracing::debug!(%error, "events wait for the outbox"),
        }
        pending.is_empty()
    }

    fn prune(&self) {
        let Ok(older_than) = Timestamp::now().checked_sub(self.keep) else { return };
        // Forty steps are 20,000 records: more than come in meanwhile, and soon over.
        for _ in 0..40 {
            match self.history.retain(older_than) {
                Ok(0) => return,
                Ok(_) => {}
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(error, "the history keeps what it should let go");
                    return;
                }
            }
        }
    }
}
