//! Promises of a whole agent, with a real queue on a real disk and a broker that speaks Kafka.

use std::collections::BTreeSet;

use rdkafka::message::Message;
use rdkafka::mocking::MockCluster;

use super::*;
use crate::clock::SystemClock;
use crate::record::{Body, Health, Quality, Quantity, Reading, Record, TOPIC_HEALTH, TOPIC_READINGS};
use crate::sink::kafka::tests::consumer;
use crate::source::{Observation, Source, SourceError};

/// Counts upwards, and knows one field of health.
struct Counter(f64);

impl Source for Counter {
    fn name(&self) -> &'static str {
        "counter"
    }

    fn read(&mut self) -> Result<Observation, SourceError> {
        self.0 += 1.0;
        let reading = Reading {
            sensor: "counter".into(),
            chip: "none".into(),
            quantity: Quantity::Temperature,
            value: self.0,
            quality: Quality::Good,
        };
        Ok(Observation {
            health: Health { uptime_seconds: Some(self.0), ..Health::default() },
            readings: vec![reading],
        })
    }
}

fn start(directory: &Path, bootstrap: String) -> Agent {
    let interval = Duration::from_millis(20);
    Agent::start(AgentSettings {
        board: "w3".parse().unwrap(),
        interval,
        sources: vec![Scheduled { source: Box::new(Counter(0.0)), interval }],
        queue_directory: directory.to_owned(),
        queue: queue::Settings::default(),
        kafka: Some(Destination {
            settings: KafkaSettings { bootstrap: vec![bootstrap], board: "w3".parse().unwrap(), login: None },
            rate: Rate::UNBOUNDED,
        }),
        cassandra: None,
        clock: Arc::new(SystemClock::new().unwrap()),
    })
    .unwrap()
}

fn cluster() -> MockCluster<'static, rdkafka::producer::DefaultProducerContext> {
    let cluster = MockCluster::new(1).unwrap();
    for topic in [TOPIC_HEALTH, TOPIC_READINGS] {
        cluster.create_topic(topic, 1, 1).unwrap();
    }
    cluster
}

async fn until(what: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !condition() {
        assert!(Instant::now() < deadline, "{what} did not come");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Every record on the topics, until all of `expected` sequences were seen.
fn read_back(bootstrap: &str, expected: Range<u64>) -> Vec<Record> {
    let consumer = consumer(bootstrap, &[TOPIC_HEALTH, TOPIC_READINGS]);
    let wanted: BTreeSet<u64> = expected.collect();
    let (mut seen, mut records) = (BTreeSet::new(), Vec::new());
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    while !wanted.is_subset(&seen) {
        assert!(std::time::Instant::now() < deadline, "{:?} are missing", wanted.difference(&seen));
        if let Some(Ok(message)) = consumer.poll(Duration::from_millis(100)) {
            let record = Record::decode(message.payload().unwrap()).unwrap();
            assert_eq!(message.topic(), record.body.kind().topic());
            seen.insert(record.identity.sequence);
            records.push(record);
        }
    }
    records
}

#[tokio::test]
async fn what_sources_see_arrives_at_the_broker_and_nothing_is_left_over() {
    let (cluster, directory) = (cluster(), tempfile::tempdir().unwrap());
    let agent = start(directory.path(), cluster.bootstrap_servers());
    let tally = agent.tally();
    until("delivery", || tally.counts().delivered >= 20).await;
    let farewell = agent.stop(Duration::from_secs(10)).await;
    assert!(farewell.waiting.is_empty(), "{farewell:?}");
    assert_eq!(tally.counts().produced, farewell.appended.end - farewell.appended.start);
    let records = read_back(&cluster.bootstrap_servers(), farewell.appended);
    assert!(records.iter().any(|record| matches!(record.body, Body::Health(_))));
    assert!(records.iter().any(|record| matches!(record.body, Body::Reading(_))));
}

#[tokio::test]
async fn an_unplugged_board_keeps_its_records_and_delivers_them_when_it_is_plugged_in() {
    let (cluster, directory) = (cluster(), tempfile::tempdir().unwrap());
    let agent = start(directory.path(), cluster.bootstrap_servers());
    let tally = agent.tally();
    until("delivery", || tally.counts().delivered > 0).await;
    agent.plug(false);
    until("the link's end", || tally.counts().queued > 3).await;
    let delivered = tally.counts().delivered;
    until("a backlog", || tally.counts().queued > 20).await;
    assert_eq!(tally.counts().delivered, delivered, "nothing leaves an unplugged board");
    agent.plug(true);
    until("the backlog's delivery", || tally.counts().delivered > delivered + 20).await;
    let farewell = agent.stop(Duration::from_secs(10)).await;
    assert!(farewell.waiting.is_empty() && farewell.losses.is_empty(), "{farewell:?}");
    read_back(&cluster.bootstrap_servers(), farewell.appended);
}

#[tokio::test]
async fn without_a_broker_everything_waits_on_disk_and_the_next_start_delivers_it() {
    let (cluster, directory) = (cluster(), tempfile::tempdir().unwrap());
    let agent = start(directory.path(), "127.0.0.1:1".into());
    let tally = agent.tally();
    until("records", || tally.counts().produced > 10).await;
    let first = agent.stop(Duration::ZERO).await;
    assert_eq!(first.waiting, first.appended);
    let agent = start(directory.path(), cluster.bootstrap_servers());
    let tally = agent.tally();
    let backlog = first.waiting.end - first.waiting.start;
    until("the backlog's delivery", || tally.counts().delivered > backlog).await;
    let second = agent.stop(Duration::from_secs(10)).await;
    assert_eq!(second.queue, first.queue, "a clean close in the same boot goes on with the same queue");
    let records = read_back(&cluster.bootstrap_servers(), first.appended.start..second.appended.end);
    let sequences: Vec<u64> = records.iter().map(|record| record.identity.sequence).collect();
    let distinct: BTreeSet<u64> = sequences.iter().copied().collect();
    assert_eq!(distinct.len(), sequences.len(), "each record once");
}

#[tokio::test]
async fn two_agents_with_one_queue_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let agent = start(directory.path(), "127.0.0.1:1".into());
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new().unwrap());
    let second = open_queue(directory.path(), queue::Settings::default(), &clock, &[SinkName::Kafka]);
    assert!(matches!(second, Err(QueueError::Locked { .. })));
    agent.stop(Duration::ZERO).await;
}
