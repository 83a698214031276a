//! Asks a Kafka cluster how it is: one broker for all brokers and partitions, the same for what each topic must
//! keep in sync, and whichever answers first for the controllers.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::select_ok;
use rdkafka::ClientContext;
use rdkafka::admin::{
    AdminClient, AdminOptions, ConfigResource, ConfigResourceResult, OwnedResourceSpecifier,
    ResourceSpecifier,
};
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::metadata::Metadata;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::health::{KafkaHealth, Partition, Partitions, Quorum, Voter, board};
use super::wire::quorum::{self, Described};
use super::wire::{WireError, members, reassign};
use crate::rack::identity::KafkaIdentity;
use crate::rack::{Kafka, Rack};
use crate::stack::health::Answer;

/// Where a cluster is, and who is who in it.
#[derive(Clone, Debug)]
pub struct Where {
    /// Each broker's listener RACK.
    pub brokers: Vec<SocketAddr>,
    /// Each node's board.
    pub nodes: BTreeMap<u32, String>,
}

impl Where {
    /// The rack's own cluster.
    #[must_use]
    pub fn of(rack: &Rack, kafka: &Kafka, identity: &KafkaIdentity) -> Self {
        let port = kafka.defaults.rack().port;
        let address = |address: Ipv4Addr| SocketAddr::from((address, port));
        let boards = kafka.brokers.iter().filter_map(|name| rack.board(name));
        Self {
            brokers: boards.map(|board| address(board.address)).collect(),
            nodes: identity.nodes.iter().map(|(board, node)| (*node, board.clone())).collect(),
        }
    }
}

/// Asks. Nothing takes longer than `within`, twice at most.
pub async fn health(cluster: &Where, within: Duration) -> Answer<KafkaHealth> {
    if let Err(reason) = listens(cluster, within).await {
        return Answer::Silent { reason };
    }
    let (seen, quorum, underway, away) = tokio::join!(
        seen(cluster, within),
        controllers(cluster, within),
        // Who cannot tell, because no controller leads or Kafka is an old one, knows of none.
        first(cluster, within, |broker| reassign::underway(broker, within)),
        first(cluster, within, members::members),
    );
    let (brokers, mut partitions) = match seen {
        Ok(seen) => seen,
        Err(reason) => return Answer::Silent { reason },
    };
    for moved in underway.unwrap_or_default() {
        let leaving: BTreeSet<String> =
            moved.removing.iter().map(|node| board(&cluster.nodes, *node)).collect();
        let found = partitions.0.iter_mut().find(|p| p.topic == moved.topic && p.number == moved.number);
        if let Some(partition) = found {
            partition.replicas.retain(|board| !leaving.contains(board));
            partition.leaving = leaving;
        }
    }
    let away = away.unwrap_or_default().into_iter().filter(|member| member.fenced);
    let away = away.map(|member| board(&cluster.nodes, member.node)).filter(|board| !brokers.contains(board));
    let (quorum, quorum_silence) = match quorum {
        Ok(quorum) => (Some(quorum), None),
        Err(reason) => (None, Some(reason)),
    };
    let (nodes, away) = (cluster.nodes.clone(), away.collect());
    Answer::Said(KafkaHealth { nodes, brokers, away, quorum, quorum_silence, partitions })
}

/// What the first broker says that answers this.
pub(super) async fn first<T, F>(
    cluster: &Where,
    within: Duration,
    asked: impl Fn(SocketAddr) -> F,
) -> Result<T, String>
where
    F: Future<Output = Result<T, WireError>>,
{
    let asking: Vec<_> = cluster.brokers.iter().map(|broker| Box::pin(asked(*broker))).collect();
    if asking.is_empty() {
        return Err("the rack has no brokers to ask".to_owned());
    }
    match timeout(within, select_ok(asking)).await {
        Ok(Ok((said, _))) => Ok(said),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("no broker at {} answers within {} s", addresses(cluster), within.as_secs())),
    }
}

/// Tells one broker after the other, until one does it: what changes something is said once.
pub(super) async fn tell<F>(
    cluster: &Where,
    within: Duration,
    told: impl Fn(SocketAddr) -> F,
) -> Result<(), String>
where
    F: Future<Output = Result<(), WireError>>,
{
    let mut reason = "the rack has no brokers to tell".to_owned();
    for broker in &cluster.brokers {
        reason = match timeout(within, told(*broker)).await {
            Ok(Ok(())) => return Ok(()),
            // Whoever hands on what it is told says what the active controller said.
            Ok(Err(error @ WireError::Code { .. })) => return Err(error.to_string()),
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("{broker} does not answer within {} s", within.as_secs()),
        };
    }
    Err(reason)
}

