//! Which partitions the consumer reads, and how far it has read each.
//!
//! The consumer assigns itself every partition of its topics instead of joining a group: there is one
//! history, it wants everything, and a group would only add a rebalance to every start. Nothing is
//! committed to the broker either: names make a second reading harmless, so a start begins at the
//! earliest record that Kafka has, and a history that was moved, lost or restored fills itself again.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use rdkafka::TopicPartitionList;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::KafkaResult;
use rdkafka::topic_partition_list::Offset;

/// A question that comes after its deadline is asked all the same, for as short a time as there is: the
/// answer may be at hand.
const LEAST: Duration = Duration::from_millis(1);

/// What is left of a deadline that several questions share.
fn left(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now()).max(LEAST)
}

/// Where a partition that is new is begun.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Beginning {
    /// At the first message that the broker has.
    #[default]
    Earliest,
    /// At the first of the last so long, or at the end.
    Ago(Duration),
}

/// The partitions read, each with the offset after the last message that was stored.
#[derive(Debug, Default)]
pub(super) struct Partitions {
    beginning: Beginning,
    next: BTreeMap<(String, i32), i64>,
}

impl Partitions {
    pub(super) fn new(beginning: Beginning) -> Self {
        Self { beginning, ..Self::default() }
    }

    /// Asks the broker for the topics' partitions and begins to read those that are new. Returns whether every topic was there. All questions together wait until `deadline`.
    ///
    /// # Errors
    /// When the broker cannot be asked.
    pub(super) fn refresh<C: ConsumerContext>(
        &mut self,
        consumer: &BaseConsumer<C>,
        topics: &[&str],
        deadline: Instant,
    ) -> KafkaResult<bool> {
        let mut added = TopicPartitionList::new();
        let mut whole = true;
        for name in topics {
            let metadata = consumer.fetch_metadata(Some(name), left(deadline))?;
            let found = metadata.topics().iter().find(|topic| topic.name() == *name);
            let partitions = found.map_or(&[][..], |topic| topic.partitions());
            whole &= !partitions.is_empty();
            for partition in partitions {
                let key = ((*name).to_owned(), partition.id());
                if !self.next.contains_key(&key) {
                    added.add_partition_offset(name, partition.id(), Offset::Beginning)?;
                }
            }
        }
        if added.count() > 0 {
            let added = self.placed(consumer, added, deadline)?;
            consumer.incremental_assign(&added)?;
            for element in added.elements() {
                self.next.insert((element.topic().to_owned(), element.partition()), 0);
            }
        }
        Ok(whole)
    }

    /// Where each of these is begun.
    fn placed<C: ConsumerContext>(
        &self,
        consumer: &BaseConsumer<C>,
        mut added: TopicPartitionList,
        deadline: Instant,
    ) -> KafkaResult<TopicPartitionList> {
        let Beginning::Ago(ago) = self.beginning else { return Ok(added) };
        let from = Timestamp::now().checked_sub(ago).unwrap_or_default().as_millisecond();
        // To this question the offsets are moments.
        added.set_all_offsets(Offset::Offset(from))?;
        let found = consumer.offsets_for_times(added, left(deadline))?;
        let mut placed = TopicPartitionList::new();
        for element in found.elements() {
            // A broker that has nothing since that moment says so by the end.
            let offset = match element.offset() {
                Offset::Offset(offset) if offset >= 0 => Offset::Offset(offset),
                _ => Offset::End,
            };
            placed.add_partition_offset(element.topic(), element.partition(), offset)?;
        }
        Ok(placed)
    }

    /// Notes that a message was stored.
    pub(super) fn passed(&mut self, topic: &str, partition: i32, offset: i64) {
        if let Some(next) = self.next.get_mut(&(topic.to_owned(), partition)) {
            *next = (*next).max(offset + 1);
        }
    }

    /// Where each partition ends now, for [`Partitions::reached`]. All questions together wait until `deadline`.
    ///
    /// # Errors
    /// When the broker cannot be asked.
    pub(super) fn ends<C: ConsumerContext>(
        &self,
        consumer: &BaseConsumer<C>,
        deadline: Instant,
    ) -> KafkaResult<BTreeMap<(String, i32), i64>> {
        let mut ends = BTreeMap::new();
        for (topic, partition) in self.next.keys() {
            let (low, high) = consumer.fetch_watermarks(topic, *partition, left(deadline))?;
            if high > low {
                ends.insert((topic.clone(), *partition), high);
            }
        }
        Ok(ends)
    }

    /// Whether everything before these ends was stored.
    pub(super) fn reached(&self, ends: &BTreeMap<(String, i32), i64>) -> bool {
        ends.iter().all(|(key, end)| self.next.get(key).is_some_and(|next| next >= end))
    }
}

#[cfg(test)]
mod tests {
    use rdkafka::ClientConfig;
    use rdkafka::mocking::MockCluster;

    use super::*;

    #[test]
    fn questions_of_one_deadline_share_what_is_left_of_it() {
        let broker = MockCluster::new(1).unwrap();
        broker.create_topic("rack.readings", 6, 1).unwrap();
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", broker.bootstrap_servers())
            .set("group.id", "test")
            .create()
            .unwrap();
        let mut partitions = Partitions::default();
        let patient = Instant::now() + Duration::from_secs(60);
        assert!(left(patient) <= Duration::from_secs(60));
        assert!(partitions.refresh(&consumer, &["rack.readings"], patient).unwrap());
        assert_eq!(partitions.next.len(), 6);
        broker.broker_down(-1).unwrap();
        let past = Instant::now();
        assert_eq!(left(past), LEAST);
        assert!(partitions.ends(&consumer, past).is_err());
        assert!(partitions.refresh(&consumer, &["rack.readings"], past).is_err());
    }
}
