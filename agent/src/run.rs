//! Wires sources, recorder, queue and sinks into one running [`Agent`], and owns their lifetimes.
//!
//! ```text
//! schedule ─ Observed ─▶ recorder ─ queue ─┬▶ ship ─ Kafka
//!                                          └▶ ship ─ Cassandra
//! ```
//! Each sink has its own reader, cursor and shipper: one that is down never holds up the other.
//!
//! It stops in the same order: the sources first, then the recorder once it has written what they saw,
//! then the shippers once everything is out or their time is up. What is not out stays in the queue.

use std::collections::BTreeMap;
use std::future::ready;
use std::net::SocketAddr;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::Instant;
use uuid::Uuid;

use crate::config::Config;
use crate::metrics::{self, Teller};
use crate::queue::{self, Directory, QueueError};
use crate::record::BoardName;
use crate::recorder::{Recorder, Refused};
use crate::schedule;
use crate::ship::{Berth, Complaint, Outlet, Shipper};
use crate::sink::cassandra::Cassandra;
use crate::sink::kafka::Kafka;
use crate::sink::outage::Outage;
use crate::sink::{Sink, SinkError, SinkName};
use crate::source::host::{self, HostSettings};
use crate::source::i2c::{self, LinuxBus, SharedBus};
use crate::tally::SinkTally;

// What whoever runs an agent needs of the other rooms passes through this door.
pub use crate::clock::{Clock, SystemClock};
pub use crate::queue::{Loss, Settings as QueueSettings};
pub use crate::schedule::Scheduled;
pub use crate::ship::{Destination, Rate};
pub use crate::sink::cassandra::CassandraSettings;
pub use crate::sink::kafka::KafkaSettings;
pub use crate::tally::{Counts, QueueCounts, SinkCounts, Snapshot, Tally};

/// How long a stop waits for the disk.
const CLOSING: Duration = Duration::from_secs(30);
/// Passes over sources under way to the recorder.
const PASSES: usize = 16;
/// Refusals under way to the recorder.
const REFUSALS: usize = 256;
/// Questions under way to the recorder.
const QUESTIONS: usize = 4;

/// Everything an agent is made of.
pub struct AgentSettings {
    /// The board's name.
    pub board: BoardName,
    /// Between two health records.
    pub interval: Duration,
    /// What is read.
    pub sources: Vec<Scheduled>,
    /// The queue's folder; made where it is missing.
    pub queue_directory: PathBuf,
    /// The queue's bounds.
    pub queue: queue::Settings,
    /// The Kafka sink, where there is one. At least one sink there is.
    pub kafka: Option<Destination<KafkaSettings>>,
    /// The Cassandra sink, where there is one.
    pub cassandra: Option<Destination<CassandraSettings>>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
}

/// Why an agent cannot start or end well.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The queue cannot be opened or closed.
    #[error("the agent of {board} has no queue")]
    Queue {
        /// Whose.
        board: BoardName,
        /// What came of it.
        #[source]
        source: QueueError,
    },
    /// Nothing says where records go.
    #[error("the agent of {board} has no sink: name Kafka's brokers or Cassandra's contact points")]
    NoSink {
        /// Whose.
        board: BoardName,
    },
    /// The disk did not answer while the agent was stopped.
    #[error("the queue of {board} was not closed: its disk does not answer; check it before the next start")]
    Hung {
        /// Whose.
        board: BoardName,
    },
}

/// One running agent.
pub struct Agent {
    board: BoardName,
    queue: Uuid,
    first: u64,
    tally: Arc<Tally>,
    link: watch::Sender<bool>,
    stop: watch::Sender<bool>,
    sources: JoinSet<()>,
    recorder: JoinHandle<(Vec<Loss>, Result<(), QueueError>)>,
    /// One task a sink; in a set, so that they end with the agent.
    shippers: JoinSet<()>,
    teller: Teller,
    /// Whoever tells of this agent; ends with it.
    telling: JoinSet<()>,
}

/// What an agent leaves behind, by the names of its records.
#[derive(Debug)]
pub struct Farewell {
    /// The board.
    pub board: BoardName,
    /// The queue that this run appended to.
    pub queue: Uuid,
    /// Every sequence this run appended.
    pub appended: Range<u64>,
    /// Those of them that are durable and that some sink still lacks.
    pub waiting: Range<u64>,
    /// How many records the slowest sink still lacks in all, those of earlier runs included.
    pub backlog: u64,
    /// Those given up, each told in a gap record.
    pub losses: Vec<Loss>,
    /// Whether the queue was closed cleanly. Everything durable stays so in any case.
    pub closed: Result<(), RunError>,
}

