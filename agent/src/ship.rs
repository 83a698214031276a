//! From the queue to one sink: the only place that moves a cursor.
//!
//! Invariant: a cursor passes a record only after its sink has called it safe, or has refused it for
//! good, in which case a gap record says so. Everything else that can happen, a broker that is away, a
//! link that is unplugged, a client that must be built anew, ends in the same way: the batch is read
//! again from the cursor.

mod rate;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;

use self::rate::Bucket;
pub use self::rate::Rate;
use crate::clock::Clock;
use crate::letter::chain;
use crate::queue::{Batch, Cursor, Entry, QueueError, Reader, Refusals, RefusedRecord};
use crate::record::Kind;
use crate::recorder::Refused;
use crate::sink::{Receipt, Refusal, Sink, SinkError, SinkName};
use crate::tally::SinkTally;

/// The most bytes in one batch: within a broker's default for one request.
const BATCH_BYTES: usize = 768 * 1024;
/// The first wait after a failure, doubled at each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// The longest wait between two tries.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// A connection that is not there by then is given up, and tried again.
const CONNECTING: Duration = Duration::from_secs(60);

/// How long a refusal that goes on is not said again.
const COMPLAINING: Duration = Duration::from_secs(3600);

/// A sink's settings, and how fast it may be fed.
#[derive(Clone, Debug)]
pub struct Destination<S> {
    /// Where and as whom.
    pub settings: S,
    /// The most records in a second.
    pub rate: Rate,
}

/// One sink's way out of the queue.
pub(crate) struct Shipper<F> {
    /// Builds the sink, at first and after every failure.
    pub(crate) connect: F,
    pub(crate) outlet: Outlet,
    /// The sequence behind the last durable record.
    pub(crate) durable: watch::Receiver<u64>,
    /// Whether the board's link is plugged in.
    pub(crate) link: watch::Receiver<bool>,
    /// Where refused records are told.
    pub(crate) refused: mpsc::Sender<Refused>,
    pub(crate) rate: Rate,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) tally: Arc<SinkTally>,
    pub(crate) complaint: Complaint,
}

/// What was last said of refusals, every record of a kind may be refused, many in a second; and of the cursor.
#[derive(Debug, Default)]
pub(crate) struct Complaint {
    said: Option<(String, Instant)>,
    /// Refused since.
    records: usize,
    /// The disk does not take the cursor's moves.
    cursor_fails: bool,
}

impl Complaint {
    /// Says a refusal when its reason is new, and once an hour while it stays the same.
    fn refused(&mut self, sink: SinkName, records: usize, reason: &str) {
        self.records += records;
        let known = |(said, at): &(String, Instant)| said == reason && at.elapsed() < COMPLAINING;
        if !self.said.as_ref().is_some_and(known) {
            let records = std::mem::take(&mut self.records);
            tracing::warn!(
                %sink,
                records,
                reason,
                "the sink refuses records for good, they are set aside: see `pirack-agent buffer refused`"
            );
            self.said = Some((reason.to_owned(), Instant::now()));
        }
    }
}

