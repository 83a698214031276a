//! Records back from Kafka: one thread that reads, stores a batch in one transaction, then shows it.
//!
//! Invariants: a message counts as read only once its batch is stored, and a batch that cannot be
//! stored is offered again and never passed over. The thread sleeps in librdkafka's poll, so an idle
//! rack costs nothing; a broker that is away is said once when it goes and once when it is back.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use pirack_agent::record::{Body, DecodeError, Record, TOPIC_HEALTH, TOPIC_READINGS};
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, ConsumerContext};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::message::BorrowedMessage;
use rdkafka::{ClientConfig, ClientContext, Message};

use super::events::Happening;
use super::herald::Herald;
use super::history::{History, HistoryError, Stored};
use super::live::Live;
use super::partitions::{Beginning, Partitions};
use super::seen::Seen;
use super::watcher::{Keeping, Settings, Stop};

const TOPICS: [&str; 2] = [TOPIC_HEALTH, TOPIC_READINGS];
/// Messages in a batch, at most.
const BATCH: usize = 2000;
/// How long a batch is gathered after its first message.
const GATHER: Duration = Duration::from_millis(100);
/// How long the thread sleeps when nothing comes; bounds how late it sees that it shall stop.
const IDLE: Duration = Duration::from_millis(200);
/// How soon the topics are looked for again while one is missing, and once all are there.
const SEEK: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(30));
/// How long a look for topics and their ends may take in all.
const PATIENCE: Duration = Duration::from_secs(2);
/// How soon a batch that could not be stored is tried again.
const STORE_AGAIN: Duration = Duration::from_secs(1);
/// How far back reading begins where Cassandra keeps what came before.
const RECENT: Duration = Duration::from_secs(120);
/// Boards whose undecodable messages are remembered as said.
const MOST_SAID: usize = 1024;

/// What the consumer counted since its start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Messages read and settled.
    pub consumed: u64,
    /// Records stored for the first time.
    pub stored: u64,
    /// Records that the history held already.
    pub redelivered: u64,
    /// Messages that were no record of a schema that this program reads.
    pub undecodable: u64,
}

/// The same, shared with the thread.
#[derive(Debug, Default)]
pub(super) struct Tally {
    consumed: AtomicU64,
    stored: AtomicU64,
    redelivered: AtomicU64,
    undecodable: AtomicU64,
}

impl Tally {
    pub(super) fn read(&self) -> Counters {
        Counters {
            consumed: self.consumed.load(Ordering::Relaxed),
            stored: self.stored.load(Ordering::Relaxed),
            redelivered: self.redelivered.load(Ordering::Relaxed),
            undecodable: self.undecodable.load(Ordering::Relaxed),
        }
    }
}

/// Sends librdkafka's own words to `tracing`, quietly: what matters is said by the loop.
#[derive(Debug)]
pub(super) struct Quiet;

impl ClientContext for Quiet {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        tracing::debug!(?level, facility, "{message}");
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(%error, "{reason}");
    }
}

impl ConsumerContext for Quiet {}

/// The consuming thread's whole state.
pub(super) struct Consuming {
    consumer: BaseConsumer<Quiet>,
    partitions: Partitions,
    live: Arc<Live>,
    keeper: Keeper,
    herald: Herald,
    tally: Arc<Tally>,
    seek_at: Instant,
    trouble: Option<String>,
    said: HashSet<Vec<u8>>,
}

/// Messages read and not yet stored.
#[derive(Default)]
struct Batch {
    records: Vec<Record>,
    offsets: BTreeMap<(String, i32), i64>,
    messages: u64,
}

