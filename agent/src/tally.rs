//! Where one agent stands, counted where each thing happens.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

/// Counters and positions of one agent's run; each only grows.
#[derive(Debug, Default)]
pub struct Tally {
    produced: AtomicU64,
    delivered: AtomicU64,
    dropped: AtomicU64,
    /// The sequence behind the last appended record.
    next: AtomicU64,
    /// The sequence behind the last durable record.
    durable: AtomicU64,
    /// The sequence behind the last record that the Kafka sink settled.
    shipped: AtomicU64,
    /// The first sequence that the queue still keeps; what lay before was shipped or given up.
    oldest: AtomicU64,
}

/// The counters at one instant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Records appended to the queue.
    pub produced: u64,
    /// Records that the broker acknowledged.
    pub delivered: u64,
    /// Durable records not yet shipped.
    pub queued: u64,
    /// Records that the queue had to drop or set aside.
    pub dropped: u64,
}

impl Tally {
    /// All zero, for a queue whose next record is `next`.
    pub(crate) fn starting(next: u64) -> Self {
        Self { next: next.into(), durable: next.into(), shipped: next.into(), ..Self::default() }
    }

    /// A record was appended with this sequence.
    pub(crate) fn appended(&self, sequence: u64) {
        self.produced.fetch_add(1, Ordering::Relaxed);
        self.next.store(sequence + 1, Ordering::Relaxed);
    }

    /// The queue keeps the sequences from `oldest` on, and everything before `next` is durable.
    pub(crate) fn durable(&self, oldest: u64, next: u64) {
        self.oldest.store(oldest, Ordering::Relaxed);
        self.durable.store(next, Ordering::Relaxed);
    }

    pub(crate) fn delivered(&self, records: u64) {
        self.delivered.fetch_add(records, Ordering::Relaxed);
    }

    /// The cursor stands here now.
    pub(crate) fn shipped(&self, position: u64) {
        self.shipped.store(position, Ordering::Relaxed);
    }

    pub(crate) fn dropped(&self, records: u64) {
        self.dropped.fetch_add(records, Ordering::Relaxed);
    }

    /// The sequences that are kept and not shipped.
    pub(crate) fn waiting(&self) -> Range<u64> {
        let [shipped, oldest, durable] =
            [&self.shipped, &self.oldest, &self.durable].map(|position| position.load(Ordering::Relaxed));
        shipped.max(oldest).min(durable)..durable
    }

    /// The sequence behind the last appended record.
    pub(crate) fn next(&self) -> u64 {
        self.next.load(Ordering::Relaxed)
    }

    /// The counters now.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let waiting = self.waiting();
        Counts {
            produced: self.produced.load(Ordering::Relaxed),
            delivered: self.delivered.load(Ordering::Relaxed),
            queued: waiting.end - waiting.start,
            dropped: self.dropped.load(Ordering::Relaxed),
        }
    }
}
