//! Where one agent stands, counted where each thing happens: the queue's counts, and each sink's.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use jiff::Timestamp;

use crate::queue::Status;
use crate::sink::SinkName;
use crate::sink::outage::Outage;

/// Counters and positions of one agent's run; each only grows.
#[derive(Debug)]
pub struct Tally {
    produced: AtomicU64,
    dropped: AtomicU64,
    /// The sequence behind the last appended record.
    next: AtomicU64,
    /// When the last one was made, in milliseconds since 1970; [`NEVER`] before the first of this run.
    made: AtomicI64,
    /// The sequence behind the last durable record.
    durable: AtomicU64,
    /// The first sequence that the queue still keeps; what lay before was shipped or given up.
    oldest: AtomicU64,
    /// Bytes in segments.
    bytes: AtomicU64,
    sinks: Vec<Arc<SinkTally>>,
}

/// One sink's part.
#[derive(Debug)]
pub struct SinkTally {
    sink: SinkName,
    outage: Arc<Outage>,
    delivered: AtomicU64,
    refused: AtomicU64,
    /// The sequence behind the last record that the sink settled.
    position: AtomicU64,
    /// Milliseconds since 1970; [`NEVER`] before the first.
    acknowledged: AtomicI64,
}

/// No acknowledgement and no record yet.
const NEVER: i64 = i64::MIN;

/// The agent's counters at one instant, in short.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Records appended to the queue.
    pub produced: u64,
    /// Records that the sink which took the fewest has acknowledged.
    pub delivered: u64,
    /// Durable records that some sink still lacks.
    pub queued: u64,
    /// Records that the queue had to drop or set aside, or that a sink refused.
    pub dropped: u64,
}

/// All counters at one instant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// The queue's.
    pub queue: QueueCounts,
    /// Each sink's, in the order of the configuration.
    pub sinks: Vec<SinkCounts>,
}

/// The queue's counters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueueCounts {
    /// Records appended in this run.
    pub produced: u64,
    /// Records that the queue had to drop or set aside in this run.
    pub dropped: u64,
    /// The first sequence that is kept.
    pub oldest: u64,
    /// The sequence behind the last durable record.
    pub durable: u64,
    /// The sequence behind the last appended record.
    pub next: u64,
    /// Bytes in segments.
    pub bytes: u64,
    /// When the last record of this run was made, by this board's clock; none before the first.
    pub made: Option<Timestamp>,
}

/// One sink's counters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SinkCounts {
    /// Which.
    pub sink: SinkName,
    /// Records that it acknowledged in this run.
    pub delivered: u64,
    /// Records that it refused for good in this run.
    pub refused: u64,
    /// The next sequence it is to get.
    pub position: u64,
    /// Durable records that it still lacks.
    pub waiting: u64,
    /// When it last acknowledged a record, by this board's clock; none before the first in this run.
    pub acknowledged: Option<Timestamp>,
    /// What keeps records from it, while something does.
    pub failing: Option<String>,
}

impl SinkTally {
    /// Of a sink that is to get `position` next.
    pub(crate) fn starting(sink: SinkName, outage: Arc<Outage>, position: u64) -> Self {
        let (delivered, refused) = Default::default();
        Self { sink, outage, delivered, refused, position: position.into(), acknowledged: NEVER.into() }
    }

    pub(crate) fn sink(&self) -> SinkName {
        self.sink
    }

    /// What keeps records from this sink.
    pub(crate) fn outage(&self) -> &Arc<Outage> {
        &self.outage
    }

    /// So many records were acknowledged at this moment.
    pub(crate) fn delivered(&self, records: u64, at: Timestamp) {
        if records > 0 {
            self.delivered.fetch_add(records, Ordering::Relaxed);
            self.acknowledged.store(at.as_millisecond(), Ordering::Relaxed);
        }
    }

    pub(crate) fn refused(&self, records: u64) {
        self.refused.fetch_add(records, Ordering::Relaxed);
    }

    /// The cursor stands here now.
    pub(crate) fn shipped(&self, position: u64) {
        self.position.store(position, Ordering::Relaxed);
    }

    fn position(&self) -> u64 {
        self.position.load(Ordering::Relaxed)
    }

    fn counts(&self, kept: &Range<u64>) -> SinkCounts {
        let acknowledged = self.acknowledged.load(Ordering::Relaxed);
        SinkCounts {
            sink: self.sink,
            delivered: self.delivered.load(Ordering::Relaxed),
            refused: self.refused.load(Ordering::Relaxed),
            position: self.position(),
            waiting: kept.end - self.position().clamp(kept.start, kept.end),
            acknowledged: moment(acknowledged),
            failing: self.outage.cause(),
        }
    }
}

/// A time as it is kept; nothing where it never was.
fn moment(kept: i64) -> Option<Timestamp> {
    Timestamp::from_millisecond(kept).ok().filter(|_| kept != NEVER)
}

impl Default for Tally {
    fn default() -> Self {
        let [produced, dropped, next, durable, oldest, bytes] = std::array::from_fn(|_| AtomicU64::default());
        Self { produced, dropped, next, made: NEVER.into(), durable, oldest, bytes, sinks: vec![] }
    }
}

