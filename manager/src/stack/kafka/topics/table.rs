//! What topics hold: a line a partition with its oldest and its newest offset, and the sum of each topic.
//!
//! Invariant: a partition that nobody leads, or whose leader does not answer, is in the table and says so; it
//! counts for nothing in a sum.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::metadata::MetadataTopic;
use serde::Serialize;

use super::admin::Admin;
use super::cluster::{Cluster, TopicError, missing};

/// The longest wait for one partition's ends: a dead leader must not use up the others' time.
const PATIENCE: Duration = Duration::from_secs(3);

/// Which topics.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// These alone; all where it is empty.
    pub names: Vec<String>,
    /// Kafka's own too, where no names are given.
    pub internal: bool,
}

/// What topics hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Table {
    /// By name.
    pub topics: Vec<TopicRow>,
    /// The sum of all.
    pub messages: u64,
    /// Partitions that are not in any sum.
    pub silent: usize,
}

/// One topic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TopicRow {
    /// Its name.
    pub topic: String,
    /// How many brokers keep a copy of it.
    pub replicas: usize,
    /// By number.
    pub partitions: Vec<PartitionRow>,
    /// The sum of its partitions.
    pub messages: u64,
}

/// One partition. Offsets are absent where nobody says them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PartitionRow {
    /// Its number.
    pub partition: i32,
    /// The offset of the oldest message that it still has.
    pub oldest: Option<i64>,
    /// The offset that its next message will have.
    pub newest: Option<i64>,
    /// The offsets between; a compacted or a transactional topic has fewer messages.
    pub messages: Option<u64>,
    /// Why it says nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl Table {
    fn of(mut topics: Vec<TopicRow>) -> Self {
        topics.sort_by(|a, b| a.topic.cmp(&b.topic));
        let messages = topics.iter().map(|topic| topic.messages).sum();
        let partitions = topics.iter().flat_map(|topic| &topic.partitions);
        Self { messages, silent: partitions.filter(|row| row.messages.is_none()).count(), topics }
    }
}

impl TopicRow {
    fn of(topic: &str, replicas: usize, mut partitions: Vec<PartitionRow>) -> Self {
        partitions.sort_by_key(|row| row.partition);
        let messages = partitions.iter().filter_map(|row| row.messages).sum();
        Self { topic: topic.to_owned(), replicas, partitions, messages }
    }
}

impl PartitionRow {
    fn of(partition: i32, ends: Result<(i64, i64), String>) -> Self {
        match ends {
            Ok((oldest, newest)) => Self {
                partition,
                oldest: Some(oldest),
                newest: Some(newest),
                messages: Some(u64::try_from(newest.saturating_sub(oldest)).unwrap_or(0)),
                reason: None,
            },
            Err(reason) => {
                Self { partition, oldest: None, newest: None, messages: None, reason: Some(reason) }
            }
        }
    }
}

/// Asks a cluster what its topics hold.
///
/// # Errors
/// When nobody answers, or a topic that was named is not there.
pub async fn table(place: &Cluster, selection: &Selection) -> Result<Table, TopicError> {
    let until = Instant::now() + place.deadline;
    let admin = place.connect()?;
    let metadata = admin.metadata().await.map_err(|error| place.silent(&error))?;
    let names: BTreeSet<&str> = metadata.topics().iter().map(|topic| topic.name()).collect();
    if let Some(unknown) = selection.names.iter().find(|name| !names.contains(name.as_str())) {
        return Err(missing(place, unknown, &names));
    }
    let wanted = |name: &str| match selection.names.as_slice() {
        [] => selection.internal || !name.starts_with("__"),
        names => names.iter().any(|wanted| wanted == name),
    };
    let chosen = metadata.topics().iter().filter(|topic| wanted(topic.name()));
    let asked: Vec<Asked> = chosen.map(Asked::of).collect();
    let asking = tokio::task::spawn_blocking(move || rows(&admin, &asked, until));
    asking.await.map_err(|_| place.late("answer for its partitions"))
}

/// What is asked of one topic; the metadata itself cannot go to another thread.
struct Asked {
    topic: String,
    replicas: usize,
    /// Each partition, and whether a broker leads it.
    partitions: Vec<(i32, bool)>,
}

