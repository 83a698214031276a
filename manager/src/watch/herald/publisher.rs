//! From the outbox to Kafka, in order, until each event is confirmed.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use pirack_agent::clock::{Clock as _, SystemClock};
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::producer::{BaseProducer, BaseRecord, DeliveryResult, Producer, ProducerContext};
use rdkafka::{ClientConfig, ClientContext};

use super::TOPIC_EVENTS;
use crate::watch::history::{History, HistoryError, OutboxClaim};

/// Events handed to librdkafka and not yet confirmed, at most.
const MOST_IN_FLIGHT: usize = 100;
/// How long after a failure the outbox is published anew.
const AGAIN: Duration = Duration::from_secs(1);

/// Publishes the outbox. The producer is made when there is first something to say, and made anew when
/// it fails: the outbox knows what was confirmed.
pub(in crate::watch) struct Publisher {
    bootstrap: String,
    /// Nothing where the kernel does not tell its boot: then nothing is known of a new one either.
    clock: Option<SystemClock>,
    /// Where another program publishes this outbox, ours does not.
    claim: Option<OutboxClaim>,
    claim_at: Instant,
    producer: Option<BaseProducer<Confirmations>>,
    outcome: Arc<Mutex<Outcome>>,
    sent_up_to: i64,
    in_flight: usize,
    again_at: Option<Instant>,
    said: bool,
}

/// What librdkafka reported since the last look.
#[derive(Default)]
struct Outcome {
    confirmed: Vec<i64>,
    failed: Option<String>,
}

struct Confirmations(Arc<Mutex<Outcome>>);

impl ClientContext for Confirmations {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        tracing::debug!(?level, facility, "{message}");
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(%error, "{reason}");
    }
}

impl ProducerContext for Confirmations {
    /// The event's number in the outbox.
    type DeliveryOpaque = Box<i64>;

    fn delivery(&self, result: &DeliveryResult<'_>, number: Box<i64>) {
        let mut outcome = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match result {
            Ok(_) => outcome.confirmed.push(*number),
            Err((error, _)) => outcome.failed = Some(error.to_string()),
        }
    }
}

impl Publisher {
    pub(super) fn new(bootstrap: &str) -> Self {
        Self {
            bootstrap: bootstrap.to_owned(),
            clock: SystemClock::new().ok(),
            claim: None,
            claim_at: Instant::now(),
            producer: None,
            outcome: Arc::default(),
            sent_up_to: 0,
            in_flight: 0,
            again_at: None,
            said: false,
        }
    }

    /// Takes confirmations in and sends what waits. Returns whether the outbox is empty.
    pub(super) fn advance(&mut self, history: &History) -> bool {
        match self.try_advance(history) {
            Ok(empty) => empty,
            Err(error) => {
                tracing::debug!(%error, "the outbox cannot be used now");
                false
            }
        }
    }

    /// Whether another program publishes this outbox.
    pub(super) fn is_elsewhere(&self) -> bool {
        self.claim.is_none()
    }

    fn try_advance(&mut self, history: &History) -> Result<bool, HistoryError> {
        if self.bootstrap.is_empty() || !self.claimed(history)? {
            // Whoever has the right, or a rack that gets a Kafka, publishes what waits.
            return Ok(true);
        }
        self.take_in(history)?;
        if self.again_at.is_some_and(|at| Instant::now() < at) {
            return Ok(false);
        }
        let room = MOST_IN_FLIGHT.saturating_sub(self.in_flight);
        let waiting = history.waiting_events(self.sent_up_to, u32::try_from(room).unwrap_or(0))?;
        for (number, subject, body) in &waiting {
            if let Err(error) = self.send(*number, subject, body) {
                self.start_afresh(&error.to_string());
                return Ok(false);
            }
        }
        Ok(self.in_flight == 0 && waiting.is_empty() && room > 0)
    }

    /// Whether the right to publish is ours, or becomes so now: whoever had it may have ended.
    fn claimed(&mut self, history: &History) -> Result<bool, HistoryError> {
        if self.claim.is_none() && Instant::now() >= self.claim_at {
            self.claim_at = Instant::now() + AGAIN;
            let claim = history.claim_outbox();
            if let (Some(_), Some(clock)) = (&claim, &self.clock) {
                let again = history.publishes_in(clock.now().boot)?;
                if again > 0 {
                    tracing::info!("{again} events of the last minute before this boot are published again");
                }
            }
            self.claim = claim;
        }
        Ok(self.claim.is_some())
    }

    /// Since this machine's boot.
    fn uptime(&self) -> Duration {
        let seconds = self.clock.as_ref().map(|clock| clock.now().boottime_seconds);
        seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()).unwrap_or_default()
    }

    fn take_in(&mut self, history: &History) -> Result<(), HistoryError> {
        let Some(producer) = &self.producer else { return Ok(()) };
        producer.poll(Duration::ZERO);
        let fatal = producer.client().fatal_error().map(|(_, reason)| reason);
        let outcome = std::mem::take(&mut *self.outcome.lock().unwrap_or_else(PoisonError::into_inner));
        self.in_flight = self.in_flight.saturating_sub(outcome.confirmed.len());
        if !outcome.confirmed.is_empty() {
            self.said = false;
        }
        let marked = history.mark_published(&outcome.confirmed, self.uptime());
        if marked.is_err() {
            self.start_afresh("the outbox could not note what was confirmed");
        } else if let Some(reason) = outcome.failed.or(fatal) {
            self.start_afresh(&reason);
        }
        marked
    }

    fn send(&mut self, number: i64, subject: &str, body: &str) -> KafkaResult<()> {
        let producer = match self.producer.take() {
            Some(producer) => producer,
            None => self.connect()?,
        };
        let record = BaseRecord::with_opaque_to(TOPIC_EVENTS, Box::new(number)).key(subject).payload(body);
        let sent = producer.send(record).map_err(|(error, _)| error);
        self.producer = Some(producer);
        sent?;
        self.sent_up_to = number;
        self.in_flight += 1;
        Ok(())
    }

    fn connect(&self) -> KafkaResult<BaseProducer<Confirmations>> {
        ClientConfig::new()
            .set("bootstrap.servers", &self.bootstrap)
            .set("client.id", "pirack-events")
            // Idempotence keeps the order through retries.
            .set("enable.idempotence", "true")
            .set("acks", "all")
            .set("compression.type", "zstd")
            // The outbox owns retention, not librdkafka.
            .set("message.timeout.ms", "0")
            .set("linger.ms", "5")
            .set("reconnect.backoff.ms", "100")
            .set("reconnect.backoff.max.ms", "1000")
            .create_with_context(Confirmations(Arc::clone(&self.outcome)))
    }

    /// Drops the producer and whatever it held; the outbox says from where to go on.
    fn start_afresh(&mut self, reason: &str) {
        if !self.said {
            tracing::warn!("events wait, and are published again soon: {reason}");
            self.said = true;
        }
        self.producer = None;
        self.outcome = Arc::default();
        self.sent_up_to = 0;
        self.in_flight = 0;
        self.again_at = Some(Instant::now() + AGAIN);
    }
}
