//! Records to Kafka: a record is safe when the broker has acknowledged it.
//!
//! The client is librdkafka's idempotent producer. Five of its habits are turned round here:
//! - It gives up on records after a time (`message.timeout.ms`). Here it never does: the queue owns
//!   retention, and a batch simply waits.
//! - "Sent" only means enqueued. Here only the delivery callback counts.
//! - It refuses whole requests. A broker that finds one record of a request too large or invalid fails
//!   its neighbours with it. Here what was refused is sent again in halves, and a refusal counts only for
//!   a record that was sent alone. Nothing that follows is under way meanwhile, see [`group`].
//! - It fails records whose topic is unknown, or not allowed. Here those wait until the topic takes them; the
//!   client never makes a topic.
//! - After a fatal error it can do nothing more. Then [`Kafka::deliver`] fails, [`crate::ship`] builds a
//!   new producer, and everything after the cursor is offered to it.
//!
//! Nobody polls in the background: the producer's events are taken from the loop that waits for them.

mod book;
mod cause;
mod group;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::error::KafkaError;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::types::RDKafkaErrorCode;
use tokio::time::Instant;

use self::book::{Acknowledgements, Book};
use self::cause::{Cause, TopicView, view};
use super::login::Login;
use super::outage::Outage;
use super::{Receipt, Refusal, Sink, SinkError};
use crate::record::{BoardName, Entry, Kind};

/// How soon and how seldom the producer is asked for acknowledgements. None comes before it has lingered.
const POLL_SOONEST: Duration = Duration::from_millis(10);
const POLL_SELDOMEST: Duration = Duration::from_millis(200);
/// Silence after which the brokers are asked what is wrong, and again after as long.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long they may take to say it.
const ASKING: Duration = Duration::from_secs(3);
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
    producer: Arc<BaseProducer<Acknowledgements>>,
    settings: KafkaSettings,
    outage: Arc<Outage>,
    /// The topics that have taken a record of this producer.
    taken: HashSet<&'static str>,
}

/// What came of a group: each record was acknowledged, or is in one of these.
struct Outcome {
    refused: Vec<Refusal>,
    withheld: Vec<usize>,
    /// Not sent yet, or not known to be.
    unsent: Vec<usize>,
}

impl Kafka {
    /// Makes a producer. Nothing is sent yet, and no broker need be there. What keeps records waiting later
    /// is told to `outage`.
    ///
    /// # Errors
    /// When librdkafka refuses its settings.
    pub fn connect(settings: &KafkaSettings, outage: Arc<Outage>) -> Result<Self, SinkError> {
        let producer = Arc::new(producer(settings)?);
        Ok(Self { producer, settings: settings.clone(), outage, taken: HashSet::new() })
    }