impl Consuming {
    /// Connects; the broker need not be there yet.
    ///
    /// # Errors
    /// When librdkafka refuses the address.
    pub(super) fn new(
        settings: &Settings,
        live: Arc<Live>,
        history: Arc<History>,
        herald: Herald,
        tally: Arc<Tally>,
    ) -> KafkaResult<Self> {
        let consumer = ClientConfig::new()
            .set("bootstrap.servers", &settings.bootstrap)
            .set("client.id", "pirack-watch")
            // librdkafka wants a name before it assigns; the group is never joined, nothing is committed.
            .set("group.id", "pirack-watch")
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("auto.offset.reset", "earliest")
            .set("allow.auto.create.topics", "false")
            // A fetch waits for 64 KiB or 200 ms: five wake-ups a second, however many boards there are.
            .set("fetch.wait.max.ms", "200")
            .set("fetch.min.bytes", "65536")
            .set("queued.min.messages", "2000")
            .set("queued.max.messages.kbytes", "4096")
            .set("reconnect.backoff.ms", "100")
            .set("reconnect.backoff.max.ms", "1000")
            .create_with_context(Quiet)?;
        let (beginning, keeper) = match settings.keeping {
            Keeping::Here => (Beginning::Earliest, Keeper::History(history)),
            Keeping::Elsewhere => (Beginning::Ago(RECENT), Keeper::Elsewhere(Seen::default())),
        };
        Ok(Self {
            consumer,
            partitions: Partitions::new(beginning),
            live,
            keeper,
            herald,
            tally,
            seek_at: Instant::now(),
            trouble: None,
            said: HashSet::new(),
        })
    }

    /// Reads until told to stop, and then to the end of every partition, or to the deadline. Returns
    /// whether the end was reached.
    pub(super) fn run(mut self, stop: &Stop) -> bool {
        let mut ends = None;
        loop {
            let deadline = stop.deadline();
            if let Some(deadline) = deadline {
                if Instant::now() >= deadline {
                    return false;
                }
                ends = ends.or_else(|| self.find_ends(deadline));
                if ends.as_ref().is_some_and(|ends| self.partitions.reached(ends)) {
                    return true;
                }
            } else {
                self.seek();
            }
            let batch = self.gather();
            if batch.messages > 0 {
                if !self.store(&batch, stop) {
                    return false;
                }
                stop.progressed();
            }
        }
    }

    /// Where everything ends now, including topics that came up since the last look.
    fn find_ends(&mut self, deadline: Instant) -> Option<BTreeMap<(String, i32), i64>> {
        // Short of the whole time, so that a broker that comes back in it is asked again.
        let deadline = deadline.min(Instant::now() + PATIENCE);
        let found = self.partitions.refresh(&self.consumer, &TOPICS, deadline);
        let ends = found.and_then(|_| self.partitions.ends(&self.consumer, deadline));
        ends.map_err(|error| self.broken(&error)).ok()
    }

    fn seek(&mut self) {
        if Instant::now() < self.seek_at {
            return;
        }
        let whole = match self.partitions.refresh(&self.consumer, &TOPICS, Instant::now() + PATIENCE) {
            Ok(whole) => {
                self.mended();
                whole
            }
            Err(error) => {
                self.broken(&error);
                false
            }
        };
        self.seek_at = Instant::now() + if whole { SEEK.1 } else { SEEK.0 };
    }

    fn gather(&mut self) -> Batch {
        let mut batch = Batch::default();
        let mut until = Instant::now() + IDLE;
        while batch.records.len() < BATCH {
            let left = until.saturating_duration_since(Instant::now());
            // A detached message keeps the consumer borrowed no longer than its decoding takes.
            let polled = self.consumer.poll(left).map(|outcome| outcome.map(|message| decode(&message)));
            match polled {
                None => break,
                Some(Err(error)) => self.broken(&error),
                Some(Ok(arrival)) => {
                    if batch.messages == 0 {
                        until = Instant::now() + GATHER;
                    }
                    self.take(arrival, &mut batch);
                }
            }
            if left.is_zero() {
                break;
            }
        }
        batch
    }

