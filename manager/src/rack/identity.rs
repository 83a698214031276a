//! What a rack remembers of itself: what was decided once and must never follow a changed file by itself.
//!
//! It lives in the swarm, as labels of the swarm's own specification, changed only under its version; before
//! there is a swarm, nowhere. What it keeps:
//! - A board keeps its Kafka node id for ever, and no other board ever gets it.
//! - Voters, seeds and the replication that brokers are told were fixed when the first of them began. So a
//!   board that is added changes no other board's service: a changed service is a restarted one.
//! - A node of Cassandra's is a seed from the ring's beginning or once it is a member: a seed takes no data over
//!   when it joins. And a member keeps its place, which its data carry.
//!
//! [`settle`] is pure: what is remembered and what the file says give what holds from now on.

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize, Serializer};
use uuid::Uuid;

use super::{BoardName, Cassandra, Rack, RackName};

/// The label that holds it, as JSON.
pub const LABEL: &str = "io.pirack.identity";

/// One rack's memory of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The rack's name in its file.
    pub rack: String,
    /// Never the same for two racks, whatever their names.
    pub id: Uuid,
    /// Kafka's, once it was wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kafka: Option<KafkaIdentity>,
    /// Cassandra's, once it was wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cassandra: Option<CassandraIdentity>,
    /// What the hashes in secrets' names are keyed with, once an app had one: names stand in plans and logs, and
    /// must not let anybody test a guess at the value. Who may read this label may read the secrets too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_key: Option<SecretKey>,
    /// What each tag of the file was when it was first pulled: its digest, `sha256:...`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub images: BTreeMap<String, String>,
}

/// What the hashes in secrets' names are keyed with. Only the swarm's label shows it.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SecretKey(Uuid);

impl SecretKey {
    /// Its bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey")
    }
}

/// What a Kafka cluster never changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KafkaIdentity {
    /// The cluster's id, 16 bytes in base64 as Kafka writes them.
    pub cluster_id: String,
    /// Every board's node id, those that have gone among them.
    pub nodes: BTreeMap<String, u32>,
    /// The boards whose controllers vote.
    pub voters: Vec<String>,
    /// How many brokers there were when it began: what replication was reckoned from.
    pub brokers_at_start: usize,
}

/// What a Cassandra ring never changes by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CassandraIdentity {
    /// The ring's name, which every node's data carry.
    pub cluster_name: String,
    /// The data centre, likewise.
    pub datacenter: String,
    /// The boards where nodes begin.
    pub seeds: Vec<String>,
    /// The boards whose node the ring was seen to have, each with the place that its data carry.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub members: BTreeMap<String, String>,
    /// Boards whose node was lost with its data and took its own place again, each with the board whose node it
    /// heard of the ring from: see [`crate::stack::cassandra::lost`]. They stay in here, for their services are
    /// told so.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub replaced: BTreeMap<String, String>,
}

/// What the file asks for and the rack's memory forbids.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Contradiction {
    /// The swarm is another rack's.
    #[error(
        "this swarm is the rack \"{remembered}\", and the file is of \"{named}\": name the right managers, or the right file"
    )]
    OtherRack {
        /// Whose it is.
        remembered: String,
        /// Whose file this is.
        named: String,
    },
    /// Other voters than those that were fixed.
    #[error(
        "Kafka's voters are {} since its first start, and the file says {}: changing voters is not built yet; write those, or leave `voters` out",
        .remembered.join(", "), .named.join(", ")
    )]
    Voters {
        /// Those that vote.
        remembered: Vec<String>,
        /// Those that the file names.
        named: Vec<String>,
    },
    /// A voter that is to have no Kafka any more.
    #[error(
        "{board} votes among Kafka's controllers, and the file gives it no part in Kafka: changing voters is not built yet; give it back its place, or put another board under its name"
    )]
    VoterGone {
        /// Which.
        board: String,
    },
    /// Another place for a node that has data.
    #[error(
        "{board}'s node of Cassandra is at the place \"{remembered}\" by its own data, and the file says \"{named}\": it would refuse to start; write the first, or take {board} out of cassandra.nodes, apply, and give it back at its new place"
    )]
    Place {
        /// Which board.
        board: String,
        /// Where its node is.
        remembered: String,
        /// Where the file has it.
        named: String,
    },
    /// Another name of ring or data centre.
    #[error(
        "Cassandra's {what} is \"{remembered}\" in every node's data, and the file says \"{named}\": write the first"
    )]
    Ring {
        /// Which of the two.
        what: &'static str,
        /// As it is.
        remembered: String,
        /// As the file has it.
        named: String,
    },
}

impl KafkaIdentity {
    /// The voters that clients can begin with; all brokers where no voter is one.
    #[must_use]
    pub fn voters_that_are_brokers(&self, kafka: &super::Kafka) -> Vec<String> {
        let brokers = texts(&kafka.brokers);
        let both: Vec<String> = self.voters.iter().filter(|voter| brokers.contains(voter)).cloned().collect();
        if both.is_empty() { brokers } else { both }
    }
}

impl Identity {
    /// Read back from the swarm's label.
    ///
    /// # Errors
    /// When somebody else wrote into it.
    pub fn parse(label: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(label)
    }

    /// As the swarm's label has it.
    ///
    /// # Errors
    /// Never in practice: maps with keys of text serialise.
    pub fn label(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
    }

    /// Serialises it for people, without its secret key.
    pub(crate) fn show<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Self { secret_key: None, ..self.clone() }.serialize(serializer)
    }

    /// Whether it is this rack's.
    #[must_use]
    pub fn is_of(&self, rack: &RackName) -> bool {
        self.rack == rack.as_str()
    }
}

