//! Records to Kafka: a record is safe when the broker has acknowledged it.
//!
//! The client is librdkafka's idempotent producer. Four of its habits are turned round here:
//! - It gives up on records after a time (`message.timeout.ms`). Here it never does: the queue owns
//!   retention, and a batch simply waits.
//! - "Sent" only means enqueued. Here only the delivery callback counts.
//! - It refuses whole requests. A broker that finds one record of a request too large or invalid fails
//!   its neighbours with it. Here a refusal counts only for a record that was sent alone.
//! - After a fatal error it can do nothing more. Then [`Kafka::deliver`] fails, [`crate::ship`] builds a
//!   new producer, and everything after the cursor is offered to it.
//!
//! Nobody polls in the background: the producer's events are taken from the loop that waits for them.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rdkafka::ClientContext;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer, ProducerContext};
use tokio::time::Instant;

use super::login::Login;
use super::{Receipt, Refusal, Sink, SinkError};
use crate::record::{BoardName, Entry, Kind};

/// How soon and how seldom the producer is asked for acknowledgements.
const POLL_SOONEST: Duration = Duration::from_millis(4);
const POLL_SELDOMEST: Duration = Duration::from_millis(200);
/// Silence after which a person is told, once.
const PATIENCE: Duration = Duration::from_secs(5);

/// Silence after which the producer is built anew: it may be stuck without knowing.
const LONGEST_SILENCE: Duration = Duration::from_secs(300);

/// Where and as whom records are published.
#[derive(Clone, Debug)]
pub struct KafkaSettings {
    /// Brokers to begin with, each `host:port`.
    pub bootstrap: Vec<String>,
    /// The key of every record, and the client's name at the broker.
    pub board: BoardName,
    /// As whom; anonymously where there is none.
    pub login: Option<Login>,
}

/// The Kafka sink.
pub struct Kafka {
    producer: BaseProducer<Acknowledgements>,
    settings: KafkaSettings,
}

impl Kafka {
    /// Makes a producer. Nothing is sent yet, and no broker need be there.
    ///
    /// # Errors
    /// When librdkafka refuses its settings.
    pub fn connect(settings: &KafkaSettings) -> Result<Self, SinkError> {
        let bootstrap = settings.bootstrap.join(",");
        let mut config = ClientConfig::new();
        if let Some(Login { user, password }) = &settings.login {
            config
                .set("security.protocol", "sasl_plaintext")
                .set("sasl.mechanism", "PLAIN")
                .set("sasl.username", user)
                .set("sasl.password", password.expose());
        }
        let producer = config
            .set("bootstrap.servers", &bootstrap)
            .set("client.id", settings.board.as_str())
            .set("enable.idempotence", "true")
            .set("acks", "all")
            .set("compression.type", "zstd")
            .set("message.timeout.ms", "0")
            .set("partitioner", "murmur2_random") // as Java's clients do, so that all agree where a board lives
            .set("allow.auto.create.topics", "false") // `pirack topics apply` makes them, with the right partitions
            .set("linger.ms", "5")
            .set("queue.buffering.max.messages", "4000") // one batch and its neighbour, not librdkafka's 100,000
            .set("queue.buffering.max.kbytes", "4096")
            .set("reconnect.backoff.max.ms", "2000")
            .set("topic.metadata.refresh.interval.ms", "60000")
            .set("log.connection.close", "false")
            .set_log_level(RDKafkaLogLevel::Critical)
            .create_with_context(Acknowledgements::default())
            .map_err(|error| failed(settings, &error.to_string()))?;
        Ok(Self { producer, settings: settings.clone() })
    }

    /// Sends the records at `indices` and waits until each is acknowledged or refused; returns the
    /// refused ones, in order.
    async fn send(&mut self, batch: &[Entry], indices: &[usize]) -> Result<Vec<Refusal>, SinkError> {
        self.book().open(indices);
        let mut enqueued = 0;
        let mut pause = POLL_SOONEST;
        let mut silence = Silence::new(&self.settings);
        loop {
            enqueued += self.enqueue(batch, &indices[enqueued..])?;
            self.producer.poll(Duration::ZERO);
            self.check()?;
            let open = self.book().unsettled.len();
            if open == 0 {
                return Ok(self.book().refusals());
            }
            if silence.note(open, || self.book().trouble.clone()) {
                return Err(failed(&self.settings, "no acknowledgement for five minutes"));
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(POLL_SELDOMEST);
        }
    }

    /// Gives the client what it has room for; returns how many that were.
    fn enqueue(&self, batch: &[Entry], indices: &[usize]) -> Result<usize, SinkError> {
        for (count, &index) in indices.iter().enumerate() {
            let Some(entry) = batch.get(index) else { continue };
            let Some(kind) = Kind::from_tag(entry.tag) else {
                self.book().refuse(index, format!("tag {} is no kind of record", entry.tag));
                continue;
            };
            let record = BaseRecord::with_opaque_to(kind.topic(), index)
                .key(self.settings.board.as_str())
                .payload(entry.payload.as_slice());
            match self.producer.send(record) {
                Ok(()) => {}
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), _)) => return Ok(count),
                Err((KafkaError::MessageProduction(code), _)) if is_refusal(code) => {
                    self.book().refuse(index, code.to_string());
                }
                Err((error, _)) => return Err(failed(&self.settings, &error.to_string())),
            }
        }
        Ok(indices.len())
    }

    fn book(&self) -> std::sync::MutexGuard<'_, Book> {
        self.producer.context().book()
    }

    /// Whether the producer can never deliver again.
    fn check(&self) -> Result<(), SinkError> {
        if let Some(reason) = self.book().failure.take() {
            return Err(failed(&self.settings, &reason));
        }
        match self.producer.client().fatal_error() {
            Some((_, reason)) => Err(failed(&self.settings, &reason)),
            None => Ok(()),
        }
    }
}

