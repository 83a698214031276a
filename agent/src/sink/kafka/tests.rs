//! Promises of the Kafka sink, against librdkafka's own broker over the real wire protocol.

use std::collections::HashSet;

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::Message;
use rdkafka::mocking::MockCluster;
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};
use uuid::Uuid;

use super::*;
use crate::record::{Identity, TOPIC_READINGS};
use crate::sink::SinkName;

fn batch(records: std::ops::Range<u64>) -> Vec<Entry> {
    records
        .map(|sequence| Entry {
            identity: Identity { queue: Uuid::from_u128(1), sequence },
            tag: Kind::Reading.tag(),
            payload: sequence.to_string().into_bytes(),
        })
        .collect()
}

fn settings(bootstrap: String) -> KafkaSettings {
    KafkaSettings { bootstrap: vec![bootstrap], board: "w3".parse().unwrap(), login: None }
}

fn outage() -> Arc<Outage> {
    Arc::new(Outage::none("w3".parse().unwrap(), SinkName::Kafka))
}

fn connected<C: rdkafka::ClientContext>(cluster: &MockCluster<'_, C>) -> Kafka {
    Kafka::connect(&settings(cluster.bootstrap_servers()), outage()).unwrap()
}

/// A sink whose topic has taken record 0.
async fn begun<C: rdkafka::ClientContext>(cluster: &MockCluster<'_, C>) -> Kafka {
    let mut sink = connected(cluster);
    assert_eq!(sink.deliver(&batch(0..1)).await.unwrap().settled, 1);
    sink
}

/// Each the first time it is seen.
fn first_occurrences(mut seen: Vec<String>) -> Vec<String> {
    let mut known = HashSet::new();
    seen.retain(|value| known.insert(value.clone()));
    seen
}

fn texts(records: std::ops::Range<u64>) -> Vec<String> {
    records.map(|record| record.to_string()).collect()
}

/// Reads these topics from their beginning.
pub(crate) fn consumer(bootstrap: &str, topics: &[&str]) -> BaseConsumer {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", bootstrap)
        .set("group.id", "test")
        .set("auto.offset.reset", "earliest")
        .create()
        .unwrap();
    consumer.subscribe(topics).unwrap();
    consumer
}

fn read_back(bootstrap: &str, distinct: usize) -> Vec<String> {
    let consumer = consumer(bootstrap, &[TOPIC_READINGS]);
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    let mut seen = Vec::new();
    while seen.iter().collect::<HashSet<_>>().len() < distinct {
        assert!(std::time::Instant::now() < deadline, "only {} of {distinct} arrived", seen.len());
        if let Some(Ok(message)) = consumer.poll(Duration::from_millis(200)) {
            assert_eq!(message.key(), Some(b"w3".as_slice()));
            seen.push(String::from_utf8(message.payload().unwrap().to_vec()).unwrap());
        }
    }
    seen
}

#[tokio::test]
async fn a_batch_is_settled_when_the_broker_has_every_record() {
    let cluster = MockCluster::new(1).unwrap();
    cluster.create_topic(TOPIC_READINGS, 3, 1).unwrap();
    let mut sink = connected(&cluster);
    let receipt = sink.deliver(&batch(0..1000)).await.unwrap();
    assert_eq!(receipt, Receipt { settled: 1000, ..Receipt::default() });
    let seen = read_back(&cluster.bootstrap_servers(), 1000);
    assert_eq!(seen, (0..1000).map(|n| n.to_string()).collect::<Vec<_>>(), "in order, each once");
}

#[tokio::test]
async fn while_the_broker_is_down_a_batch_waits_and_is_delivered_when_it_is_back() {
    let cluster = MockCluster::new(1).unwrap();
    cluster.create_topic(TOPIC_READINGS, 1, 1).unwrap();
    let mut sink = connected(&cluster);
    sink.deliver(&batch(0..10)).await.unwrap();
    cluster.broker_down(1).unwrap();
    let records = batch(10..20);
    let waiting = tokio::time::timeout(Duration::from_secs(1), sink.deliver(&records)).await;
    assert!(waiting.is_err(), "nothing is safe while the broker is down");
    // The call was dropped in the middle, so the sink is built anew, as ship does.
    drop(sink);
    let mut sink = connected(&cluster);
    let (receipt, ()) = tokio::join!(sink.deliver(&records), async {
        tokio::task::yield_now().await;
        cluster.broker_up(1).unwrap();
    });
    assert_eq!(receipt.unwrap().settled, 10);
    read_back(&cluster.bootstrap_servers(), 20);
}

