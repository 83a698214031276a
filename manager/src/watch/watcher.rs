//! Starts and ends the watching: one thread reads records, one tells events.

use std::sync::mpsc::Receiver;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::consumer::{Consuming, Counters, Tally};
use super::herald::{Herald, Heralding};
use super::history::History;
use super::live::Live;

/// Where records are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keeping {
    /// In the history: every record that Kafka still has is read.
    Here,
    /// In the rack's own Cassandra: what Kafka has of the last minutes is read, and nothing is written.
    Elsewhere,
}

/// What the watching needs to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Kafka's address: `host:port`, several with commas; empty for a rack without Kafka, whose events wait.
    pub bootstrap: String,
    /// Where records are kept.
    pub keeping: Keeping,
    /// How long the history keeps a record, where it does. Six hours of 13 boards with 18 records a second each are
    /// about 5 million rows and 720 MB.
    pub keep: Duration,
}

impl Settings {
    /// Everything at its default for the Kafka at `bootstrap`; the history keeps six hours.
    #[must_use]
    pub fn new(bootstrap: &str) -> Self {
        Self { bootstrap: bootstrap.to_owned(), keeping: Keeping::Here, keep: Duration::from_secs(6 * 3600) }
    }
}

/// Why the watching could not start.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// librdkafka refused its settings.
    #[error("cannot make a Kafka client for {bootstrap}: check the address, host:port")]
    Client {
        /// The address.
        bootstrap: String,
        /// librdkafka's reason.
        #[source]
        source: rdkafka::error::KafkaError,
    },
    /// No thread.
    #[error("cannot start a thread for the watching: check the limit of processes (ulimit -u)")]
    Thread(#[source] std::io::Error),
}

/// What came of the watching's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    /// What was counted.
    pub counters: Counters,
    /// Whether every partition was read and stored to its end.
    pub drained: bool,
    /// Whether every event was confirmed by the broker.
    pub told: bool,
}

/// The watching, under way.
#[derive(Debug)]
pub struct Watcher {
    herald: Herald,
    tally: Arc<Tally>,
    /// Nothing where there is no Kafka.
    reading: Option<Running>,
    telling: Running,
}

impl Watcher {
    /// Starts to read records into `history` and `live`, and to tell events. The broker need not be
    /// there yet.
    ///
    /// # Errors
    /// When the address is none, or no thread can be started.
    pub fn start(settings: &Settings, live: Arc<Live>, history: Arc<History>) -> Result<Self, WatchError> {
        let (herald, woken) = Herald::new(live.rack());
        let tally = Arc::<Tally>::default();
        let bootstrap = settings.bootstrap.as_str();
        let mut reading = None;
        if !bootstrap.is_empty() {
            let consuming = Consuming::new(
                settings,
                Arc::clone(&live),
                Arc::clone(&history),
                herald.clone(),
                Arc::clone(&tally),
            )
            .map_err(|source| WatchError::Client { bootstrap: bootstrap.to_owned(), source })?;
            reading = Some(Running::start("pirack-consumer", move |stop| consuming.run(stop))?);
        }
        let heralding = Heralding::new(herald.clone(), live, history, bootstrap, settings.keep);
        let telling = Running::start("pirack-herald", move |stop: &Stop| {
            let woken: Receiver<()> = woken;
            heralding.run(&woken, stop)
        })?;
        Ok(Self { herald, tally, reading, telling })
    }

    /// Where events are announced.
    #[must_use]
    pub fn herald(&self) -> Herald {
        self.herald.clone()
    }

    /// What was counted so far.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.tally.read()
    }

    /// The same for a rack whose records are kept elsewhere: nothing is read any more, and events that are not
    /// confirmed in time wait in the outbox for the next start. Returns whether none does. Blocks.
    #[must_use]
    pub fn stop_telling(self, patience: Duration) -> bool {
        drop(self.reading);
        self.telling.stop.set(patience);
        self.herald.wake();
        self.telling.stop(patience)
    }

    /// Reads to the end of every partition, waits until every event is confirmed, and stops; gives up
    /// once nothing has moved for `patience`. Blocks.
    #[must_use]
    pub fn stop_after_drain(self, patience: Duration) -> Ended {
        // Records first: a gap among the last of them is still an event.
        let drained = self.reading.is_none_or(|reading| reading.stop(patience));
        self.telling.stop.set(patience);
        self.herald.wake();
        let told = self.telling.stop(patience);
        Ended { counters: self.tally.read(), drained, told }
    }
}

/// How many times a thread that gets on may use up its patience: a minute's backlog of forty busy boards takes a slow
/// machine about another minute, and what is given up counts as lost.
const MOST_PATIENCE: u32 = 36;

/// When a thread shall have stopped.
#[derive(Clone, Copy, Debug)]
struct End {
    deadline: Instant,
    patience: Duration,
    latest: Instant,
}

/// Tells a thread that it shall stop, and by when.
#[derive(Debug, Default)]
pub(super) struct Stop {
    end: Mutex<Option<End>>,
    changed: Condvar,
}

impl Stop {
    /// The deadline, once there is one.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.end.lock().unwrap_or_else(PoisonError::into_inner).map(|end| end.deadline)
    }

    /// Waits for `pause`; returns whether the deadline has passed.
    pub(super) fn wait(&self, pause: Duration) -> bool {
        let end = self.end.lock().unwrap_or_else(PoisonError::into_inner);
        let left = |end: End| end.deadline.saturating_duration_since(Instant::now());
        let pause = end.map_or(pause, |end| pause.min(left(end)));
        let waited = self.changed.wait_timeout(end, pause).unwrap_or_else(PoisonError::into_inner);
        waited.0.is_some_and(|end| Instant::now() >= end.deadline)
    }

    /// Says that something was done on the way to the end, so that the patience begins anew: a large
    /// backlog that moves is no reason to give up. It ends all the same, [`MOST_PATIENCE`] times over.
    pub(super) fn progressed(&self) {
        let mut end = self.end.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(end) = end.as_mut() {
            end.deadline = (Instant::now() + end.patience).min(end.latest);
        }
    }

    fn set(&self, patience: Duration) {
        let now = Instant::now();
        let end = End { deadline: now + patience, patience, latest: now + patience * MOST_PATIENCE };
        *self.end.lock().unwrap_or_else(PoisonError::into_inner) = Some(end);
        self.changed.notify_all();
    }
}

/// A thread that ends on request, and by itself when it is dropped.
#[derive(Debug)]
struct Running {
    stop: Arc<Stop>,
    thread: Option<JoinHandle<bool>>,
}

impl Running {
    fn start(name: &str, work: impl FnOnce(&Stop) -> bool + Send + 'static) -> Result<Self, WatchError> {
        let stop = Arc::<Stop>::default();
        let theirs = Arc::clone(&stop);
        let thread = thread::Builder::new().name(name.to_owned()).spawn(move || work(&theirs));
        Ok(Self { stop, thread: Some(thread.map_err(WatchError::Thread)?) })
    }

    fn stop(mut self, patience: Duration) -> bool {
        self.stop.set(patience);
        self.thread.take().is_some_and(|thread| thread.join().unwrap_or(false))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.set(Duration::ZERO);
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

#[cfg(test)]
mod tests;