    fn take(&mut self, arrival: Arrival, batch: &mut Batch) {
        self.mended();
        batch.messages += 1;
        let offset = batch.offsets.entry((arrival.topic, arrival.partition)).or_default();
        *offset = arrival.offset.max(*offset);
        match arrival.record {
            Ok(record) => batch.records.push(record),
            Err(problem) => {
                self.tally.undecodable.fetch_add(1, Ordering::Relaxed);
                if self.said.len() < MOST_SAID && self.said.insert(arrival.key.clone()) {
                    let board = String::from_utf8_lossy(&arrival.key).into_owned();
                    let error = &problem as &dyn std::error::Error;
                    tracing::warn!(
                        board,
                        offset = arrival.offset,
                        error,
                        "passing over messages that are no records"
                    );
                }
            }
        }
    }

    /// Stores a batch where that is this program's to do, again and again if it must; returns false when told to
    /// stop before it could.
    fn store(&mut self, batch: &Batch, stop: &Stop) -> bool {
        let mut said = false;
        let stored = loop {
            match self.keeper.take(&batch.records) {
                Ok(stored) => break stored,
                Err(error) => {
                    if !said {
                        tracing::error!(error = &error as &dyn std::error::Error, "records wait in Kafka");
                        said = true;
                    }
                    if stop.wait(STORE_AGAIN) {
                        return false;
                    }
                }
            }
        };
        if said {
            tracing::info!("the history takes records again");
        }
        for ((topic, partition), offset) in &batch.offsets {
            self.partitions.passed(topic, *partition, *offset);
        }
        self.tally.consumed.fetch_add(batch.messages, Ordering::Relaxed);
        self.tally.stored.fetch_add(stored.added(), Ordering::Relaxed);
        self.tally.redelivered.fetch_add(stored.held(), Ordering::Relaxed);
        let fresh = batch.records.iter().zip(&stored.fresh).filter(|&(_, &fresh)| fresh);
        let fresh: Vec<&Record> = fresh.map(|(record, _)| record).collect();
        self.show(&fresh);
        true
    }

    fn show(&self, fresh: &[&Record]) {
        self.live.apply(fresh.iter().copied(), Instant::now());
        let counters = self.tally.read();
        self.live.set_stored(counters.stored, counters.redelivered);
        for record in fresh {
            if let Body::Gap(gap) = &record.body {
                let (queue, from, to, reason, count) = (gap.of, gap.from, gap.to, gap.reason, gap.count);
                let what = Happening::QueueGap { queue, from, to, reason, count };
                self.herald.announce(record.board.as_str(), what);
            }
        }
    }

    fn broken(&mut self, error: &KafkaError) {
        let trouble = error.to_string();
        self.live.set_reachable(false);
        if self.trouble.is_none() {
            tracing::warn!("cannot read from Kafka, and go on trying: {trouble}");
        }
        self.trouble = Some(trouble);
    }

    fn mended(&mut self) {
        if self.trouble.take().is_some() {
            self.live.set_reachable(true);
            tracing::info!("Kafka can be read again");
        }
    }
}

/// Where records go.
enum Keeper {
    History(Arc<History>),
    Elsewhere(Seen),
}

impl Keeper {
    fn take(&mut self, batch: &[Record]) -> Result<Stored, HistoryError> {
        match self {
            Self::History(history) => history.insert(batch),
            Self::Elsewhere(seen) => Ok(seen.take(batch)),
        }
    }
}

/// A message, out of librdkafka's hands.
struct Arrival {
    topic: String,
    partition: i32,
    offset: i64,
    key: Vec<u8>,
    record: Result<Record, Unreadable>,
}

/// Why a message is no record.
#[derive(Debug, thiserror::Error)]
enum Unreadable {
    /// It has no payload.
    #[error("the message has no payload")]
    Empty,
    /// Its payload is none.
    #[error(transparent)]
    Payload(#[from] DecodeError),
}

fn decode(message: &BorrowedMessage<'_>) -> Arrival {
    let payload = message.payload().ok_or(Unreadable::Empty);
    let record = payload.and_then(|bytes| Ok(Record::decode(bytes)?));
    Arrival {
        topic: message.topic().to_owned(),
        partition: message.partition(),
        offset: message.offset(),
        key: message.key().unwrap_or_default().to_vec(),
        record,
    }
}