/// Whether anybody is at home. librdkafka would go on knocking until the deadline, and a look at a rack that is
/// not yet there would take as long.
async fn listens(cluster: &Where, within: Duration) -> Result<(), String> {
    let knocking: Vec<_> =
        cluster.brokers.iter().map(|broker| Box::pin(TcpStream::connect(*broker))).collect();
    if knocking.is_empty() {
        return Err("the rack has no brokers to ask".to_owned());
    }
    let nobody = |reason: String| format!("no broker at {} answers: {reason}", addresses(cluster));
    match timeout(within, select_ok(knocking)).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(nobody(error.to_string())),
        Err(_) => Err(nobody(format!("no connection within {} s", within.as_secs()))),
    }
}

type Seen = (BTreeSet<String>, Partitions);

/// All brokers and partitions, of one broker.
pub(super) async fn metadata(
    cluster: &Where,
    within: Duration,
) -> Result<(Arc<AdminClient<Said>>, Metadata), String> {
    let client: AdminClient<Said> = ClientConfig::new()
        .set("bootstrap.servers", addresses(cluster))
        .set("client.id", "pirack-health")
        .set("log.connection.close", "false")
        .set_log_level(RDKafkaLogLevel::Info)
        .create_with_context(Said::default())
        .map_err(|error| format!("cannot make a Kafka client: {error}"))?;
    let client = Arc::new(client);
    let asked = Arc::clone(&client);
    // Of all topics at once: a question for one by name could create it.
    let asking = tokio::task::spawn_blocking(move || asked.inner().fetch_metadata(None, within));
    match asking.await {
        Ok(Ok(metadata)) => Ok((client, metadata)),
        Ok(Err(error)) => Err(client.inner().context().reason(cluster, &error.to_string())),
        Err(_) => Err(client.inner().context().reason(cluster, "the question was broken off")),
    }
}

async fn seen(cluster: &Where, within: Duration) -> Result<Seen, String> {
    let (client, metadata) = metadata(cluster, within).await?;
    let least = least(&client, &metadata, within).await?;
    let named = |node: i32| u32::try_from(node).map(|node| board(&cluster.nodes, node)).ok();
    let brokers = metadata.brokers().iter().filter_map(|broker| named(broker.id())).collect();
    let mut partitions = vec![];
    for topic in metadata.topics() {
        for partition in topic.partitions() {
            partitions.push(Partition {
                topic: topic.name().to_owned(),
                number: partition.id(),
                leader: named(partition.leader()),
                leaving: BTreeSet::new(),
                replicas: partition.replicas().iter().filter_map(|node| named(*node)).collect(),
                in_sync: partition.isr().iter().filter_map(|node| named(*node)).collect(),
                least: least.get(topic.name()).copied(),
            });
        }
    }
    Ok((brokers, Partitions(partitions)))
}

/// `min.insync.replicas` of every topic whose settings Kafka tells.
async fn least(
    client: &AdminClient<Said>,
    metadata: &Metadata,
    within: Duration,
) -> Result<BTreeMap<String, usize>, String> {
    let names: Vec<&str> = metadata.topics().iter().map(rdkafka::metadata::MetadataTopic::name).collect();
    if names.is_empty() {
        return Ok(BTreeMap::new());
    }
    let asked: Vec<_> = names.iter().map(|name| ResourceSpecifier::Topic(name)).collect();
    let options = AdminOptions::new().request_timeout(Some(within));
    let answers = timeout(2 * within, client.describe_configs(&asked, &options)).await;
    match answers {
        Ok(Ok(answers)) => Ok(answers.into_iter().filter_map(told).collect()),
        Ok(Err(error)) => Err(format!("Kafka does not tell its topics' settings: {error}")),
        Err(_) => Err(format!("Kafka does not tell its topics' settings within {within:?}")),
    }
}

/// A topic and its `min.insync.replicas`. rdkafka 0.39 passes a topic's own error over: one that is gone and one whose
/// settings were refused have no settings alike. Neither says how few will do.
fn told(answer: ConfigResourceResult) -> Option<(String, usize)> {
    let ConfigResource { specifier: OwnedResourceSpecifier::Topic(name), entries } = answer.ok()? else {
        return None;
    };
    let set = entries.into_iter().find(|entry| entry.name == "min.insync.replicas")?;
    Some((name, set.value?.parse().ok()?))
}