    /// Sends a group and waits until of each record something is known.
    async fn send(&mut self, batch: &[Entry], group: &[usize]) -> Result<Outcome, SinkError> {
        self.book().open(group);
        let enqueued = self.enqueue(batch, group)?;
        let mut unsent = group[enqueued..].to_vec();
        self.book().forget(&unsent);
        let mut pause = POLL_SOONEST;
        let mut silence = Silence::begin();
        loop {
            self.producer.poll(Duration::ZERO);
            self.check()?;
            let open = self.book().unsettled();
            if open == 0 {
                break;
            }
            match silence.after(open) {
                Next::Wait => {}
                Next::Ask => self.explain(batch).await,
                Next::Renew => {
                    unsent.splice(0..0, self.book().open_ones());
                    break;
                }
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(POLL_SELDOMEST);
        }
        let (refused, withheld) = self.book().close();
        if self.book().unsettled() > 0 {
            self.renew()?;
        }
        Ok(Outcome { refused, withheld, unsent })
    }

    /// Gives the client what it can still take together; returns how many that were.
    fn enqueue(&self, batch: &[Entry], indices: &[usize]) -> Result<usize, SinkError> {
        let begun = Instant::now();
        for (count, &index) in indices.iter().enumerate() {
            let Some(entry) = batch.get(index) else { continue };
            let Some(kind) = Kind::from_tag(entry.tag) else {
                self.book().refuse(index, format!("tag {} is no kind of record", entry.tag));
                continue;
            };
            if count > 0 && begun.elapsed() >= group::HANDING_OVER {
                return Ok(count);
            }
            let record = BaseRecord::with_opaque_to(kind.topic(), index)
                .key(self.settings.board.as_str())
                .payload(entry.payload.as_slice());
            match self.producer.send(record) {
                Ok(()) => {}
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), _)) if count > 0 => {
                    return Ok(count);
                }
                Err((KafkaError::MessageProduction(code), _)) => self.book().note(index, kind.topic(), code),
                Err((error, _)) => return Err(failed(&self.settings, &error.to_string())),
            }
        }
        Ok(indices.len())
    }

    /// Says why nothing is acknowledged.
    async fn explain(&self, batch: &[Entry]) {
        let mut topics: Vec<&'static str> =
            batch.iter().filter_map(|entry| Kind::from_tag(entry.tag)).map(Kind::topic).collect();
        topics.sort_unstable();
        topics.dedup();
        let mut cause = Cause::Unacknowledged;
        for topic in topics {
            match self.ask(topic).await {
                Some(topic) => {
                    if let Some(found) = Cause::of(&topic) {
                        cause = found;
                        break;
                    }
                }
                None => {
                    let trouble = self.book().trouble.clone();
                    let away = trouble.as_ref().map_or(Cause::Unacknowledged, Cause::of_trouble);
                    return self.say(&away, trouble.map(|trouble| trouble.reason).as_deref());
                }
            }
        }
        self.say(&cause, None);
    }

    fn say(&self, cause: &Cause, detail: Option<&str>) {
        self.outage.because_of(&cause.sentence(&self.settings), detail);
    }

    /// What the brokers say of a topic; nothing when none of them answers.
    async fn ask(&self, topic: &'static str) -> Option<TopicView> {
        let producer = Arc::clone(&self.producer);
        let asking = move || producer.client().fetch_metadata(Some(topic), ASKING).map(|told| view(&told));
        let told = tokio::task::spawn_blocking(asking).await.ok()?.ok()?;
        told.into_iter().find(|told| told.name == topic)
    }

    /// Waits until the topic that withheld records takes them.
    async fn until_taken(&self) {
        let Some((topic, code)) = self.book().topic.take() else { return };
        let cause = Cause::of_record(&topic, code);
        self.say(&cause, None);
        let Some(topic) = Kind::topics().into_iter().find(|known| *known == topic) else { return };
        loop {
            tokio::time::sleep(PATIENCE).await;
            self.producer.poll(Duration::ZERO);
            match self.ask(topic).await.map(|told| Cause::of(&told)) {
                Some(Some(cause)) if cause.is_the_topics() => self.say(&cause, None),
                // Whatever else is wrong shows when it is sent.
                Some(_) => return,
                None => {}
            }
        }
    }

    /// Builds the producer anew. What the old one had under way may arrive twice.
    fn renew(&mut self) -> Result<(), SinkError> {
        let fresh = Arc::new(producer(&self.settings)?);
        let old = std::mem::replace(&mut self.producer, fresh);
        self.taken.clear();
        // A client may take its time to say goodbye.
        tokio::task::spawn_blocking(move || drop(old));
        Ok(())
    }

    /// Notes which topics take records.
    fn learn(&mut self, batch: &[Entry], group: &[usize], outcome: &Outcome) {
        let topic = |index: &usize| Kind::from_tag(batch.get(*index)?.tag).map(Kind::topic);
        let refused = outcome.refused.iter().map(|refusal| &refusal.index);
        let lacking: HashSet<&usize> = refused.chain(&outcome.withheld).chain(&outcome.unsent).collect();
        self.taken.extend(group.iter().filter(|index| !lacking.contains(index)).filter_map(topic));
        for topic in outcome.withheld.iter().filter_map(topic) {
            self.taken.remove(topic);
        }
    }

    fn book(&self) -> std::sync::MutexGuard<'_, Book> {
        self.producer.context().book()
    }

    /// Whether the producer can never deliver again.
    fn check(&self) -> Result<(), SinkError> {
        let failure = self.book().failure.take();
        match (self.producer.client().fatal_error(), failure) {
            // Without the right to write to any topic a producer gets no identity.
            (Some((RDKafkaErrorCode::ClusterAuthorizationFailed, _)), _) => Err(self.not_allowed()),
            (Some((_, reason)), _) | (None, Some(reason)) => Err(failed(&self.settings, &reason)),
            (None, None) => Ok(()),
        }
    }

    fn not_allowed(&self) -> SinkError {
        let KafkaSettings { bootstrap, login, .. } = &self.settings;
        let who = login.as_ref().map_or("nobody", |login| &login.user);
        SinkError::Unready {
            sink: "kafka",
            address: bootstrap.join(","),
            what: format!("does not let {who} write to any topic"),
            remedy: format!("allow {who} Describe and Write on {}", Kind::topics().join(" and ")),
            detail: None,
        }
    }
}

