//! A Kafka client of its own that reads a rack's topics from their beginning, as any outsider could.

use std::collections::BTreeMap;
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::{ClientConfig, Message, Offset, TopicPartitionList};
use serde_json::Value;

use crate::wait;

/// How long one question to the broker may take.
const PATIENCE: Duration = Duration::from_secs(2);

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

/// A partition: its topic and its number there.
type Place = (String, i32);

/// A reader of several topics.
pub struct Topics {
    consumer: BaseConsumer,
    /// The next offset to read, for each partition.
    next: BTreeMap<Place, i64>,
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
            // A broker that was away is found again at once.
            .set("reconnect.backoff.max.ms", "500")
            .create()
            .unwrap();
        let mut places = TopicPartitionList::new();
        let mut next = BTreeMap::new();
        for &topic in topics {
            for partition in partitions(&consumer, topic) {
                places.add_partition_offset(topic, partition, Offset::Beginning).unwrap();
                next.insert((topic.to_owned(), partition), 0);
            }
        }
        consumer.assign(&places).unwrap();
        Self { consumer, next }
    }

    /// Every message up to what are the topics' ends now: a rack never stops, so nothing later is
    /// waited for.
    ///
    /// # Panics
    /// When that takes longer than `limit`, a message is no JSON, or its key no text.
    #[must_use]
    pub fn read_to_end(&mut self, limit: Duration) -> Vec<Seen> {
        let ends: Vec<(Place, i64)> =
            self.next.keys().map(|place| (place.clone(), self.end(place))).collect();
        let mut seen = Vec::new();
        wait::until("the ends of the topics", limit, || {
            // A broker that is away is part of the scenario; what matters is what arrives.
            while let Some(outcome) = self.consumer.poll(PATIENCE / 20) {
                let Ok(message) = outcome else { continue };
                self.next.insert((message.topic().to_owned(), message.partition()), message.offset() + 1);
                seen.push(Seen {
                    topic: message.topic().to_owned(),
                    key: String::from_utf8(message.key().unwrap_or_default().to_vec()).unwrap(),
                    document: serde_json::from_slice(message.payload().unwrap_or_default()).unwrap(),
                });
            }
            ends.iter().all(|(place, end)| self.next[place] >= *end).then_some(())
        });
        seen
    }

    fn end(&self, (topic, partition): &Place) -> i64 {
        wait::until(format!("the end of {topic} {partition}"), PATIENCE * 15, || {
            Some(self.consumer.fetch_watermarks(topic, *partition, PATIENCE).ok()?.1)
        })
    }
}

fn partitions(consumer: &BaseConsumer, topic: &str) -> Vec<i32> {
    wait::until(format!("the topic {topic}"), PATIENCE * 15, || {
        let metadata = consumer.fetch_metadata(Some(topic), PATIENCE).ok()?;
        let found: Vec<i32> = metadata.topics().first()?.partitions().iter().map(|p| p.id()).collect();
        (!found.is_empty()).then_some(found)
    })
}