async fn controllers(cluster: &Where, within: Duration) -> Result<Quorum, String> {
    quorum_of(cluster, &first(cluster, within, quorum::describe).await?)
}

fn quorum_of(cluster: &Where, described: &Described) -> Result<Quorum, String> {
    let Some(leader) = described.leader else {
        return Err("the controllers are choosing a leader".to_owned());
    };
    let of_leader = described.voters.iter().find(|state| state.node == leader);
    let (end, now) = of_leader.map_or((0, 0), |state| (state.log_end, state.last_fetch));
    let voter = |state: &quorum::State| {
        let silent_ms = (state.last_fetch >= 0).then(|| (now - state.last_fetch).max(0));
        let behind = (end - state.log_end.max(0)).max(0);
        (board(&cluster.nodes, state.node), Voter { behind, silent_ms })
    };
    let voters = described.voters.iter().map(voter).collect();
    Ok(Quorum { leader: board(&cluster.nodes, leader), voters })
}

fn addresses(cluster: &Where) -> String {
    cluster.brokers.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

/// What librdkafka last complained of: why a broker cannot be reached is told nowhere else.
#[derive(Debug, Default)]
pub(super) struct Said(Mutex<Option<String>>);

impl Said {
    fn reason(&self, cluster: &Where, otherwise: &str) -> String {
        let said = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        format!(
            "no broker at {} answers: {}",
            addresses(cluster),
            said.unwrap_or_else(|| otherwise.to_owned())
        )
    }
}

impl ClientContext for Said {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        tracing::debug!(?level, facility, "{message}");
        if facility == "FAIL" {
            let reason = message.split_once("]: ").map_or(message, |(_, reason)| reason);
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(reason.to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use rdkafka::admin::{ConfigEntry, ConfigSource};
    use rdkafka::types::RDKafkaErrorCode;

    use super::*;

    fn cluster() -> Where {
        Where { brokers: vec![], nodes: BTreeMap::from([(1, "b1".to_owned()), (2, "b2".to_owned())]) }
    }

    #[test]
    fn a_voter_is_measured_against_its_leader() {
        let state = |node, log_end, last_fetch| quorum::State { node, log_end, last_fetch };
        let voters = vec![state(1, 100, 60_000), state(2, 95, 40_000), state(9, -1, -1)];
        let quorum = quorum_of(&cluster(), &Described { leader: Some(1), voters }).unwrap();
        assert_eq!(quorum.leader, "b1");
        assert_eq!(quorum.voters["b2"], Voter { behind: 5, silent_ms: Some(20_000) });
        assert_eq!(quorum.voters["node 9"], Voter { behind: 100, silent_ms: None });
        assert_eq!(quorum.away(), ["b2", "node 9"]);
        assert!(!quorum.spares("b1"), "one of three is here");
    }

    #[test]
    fn a_topic_whose_settings_kafka_does_not_tell_has_no_least_that_anybody_may_go_by() {
        let set = |value: Option<&str>| ConfigEntry {
            name: "min.insync.replicas".to_owned(),
            value: value.map(str::to_owned),
            source: ConfigSource::Default,
            is_read_only: false,
            is_default: true,
            is_sensitive: false,
        };
        let topic = |entries| {
            let specifier = OwnedResourceSpecifier::Topic("rack.readings".to_owned());
            Ok(ConfigResource { specifier, entries })
        };
        assert_eq!(told(topic(vec![set(Some("2"))])), Some(("rack.readings".to_owned(), 2)));
        // So rdkafka hands on a refusal.
        assert_eq!(told(topic(vec![])), None);
        assert_eq!(told(topic(vec![set(None)])), None);
        assert_eq!(told(Err(RDKafkaErrorCode::TopicAuthorizationFailed)), None);
    }

    #[tokio::test]
    async fn a_cluster_that_nobody_runs_is_silent_with_its_address() {
        let nobody = Where { brokers: vec![SocketAddr::from(([127, 0, 0, 1], 9))], ..cluster() };
        let answer = health(&nobody, Duration::from_millis(300)).await;
        let Answer::Silent { reason } = answer else { panic!("{answer:?}") };
        assert!(reason.starts_with("no broker at 127.0.0.1:9 answers: "), "{reason}");
    }
}