#[tokio::test]
async fn a_record_too_large_is_refused_alone_with_the_reason() {
    let cluster = MockCluster::new(1).unwrap();
    cluster.create_topic(TOPIC_READINGS, 1, 1).unwrap();
    let mut sink = connected(&cluster);
    let mut records = batch(0..3);
    records[1].payload = vec![b'x'; 2 << 20];
    let receipt = sink.deliver(&records).await.unwrap();
    assert_eq!(receipt.settled, 3);
    assert_eq!(receipt.refused.iter().map(|refusal| refusal.index).collect::<Vec<_>>(), [1]);
    assert!(receipt.refused[0].reason.contains("too large"), "{}", receipt.refused[0].reason);
    assert_eq!(read_back(&cluster.bootstrap_servers(), 2), ["0", "2"]);
}

#[tokio::test]
async fn a_broker_that_refuses_a_whole_request_costs_no_record_that_it_takes_alone() {
    for refusal in [
        RDKafkaRespErr::RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE,
        RDKafkaRespErr::RD_KAFKA_RESP_ERR_INVALID_RECORD,
        RDKafkaRespErr::RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE,
    ] {
        let cluster = MockCluster::new(1).unwrap();
        cluster.create_topic(TOPIC_READINGS, 1, 1).unwrap();
        let mut sink = begun(&cluster).await;
        cluster.request_errors(RDKafkaApiKey::Produce, &[refusal]);
        let receipt = sink.deliver(&batch(1..4)).await.unwrap();
        assert_eq!(receipt, Receipt { settled: 3, ..Receipt::default() }, "{refusal:?}");
        assert_eq!(read_back(&cluster.bootstrap_servers(), 4), texts(0..4), "in order");
    }
}

#[tokio::test]
async fn a_record_that_is_refused_alone_is_refused_and_its_neighbours_arrive() {
    let cluster = MockCluster::new(1).unwrap();
    cluster.create_topic(TOPIC_READINGS, 1, 1).unwrap();
    let mut sink = begun(&cluster).await;
    // The first answer is for all three records, the second for two of them, the third for one alone.
    let refusal = RDKafkaRespErr::RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE;
    cluster.request_errors(RDKafkaApiKey::Produce, &[refusal, refusal, refusal]);
    let receipt = sink.deliver(&batch(1..4)).await.unwrap();
    assert_eq!(receipt.refused.iter().map(|refusal| refusal.index).collect::<Vec<_>>(), [0]);
    assert_eq!(read_back(&cluster.bootstrap_servers(), 3), ["0", "2", "3"]);
}

#[tokio::test]
async fn a_refused_request_never_lets_later_records_pass_earlier_ones() {
    let refusal = RDKafkaRespErr::RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE;
    // Few and large, so that they fill several requests; and more than go out at once.
    for (count, padding) in [(6, 400_000), (2000, 0)] {
        let cluster = MockCluster::new(1).unwrap();
        cluster.create_topic(TOPIC_READINGS, 1, 1).unwrap();
        let mut sink = begun(&cluster).await;
        let mut records = batch(1..count);
        records.iter_mut().for_each(|record| record.payload.resize(record.payload.len() + padding, b' '));
        cluster.request_errors(RDKafkaApiKey::Produce, &[refusal]);
        let receipt = sink.deliver(&records).await.unwrap();
        assert_eq!((receipt.settled, receipt.refused), (records.len(), Vec::new()));
        let distinct = usize::try_from(count).unwrap();
        let seen = read_back(&cluster.bootstrap_servers(), distinct);
        let seen = seen.iter().map(|text| text.trim_end().to_owned()).collect();
        assert_eq!(first_occurrences(seen), texts(0..count), "{padding} bytes more in each");
    }
}