impl Sink for Kafka {
    async fn deliver(&mut self, batch: &[Entry]) -> Result<Receipt, SinkError> {
        let mut refused = Vec::new();
        // What comes next is on top.
        let mut waiting: Vec<Vec<usize>> = vec![(0..batch.len()).collect()];
        while let Some(mut group) = waiting.pop() {
            let count = group::next(batch, &group, &self.taken);
            if count == 0 {
                continue;
            }
            waiting.push(group.split_off(count));
            let outcome = self.send(batch, &group).await?;
            self.learn(batch, &group, &outcome);
            waiting.push(outcome.unsent);
            if !outcome.withheld.is_empty() {
                self.until_taken().await;
                if self.producer.client().fatal_error().is_some() {
                    self.renew()?;
                }
                waiting.push(outcome.withheld);
            }
            if group.len() == 1 {
                refused.extend(outcome.refused);
            } else {
                let doubtful: Vec<usize> = outcome.refused.iter().map(|refusal| refusal.index).collect();
                let (first, second) = doubtful.split_at(doubtful.len().div_ceil(2));
                waiting.extend([second.to_vec(), first.to_vec()]);
            }
        }
        refused.sort_by_key(|refusal| refusal.index);
        Ok(Receipt { settled: batch.len(), refused, trouble: None })
    }
}

fn producer(settings: &KafkaSettings) -> Result<BaseProducer<Acknowledgements>, SinkError> {
    let mut config = ClientConfig::new();
    if let Some(Login { user, password }) = &settings.login {
        config
            .set("security.protocol", "sasl_plaintext")
            .set("sasl.mechanism", "PLAIN") // built into librdkafka, without OpenSSL
            .set("sasl.username", user)
            .set("sasl.password", password.expose());
    }
    config
        .set("bootstrap.servers", settings.bootstrap.join(","))
        .set("client.id", settings.board.as_str())
        .set("enable.idempotence", "true")
        .set("acks", "all")
        // librdkafka makes a context a request; zstd's takes more memory and time than a small request's records.
        .set("compression.type", "lz4")
        .set("message.timeout.ms", "0")
        .set("partitioner", "murmur2_random") // as Java's clients do, so that all agree where a board lives
        .set("allow.auto.create.topics", "false") // `pirack topics apply` makes them, with the right partitions
        .set("topic.metadata.propagation.max.ms", "5000") // then it is unknown, not only late
        .set("linger.ms", group::LINGERING.as_millis().to_string())
        .set("message.max.bytes", group::REQUEST_BYTES.to_string())
        .set("batch.size", group::REQUEST_BYTES.to_string())
        .set("queue.buffering.max.messages", "4000") // one batch and its neighbour, not librdkafka's 100,000
        .set("queue.buffering.max.kbytes", "4096")
        .set("reconnect.backoff.max.ms", "2000")
        .set("topic.metadata.refresh.interval.ms", "60000")
        .set("log.connection.close", "false")
        .set_log_level(RDKafkaLogLevel::Critical)
        .create_with_context(Acknowledgements::default())
        .map_err(|error| failed(settings, &error.to_string()))
}

/// How long no record has been settled.
struct Silence {
    since: Instant,
    asked: Instant,
    open: usize,
}

/// What to do about it.
enum Next {
    Wait,
    Ask,
    Renew,
}

impl Silence {
    fn begin() -> Self {
        let now = Instant::now();
        Self { since: now, asked: now, open: usize::MAX }
    }

    /// What to do while so many are open.
    fn after(&mut self, open: usize) -> Next {
        if open < self.open {
            *self = Self { open, ..Self::begin() };
        }
        if self.since.elapsed() >= LONGEST_SILENCE {
            return Next::Renew;
        }
        if self.asked.elapsed() < PATIENCE {
            return Next::Wait;
        }
        self.asked = Instant::now();
        Next::Ask
    }
}

fn failed(settings: &KafkaSettings, reason: &str) -> SinkError {
    SinkError::Failed { sink: "kafka", address: settings.bootstrap.join(","), reason: reason.to_owned() }
}

#[cfg(test)]
pub(crate) mod tests;
