//! How a Kafka cluster is: brokers that live, the controllers' quorum, and every partition's replicas.
//!
//! Everything is said by board, never by number: numbers are Kafka's, boards are ours.

use std::collections::{BTreeMap, BTreeSet};

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

/// As many partitions of a kind are named in a report; the rest is counted.
const NAMED: usize = 10;
/// A voter that has not asked the leader for so long is away: `controller.quorum.fetch.timeout.ms` is 2 s, and
/// an idle voter asks twice a second.
const AWAY_MS: i64 = 10_000;

/// A cluster, as it showed itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct KafkaHealth {
    /// Every board that ever had Kafka, with its number; others by their number alone, as `node 7`.
    pub nodes: BTreeMap<u32, String>,
    /// The boards whose brokers live.
    pub brokers: BTreeSet<String>,
    /// The boards whose brokers the cluster counts among its own, and that are away.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub away: BTreeSet<String>,
    /// The controllers; absent where no majority of them answers.
    pub quorum: Option<Quorum>,
    /// Why there is no quorum to speak of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quorum_silence: Option<String>,
    /// Every partition of every topic, Kafka's own among them.
    pub partitions: Partitions,
}

/// The controllers' quorum, as its leader knows it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Quorum {
    /// The active controller.
    pub leader: String,
    /// Those that vote.
    pub voters: BTreeMap<String, Voter>,
}

/// One that votes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Voter {
    /// Records of the cluster's description that the leader has and it has not.
    pub behind: i64,
    /// Milliseconds since it last asked the leader, by the leader's clock; absent where it never has.
    pub silent_ms: Option<i64>,
}

/// One partition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Partition {
    /// Its topic.
    pub topic: String,
    /// Its number.
    pub number: i32,
    /// Who leads it; nobody, and it is offline.
    pub leader: Option<String>,
    /// On which boards it is to lie.
    pub replicas: BTreeSet<String>,
    /// On which it still lies and will not, once all of the others have it.
    pub leaving: BTreeSet<String>,
    /// Which of both have all of it.
    pub in_sync: BTreeSet<String>,
    /// How many must have a message before it is acknowledged (`min.insync.replicas`); absent where Kafka did not tell
    /// the topic's settings.
    pub least: Option<usize>,
}

/// All partitions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Partitions(pub Vec<Partition>);

impl Partition {
    /// `topic-number`, as Kafka's tools write it.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}-{}", self.topic, self.number)
    }

    /// Nobody leads it: it can neither be read nor written.
    #[must_use]
    pub fn is_offline(&self) -> bool {
        self.leader.is_none()
    }

    /// Not every replica has all of it.
    #[must_use]
    pub fn is_under_replicated(&self) -> bool {
        !self.replicas.is_subset(&self.in_sync)
    }

    /// Who wants every message kept can write no more.
    #[must_use]
    pub fn is_below_least(&self) -> bool {
        self.least.is_some_and(|least| self.in_sync.len() < least)
    }

    /// Whether any of it lies on this board, or is to.
    #[must_use]
    pub fn lies_on(&self, board: &str) -> bool {
        self.replicas.contains(board) || self.leaving.contains(board)
    }

    /// Whether nobody who lives has all of it: nothing can be made anew of it.
    #[must_use]
    pub fn is_lost(&self, live: &BTreeSet<String>) -> bool {
        self.in_sync.is_disjoint(live)
    }

    /// Whether this board can be missed for a while: it has no part in it, all replicas are whole (then there
    /// is no better moment), or enough others are, where it is known how many that is.
    #[must_use]
    pub fn spares(&self, board: &str) -> bool {
        let enough = |least| self.in_sync.len() > least;
        !self.in_sync.contains(board) || !self.is_under_replicated() || self.least.is_some_and(enough)
    }
}

impl Partitions {
    /// The names of those of which this holds.
    fn named(&self, holds: impl Fn(&Partition) -> bool) -> Vec<String> {
        self.0.iter().filter(|partition| holds(partition)).map(Partition::name).collect()
    }

    /// Those that nobody leads.
    #[must_use]
    pub fn offline(&self) -> Vec<String> {
        self.named(Partition::is_offline)
    }

    /// Those with a replica that is behind or away.
    #[must_use]
    pub fn under_replicated(&self) -> Vec<String> {
        self.named(Partition::is_under_replicated)
    }

    /// Those that take no more writes which everybody must have.
    #[must_use]
    pub fn below_least(&self) -> Vec<String> {
        self.named(Partition::is_below_least)
    }
}

impl Serialize for Partitions {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Partitions", 4)?;
        fields.serialize_field("total", &self.0.len())?;
        fields.serialize_field("under_replicated", &Named::of(self.under_replicated()))?;
        fields.serialize_field("below_min_insync", &Named::of(self.below_least()))?;
        fields.serialize_field("offline", &Named::of(self.offline()))?;
        fields.end()
    }
}

/// How many, and the first of them.
#[derive(Serialize)]
struct Named {
    count: usize,
    first: Vec<String>,
}

impl Named {
    fn of(mut names: Vec<String>) -> Self {
        let count = names.len();
        names.truncate(NAMED);
        Self { count, first: names }
    }
}

impl Quorum {
    /// Voters that follow the leader now, itself among them.
    pub fn present(&self) -> impl Iterator<Item = &str> {
        let here = |voter: &&String, state: &Voter| {
            **voter == self.leader || state.silent_ms.is_some_and(|silent| silent < AWAY_MS)
        };
        self.voters.iter().filter(move |(name, state)| here(name, state)).map(|(name, _)| name.as_str())
    }

    /// Voters that do not.
    #[must_use]
    pub fn away(&self) -> Vec<&str> {
        let present: BTreeSet<&str> = self.present().collect();
        self.voters.keys().map(String::as_str).filter(|voter| !present.contains(voter)).collect()
    }

    /// Whether this board can be missed for a while: it does not vote, or a majority is left without it, or all
    /// are here (then there is no better moment).
    #[must_use]
    pub fn spares(&self, board: &str) -> bool {
        let present = self.present().count();
        !self.voters.contains_key(board)
            || !self.present().any(|voter| voter == board)
            || present == self.voters.len()
            || (present - 1) * 2 > self.voters.len()
    }
}

impl KafkaHealth {
    /// Whether nothing is wrong: every board that has a broker lives, every voter follows, every replica is whole.
    #[must_use]
    pub fn is_well(&self, brokers: &BTreeSet<String>) -> bool {
        brokers.is_subset(&self.brokers)
            && self.quorum.as_ref().is_some_and(|quorum| quorum.away().is_empty())
            && self.partitions.0.iter().all(|p| !p.is_under_replicated() && !p.is_offline())
    }

    /// Whether anything lies on this board that must be sent on its way first, and can be.
    #[must_use]
    pub fn has_to_move(&self, board: &str) -> bool {
        self.partitions.0.iter().any(|p| p.replicas.contains(board) && !p.is_lost(&self.brokers))
    }

    /// A node's board.
    #[must_use]
    pub fn board(&self, node: u32) -> String {
        board(&self.nodes, node)
    }
}

/// A node's board, or what else to call it.
pub(super) fn board(nodes: &BTreeMap<u32, String>, node: u32) -> String {
    nodes.get(&node).cloned().unwrap_or_else(|| format!("node {node}"))
}