impl Agent {
    /// Opens the queue and starts to read, keep and ship. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// When the queue cannot be opened: its folder cannot be written, or another agent holds it.
    pub fn start(settings: AgentSettings) -> Result<Self, RunError> {
        let board = settings.board;
        let kafka = settings.kafka.map(|to| (SinkName::Kafka, to));
        let cassandra = settings.cassandra.map(|to| (SinkName::Cassandra, to));
        let sinks: Vec<SinkName> =
            kafka.iter().map(|to| to.0).chain(cassandra.iter().map(|to| to.0)).collect();
        if sinks.is_empty() {
            return Err(RunError::NoSink { board });
        }
        let opened = open_queue(&settings.queue_directory, settings.queue, &settings.clock, &sinks)
            .map_err(|source| RunError::Queue { board: board.clone(), source })?;
        let queue::Opened { writer, readers, refusals: kept, recovery } = opened;
        tracing::info!(%board, %recovery, "queue opened");
        let first = writer.status().next;
        let (link, plugged) = watch::channel(true);
        let (stop, stopped) = watch::channel(false);
        let (durable, durable_seen) = watch::channel(first);
        let (observations, observed) = mpsc::channel(PASSES);
        let (refusals, refused) = mpsc::channel(REFUSALS);
        let (newest, asked) = mpsc::channel(QUESTIONS);

        let queue = writer.queue_id();
        let mut dock = Dock {
            board: board.clone(),
            durable: durable_seen,
            link: plugged,
            refused: refusals,
            clock: Arc::clone(&settings.clock),
            shippers: JoinSet::new(),
            tallies: Vec::new(),
        };
        // In the order in which their cursors were opened.
        let berths = readers.into_iter().zip(kept);
        let mut berths = berths.map(|((reader, cursor), refusals)| Berth { reader, cursor, refusals });
        if let (Some((sink, Destination { settings, rate })), Some(berth)) = (kafka, berths.next()) {
            let tally = dock.tally(sink, &berth);
            let outage = Arc::clone(tally.outage());
            dock.ship(berth, tally, rate, move || ready(Kafka::connect(&settings, Arc::clone(&outage))));
        }
        if let (Some((sink, Destination { mut settings, rate })), Some(berth)) = (cassandra, berths.next()) {
            settings.queues = berth.reader.queues();
            settings.queues.push(queue);
            let tally = dock.tally(sink, &berth);
            let settings = Arc::new(settings);
            dock.ship(berth, tally, rate, move || {
                let settings = Arc::clone(&settings);
                async move { Cassandra::connect(&settings).await }
            });
        }
        let Dock { shippers, tallies, .. } = dock;
        let tally = Arc::new(Tally::starting(&writer.status(), tallies));
        let start = Instant::now();
        let recorder = Recorder {
            board: board.clone(),
            clock: Arc::clone(&settings.clock),
            interval: settings.interval,
            start,
            sources: settings.sources.iter().map(|scheduled| scheduled.interval).collect(),
            tally: Arc::clone(&tally),
            durable,
        };
        let teller = Teller {
            board: board.clone(),
            queue_max_bytes: settings.queue.max_bytes,
            tally: Arc::clone(&tally),
            clock: Arc::clone(&settings.clock),
            newest,
        };
        Ok(Self {
            board,
            queue,
            first,
            tally,
            link,
            stop,
            sources: schedule::spawn(settings.sources, &settings.clock, start, &observations, &stopped),
            recorder: tokio::spawn(recorder.run(writer, observed, refused, asked)),
            shippers,
            teller,
            telling: JoinSet::new(),
        })
    }

    /// The agent's counters.
    #[must_use]
    pub fn tally(&self) -> Arc<Tally> {
        Arc::clone(&self.tally)
    }

    /// Serves the agent's metrics to Prometheus at this address, until the agent ends. An address that is
    /// taken is said once, and tried again.
    pub fn serve_metrics(&mut self, listen: SocketAddr) {
        self.telling.spawn(metrics::serve(listen, self.teller.clone()));
    }

    /// Pulls the board's network plug, or puts it back: while it is out no sink exists, and records wait.
    pub fn plug(&self, plugged: bool) {
        self.link.send_replace(plugged);
    }

