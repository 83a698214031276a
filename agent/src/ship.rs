//! From the queue to one sink: the only place that moves a cursor.
//!
//! Invariant: a cursor passes a record only after its sink has called it safe, or has refused it for
//! good, in which case a gap record says so. Everything else that can happen, a broker that is away, a
//! link that is unplugged, a client that must be built anew, ends in the same way: the batch is read
//! again from the cursor.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};

use crate::letter::chain;
use crate::queue::{Batch, Cursor, Reader};
use crate::recorder::Refused;
use crate::sink::{Receipt, Sink, SinkError};
use crate::tally::Tally;

/// The most records in one batch: at 300 bytes each about one request to a broker.
const BATCH_RECORDS: usize = 2000;
/// The most bytes in one batch: within a broker's default for one request.
const BATCH_BYTES: usize = 768 * 1024;
/// The first wait after a failure, doubled at each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// The longest wait between two tries.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// One sink's way out of the queue.
pub(crate) struct Shipper<F> {
    /// Builds the sink, at first and after every failure.
    pub(crate) connect: F,
    pub(crate) reader: Reader,
    pub(crate) cursor: Cursor,
    /// The sequence behind the last durable record.
    pub(crate) durable: watch::Receiver<u64>,
    /// Whether the board's link is plugged in.
    pub(crate) link: watch::Receiver<bool>,
    pub(crate) refused: mpsc::Sender<Refused>,
    pub(crate) tally: Arc<Tally>,
}

impl<S, F> Shipper<F>
where
    S: Sink + 'static,
    F: FnMut() -> Result<S, SinkError> + Send,
{
    /// Ships until the recorder has gone and all it wrote is out, or for ever; dropping it stops it.
    pub(crate) async fn run(mut self) {
        let mut pause = FIRST_PAUSE;
        let mut failing: Option<String> = None;
        loop {
            if self.link.wait_for(|plugged| *plugged).await.is_err() {
                return;
            }
            let mut unplugged = self.link.clone();
            let outcome = tokio::select! {
                biased;
                _ = unplugged.wait_for(|plugged| !*plugged) => continue,
                outcome = self.session(&mut pause) => outcome,
            };
            match outcome {
                Ok(Ended) => return,
                Err(error) => {
                    let error = chain(&error);
                    if failing.as_ref() != Some(&error) {
                        tracing::warn!(error, "records wait in the queue");
                        failing = Some(error);
                    }
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }

    /// One life of the sink: from its connection to its first failure.
    async fn session(&mut self, pause: &mut Duration) -> Result<Ended, ShipError> {
        let mut sink = Held(Some((self.connect)()?));
        loop {
            let position = self.cursor.position();
            if self.durable.wait_for(|durable| *durable > position).await.is_err() {
                return Ok(Ended);
            }
            let batch = self.reader.read(position, BATCH_RECORDS, BATCH_BYTES)?;
            if !batch.entries.is_empty() {
                let Some(sink) = &mut sink.0 else { return Ok(Ended) };
                let receipt = sink.deliver(&batch.entries).await?;
                self.settle(&batch, &receipt).await?;
            } else if batch.next > position {
                self.advance(batch.next)?;
            } else {
                // The queue promised a record and had none to give: its own report says why.
                tokio::time::sleep(FIRST_PAUSE).await;
            }
            *pause = FIRST_PAUSE;
        }
    }

    /// Moves the cursor past what the receipt settles.
    async fn settle(&mut self, batch: &Batch, receipt: &Receipt) -> Result<(), ShipError> {
        for refusal in &receipt.refused {
            let Some(entry) = batch.entries.get(refusal.index) else { continue };
            tracing::warn!(
                sequence = entry.identity.sequence,
                reason = refusal.reason,
                "record refused for good"
            );
            self.refused.send(Refused(entry.identity)).await.map_err(|_| ShipError::Stopping)?;
        }
        let next = match batch.entries.get(receipt.settled) {
            Some(first_unsettled) => first_unsettled.identity.sequence,
            None => batch.next,
        };
        self.tally.delivered((receipt.settled - receipt.refused.len()) as u64);
        self.advance(next)
    }

    fn advance(&mut self, to: u64) -> Result<(), ShipError> {
        self.cursor.advance(to)?;
        self.tally.shipped(to);
        Ok(())
    }
}

/// The recorder has gone, and nothing waits.
struct Ended;

/// A sink that is closed on a thread of its own: a client may take its time to say goodbye.
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
    Queue(#[from] crate::queue::QueueError),
    /// Nobody is left to write the gap down, so the cursor stays before the record.
    #[error("a record was refused while the agent stops; it is offered again at the next start")]
    Stopping,
}
