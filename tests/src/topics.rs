//! A Kafka client of its own that reads a rack's topics from their beginning, as any outsider could.

use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::{ClientConfig, Message, Offset, TopicPartitionList};
use serde_json::Value;

use crate::wait;

/// One message.
#[derive(Debug)]
pub struct Seen {
    /// The topic it lay on.
    pub topic: String,
    /// Its key, as text.
    pub key: String,
    /// Its payload, as JSON.
    pub document: Value,
}

/// A reader of several topics.
pub struct Topics {
    consumer: BaseConsumer,
}

impl Topics {
    /// Reads `topics` from the beginning, once they exist.
    ///
    /// # Panics
    /// When one of them does not within 10 s.
    #[must_use]
    pub fn follow(bootstrap: &str, topics: &[&str]) -> Self {
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", bootstrap)
            .set("group.id", "outside")
            .set("enable.auto.commit", "false")
            .set("fetch.wait.max.ms", "100")
            // A broker that was away is found again at once, as the agents find it.
            .set("reconnect.backoff.max.ms", "500")
            .create()
            .unwrap();
        let mut places = TopicPartitionList::new();
        for topic in topics {
            for partition in partitions(&consumer, topic) {
                places.add_partition_offset(topic, partition, Offset::Beginning).unwrap();
            }
        }
        consumer.assign(&places).unwrap();
        Self { consumer }
    }

    /// Every message that arrives until `pause` goes by without one, or `limit` is over.
    ///
    /// # Panics
    /// When a message is no JSON, or its key no text.
    #[must_use]
    pub fn read(&self, pause: Duration, limit: Duration) -> Vec<Seen> {
        let deadline = Instant::now() + limit;
        let mut seen = Vec::new();
        while Instant::now() < deadline {
            match self.consumer.poll(pause) {
                None => break,
                // A broker that is away is part of the scenario; what matters is what arrives.
                Some(Err(_)) => {}
                Some(Ok(message)) => seen.push(Seen {
                    topic: message.topic().to_owned(),
                    key: String::from_utf8(message.key().unwrap_or_default().to_vec()).unwrap(),
                    document: serde_json::from_slice(message.payload().unwrap_or_default()).unwrap(),
                }),
            }
        }
        seen
    }
}

fn partitions(consumer: &BaseConsumer, topic: &str) -> Vec<i32> {
    let patience = Duration::from_secs(2);
    wait::until(&format!("the topic {topic}"), Duration::from_secs(10), || {
        let metadata = consumer.fetch_metadata(Some(topic), patience).ok()?;
        let found: Vec<i32> = metadata.topics().first()?.partitions().iter().map(|p| p.id()).collect();
        (!found.is_empty()).then_some(found)
    })
}
