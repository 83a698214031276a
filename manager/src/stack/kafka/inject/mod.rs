//! A load for a topic: a file, standard input or made-up readings, cut into chunks, one every so often.
//!
//! Invariant: every message that was sent is counted once, as acknowledged by all replicas or as not; a chunk
//! begins when it is due or says how late it is. Memory holds one chunk.
//!
//! [`source`] cuts, `sender` sends one chunk and waits for what becomes of every message, this file keeps time.

mod sender;
pub mod source;

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use rdkafka::error::KafkaError;
use serde::Serialize;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep_until};

use self::sender::Sender;
pub use self::source::{Message, Source, SourceError};
use super::topics::{Cluster, Name, TopicError, partitions};

/// A chunk that begins this much after it was due is late; less is the clock's own.
const LATE: Duration = Duration::from_millis(100);

/// What is asked.
#[derive(Clone, Debug)]
pub struct Orders {
    /// Where, and how long a message may wait for its acknowledgement.
    pub cluster: Cluster,
    /// Where to.
    pub topic: Name,
    /// From the beginning of one chunk to the next's.
    pub every: Duration,
    /// Messages in a chunk.
    pub count: usize,
    /// No more chunks than that.
    pub chunks: Option<u64>,
    /// No chunk begins later than that after the first.
    pub last: Option<Duration>,
}

/// What became of one chunk.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Chunk {
    /// From 1.
    pub number: u64,
    /// When its first message went out, in UTC.
    pub begun: Timestamp,
    /// Messages in it.
    pub messages: usize,
    /// Those that all replicas in sync have.
    pub acknowledged: usize,
    /// From the first message to what became of the last.
    pub seconds: f64,
    /// How long after it was due it began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub late_seconds: Option<f64>,
    /// Why the first that was not acknowledged was not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What became of all.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Injected {
    /// Chunks, as each was told.
    pub chunks: Vec<Chunk>,
    /// Messages of all.
    pub messages: u64,
    /// Those that all replicas in sync have.
    pub acknowledged: u64,
    /// Whether it was ended before its source was.
    pub stopped: bool,
}

/// Why nothing more is sent.
#[derive(Debug, thiserror::Error)]
pub enum InjectError {
    /// The topic.
    #[error(transparent)]
    Topic(#[from] TopicError),
    /// The source.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The client could not be made.
    #[error("cannot make a Kafka producer")]
    Client(#[source] KafkaError),
    /// A thread of this program's own.
    #[error("a thread that {0} ended before its work; this is a fault of pirack's")]
    Thread(&'static str),
}

/// Sends chunk after chunk, tells each, and ends with the source, with what was ordered, or when `stop` does.
/// A chunk that is being sent then is waited for.
///
/// # Errors
/// When the topic is not there, or the source cannot be read. What was told by then was sent.
pub async fn inject(
    orders: &Orders,
    mut source: Source,
    stop: impl Future<Output = ()>,
    told: &mut (dyn FnMut(&Chunk) + Send),
) -> Result<Injected, InjectError> {
    partitions(&orders.cluster, &orders.topic).await?;
    let sender = Sender::connect(&orders.cluster, &orders.topic).map_err(InjectError::Client)?;
    let sender = Arc::new(sender);
    let mut stop = pin!(stop);
    let mut injected = Injected::default();
    let mut first = None;
    let mut due = Instant::now();
    loop {
        let number = injected.chunks.len() as u64 + 1;
        let over = first.zip(orders.last).is_some_and(|(first, last): (Instant, _)| due > first + last);
        if over || orders.chunks.is_some_and(|most| number > most) {
            return Ok(injected);
        }
        let count = orders.count;
        let reading = spawn_blocking(move || (source.next(count), source));
        let (messages, back) = tokio::select! {
            read = reading => read.map_err(|_| InjectError::Thread("reads"))?,
            () = &mut stop => return Ok(stopped(injected)),
        };
        source = back;
        let messages = messages?;
        if messages.is_empty() {
            return Ok(injected);
        }
        tokio::select! {
            () = sleep_until(due) => {}
            () = &mut stop => return Ok(stopped(injected)),
        }
        let begun = Instant::now();
        first.get_or_insert(begun);
        let late = begun.saturating_duration_since(due);
        let at = Timestamp::now();
        let halt = Arc::new(AtomicBool::new(false));
        let (all, flag) = (Arc::clone(&sender), Arc::clone(&halt));
        let mut sending = spawn_blocking(move || all.send(&messages, &flag));
        let (sent, ended) = tokio::select! {
            sent = &mut sending => (sent, false),
            () = &mut stop => {
                halt.store(true, Ordering::Relaxed);
                (sending.await, true)
            }
        };
        let sent = sent.map_err(|_| InjectError::Thread("sends"))?;
        let chunk = Chunk {
            number,
            begun: at,
            messages: sent.messages,
            acknowledged: sent.acknowledged,
            seconds: sent.took.as_secs_f64(),
            late_seconds: (late > LATE).then_some(late.as_secs_f64()),
            reason: sent.reason,
        };
        injected.messages += chunk.messages as u64;
        injected.acknowledged += chunk.acknowledged as u64;
        told(&chunk);
        injected.chunks.push(chunk);
        if ended {
            return Ok(stopped(injected));
        }
        // After a late one the beat goes on from where it began: what was missed is not caught up.
        due = due.max(begun) + orders.every;
    }
}

fn stopped(injected: Injected) -> Injected {
    Injected { stopped: true, ..injected }
}

#[cfg(test)]
mod tests;