impl Asked {
    fn of(topic: &MetadataTopic) -> Self {
        let partitions = topic.partitions();
        Self {
            topic: topic.name().to_owned(),
            replicas: partitions.iter().map(|partition| partition.replicas().len()).min().unwrap_or(0),
            partitions: partitions.iter().map(|seen| (seen.id(), seen.leader() >= 0)).collect(),
        }
    }
}

fn rows(admin: &Admin, asked: &[Asked], until: Instant) -> Table {
    let client = Arc::clone(&admin.client);
    let ends = |topic: &str, partition: i32, led: bool| {
        let left = until.saturating_duration_since(Instant::now());
        if !led {
            return Err("nobody leads it".to_owned());
        }
        if left.is_zero() {
            return Err("there was no time left to ask".to_owned());
        }
        client.inner().fetch_watermarks(topic, partition, PATIENCE.min(left)).map_err(|error| {
            error.rdkafka_error_code().map_or_else(|| error.to_string(), |code| code.to_string())
        })
    };
    let row = |asked: &Asked| {
        let each = asked.partitions.iter();
        let rows = each.map(|(number, led)| PartitionRow::of(*number, ends(&asked.topic, *number, *led)));
        TopicRow::of(&asked.topic, asked.replicas, rows.collect())
    };
    Table::of(asked.iter().map(row).collect())
}

#[cfg(test)]
mod tests {
    use rdkafka::ClientConfig;
    use rdkafka::mocking::MockCluster;
    use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

    use super::*;

    fn place(cluster: &MockCluster<'_, impl rdkafka::ClientContext>) -> Cluster {
        Cluster { bootstrap: cluster.bootstrap_servers().parse().unwrap(), deadline: Duration::from_secs(20) }
    }

    async fn asked(place: &Cluster, names: &[&str]) -> Result<Table, TopicError> {
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        table(place, &Selection { names, internal: false }).await
    }

    #[tokio::test]
    async fn a_topic_is_the_sum_of_its_partitions() {
        let cluster = MockCluster::new(3).unwrap();
        cluster.create_topic("alerts", 3, 3).unwrap();
        cluster.create_topic("empty", 1, 1).unwrap();
        let producer: BaseProducer =
            ClientConfig::new().set("bootstrap.servers", cluster.bootstrap_servers()).create().unwrap();
        for (partition, count) in [(0, 5), (2, 7)] {
            for _ in 0..count {
                producer.send(BaseRecord::<(), str>::to("alerts").partition(partition).payload("x")).unwrap();
            }
        }
        producer.flush(Duration::from_secs(10)).unwrap();
        let table = asked(&place(&cluster), &[]).await.unwrap();
        let names: Vec<_> = table.topics.iter().map(|topic| (topic.topic.as_str(), topic.messages)).collect();
        assert_eq!(names, [("alerts", 12), ("empty", 0)]);
        let newest: Vec<_> = table.topics[0].partitions.iter().map(|row| (row.oldest, row.newest)).collect();
        assert_eq!(newest, [(Some(0), Some(5)), (Some(0), Some(0)), (Some(0), Some(7))]);
        assert_eq!((table.messages, table.silent, table.topics[0].replicas), (12, 0, 3));
        assert_eq!(asked(&place(&cluster), &["empty"]).await.unwrap().topics.len(), 1);
    }

    #[tokio::test]
    async fn a_partition_that_nobody_leads_is_there_and_counts_for_nothing() {
        let cluster = MockCluster::new(1).unwrap();
        cluster.create_topic("alerts", 2, 1).unwrap();
        cluster.partition_leader("alerts", 1, None).unwrap();
        let table = asked(&place(&cluster), &[]).await.unwrap();
        assert_eq!(table.silent, 1);
        let row = &table.topics[0].partitions[1];
        assert_eq!((row.newest, row.reason.as_deref()), (None, Some("nobody leads it")));
    }

    #[tokio::test]
    async fn a_topic_that_is_not_there_is_named_with_the_one_that_was_meant() {
        let cluster = MockCluster::new(1).unwrap();
        cluster.create_topic("alerts", 1, 1).unwrap();
        let error = asked(&place(&cluster), &["allerts"]).await.unwrap_err();
        assert!(error.to_string().contains("did you mean alerts?"), "{error}");
    }
}
