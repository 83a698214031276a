//! Clients of both databases that must notice nothing while their brokers and nodes are rolled.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use pirack_tests::wait;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::producer::{BaseProducer, BaseRecord, DeliveryResult, Producer as _, ProducerContext};
use rdkafka::{ClientConfig, ClientContext, Message, Offset, TopicPartitionList};
use scylla::client::session_builder::SessionBuilder;
use scylla::statement::{Consistency, Statement};

use crate::rack::{RECOVERY, Rack};

/// How long a client may take for one write, or wait for one message: longer than any leader needs to move, and
/// still a failure when nobody takes it.
const CLIENT: Duration = Duration::from_secs(120);

/// Somebody who writes to Kafka and to Cassandra without a pause, somebody who reads there meanwhile, and what was
/// acknowledged.
pub(crate) struct Clients {
    /// Of the topic and of the keyspace.
    name: &'static str,
    /// Of the topic.
    partitions: i32,
    stop: Arc<AtomicBool>,
    producer: JoinHandle<u64>,
    consumer: JoinHandle<Vec<Vec<u64>>>,
    writer: JoinHandle<u64>,
    reader: JoinHandle<u64>,
    addresses: (String, Vec<String>),
}

impl Clients {
    pub(crate) fn start(rack: &Rack, name: &'static str, partitions: i32) -> Self {
        rack.ends_with(&["topics", "create", name, "--partitions", &partitions.to_string()], 0);
        let stop = Arc::<AtomicBool>::default();
        // Whoever stays to the end.
        let stay = |port| rack.addresses(port)[..3].to_vec();
        let (kafka_addresses, nodes) = (stay(9094).join(","), stay(9042));
        let (theirs, bootstrap) = (Arc::clone(&stop), kafka_addresses.clone());
        let producer = thread::spawn(move || produce(&bootstrap, name, partitions, &theirs));
        let (theirs, bootstrap) = (Arc::clone(&stop), kafka_addresses.clone());
        let consumer = thread::spawn(move || consume(&bootstrap, name, partitions, &theirs));
        let written = Arc::<AtomicU64>::default();
        let (theirs, contact, told) = (Arc::clone(&stop), nodes.clone(), Arc::clone(&written));
        let writer = thread::spawn(move || write(&contact, name, &theirs, &told));
        let (theirs, contact) = (Arc::clone(&stop), nodes.clone());
        let reader = thread::spawn(move || read(&contact, name, &theirs, &written));
        let addresses = (kafka_addresses, nodes);
        Self { name, partitions, stop, producer, consumer, writer, reader, addresses }
    }