impl Tally {
    /// All zero, for a queue that stands so, and these sinks.
    pub(crate) fn starting(queue: &Status, sinks: Vec<Arc<SinkTally>>) -> Self {
        let tally = Self { next: queue.next.into(), sinks, ..Self::default() };
        tally.durable(queue);
        tally
    }

    /// A record that was made at this time was appended with this sequence.
    pub(crate) fn appended(&self, sequence: u64, made: Timestamp) {
        self.produced.fetch_add(1, Ordering::Relaxed);
        self.next.store(sequence + 1, Ordering::Relaxed);
        self.made.store(made.as_millisecond(), Ordering::Relaxed);
    }

    /// The queue stands so after a commit.
    pub(crate) fn durable(&self, queue: &Status) {
        self.oldest.store(queue.oldest, Ordering::Relaxed);
        self.bytes.store(queue.bytes, Ordering::Relaxed);
        self.durable.store(queue.next, Ordering::Relaxed);
    }

    pub(crate) fn dropped(&self, records: u64) {
        self.dropped.fetch_add(records, Ordering::Relaxed);
    }

    /// The durable sequences that the queue keeps.
    fn kept(&self) -> Range<u64> {
        let [oldest, durable] =
            [&self.oldest, &self.durable].map(|position| position.load(Ordering::Relaxed));
        oldest.min(durable)..durable
    }

    /// The sequences that are kept, and that the slowest sink still lacks.
    pub(crate) fn waiting(&self) -> Range<u64> {
        let kept = self.kept();
        let slowest = self.sinks.iter().map(|sink| sink.position()).min().unwrap_or(kept.end);
        slowest.clamp(kept.start, kept.end)..kept.end
    }

    /// The sequence behind the last appended record.
    pub(crate) fn next(&self) -> u64 {
        self.next.load(Ordering::Relaxed)
    }

    /// The counters now, in short.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let waiting = self.waiting();
        let Snapshot { queue, sinks } = self.snapshot();
        Counts {
            produced: queue.produced,
            delivered: sinks.iter().map(|sink| sink.delivered).min().unwrap_or(0),
            queued: waiting.end - waiting.start,
            dropped: queue.dropped + sinks.iter().map(|sink| sink.refused).max().unwrap_or(0),
        }
    }

    /// All counters now.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let kept = self.kept();
        let queue = QueueCounts {
            produced: self.produced.load(Ordering::Relaxed),
            dropped: self.dropped.load(Ordering::Relaxed),
            oldest: kept.start,
            durable: kept.end,
            next: self.next(),
            bytes: self.bytes.load(Ordering::Relaxed),
            made: moment(self.made.load(Ordering::Relaxed)),
        };
        Snapshot { queue, sinks: self.sinks.iter().map(|sink| sink.counts(&kept)).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sink(name: SinkName, position: u64) -> Arc<SinkTally> {
        let outage = Arc::new(Outage::none("w3".parse().unwrap(), name));
        Arc::new(SinkTally::starting(name, outage, position))
    }

    fn queue(oldest: u64, next: u64) -> Status {
        let (queue, cursors) = (uuid::Uuid::nil(), Vec::new());
        Status { queue, bytes: 9, segments: 1, oldest, next, cursors, dropped: 0 }
    }

    #[test]
    fn what_waits_is_what_the_slowest_sink_lacks_and_each_says_its_own() {
        let (kafka, cassandra) = (sink(SinkName::Kafka, 10), sink(SinkName::Cassandra, 4));
        let tally = Tally::starting(&queue(6, 10), vec![Arc::clone(&kafka), Arc::clone(&cassandra)]);
        assert_eq!(tally.waiting(), 6..10, "what the queue has given up does not wait");
        tally.durable(&queue(6, 20));
        kafka.delivered(10, Timestamp::UNIX_EPOCH);
        kafka.shipped(20);
        let Snapshot { queue, sinks } = tally.snapshot();
        assert_eq!((queue.oldest, queue.durable, queue.bytes), (6, 20, 9));
        let each: Vec<_> = sinks.iter().map(|s| (s.sink.as_str(), s.waiting, s.delivered)).collect();
        assert_eq!(each, [("kafka", 0, 10), ("cassandra", 14, 0)]);
        assert_eq!(sinks[0].acknowledged, Some(Timestamp::UNIX_EPOCH));
        assert_eq!(sinks[1].acknowledged, None);
        assert_eq!(tally.counts(), Counts { produced: 0, delivered: 0, queued: 14, dropped: 0 });
    }

    #[test]
    fn a_record_that_both_sinks_refuse_is_one_record_dropped() {
        let sinks = [sink(SinkName::Kafka, 0), sink(SinkName::Cassandra, 0)];
        for sink in &sinks {
            sink.refused(1);
        }
        let tally = Tally::starting(&queue(0, 1), sinks.to_vec());
        tally.dropped(2);
        assert_eq!(tally.counts().dropped, 3);
    }
}