impl Sink for Kafka {
    async fn deliver(&mut self, batch: &[Entry]) -> Result<Receipt, SinkError> {
        let all: Vec<usize> = (0..batch.len()).collect();
        let doubtful = self.send(batch, &all).await?;
        let mut refused = Vec::new();
        for Refusal { index, .. } in doubtful {
            refused.extend(self.send(batch, &[index]).await?);
        }
        Ok(Receipt { settled: batch.len(), refused })
    }
}

/// Tells once that the broker is silent, and once that it is back.
struct Silence {
    board: BoardName,
    address: String,
    since: Instant,
    open: usize,
    told: bool,
}

impl Silence {
    fn new(settings: &KafkaSettings) -> Self {
        let address = settings.bootstrap.join(",");
        Self { board: settings.board.clone(), address, since: Instant::now(), open: usize::MAX, told: false }
    }

    /// Notes how many records are still open; true when it has been silent for so long that a new
    /// producer may do better.
    fn note(&mut self, open: usize, trouble: impl Fn() -> Option<String>) -> bool {
        if open < self.open {
            (self.open, self.since) = (open, Instant::now());
        } else if !self.told && self.since.elapsed() >= PATIENCE {
            self.told = true;
            let reason = trouble().unwrap_or_else(|| "no answer".to_owned());
            tracing::warn!(
                board = %self.board,
                kafka = self.address,
                reason,
                "no acknowledgement for 5 s; records wait in the queue"
            );
        }
        self.since.elapsed() >= LONGEST_SILENCE
    }
}

impl Drop for Silence {
    fn drop(&mut self) {
        if self.told {
            let seconds = self.since.elapsed().as_secs();
            tracing::info!(board = %self.board, kafka = self.address, seconds, "no longer waiting for acknowledgements");
        }
    }
}

/// What the broker said of the records under way.
#[derive(Debug, Default)]
struct Book {
    unsettled: HashSet<usize>,
    refused: Vec<Refusal>,
    /// A delivery failed in a way that a new producer may mend.
    failure: Option<String>,
    /// The client's newest complaint.
    trouble: Option<String>,
}

impl Book {
    fn open(&mut self, indices: &[usize]) {
        *self = Self { unsettled: indices.iter().copied().collect(), ..Self::default() };
    }

    fn acknowledge(&mut self, index: usize) {
        self.unsettled.remove(&index);
    }

    fn refuse(&mut self, index: usize, reason: String) {
        if self.unsettled.remove(&index) {
            self.refused.push(Refusal { index, reason });
        }
    }

    fn refusals(&mut self) -> Vec<Refusal> {
        let mut refused = std::mem::take(&mut self.refused);
        refused.sort_by_key(|refusal| refusal.index);
        refused
    }
}

/// Takes librdkafka's callbacks.
#[derive(Clone, Default)]
struct Acknowledgements(Arc<Mutex<Book>>);

impl Acknowledgements {
    fn book(&self) -> std::sync::MutexGuard<'_, Book> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ClientContext for Acknowledgements {
    fn log(&self, _level: RDKafkaLogLevel, facility: &str, message: &str) {
        tracing::debug!(facility, message, "librdkafka");
    }

    fn error(&self, error: KafkaError, reason: &str) {
        let mut book = self.book();
        // The first complaint names the cause ("connection refused"); "all brokers down" only follows it.
        if error.rdkafka_error_code() != Some(RDKafkaErrorCode::AllBrokersDown) || book.trouble.is_none() {
            book.trouble = Some(reason.to_owned());
        }
    }
}

impl ProducerContext for Acknowledgements {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, index: usize) {
        let mut book = self.book();
        match result {
            Ok(_) => book.acknowledge(index),
            Err((KafkaError::MessageProduction(code), _)) if is_refusal(*code) => {
                book.refuse(index, code.to_string());
            }
            Err((error, _)) => book.failure = Some(error.to_string()),
        }
    }
}

/// Whether the broker will not take this record, or one that shared its request (KIP-467).
fn is_refusal(code: RDKafkaErrorCode) -> bool {
    matches!(
        code,
        RDKafkaErrorCode::MessageSizeTooLarge
            | RDKafkaErrorCode::InvalidRecord
            | RDKafkaErrorCode::InvalidDifferentRecord
    )
}

fn failed(settings: &KafkaSettings, reason: &str) -> SinkError {
    SinkError::Failed { sink: "kafka", address: settings.bootstrap.join(","), reason: reason.to_owned() }
}

#[cfg(test)]
pub(crate) mod tests;