impl<S, F, C> Shipper<F>
where
    S: Sink + 'static,
    F: FnMut() -> C + Send,
    C: Future<Output = Result<S, SinkError>> + Send,
{
    /// Ships until the recorder has gone and all it wrote is out, or for ever; dropping it stops it.
    pub(crate) async fn run(mut self) {
        let mut pause = FIRST_PAUSE;
        let mut bucket = Bucket::full(self.rate);
        loop {
            if self.link.wait_for(|plugged| *plugged).await.is_err() {
                return;
            }
            match self.session(&mut bucket, &mut pause).await {
                Ok(Ended::Drained) => return,
                Ok(Ended::Unplugged) => {}
                Err(error) => {
                    self.tell(&error);
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }

    fn tell(&self, error: &ShipError) {
        let detail = if let ShipError::Sink(sink) = error { sink.detail() } else { None };
        self.tally.outage().because_of(&chain(error), detail);
    }

    /// One life of the sink: from its connection to its first failure, or until the link is unplugged.
    async fn session(&mut self, bucket: &mut Bucket, pause: &mut Duration) -> Result<Ended, ShipError> {
        let connection = tokio::time::timeout(CONNECTING, (self.connect)());
        let Some(connected) = while_plugged(&mut self.link, connection).await else {
            return Ok(Ended::Unplugged);
        };
        let mut sink = Held(Some(connected.map_err(|_| ShipError::Silent { sink: self.tally.sink() })??));
        let mut position = self.outlet.with(|berth| berth.cursor.position()).await?;
        loop {
            let more = self.durable.wait_for(|durable| *durable > position);
            match while_plugged(&mut self.link, more).await {
                Some(Ok(_)) => {}
                Some(Err(_)) => return Ok(Ended::Drained),
                None => return Ok(Ended::Unplugged),
            }
            let records = self.rate.batch();
            let read = move |berth: &mut Berth| berth.reader.read(position, records, BATCH_BYTES);
            let batch = self.outlet.with(read).await??;
            if batch.next == position {
                // The queue promised a record and had none to give: its own report says why.
                tokio::time::sleep(FIRST_PAUSE).await;
                continue;
            }
            if !batch.entries.is_empty() {
                let Some(sink) = &mut sink.0 else { return Ok(Ended::Unplugged) };
                let allowed = tokio::time::sleep(bucket.take(batch.entries.len(), Instant::now()));
                let delivery = async {
                    allowed.await;
                    sink.deliver(&batch.entries).await
                };
                let Some(receipt) = while_plugged(&mut self.link, delivery).await else {
                    return Ok(Ended::Unplugged);
                };
                let receipt = receipt?;
                position = self.settle(&batch, &receipt).await?;
                *pause = FIRST_PAUSE;
                match receipt.trouble {
                    Some(trouble) => self.tell(&ShipError::Sink(trouble)),
                    None => self.tally.outage().over(),
                }
            } else {
                // Nothing was offered, so nothing is known of the sink.
                position = self.advance(batch.next).await?;
            }
        }
    }

    /// Moves the cursor past what the receipt settles, once every refusal in it is durable as a gap.
    async fn settle(&mut self, batch: &Batch, receipt: &Receipt) -> Result<u64, ShipError> {
        if let Some(first) = receipt.refused.first() {
            self.set_aside(batch, &receipt.refused).await?;
            self.complaint.refused(self.tally.sink(), receipt.refused.len(), &first.reason);
        }
        let next = match batch.entries.get(receipt.settled) {
            Some(first_unsettled) => first_unsettled.identity.sequence,
            None => batch.next,
        };
        let (settled, refused) = (receipt.settled, receipt.refused.len());
        self.tally.delivered(settled.saturating_sub(refused) as u64, self.clock.now().time);
        self.tally.refused(refused as u64);
        self.advance(next).await
    }

    /// Keeps what was refused, then says in the stream that it was, and waits until both are durable.
    async fn set_aside(&mut self, batch: &Batch, refused: &[Refusal]) -> Result<(), ShipError> {
        let time = self.clock.now().time;
        let kept = refused.iter().filter_map(|Refusal { index, reason }| {
            let Entry { identity, tag, payload } = batch.entries.get(*index)?.clone();
            Some(RefusedRecord { time, identity, tag, reason: reason.clone(), payload })
        });
        let kept: Vec<_> = kept.collect();
        // A refused gap is kept like any record, but no gap is told of it: that would be refused too, for ever.
        let told_of = kept.iter().filter(|record| record.tag != Kind::Gap.tag());
        let records: Vec<_> = told_of.map(|record| record.identity).collect();
        self.outlet.with(move |berth| berth.refusals.keep(&kept)).await??;
        if records.is_empty() {
            return Ok(());
        }
        let (told, durable) = oneshot::channel();
        let refused = Refused { sink: self.tally.sink(), records, told };
        self.refused.send(refused).await.map_err(|_| ShipError::Stopping)?;
        durable.await.map_err(|_| ShipError::Stopping)
    }

    async fn advance(&mut self, to: u64) -> Result<u64, ShipError> {
        let moved = self.outlet.with(move |berth| berth.cursor.advance(to)).await?;
        match moved {
            Ok(()) => self.complaint.cursor_fails = false,
            // The move holds in memory, so that only a restart ships again: no reason to let go of a sink
            // that takes records.
            Err(error @ QueueError::Storage { .. }) => {
                if !std::mem::replace(&mut self.complaint.cursor_fails, true) {
                    let (sink, error) = (self.tally.sink(), chain(&error));
                    tracing::error!(%sink, error, "the cursor cannot be written; a restart would ship again");
                }
            }
            Err(error) => return Err(error.into()),
        }
        self.tally.shipped(to);
        Ok(to)
    }
}

/// A reader, its cursor, and where refused records are kept. They wait on the disk, so they are only used on threads that may.
#[derive(Clone)]
pub(crate) struct Outlet(Arc<Mutex<Berth>>);

/// One sink's place at the queue.
pub(crate) struct Berth {
    /// Reads what is durable.
    pub(crate) reader: Reader,
    /// How far the sink has come.
    pub(crate) cursor: Cursor,
    /// Keeps what the sink refuses for good.
    pub(crate) refusals: Refusals,
}

impl Outlet {
    pub(crate) fn new(berth: Berth) -> Self {
        Self(Arc::new(Mutex::new(berth)))
    }

    /// Shared rather than moved, so that a shipper that is stopped in the middle leaves both behind.
    async fn with<T: Send + 'static>(
        &self,
        act: impl FnOnce(&mut Berth) -> T + Send + 'static,
    ) -> Result<T, ShipError> {
        let berth = Arc::clone(&self.0);
        let acting = move || act(&mut berth.lock().unwrap_or_else(PoisonError::into_inner));
        tokio::task::spawn_blocking(acting).await.map_err(|_| ShipError::Stopping)
    }
}

/// Why a session ended well.
enum Ended {
    /// The recorder has gone, and nothing waits.
    Drained,
    /// The link was pulled.
    Unplugged,
}

/// The future's outcome, or nothing once the link is pulled; the future is then given up wherever it is.
async fn while_plugged<T>(link: &mut watch::Receiver<bool>, future: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        biased;
        // A link that nobody holds any more stays as it is.
        Ok(_) = link.wait_for(|plugged| !*plugged) => None,
        outcome = future => Some(outcome),
    }
}

/// A sink that is handed to a thread of its own to be closed: a client may take its time to say goodbye.
struct Held<S: Send + 'static>(Option<S>);

impl<S: Send + 'static> Drop for Held<S> {
    fn drop(&mut self) {
        if let (Some(sink), Ok(runtime)) = (self.0.take(), tokio::runtime::Handle::try_current()) {
            runtime.spawn_blocking(move || drop(sink));
        }
    }
}

/// Why a session ended before its time.
#[derive(Debug, thiserror::Error)]
enum ShipError {
    #[error(transparent)]
    Sink(#[from] SinkError),
    #[error(transparent)]
    Queue(#[from] QueueError),
    #[error("{sink} did not answer a connection within {} s; trying on", CONNECTING.as_secs())]
    Silent { sink: SinkName },
    /// Nobody is left to write a gap down, or to wait on the disk, so the cursor stays where it is.
    #[error("the agent stops; what is not settled is offered again at the next start")]
    Stopping,
}

#[cfg(test)]
mod tests;
