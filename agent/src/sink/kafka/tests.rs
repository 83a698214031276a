//! Promises of the Kafka sink, against librdkafka's own broker over the real wire protocol.

use std::collections::HashSet;

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::Message;
use rdkafka::mocking::MockCluster;
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};
use uuid::Uuid;

use super::*;
use crate::record::{Identity, TOPIC_READINGS};

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
    let mut sink = Kafka::connect(&settings(cluster.bootstrap_servers())).unwrap();
    let receipt = sink.deliver(&batch(0..1000)).await.unwrap();
    assert_eq!(receipt, Receipt { settled: 1000, refused: Vec::new() });
    let seen = read_back(&cluster.bootstrap_servers(), 1000);
    assert_eq!(seen, (0..1000).map(|n| n.to_string()).collect::<Vec<_>>(), "in order, each once");
}

#[tokio::test]
async fn while_the_broker_is_down_a_batch_waits_and_is_delivered_when_it_is_back() {
    let cluster = MockCluster::new(1).unwrap();
    cluster.create_topic(TOPIC_READINGS, 1, 1).unwrap();
    let mut sink = Kafka::connect(&settings(cluster.bootstrap_servers())).unwrap();
    sink.deliver(&batch(0..10)).await.unwrap();
    cluster.broker_down(1).unwrap();
    let records = batch(10..20);
    let waiting = tokio::time::timeout(Duration::from_secs(1), sink.deliver(&records)).await;
    assert!(waiting.is_err(), "nothing is safe while the broker is down");
    // The call was dropped in the middle, so the sink is built anew, as ship does.
    drop(sink);
    let mut sink = Kafka::connect(&settings(cluster.bootstrap_servers())).unwrap();
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
    let mut sink = Kafka::connect(&settings(cluster.bootstrap_servers())).unwrap();
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
    ] {
        let cluster = MockCluster::new(1).unwrap();
        cluster.create_topic(TOPIC_READINGS, 1, 1).unwrap();
        let mut sink = Kafka::connect(&settings(cluster.bootstrap_servers())).unwrap();
        cluster.request_errors(RDKafkaApiKey::Produce, &[refusal]);
        let receipt = sink.deliver(&batch(0..3)).await.unwrap();
        assert_eq!(receipt, Receipt { settled: 3, refused: Vec::new() }, "{refusal:?}");
        read_back(&cluster.bootstrap_servers(), 3);
    }
}

#[tokio::test]
async fn a_record_that_is_refused_alone_is_refused_and_its_neighbours_arrive() {
    let cluster = MockCluster::new(1).unwrap();
    cluster.create_topic(TOPIC_READINGS, 1, 1).unwrap();
    let mut sink = Kafka::connect(&settings(cluster.bootstrap_servers())).unwrap();
    // The first answer is for all three records, the second for the first of them alone.
    let refusal = RDKafkaRespErr::RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE;
    cluster.request_errors(RDKafkaApiKey::Produce, &[refusal, refusal]);
    let receipt = sink.deliver(&batch(0..3)).await.unwrap();
    assert_eq!(receipt.refused.iter().map(|refusal| refusal.index).collect::<Vec<_>>(), [0]);
    assert_eq!(read_back(&cluster.bootstrap_servers(), 2), ["1", "2"]);
}

#[tokio::test]
async fn a_fatal_error_ends_the_producer_and_a_new_one_delivers() {
    let cluster = MockCluster::new(1).unwrap();
    cluster.create_topic(TOPIC_READINGS, 1, 1).unwrap();
    let mut sink = Kafka::connect(&settings(cluster.bootstrap_servers())).unwrap();
    sink.deliver(&batch(0..10)).await.unwrap();
    let fatal = RDKafkaRespErr::RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER;
    cluster.request_errors(RDKafkaApiKey::Produce, &[fatal]);
    let records = batch(10..20);
    let outcome = sink.deliver(&records).await;
    assert!(matches!(outcome, Err(SinkError::Failed { .. })), "{outcome:?}");
    let mut sink = Kafka::connect(&settings(cluster.bootstrap_servers())).unwrap();
    assert_eq!(sink.deliver(&records).await.unwrap().settled, 10);
    let mut known = HashSet::new();
    let mut first = read_back(&cluster.bootstrap_servers(), 20);
    first.retain(|value| known.insert(value.clone()));
    assert_eq!(first, (0..20).map(|n| n.to_string()).collect::<Vec<_>>(), "first occurrences are in order");
}
