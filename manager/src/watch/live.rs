//! The rack as it is now: what each board said last, when, and what that makes of it.
//!
//! Everything is bounded: boards, sensors a board, events waiting for a slow listener. Time comes in
//! as an argument wherever it matters, so that tests pass it and nothing waits for it.

mod board;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use pirack_agent::record::Record;
use tokio::sync::broadcast;

use super::events::{Event, Happening};
use super::rack::{Drift, OperationNow};
use super::snapshot::{Board, Broker, BrokerState, Role, Snapshot, Totals, natural_order};
use super::state::Thresholds;
use board::Entry;

/// Boards kept in all; records of further ones go to the history only.
const MOST_BOARDS: usize = 1024;
/// Events that wait for a slow listener before it has to start afresh.
const WAITING_EVENTS: usize = 256;

/// What an agent counts of itself, where somebody can ask it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AgentGauge {
    /// Records that its queue appended.
    pub produced: u64,
    /// Records that the broker acknowledged.
    pub delivered: u64,
    /// Records that wait in its queue.
    pub queued: u64,
    /// Records that its queue had to drop.
    pub dropped: u64,
    /// Whether its link is in.
    pub plugged: bool,
}

/// The rack's live state. Shared by [`Arc`]; every call is short.
#[derive(Debug)]
pub struct Live {
    rack: String,
    interval: Duration,
    embedded: bool,
    thresholds: Thresholds,
    started: Timestamp,
    started_at: Instant,
    inner: Mutex<Inner>,
    listeners: broadcast::Sender<Arc<Event>>,
}

#[derive(Debug)]
struct Inner {
    boards: BTreeMap<String, Entry>,
    address: String,
    stopped: bool,
    away: bool,
    drift: Option<Drift>,
    operation: Option<OperationNow>,
    resumes_at: Option<Instant>,
    stored: u64,
    redelivered: u64,
}

impl Live {
    /// The live state of the embedded rack named `rack`, whose boards make a health record every `interval`.
    #[must_use]
    pub fn new(rack: &str, interval: Duration) -> Self {
        Self::with(rack, interval, true)
    }

    /// The same of a real rack, which has no levers.
    #[must_use]
    pub fn of_real(rack: &str, interval: Duration) -> Self {
        Self::with(rack, interval, false)
    }

    fn with(rack: &str, interval: Duration, embedded: bool) -> Self {
        Self {
            rack: rack.to_owned(),
            interval,
            embedded,
            thresholds: Thresholds::for_interval(interval.as_secs_f64()),
            started: Timestamp::now(),
            started_at: Instant::now(),
            inner: Mutex::new(Inner {
                boards: BTreeMap::new(),
                address: String::new(),
                stopped: false,
                away: false,
                drift: None,
                operation: None,
                resumes_at: None,
                stored: 0,
                redelivered: 0,
            }),
            listeners: broadcast::channel(WAITING_EVENTS).0,
        }
    }

    /// The rack's name.
    #[must_use]
    pub fn rack(&self) -> &str {
        &self.rack
    }

    /// Says that a board belongs to the rack, so that it is shown, and missed, before it ever reports.
    pub fn declare(&self, board: &str, role: Role, simulated: bool) {
        let now = Instant::now();
        let mut inner = self.lock();
        let entry = inner.boards.entry(board.to_owned()).or_insert_with(|| Entry::new(role, now));
        entry.role = role;
        entry.simulated = simulated;
    }

    /// Takes over what an agent counts of itself. A board that was never declared is passed over.
    pub fn set_agent(&self, board: &str, gauge: AgentGauge) {
        if let Some(entry) = self.lock().boards.get_mut(board) {
            entry.gauge = Some(gauge);
        }
    }

    /// Says where the broker is, whether it runs, and if not, when it comes back by itself.
    pub fn set_broker(&self, address: &str, state: BrokerState, resumes_at: Option<Instant>) {
        let mut inner = self.lock();
        address.clone_into(&mut inner.address);
        inner.stopped = state == BrokerState::Stopped;
        inner.resumes_at = resumes_at;
    }

    /// Says whether Kafka answers; of an embedded rack its own broker says so itself.
    pub fn set_reachable(&self, reachable: bool) {
        self.lock().away = !reachable && !self.embedded;
    }

    /// Says how the rack stands to its file.
    pub fn set_drift(&self, drift: Option<Drift>) {
        self.lock().drift = drift;
    }

    /// Says what changes the rack now.
    pub fn set_operation(&self, operation: Option<OperationNow>) {
        self.lock().operation = operation;
    }

    /// Changes what is known of the operation under way, where there is one.
    pub fn with_operation(&self, change: impl FnOnce(&mut OperationNow)) {
        if let Some(now) = &mut self.lock().operation {
            change(now);
        }
    }

