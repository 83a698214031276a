//! `pirack topics apply` makes a real cluster's topics what `images/kafka/topics.toml` says, and real brokers then
//! keep what it promises.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use pirack_tests::wait;
use rdkafka::admin::{AdminClient, AdminOptions, AlterConfig, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{ClientConfig, Message, Offset, Timestamp, TopicPartitionList};
use serde_json::Value;

use crate::rack::{RECOVERY, pirack, runtime};

/// How long one question to a broker may take.
const PATIENCE: Duration = Duration::from_secs(60);
const DAY: &str = "86400000";

fn applied(bootstrap: &str, more: &[&str]) -> Value {
    pirack(&[&["topics", "apply", "--kafka", bootstrap, "-o", "json"], more].concat())
}

fn admin(bootstrap: &str) -> AdminClient<DefaultClientContext> {
    ClientConfig::new().set("bootstrap.servers", bootstrap).create().unwrap()
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    runtime().block_on(future)
}

fn setting(bootstrap: &str, topic: &str, name: &str) -> Option<String> {
    configured(bootstrap, &ResourceSpecifier::Topic(topic), name)
}

fn configured(bootstrap: &str, of: &ResourceSpecifier<'_>, name: &str) -> Option<String> {
    let admin = admin(bootstrap);
    let answers = block_on(admin.describe_configs([of], &AdminOptions::new())).unwrap();
    answers.into_iter().next().unwrap().unwrap().get(name)?.value.clone()
}

/// Sets these at a topic, and takes away all that it had before.
pub(crate) fn set(bootstrap: &str, topic: &str, settings: &[(&str, &str)]) {
    let config = AlterConfig::new(ResourceSpecifier::Topic(topic));
    let config = settings.iter().fold(config, |config, (name, value)| config.set(name, value));
    block_on(admin(bootstrap).alter_configs([&config], &AdminOptions::new())).unwrap()[0].as_ref().unwrap();
}

pub(crate) fn declared(bootstrap: &str) {
    let first = applied(bootstrap, &[]);
    let brokers = first["brokers"].as_u64().unwrap();
    let second = applied(bootstrap, &[]);
    assert_eq!(second["steps"], Value::Array(Vec::new()), "{second}");
    let consumer: BaseConsumer = ClientConfig::new().set("bootstrap.servers", bootstrap).create().unwrap();
    for (topic, partitions) in [("rack.readings", 16), ("rack.health", 16), ("rack.events", 1)] {
        let metadata = consumer.fetch_metadata(Some(topic), PATIENCE).unwrap();
        let found = metadata.topics()[0].partitions();
        assert_eq!(found.len(), partitions, "{topic}");
        assert!(found.iter().all(|partition| partition.leader() >= 0), "{topic}");
        let in_sync = setting(bootstrap, topic, "min.insync.replicas").unwrap().parse::<usize>().unwrap();
        assert_eq!(in_sync, (found[0].replicas().len() - 1).max(1), "{topic} on {brokers} brokers");
        let expected = [
            ("message.timestamp.type", "LogAppendTime"),
            ("compression.type", "producer"),
            ("retention.ms", DAY),
        ];
        for (name, value) in expected {
            assert_eq!(setting(bootstrap, topic, name).as_deref(), Some(value), "{topic} {name}");
        }
    }
    guests(bootstrap, brokers);
}

/// What a guest's topic gets that asks for nothing, and a group that went away: the rack's defaults, of the
/// brokers' own mouth.
fn guests(bootstrap: &str, brokers: u64) {
    assert_eq!(brokers, 3, "the rack of these tests has three");
    let guest = format!("guest-defaults-{}", UNIX_EPOCH.elapsed().unwrap().as_nanos());
    // -1 is the broker's default, for both.
    let topic = NewTopic::new(&guest, -1, TopicReplication::Fixed(-1));
    block_on(admin(bootstrap).create_topics([&topic], &AdminOptions::new())).unwrap()[0].as_ref().unwrap();
    let consumer: BaseConsumer = ClientConfig::new().set("bootstrap.servers", bootstrap).create().unwrap();
    let partitions = wait::until("the guest's topic to be led", PATIENCE * 3, || {
        let metadata = consumer.fetch_metadata(Some(&guest), PATIENCE).ok()?;
        let partitions = metadata.topics().first()?.partitions();
        let led = !partitions.is_empty() && partitions.iter().all(|partition| partition.leader() >= 0);
        led.then(|| partitions.iter().map(|partition| partition.replicas().len()).collect::<Vec<_>>())
    });
    assert_eq!(partitions, [3; 16]);
    for (name, value) in [
        ("min.insync.replicas", "2"),
        ("compression.type", "lz4"),
        ("retention.ms", DAY),
        ("unclean.leader.election.enable", "false"),
    ] {
        assert_eq!(setting(bootstrap, &guest, name).as_deref(), Some(value), "{name}");
    }
    block_on(admin(bootstrap).delete_topics(&[&guest], &AdminOptions::new())).unwrap();
    for (name, value) in [
        ("offsets.retention.minutes", "2880"),
        ("offsets.topic.replication.factor", "3"),
        ("transaction.state.log.min.isr", "2"),
        ("auto.create.topics.enable", "false"),
    ] {
        let asked = ResourceSpecifier::Broker(1);
        assert_eq!(configured(bootstrap, &asked, name).as_deref(), Some(value), "{name}");
    }
}

pub(crate) fn drift(bootstrap: &str) {
    applied(bootstrap, &[]);
    // The rack's own settings are all gone.
    set(bootstrap, "rack.health", &[("retention.ms", "1000000"), ("preallocate", "true")]);
    let report = applied(bootstrap, &[]);
    assert_eq!(report["steps"].as_array().unwrap().len(), 1, "{report}");
    assert!(report["left"].to_string().contains("preallocate"), "{report}");
    assert_eq!(setting(bootstrap, "rack.health", "preallocate").as_deref(), Some("true"));
    assert_eq!(setting(bootstrap, "rack.health", "retention.ms").as_deref(), Some(DAY));
    assert_eq!(applied(bootstrap, &["--retention", "3d"])["steps"].as_array().unwrap().len(), 3);
    assert_eq!(setting(bootstrap, "rack.events", "retention.ms").as_deref(), Some("259200000"));
    applied(bootstrap, &[]);
    set(bootstrap, "rack.health", &[]);
    applied(bootstrap, &[]);
}

/// Sends one message of this time to partition 0, and returns its offset.
fn send(bootstrap: &str, topic: &str, milliseconds: i64) -> i64 {
    let producer: BaseProducer =
        ClientConfig::new().set("bootstrap.servers", bootstrap).set("acks", "all").create().unwrap();
    let before = watermarks(bootstrap, topic).1;
    let record = BaseRecord::to(topic).partition(0).key("w3").payload("{}").timestamp(milliseconds);
    producer.send(record).unwrap();
    producer.flush(PATIENCE).unwrap();
    assert!(watermarks(bootstrap, topic).1 > before, "{topic} refused a message of 1970");
    before
}

fn watermarks(bootstrap: &str, topic: &str) -> (i64, i64) {
    let consumer: BaseConsumer = ClientConfig::new().set("bootstrap.servers", bootstrap).create().unwrap();
    wait::until(format!("the ends of {topic}"), PATIENCE * 3, || {
        consumer.fetch_watermarks(topic, 0, PATIENCE).ok()
    })
}

pub(crate) fn epoch(bootstrap: &str) {
    applied(bootstrap, &[]);
    let offset = send(bootstrap, "rack.events", 1000);
    // What happens to the same message elsewhere shows that brokers have looked for what has expired.
    let guest = format!("guest-{}", UNIX_EPOCH.elapsed().unwrap().as_nanos());
    let topic = NewTopic::new(&guest, 1, TopicReplication::Fixed(1)).set("retention.ms", DAY);
    block_on(admin(bootstrap).create_topics([&topic], &AdminOptions::new())).unwrap();
    let gone = send(bootstrap, &guest, 1000) + 1;
    wait::until("the guest's message to expire", RECOVERY, || {
        (watermarks(bootstrap, &guest).0 >= gone).then_some(())
    });
    block_on(admin(bootstrap).delete_topics(&[&guest], &AdminOptions::new())).unwrap();
    assert!(watermarks(bootstrap, "rack.events").0 <= offset, "the rack's message expired");
    let consumer: BaseConsumer =
        ClientConfig::new().set("bootstrap.servers", bootstrap).set("group.id", "outside").create().unwrap();
    let mut place = TopicPartitionList::new();
    place.add_partition_offset("rack.events", 0, Offset::Offset(offset)).unwrap();
    consumer.assign(&place).unwrap();
    let message = wait::until("the rack's message", PATIENCE * 3, || consumer.poll(PATIENCE / 20)?.ok());
    let Timestamp::LogAppendTime(at) = message.timestamp() else { panic!("{:?}", message.timestamp()) };
    let age =
        SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis().abs_diff(at.unsigned_abs().into());
    assert!(age < 600_000, "the broker's clock says when it came, and it came {age} ms ago");
}