    /// Whether the plug is in.
    #[must_use]
    pub fn is_plugged(&self) -> bool {
        *self.link.borrow()
    }

    /// Stops reading, writes what was read, ships what can be shipped within `drain`, and closes the queue.
    pub async fn stop(mut self, drain: Duration) -> Farewell {
        self.stop.send_replace(true);
        while self.sources.join_next().await.is_some() {}
        let board = self.board;
        let (losses, closed) = match tokio::time::timeout(CLOSING, self.recorder).await {
            Ok(Ok((losses, closed))) => {
                (losses, closed.map_err(|source| RunError::Queue { board: board.clone(), source }))
            }
            // It hangs in the kernel, or it panicked: what it had not made durable shows as missing.
            _ => (Vec::new(), Err(RunError::Hung { board: board.clone() })),
        };
        let shipping = async { while self.shippers.join_next().await.is_some() {} };
        if tokio::time::timeout(drain, shipping).await.is_err() {
            self.shippers.shutdown().await;
        }
        let kept = self.tally.waiting();
        let (appended, waiting) = (self.first..self.tally.next(), kept.start.max(self.first)..kept.end);
        let backlog = kept.end - kept.start;
        Farewell { board, queue: self.queue, appended, waiting, backlog, losses, closed }
    }
}

/// What every shipper of an agent is given.
struct Dock {
    board: BoardName,
    durable: watch::Receiver<u64>,
    link: watch::Receiver<bool>,
    refused: mpsc::Sender<Refused>,
    clock: Arc<dyn Clock>,
    shippers: JoinSet<()>,
    tallies: Vec<Arc<SinkTally>>,
}

impl Dock {
    /// The counters of a sink, which know its outage.
    fn tally(&mut self, sink: SinkName, berth: &Berth) -> Arc<SinkTally> {
        let outage = Arc::new(Outage::none(self.board.clone(), sink));
        let tally = Arc::new(SinkTally::starting(sink, outage, berth.cursor.position()));
        self.tallies.push(Arc::clone(&tally));
        tally
    }

    /// Starts to ship to a sink, which `connect` builds, at first and after every failure.
    fn ship<S, F, C>(&mut self, berth: Berth, tally: Arc<SinkTally>, rate: Rate, connect: F)
    where
        S: Sink + 'static,
        F: FnMut() -> C + Send + 'static,
        C: Future<Output = Result<S, SinkError>> + Send + 'static,
    {
        let shipper = Shipper {
            connect,
            outlet: Outlet::new(berth),
            durable: self.durable.clone(),
            link: self.link.clone(),
            refused: self.refused.clone(),
            rate,
            clock: Arc::clone(&self.clock),
            tally,
            complaint: Complaint::default(),
        };
        self.shippers.spawn(shipper.run());
    }
}

fn open_queue(
    directory: &Path,
    settings: queue::Settings,
    clock: &Arc<dyn Clock>,
    sinks: &[SinkName],
) -> Result<queue::Opened, QueueError> {
    let storage = Directory::create(directory).map_err(|source| QueueError::Storage {
        what: "create",
        name: "its folder".into(),
        place: directory.display().to_string(),
        source,
    })?;
    let cursors: Vec<&str> = sinks.iter().map(|sink| sink.as_str()).collect();
    queue::open(Arc::new(storage), settings, clock.now().boot, &cursors)
}

/// The health of the machine this runs on, and nothing else: no chip, no data disk.
#[must_use]
pub fn this_machine(interval: Duration) -> Vec<Scheduled> {
    host::sources(&HostSettings::default()).into_iter().map(|source| Scheduled { source, interval }).collect()
}

/// Everything that a configuration asks to be read. Touches nothing yet.
#[must_use]
pub fn sources(config: &Config) -> Vec<Scheduled> {
    let host = host::sources(&config.host).into_iter();
    let mut scheduled: Vec<_> = host.map(|source| Scheduled { source, interval: config.interval }).collect();
    let mut buses: BTreeMap<&Path, SharedBus<LinuxBus>> = BTreeMap::new();
    for sensor in &config.sensors {
        let bus = buses.entry(&sensor.bus).or_insert_with(|| SharedBus::new(LinuxBus::new(&sensor.bus)));
        let source = i2c::open(&sensor.chip, bus.clone(), linux_embedded_hal::Delay);
        scheduled.push(Scheduled { source, interval: sensor.interval });
    }
    scheduled
}

#[cfg(test)]
mod tests;