    /// Takes records that the history has just stored for the first time, in the order of their arrival.
    pub fn apply<'a>(&self, records: impl IntoIterator<Item = &'a Record>, now: Instant) {
        self.apply_at(records, now, Timestamp::now());
    }

    /// The same for records that arrived at `now`, which the wall clock calls `wall`.
    pub fn apply_at<'a>(&self, records: impl IntoIterator<Item = &'a Record>, now: Instant, wall: Timestamp) {
        let mut inner = self.lock();
        for record in records {
            let name = record.board.as_str();
            if !inner.boards.contains_key(name) {
                if inner.boards.len() >= MOST_BOARDS {
                    continue;
                }
                inner.boards.insert(name.to_owned(), Entry::new(Role::Unassigned, now));
            }
            if let Some(entry) = inner.boards.get_mut(name) {
                entry.apply(record, now, wall);
            }
        }
    }

    /// Takes over how many distinct records the history took in, and how many came again.
    pub fn set_stored(&self, stored: u64, redelivered: u64) {
        let mut inner = self.lock();
        inner.stored = stored;
        inner.redelivered = redelivered;
    }

    /// Judges every board and returns the changes of state since the last call, as events.
    ///
    /// A board's first record makes no event: that it came was expected.
    pub fn tick(&self, now: Instant) -> Vec<Event> {
        let mut inner = self.lock();
        let kafka = inner.kafka();
        let mut events = Vec::new();
        for (name, entry) in &mut inner.boards {
            if let Some((from, to, reason)) = entry.tick(now, kafka, &self.thresholds) {
                events.push(Event::now(&self.rack, name, Happening::StateChanged { from, to, reason }));
            }
        }
        events
    }

    /// The rack at this moment.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.snapshot_at(Instant::now())
    }

    /// The rack as it looks at `now`.
    #[must_use]
    pub fn snapshot_at(&self, now: Instant) -> Snapshot {
        let inner = self.lock();
        let mut boards: Vec<Board> = inner
            .boards
            .iter()
            .map(|(name, entry)| entry.show(name, now, inner.kafka(), &self.thresholds))
            .collect();
        boards.sort_by(|a, b| a.role.cmp(&b.role).then_with(|| natural_order(&a.name, &b.name)));
        Snapshot {
            rack: self.rack.clone(),
            time: Timestamp::now(),
            interval_seconds: self.interval.as_secs_f64(),
            started: self.started,
            embedded: self.embedded,
            drift: inner.drift.clone(),
            operation: inner.operation.clone(),
            broker: inner.broker(now),
            totals: inner.totals(now.saturating_duration_since(self.started_at)),
            boards,
        }
    }

    /// One board at this moment, if there is one of that name.
    #[must_use]
    pub fn board(&self, name: &str) -> Option<Board> {
        let inner = self.lock();
        let entry = inner.boards.get(name)?;
        Some(entry.show(name, Instant::now(), inner.kafka(), &self.thresholds))
    }

    /// The names of all boards, in the order in which they are shown.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let inner = self.lock();
        let mut names: Vec<_> = inner.boards.iter().map(|(name, entry)| (entry.role, name.clone())).collect();
        names.sort_by(|a, b| a.0.cmp(&b.0).then_with(|| natural_order(&a.1, &b.1)));
        names.into_iter().map(|(_, name)| name).collect()
    }

    /// Hears every event from now on. A listener that falls far behind is told so and misses some.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<Event>> {
        self.listeners.subscribe()
    }

    /// Tells every listener of an event; that nobody listens is fine.
    pub(crate) fn tell(&self, event: Event) {
        drop(self.listeners.send(Arc::new(event)));
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn kafka(&self) -> BrokerState {
        match (self.stopped, self.away) {
            (true, _) => BrokerState::Stopped,
            (false, true) => BrokerState::Away,
            (false, false) => BrokerState::Running,
        }
    }

    fn broker(&self, now: Instant) -> Broker {
        let resumes = self.resumes_at.filter(|_| self.stopped);
        Broker {
            address: self.address.clone(),
            state: self.kafka(),
            resumes_in_seconds: resumes.map(|at| at.saturating_duration_since(now).as_secs_f64()),
        }
    }

    fn totals(&self, elapsed: Duration) -> Totals {
        let gauges = || self.boards.values().filter_map(|entry| entry.gauge);
        Totals {
            boards: self.boards.len() as u64,
            seconds: elapsed.as_secs_f64(),
            produced: gauges().map(|gauge| gauge.produced).sum(),
            delivered: gauges().map(|gauge| gauge.delivered).sum(),
            stored: self.stored,
            queued: gauges().map(|gauge| gauge.queued).sum(),
            dropped: gauges().map(|gauge| gauge.dropped).sum(),
            redelivered: self.redelivered,
        }
    }
}

#[cfg(test)]
mod tests;