#[tokio::test]
async fn a_topic_that_refuses_its_first_request_keeps_the_order_all_the_same() {
    let cluster = MockCluster::new(3).unwrap();
    cluster.create_topic(TOPIC_READINGS, 16, 3).unwrap();
    let mut sink = connected(&cluster);
    cluster.request_errors(
        RDKafkaApiKey::Produce,
        &[RDKafkaRespErr::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED],
    );
    assert_eq!(sink.deliver(&batch(0..2000)).await.unwrap(), Receipt { settled: 2000, ..Receipt::default() });
    assert_eq!(first_occurrences(read_back(&cluster.bootstrap_servers(), 2000)), texts(0..2000));
}

#[tokio::test]
async fn the_largest_record_that_a_queue_holds_arrives() {
    let cluster = MockCluster::new(1).unwrap();
    cluster.create_topic(TOPIC_READINGS, 1, 1).unwrap();
    let mut sink = begun(&cluster).await;
    let mut records = batch(1..2);
    // What compresses well would pass in any case.
    let mut noise = 1_u64;
    records[0].payload = std::iter::repeat_with(|| {
        noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        b'a' + noise.to_be_bytes()[0] % 26
    })
    .take(1 << 20)
    .collect();
    let receipt = sink.deliver(&records).await.unwrap();
    assert_eq!(receipt, Receipt { settled: 1, ..Receipt::default() });
}

#[tokio::test]
async fn a_fatal_error_ends_the_producer_and_a_new_one_delivers() {
    let cluster = MockCluster::new(1).unwrap();
    cluster.create_topic(TOPIC_READINGS, 1, 1).unwrap();
    let mut sink = connected(&cluster);
    sink.deliver(&batch(0..10)).await.unwrap();
    let fatal = RDKafkaRespErr::RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER;
    cluster.request_errors(RDKafkaApiKey::Produce, &[fatal]);
    let records = batch(10..20);
    let outcome = sink.deliver(&records).await;
    assert!(matches!(outcome, Err(SinkError::Failed { .. })), "{outcome:?}");
    let mut sink = connected(&cluster);
    assert_eq!(sink.deliver(&records).await.unwrap().settled, 10);
    let first = first_occurrences(read_back(&cluster.bootstrap_servers(), 20));
    assert_eq!(first, texts(0..20), "first occurrences are in order");
}

/// Runs the delivery until the outage is told, and says how.
async fn told(sink: &mut Kafka, records: &[Entry]) -> String {
    let outage = Arc::clone(&sink.outage);
    let telling = async {
        loop {
            tokio::time::sleep(Duration::from_millis(20)).await;
            if let Some(cause) = outage.cause() {
                return cause;
            }
        }
    };
    tokio::select! {
        outcome = sink.deliver(records) => panic!("{outcome:?}"),
        cause = telling => cause,
        () = tokio::time::sleep(Duration::from_secs(30)) => panic!("nothing is told"),
    }
}

#[tokio::test]
async fn an_unknown_topic_is_named_is_not_made_and_takes_its_records_once_it_is_there() {
    let cluster = MockCluster::new(1).unwrap();
    let mut sink = connected(&cluster);
    let outage = Arc::clone(&sink.outage);
    let records = batch(0..10);
    let (receipt, cause) = tokio::join!(sink.deliver(&records), async {
        loop {
            tokio::time::sleep(Duration::from_millis(20)).await;
            let Some(cause) = outage.cause() else { continue };
            cluster.create_topic(TOPIC_READINGS, 1, 1).unwrap();
            return cause;
        }
    });
    assert!(cause.contains("has no topic rack.readings") && cause.contains("pirack topics apply"), "{cause}");
    assert_eq!(receipt.unwrap(), Receipt { settled: 10, ..Receipt::default() });
    let seen = read_back(&cluster.bootstrap_servers(), 10);
    assert_eq!(seen, (0..10).map(|n| n.to_string()).collect::<Vec<_>>(), "in order, each once");
}

#[tokio::test]
async fn a_topic_that_the_login_may_not_write_to_is_named() {
    let cluster = MockCluster::new(1).unwrap();
    cluster.create_topic(TOPIC_READINGS, 1, 1).unwrap();
    let mut sink = connected(&cluster);
    let refusal = RDKafkaRespErr::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED;
    cluster.request_errors(RDKafkaApiKey::Produce, &[refusal]);
    let records = batch(0..3);
    let cause = told(&mut sink, &records).await;
    assert!(cause.contains("does not let") && cause.contains("rack.readings"), "{cause}");
}

