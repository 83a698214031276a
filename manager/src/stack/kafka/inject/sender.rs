//! Sends one chunk and waits for what becomes of every message of it.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseProducer, BaseRecord, DeliveryResult, Producer, ProducerContext, PurgeConfig};
use rdkafka::{ClientContext, Message as _};

use super::source::Message;
use crate::stack::kafka::topics::{Cluster, Name};

/// Between two looks at what was acknowledged; and how soon an end that was asked for is noticed.
const POLL: Duration = Duration::from_millis(50);
/// So many messages between two looks while they are handed over.
const HANDFUL: usize = 500;
/// How long outstanding messages are waited for after an end was asked for.
const PARTING: Duration = Duration::from_secs(10);
/// How much longer than a message's own deadline all of them are waited for: librdkafka looks once a second.
const GRACE: Duration = Duration::from_secs(5);

/// One producer for all chunks.
pub(super) struct Sender {
    producer: BaseProducer<Tally>,
    topic: Name,
    deadline: Duration,
}

/// What became of a chunk.
pub(super) struct Sent {
    pub(super) messages: usize,
    pub(super) acknowledged: usize,
    pub(super) took: Duration,
    pub(super) reason: Option<String>,
}

/// What is known of the messages of this chunk.
#[derive(Default)]
struct Tally {
    acknowledged: AtomicUsize,
    refused: AtomicUsize,
    reason: Mutex<Option<String>>,
}

impl Tally {
    fn refuse(&self, reason: String) {
        self.refused.fetch_add(1, Ordering::Relaxed);
        self.reason.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(reason);
    }

    fn settled(&self) -> usize {
        self.acknowledged.load(Ordering::Relaxed) + self.refused.load(Ordering::Relaxed)
    }

    fn clear(&self) {
        self.acknowledged.store(0, Ordering::Relaxed);
        self.refused.store(0, Ordering::Relaxed);
        *self.reason.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl ClientContext for Tally {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        tracing::debug!(?level, facility, "{message}");
    }
}

impl ProducerContext for Tally {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        match result {
            Ok(_) => _ = self.acknowledged.fetch_add(1, Ordering::Relaxed),
            Err((error, message)) => {
                let code =
                    error.rdkafka_error_code().map_or_else(|| error.to_string(), |code| code.to_string());
                self.refuse(format!("{code} (partition {})", message.partition()));
            }
        }
    }
}

impl Sender {
    pub(super) fn connect(cluster: &Cluster, topic: &Name) -> Result<Self, KafkaError> {
        let producer = ClientConfig::new()
            .set("bootstrap.servers", cluster.bootstrap.to_string())
            .set("client.id", "pirack-inject")
            .set("acks", "all")
            .set("enable.idempotence", "true")
            .set("compression.type", "lz4")
            // As Kafka's own clients: messages of one key lie on one partition.
            .set("partitioner", "murmur2_random")
            // Those without a key are spread, and not all of a burst laid on one.
            .set("sticky.partitioning.linger.ms", "0")
            .set("linger.ms", "20")
            .set("message.timeout.ms", cluster.deadline.as_millis().to_string())
            .set("reconnect.backoff.max.ms", "1000")
            .set("log.connection.close", "false")
            .set_log_level(RDKafkaLogLevel::Info)
            .create_with_context(Tally::default())?;
        Ok(Self { producer, topic: topic.clone(), deadline: cluster.deadline })
    }

    /// Sends all of them, or fewer where `halt` comes up meanwhile.
    pub(super) fn send(&self, messages: &[Message], halt: &AtomicBool) -> Sent {
        let begun = Instant::now();
        let tally = self.producer.context();
        tally.clear();
        let mut sent = 0;
        for message in messages {
            if halt.load(Ordering::Relaxed) {
                break;
            }
            if !self.hand_over(message, halt) {
                break;
            }
            sent += 1;
            if sent % HANDFUL == 0 {
                self.producer.poll(Duration::ZERO);
            }
        }
        self.settle(sent, begun, halt);
        let took = begun.elapsed();
        let unknown = sent.saturating_sub(tally.settled());
        if unknown > 0 {
            tally.refuse(format!("nobody says what became of {unknown}"));
        }
        let reason = tally.reason.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Sent { messages: sent, acknowledged: tally.acknowledged.load(Ordering::Relaxed), took, reason }
    }

    /// Gives the client one message; where it holds all that it can, once it holds less. Whether it did: an end that
    /// is asked for meanwhile leaves it out.
    fn hand_over(&self, message: &Message, halt: &AtomicBool) -> bool {
        let mut record = BaseRecord::<[u8], [u8]>::to(self.topic.as_str()).payload(&message.payload);
        if let Some(key) = &message.key {
            record = record.key(key);
        }
        loop {
            match self.producer.send(record) {
                Ok(()) => return true,
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                    if halt.load(Ordering::Relaxed) {
                        return false;
                    }
                    record = back;
                    self.producer.poll(POLL);
                }
                Err((error, _)) => {
                    let code = error.rdkafka_error_code();
                    let reason = code.map_or_else(|| error.to_string(), |code| code.to_string());
                    self.producer.context().refuse(reason);
                    return true;
                }
            }
        }
    }

    /// Waits until each is settled. librdkafka settles every message by its own deadline.
    fn settle(&self, sent: usize, begun: Instant, halt: &AtomicBool) {
        let tally = self.producer.context();
        let mut until = begun + self.deadline + GRACE;
        let mut parting = false;
        while tally.settled() < sent {
            if halt.load(Ordering::Relaxed) && !parting {
                parting = true;
                until = until.min(Instant::now() + PARTING);
            }
            if Instant::now() >= until {
                self.producer.purge(PurgeConfig::default().queue().inflight());
                // Each that was given up is told by itself, in as many looks as it takes.
                let given_up = Instant::now() + GRACE;
                while tally.settled() < sent && Instant::now() < given_up {
                    self.producer.poll(POLL);
                }
                return;
            }
            self.producer.poll(POLL);
        }
    }
}