/// What holds from now on, and what the file asks for in vain. `fresh` gives the ids that are made up: a new
/// rack's, a new cluster's.
pub fn settle(
    remembered: Option<&Identity>,
    rack: &Rack,
    mut fresh: impl FnMut() -> Uuid,
) -> (Identity, Vec<Contradiction>) {
    let mut wrong = vec![];
    let mut identity = remembered.cloned().unwrap_or_else(|| Identity {
        rack: rack.name.to_string(),
        id: fresh(),
        kafka: None,
        cassandra: None,
        secret_key: None,
        images: BTreeMap::new(),
    });
    if !identity.is_of(&rack.name) {
        wrong.push(Contradiction::OtherRack {
            remembered: identity.rack.clone(),
            named: rack.name.to_string(),
        });
        return (identity, wrong);
    }
    if let Some(kafka) = &rack.kafka {
        let voters = texts(&kafka.voters);
        let known = identity.kafka.get_or_insert_with(|| KafkaIdentity {
            cluster_id: cluster_id(fresh()),
            nodes: BTreeMap::new(),
            voters: voters.clone(),
            brokers_at_start: kafka.brokers.len(),
        });
        let boards: Vec<String> = texts(&kafka.voters).into_iter().chain(texts(&kafka.brokers)).collect();
        for board in &boards {
            if !known.nodes.contains_key(board) {
                let next = known.nodes.values().max().map_or(1, |last| last + 1);
                known.nodes.insert(board.clone(), next);
            }
        }
        let gone = known.voters.iter().find(|voter| !boards.contains(voter));
        if let Some(board) = gone {
            wrong.push(Contradiction::VoterGone { board: board.clone() });
        } else if kafka.voters_named && sorted(&voters) != sorted(&known.voters) {
            wrong.push(Contradiction::Voters { remembered: known.voters.clone(), named: voters });
        }
    }
    if let Some(cassandra) = &rack.cassandra {
        let known = identity.cassandra.get_or_insert_with(|| CassandraIdentity {
            cluster_name: cassandra.cluster_name.clone(),
            datacenter: cassandra.datacenter.clone(),
            seeds: texts(&cassandra.seeds),
            members: BTreeMap::new(),
            replaced: BTreeMap::new(),
        });
        let pairs = [
            ("cluster name", &known.cluster_name, &cassandra.cluster_name),
            ("data centre", &known.datacenter, &cassandra.datacenter),
        ];
        for (what, remembered, named) in pairs {
            if remembered != named {
                let (remembered, named) = (remembered.clone(), named.clone());
                wrong.push(Contradiction::Ring { what, remembered, named });
            }
        }
        let is_node = |board: &String| cassandra.nodes.iter().any(|node| node.as_str() == board);
        known.members.retain(|board, _| is_node(board));
        known.replaced.retain(|board, _| is_node(board));
        known.seeds = seeds(known, cassandra);
        for (board, remembered) in &known.members {
            let file = rack.boards.iter().find(|known| known.name.as_str() == board);
            if let Some(place) = file.map(|file| &file.place).filter(|place| *place != remembered) {
                let (remembered, named) = (remembered.clone(), place.clone());
                wrong.push(Contradiction::Place { board: board.clone(), remembered, named });
            }
        }
    }
    if identity.secret_key.is_none() && rack.apps.iter().any(|app| !app.secrets.is_empty()) {
        identity.secret_key = Some(SecretKey(fresh()));
    }
    (identity, wrong)
}

/// Seeds that the file names take the place of all, and one that has gone is forgotten. Either is a change that
/// every node is restarted for, one after another, and so it must be asked for; another order of the same is none.
///
/// A seed's tokens follow from its place among the seeds ([`crate::stack::cassandra`]), and one without data heeds
/// them. So once the ring has a node, only members are among seeds that change: in its new place one that has yet to
/// join might be told tokens that another has. It joins as no seed, and the file can name it from then on.
fn seeds(known: &CassandraIdentity, cassandra: &Cassandra) -> Vec<String> {
    let nodes = texts(&cassandra.nodes);
    let is_member = |seed: &String| known.members.is_empty() || known.members.contains_key(seed);
    let of = |mut boards: Vec<String>| {
        boards.retain(|seed| nodes.contains(seed) && (is_member(seed) || known.seeds.contains(seed)));
        if sorted(&boards) == sorted(&known.seeds) {
            return known.seeds.clone();
        }
        boards.retain(is_member);
        boards
    };
    let named = if cassandra.seeds_named { of(texts(&cassandra.seeds)) } else { vec![] };
    // The last of them went with its board: whoever has data.
    let choices = [named, of(known.seeds.clone()), of(texts(&cassandra.seeds)), of(nodes.clone())];
    choices.into_iter().find(|seeds| !seeds.is_empty()).unwrap_or_else(|| texts(&cassandra.seeds))
}

fn texts(names: &[BoardName]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}

fn sorted(names: &[String]) -> Vec<&String> {
    let mut names: Vec<&String> = names.iter().collect();
    names.sort();
    names
}

/// A new cluster's id. None begins with a dash, as one of 64 would: `kafka-storage.sh`, which every broker begins with, takes
/// that for an option, and the rack's Kafka would never start.
fn cluster_id(fresh: Uuid) -> String {
    let mut bytes = fresh.into_bytes();
    bytes[0] &= 0x7f;
    URL_SAFE_NO_PAD.encode(bytes)
}

#[cfg(test)]
mod tests;