    /// Requires that no write and no read failed, and that all that was acknowledged can be read by whoever comes now.
    pub(crate) fn end(self) {
        self.stop.store(true, Ordering::Relaxed);
        let produced = self.producer.join().unwrap();
        let written = self.writer.join().unwrap();
        assert!(produced > 100 && written > 100, "{produced} and {written} writes are no load");
        let (consumed, read) = (self.consumer.join().unwrap(), self.reader.join().unwrap());
        assert!(read > 100, "{read} reads are no load");
        let (bootstrap, nodes) = self.addresses;
        for (partition, consumed) in (0..self.partitions).zip(consumed) {
            let of = |number: &u64| {
                *number % u64::try_from(self.partitions).unwrap() == u64::try_from(partition).unwrap()
            };
            let sent: Vec<u64> = (0..produced).filter(of).collect();
            assert!(consumed.len() > 10, "{consumed:?} is no reading");
            assert_eq!(consumed, sent[..consumed.len()], "who read meanwhile missed something");
            assert_eq!(all_of(&bootstrap, self.name, partition), sent, "Kafka lost what it acknowledged");
        }
        let stored = rows(&nodes, self.name);
        assert_eq!(stored, (0..written).collect::<Vec<_>>(), "Cassandra lost what it acknowledged");
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// What became of each write, as the brokers said.
#[derive(Default)]
struct Answers(Mutex<(u64, Option<String>)>);

impl ClientContext for Answers {}

impl ProducerContext for Answers {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        let mut answers = self.0.lock().unwrap();
        match result {
            Ok(_) => answers.0 += 1,
            Err((error, _)) => answers.1 = Some(error.to_string()),
        }
    }
}

fn produce(bootstrap: &str, topic: &str, partitions: i32, stop: &AtomicBool) -> u64 {
    let producer: BaseProducer<Answers> = ClientConfig::new()
        .set("bootstrap.servers", bootstrap)
        .set("acks", "all")
        .set("enable.idempotence", "true")
        .set("message.timeout.ms", CLIENT.as_millis().to_string())
        .create_with_context(Answers::default())
        .unwrap();
    let mut next = 0_u64;
    while !stop.load(Ordering::Relaxed) {
        let payload = next.to_string();
        let partition = i32::try_from(next % u64::try_from(partitions).unwrap()).unwrap();
        producer.send(BaseRecord::<(), _>::to(topic).payload(&payload).partition(partition)).unwrap();
        next += 1;
        producer.poll(Duration::from_millis(10));
    }
    producer.flush(CLIENT).unwrap();
    let (answered, failed) = producer.context().0.lock().unwrap().clone();
    assert_eq!((answered, failed), (next, None), "a write to Kafka failed");
    next
}

fn write(nodes: &[String], keyspace: &str, stop: &AtomicBool, told: &AtomicU64) -> u64 {
    runtime().block_on(async {
        let session = SessionBuilder::new().known_nodes(nodes).build().await.unwrap();
        let made = format!("CREATE KEYSPACE {keyspace} WITH replication = {{'class': 'NetworkTopologyStrategy', 'replication_factor': 3}}");
        session.query_unpaged(made, ()).await.unwrap();
        session.query_unpaged(format!("CREATE TABLE {keyspace}.rows (id bigint PRIMARY KEY)"), ()).await.unwrap();
        let mut insert = Statement::new(format!("INSERT INTO {keyspace}.rows (id) VALUES (?)"));
        insert.set_consistency(Consistency::Quorum);
        insert.set_is_idempotent(true);
        let insert = session.prepare(insert).await.unwrap();
        let mut next = 0_i64;
        while !stop.load(Ordering::Relaxed) {
            session.execute_unpaged(&insert, (next,)).await.unwrap_or_else(|error| panic!("write {next}: {error}"));
            next += 1;
            told.store(u64::try_from(next).unwrap(), Ordering::Release);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        u64::try_from(next).unwrap()
    })
}

/// Somebody who reads these partitions.
fn from_the_beginning(bootstrap: &str, topic: &str, partitions: Range<i32>) -> BaseConsumer {
    let consumer: BaseConsumer =
        ClientConfig::new().set("bootstrap.servers", bootstrap).set("group.id", topic).create().unwrap();
    let mut places = TopicPartitionList::new();
    for partition in partitions {
        places.add_partition_offset(topic, partition, Offset::Beginning).unwrap();
    }
    consumer.assign(&places).unwrap();
    consumer
}

/// Reads, as they come, the numbers of each partition. A partition may be silent no longer than a leader needs to move.
fn consume(bootstrap: &str, topic: &str, partitions: i32, stop: &AtomicBool) -> Vec<Vec<u64>> {
    let consumer = from_the_beginning(bootstrap, topic, 0..partitions);
    let mut numbers = vec![vec![]; usize::try_from(partitions).unwrap()];
    let mut heard = vec![Instant::now(); numbers.len()];
    while !stop.load(Ordering::Relaxed) {
        match consumer.poll(Duration::from_millis(100)) {
            // A connection that ends as its broker stops is none of a reader's business: the next has what it wants.
            Some(Err(error)) if error.rdkafka_error_code().is_some_and(is_of_a_connection) => {}
            Some(Err(error)) => panic!("a read from Kafka failed: {error}"),
            Some(Ok(message)) => {
                let partition = usize::try_from(message.partition()).unwrap();
                numbers[partition].push(number(&message));
                heard[partition] = Instant::now();
            }
            None => {}
        }
        let longest = heard.iter().map(Instant::elapsed).max().unwrap();
        assert!(longest < CLIENT, "nothing could be read from a partition for {longest:?}");
    }
    numbers
}

fn is_of_a_connection(code: RDKafkaErrorCode) -> bool {
    matches!(code, RDKafkaErrorCode::BrokerTransportFailure | RDKafkaErrorCode::AllBrokersDown)
}

fn number(message: &impl Message) -> u64 {
    std::str::from_utf8(message.payload().unwrap()).unwrap().parse().unwrap()
}

/// Reads rows that were acknowledged, the newest and one from anywhere, as long as they are written.
fn read(nodes: &[String], keyspace: &str, stop: &AtomicBool, written: &AtomicU64) -> u64 {
    runtime().block_on(async {
        let session = SessionBuilder::new().known_nodes(nodes).build().await.unwrap();
        while written.load(Ordering::Acquire) == 0 && !stop.load(Ordering::Relaxed) {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let mut select = Statement::new(format!("SELECT id FROM {keyspace}.rows WHERE id = ?"));
        select.set_consistency(Consistency::Quorum);
        select.set_is_idempotent(true);
        let select = session.prepare(select).await.unwrap();
        let mut reads = 0_u64;
        while !stop.load(Ordering::Relaxed) {
            let newest = written.load(Ordering::Acquire) - 1;
            for id in [newest, reads.wrapping_mul(7919) % (newest + 1)] {
                let row = session.execute_unpaged(&select, (i64::try_from(id).unwrap(),)).await;
                let row =
                    row.unwrap_or_else(|error| panic!("read {id}: {error}")).into_rows_result().unwrap();
                assert_eq!(row.rows_num(), 1, "row {id} was acknowledged and is not there");
                reads += 1;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        reads
    })
}

/// Every message's number, in the order in which it lies there; a write that was sent again lies there once.
fn all_of(bootstrap: &str, topic: &str, partition: i32) -> Vec<u64> {
    let consumer = from_the_beginning(bootstrap, topic, partition..partition + 1);
    let (_, end) = consumer.fetch_watermarks(topic, partition, CLIENT).unwrap();
    let mut numbers = vec![];
    let mut next = 0;
    wait::until("the end of the topic", RECOVERY, || {
        while let Some(Ok(message)) = consumer.poll(Duration::from_millis(100)) {
            next = message.offset() + 1;
            numbers.push(number(&message));
        }
        (next >= end).then_some(())
    });
    numbers
}

fn rows(nodes: &[String], keyspace: &str) -> Vec<u64> {
    let mut numbers: Vec<u64> = runtime().block_on(async {
        let session = SessionBuilder::new().known_nodes(nodes).build().await.unwrap();
        let mut select = Statement::new(format!("SELECT id FROM {keyspace}.rows"));
        select.set_consistency(Consistency::Quorum);
        let rows = session.query_iter(select, ()).await.unwrap().rows_stream::<(i64,)>().unwrap();
        rows.map(|row| u64::try_from(row.unwrap().0).unwrap()).collect().await
    });
    numbers.sort_unstable();
    numbers
}
