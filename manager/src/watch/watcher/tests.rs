//! Against a real broker in this process: librdkafka's own mock cluster, over real sockets.

use std::thread::park_timeout;

use pirack_agent::record::{Body, Gap, GapReason, Record, TOPIC_HEALTH, TOPIC_READINGS};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{BaseProducer, BaseRecord, DefaultProducerContext, Producer};
use rdkafka::{ClientConfig, Message, Offset, TopicPartitionList};

use super::*;
use crate::watch::testing::{QUEUE, health, reading, record};
use crate::watch::{Event, Happening, TOPIC_EVENTS};

/// Longer than anything here takes on a busy machine; a test that passes never waits for it.
const PATIENCE: Duration = Duration::from_secs(60);

struct Lab {
    broker: MockCluster<'static, DefaultProducerContext>,
    producer: BaseProducer,
    live: Arc<Live>,
    history: Arc<History>,
    watcher: Watcher,
    _folder: tempfile::TempDir,
}

fn lab() -> Lab {
    let lab = lab_without_topics();
    for topic in [TOPIC_HEALTH, TOPIC_READINGS, TOPIC_EVENTS] {
        lab.broker.create_topic(topic, 2, 1).unwrap();
    }
    lab
}

fn lab_without_topics() -> Lab {
    let broker = MockCluster::new(1).unwrap();
    let bootstrap = broker.bootstrap_servers();
    let folder = tempfile::tempdir().unwrap();
    let history = Arc::new(History::open(&folder.path().join("history.sqlite")).unwrap());
    let live = Arc::new(Live::new("demo", Duration::from_secs(1)));
    let watcher =
        Watcher::start(&Settings::new(&bootstrap), Arc::clone(&live), Arc::clone(&history)).unwrap();
    let producer = ClientConfig::new()
        .set("bootstrap.servers", &bootstrap)
        .set("message.timeout.ms", "0")
        .set("reconnect.backoff.max.ms", "500")
        .create()
        .unwrap();
    Lab { broker, producer, live, history, watcher, _folder: folder }
}

impl Lab {
    fn queue(&self, records: &[Record]) {
        for record in records {
            let topic = if matches!(record.body, Body::Reading(_)) { TOPIC_READINGS } else { TOPIC_HEALTH };
            let bytes = record.encode().unwrap();
            let message = BaseRecord::to(topic).key(record.board.as_str()).payload(&bytes);
            self.producer.send(message).map_err(|(error, _)| error).unwrap();
        }
    }

    fn produce(&self, records: &[Record]) {
        self.queue(records);
        self.producer.flush(PATIENCE).unwrap();
    }

    fn until(&self, what: &str, condition: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !condition(self) {
            assert!(Instant::now() < deadline, "never: {what}");
            park_timeout(Duration::from_millis(5));
        }
    }
}

fn readings(from: u64, to: u64) -> Vec<Record> {
    (from..=to).map(|n| record("w1", n, reading("inlet", 20.0))).collect()
}

#[test]
fn a_record_that_kafka_brings_twice_is_stored_once_and_counted_as_redelivered() {
    let lab = lab();
    let records = [record("w1", 1, health(0.25)), record("w1", 2, reading("inlet", 21.5))];
    lab.produce(&records);
    lab.produce(&records[1..]);
    lab.produce(&[record("w2", 1, health(0.5))]);
    let ended = lab.watcher.stop_after_drain(PATIENCE);
    let counters = Counters { consumed: 4, stored: 3, redelivered: 1, undecodable: 0 };
    assert_eq!(ended, Ended { counters, drained: true, told: true });
    assert_eq!(lab.history.count().unwrap(), 3);
    assert_eq!(lab.live.board("w1").unwrap().health.fields.cpu_ratio, Some(0.25));
    assert_eq!(lab.live.snapshot().totals.redelivered, 1);
}

#[test]
fn a_broker_that_goes_and_comes_back_loses_nothing() {
    let lab = lab();
    lab.produce(&readings(1, 100));
    lab.until("100 stored", |lab| lab.watcher.counters().stored == 100);
    lab.broker.broker_down(-1).unwrap();
    lab.queue(&readings(101, 300));
    lab.broker.broker_up(-1).unwrap();
    lab.producer.flush(PATIENCE).unwrap();
    let ended = lab.watcher.stop_after_drain(PATIENCE);
    assert!(ended.drained);
    let stored = lab.history.stored("w1", QUEUE).unwrap();
    assert_eq!(stored.iter().collect::<Vec<_>>(), [1..=300]);
}

#[test]
fn topics_that_come_up_later_are_found_and_read_from_their_beginning() {
    let lab = lab_without_topics();
    lab.broker.create_topic(TOPIC_READINGS, 3, 1).unwrap();
    lab.produce(&readings(1, 10));
    lab.until("10 stored", |lab| lab.watcher.counters().stored == 10);
}