#[tokio::test]
async fn what_settings_forbid_waits_with_its_remedy_and_is_delivered_once_they_allow_it() {
    for (refusal, what, remedy) in [
        (RDKafkaRespErr::RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP, "clock", "pirack topics apply"),
        (RDKafkaRespErr::RD_KAFKA_RESP_ERR_POLICY_VIOLATION, "policy", "lift it"),
    ] {
        let cluster = MockCluster::new(1).unwrap();
        cluster.create_topic(TOPIC_READINGS, 1, 1).unwrap();
        let mut sink = connected(&cluster);
        cluster.request_errors(RDKafkaApiKey::Produce, &[refusal]);
        assert_eq!(sink.deliver(&batch(0..3)).await.unwrap(), Receipt { settled: 3, ..Receipt::default() });
        let cause = sink.outage.cause().unwrap();
        assert!(cause.contains(what) && cause.contains(remedy) && cause.contains(TOPIC_READINGS), "{cause}");
    }
}

#[tokio::test]
async fn brokers_that_are_away_are_told_with_their_address() {
    let settings = settings("127.0.0.1:1".into());
    let mut sink = Kafka::connect(&settings, outage()).unwrap();
    let cause = told(&mut sink, &batch(0..1)).await;
    assert!(cause.contains("no Kafka broker answers at 127.0.0.1:1"), "{cause}");
}

#[tokio::test]
async fn a_leadership_that_moves_is_waited_out_in_silence_and_one_that_does_not_end_is_told() {
    let cluster = MockCluster::new(1).unwrap();
    cluster.create_topic(TOPIC_READINGS, 1, 1).unwrap();
    let mut sink = connected(&cluster);
    let moved = RDKafkaRespErr::RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION;
    cluster.request_errors(RDKafkaApiKey::Produce, &[moved, moved]);
    assert_eq!(sink.deliver(&batch(0..3)).await.unwrap().settled, 3);
    assert_eq!(sink.outage.cause(), None);
    cluster.request_errors(RDKafkaApiKey::Produce, &[moved; 400]);
    let cause = told(&mut sink, &batch(3..6)).await;
    assert!(cause.contains("acknowledges nothing"), "{cause}");
    cluster.clear_request_errors(RDKafkaApiKey::Produce);
    drop(sink);
    read_back(&cluster.bootstrap_servers(), 3);
}

/// The partition of 16 on which Java's clients put a key: Kafka 4.1's own
/// `Utils.toPositive(Utils.murmur2(key)) % 16`, as `BuiltInPartitioner.partitionForKey` says too.
const JAVA: [(&str, i32); 17] = [
    ("b1", 7),
    ("b2", 14),
    ("b3", 9),
    ("w1", 15),
    ("w2", 2),
    ("w3", 0),
    ("w4", 15),
    ("w5", 12),
    ("w6", 15),
    ("m1", 0),
    ("m2", 3),
    ("m3", 4),
    ("a1", 15),
    ("a2", 9),
    ("a3", 13),
    ("admin", 6),
    ("opi5-rack-4-data-2", 4),
];

#[tokio::test]
async fn a_board_lives_on_the_partition_where_javas_clients_look_for_it() {
    let cluster = MockCluster::new(1).unwrap();
    cluster.create_topic(TOPIC_READINGS, 16, 1).unwrap();
    let bootstrap = cluster.bootstrap_servers();
    for (board, _) in JAVA {
        let settings = KafkaSettings { board: board.parse().unwrap(), ..settings(bootstrap.clone()) };
        let mut kafka = Kafka::connect(&settings, outage()).unwrap();
        assert_eq!(kafka.deliver(&batch(0..1)).await.unwrap().settled, 1, "{board}");
    }
    let consumer = consumer(&bootstrap, &[TOPIC_READINGS]);
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    let mut seen = std::collections::BTreeMap::new();
    while seen.len() < JAVA.len() {
        assert!(std::time::Instant::now() < deadline, "only {seen:?} arrived");
        if let Some(Ok(message)) = consumer.poll(Duration::from_millis(200)) {
            let board = String::from_utf8(message.key().unwrap().to_vec()).unwrap();
            seen.insert(board, message.partition());
        }
    }
    assert_eq!(seen, JAVA.map(|(board, partition)| (board.to_owned(), partition)).into());
}