#[test]
fn what_is_no_record_is_counted_and_passed_over() {
    let lab = lab();
    for bytes in [&b"{}"[..], b"\xff\xfe", br#"{"schema":99,"kind":"reading"}"#] {
        let message = BaseRecord::<str, [u8]>::to(TOPIC_HEALTH).key("w9").payload(bytes);
        lab.producer.send(message).map_err(|(error, _)| error).unwrap();
    }
    lab.produce(&[record("w9", 1, health(0.5))]);
    let ended = lab.watcher.stop_after_drain(PATIENCE);
    let counters = Counters { consumed: 4, stored: 1, redelivered: 0, undecodable: 3 };
    assert_eq!((ended.counters, ended.drained), (counters, true));
}

#[test]
fn a_drain_from_a_broker_that_is_away_ends_at_its_deadline_and_says_so() {
    let lab = lab();
    lab.produce(&readings(1, 10));
    lab.until("10 stored", |lab| lab.watcher.counters().stored == 10);
    lab.broker.broker_down(-1).unwrap();
    lab.watcher.herald().announce("w1", Happening::Unplugged {});
    let ended = lab.watcher.stop_after_drain(Duration::from_millis(300));
    assert_eq!((ended.drained, ended.told), (false, false));
    assert_eq!(lab.history.events_waiting().unwrap(), 1);
}

#[test]
fn a_gap_that_a_queue_declares_becomes_an_event() {
    let lab = lab();
    let mut heard = lab.live.subscribe();
    let gap = Gap { of: QUEUE, from: 3, to: 12, reason: GapReason::QueueFull, count: 10, sink: None };
    lab.produce(&[record("w1", 13, Body::Gap(gap))]);
    let event = heard.blocking_recv().unwrap();
    assert_eq!(event.sentence(), "w1 gave up 10 records: its queue was full");
    assert_eq!(lab.history.events(1).unwrap(), [(*event).clone()]);
    assert_eq!(lab.history.gaps().unwrap().len(), 1);
}

#[test]
fn events_of_an_outage_arrive_once_it_is_over_all_of_them_and_in_order() {
    let lab = lab();
    let herald = lab.watcher.herald();
    herald.announce("rack", Happening::RackStarted { boards: 13 });
    lab.until("the first event is out", |lab| {
        lab.history.events(1).unwrap().len() == 1 && lab.history.events_waiting().unwrap() == 0
    });
    lab.broker.broker_down(-1).unwrap();
    for number in 1..=30 {
        herald.announce(&format!("w{number}"), Happening::Unplugged {});
    }
    lab.until("30 wait", |lab| lab.history.events_waiting().unwrap() == 30);
    lab.broker.broker_up(-1).unwrap();
    let ended = lab.watcher.stop_after_drain(PATIENCE);
    assert!(ended.told);
    assert_eq!(lab.history.events_waiting().unwrap(), 0);
    let mut published = read_events(&lab.broker.bootstrap_servers(), 31);
    published.sort_by_key(|(partition, offset, _)| (*partition, *offset));
    for partition in [0, 1] {
        let here = published.iter().filter(|event| event.0 == partition);
        let numbers: Vec<u32> =
            here.filter_map(|event| event.2.subject.strip_prefix('w')?.parse().ok()).collect();
        assert!(numbers.is_sorted(), "{numbers:?}");
    }
    let mut all: Vec<_> = published.into_iter().map(|event| event.2).collect();
    all.sort_by_key(|event| event.subject.trim_start_matches('w').parse().unwrap_or(0));
    let mut kept = lab.history.events(100).unwrap();
    kept.reverse();
    assert_eq!(all, kept);
}

/// Reads the topic of events as any client would: partition, offset and event.
fn read_events(bootstrap: &str, count: usize) -> Vec<(i32, i64, Event)> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", bootstrap)
        .set("group.id", "test")
        .set("enable.auto.commit", "false")
        .create()
        .unwrap();
    let mut all = TopicPartitionList::new();
    for partition in [0, 1] {
        all.add_partition_offset(TOPIC_EVENTS, partition, Offset::Beginning).unwrap();
    }
    consumer.assign(&all).unwrap();
    let deadline = Instant::now() + PATIENCE;
    let mut events = Vec::new();
    while events.len() < count && Instant::now() < deadline {
        if let Some(Ok(message)) = consumer.poll(Duration::from_millis(100)) {
            let event: Event = serde_json::from_slice(message.payload().unwrap()).unwrap();
            assert_eq!(message.key(), Some(event.subject.as_bytes()));
            events.push((message.partition(), message.offset(), event));
        }
    }
    events
}
