//! How a Cassandra ring is: what a node's gossip says of every node, and what each node says of itself over CQL.
//!
//! The two are kept apart, for they mean different things: gossip knows who owns what and who left, and calls a
//! node up that takes no client any more; a node that answers CQL serves, whatever others think of it.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use uuid::Uuid;

/// A ring, as it showed itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct CassandraHealth {
    /// The nodes by their board; one that is on none of the file's, by its address.
    pub nodes: BTreeMap<String, Node>,
    /// Replicas of each keyspace in each data centre, Cassandra's own keyspaces left out.
    pub replication: BTreeMap<String, BTreeMap<String, usize>>,
    /// The most replicas that any of Cassandra's own keyspaces keeps: a node that goes would not leave fewer nodes
    /// than that by itself.
    #[serde(skip)]
    pub own_replicas: usize,
    /// Why gossip was not heard.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gossip_silence: Option<String>,
}

/// One node.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Node {
    /// Its address.
    pub address: String,
    /// What the ring's gossip says of it; nothing where the ring does not know it.
    pub gossip: Option<Gossip>,
    /// What it says of itself; nothing where it does not answer clients.
    pub cql: Option<Cql>,
    /// Why it does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub silence: Option<String>,
}

/// Where a node is on its way into the ring or out of it, by nodetool's letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// N: in it.
    Normal,
    /// L: it hands its data over and goes.
    Leaving,
    /// J: it takes its share of data over.
    Joining,
    /// M: it changes its share.
    Moving,
}

/// A node in the ring's eyes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Gossip {
    /// Whether it is heard of.
    pub up: bool,
    /// Where it is on its way.
    pub state: State,
    /// Its share of the rack's keyspace, or of the tokens where there is none yet; over all nodes, 1 a replica.
    pub owned_ratio: Option<f64>,
    /// Its identity, which its data carry.
    pub host_id: Uuid,
}

/// A node in its own words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Cql {
    /// Its release.
    pub release: String,
    /// The version of its schema.
    pub schema: Uuid,
    /// Whether it has joined the ring.
    pub joined: bool,
}

impl Gossip {
    /// As nodetool writes it: UN, DN, UJ, UL.
    #[must_use]
    pub fn letters(&self) -> String {
        let state = match self.state {
            State::Normal => 'N',
            State::Leaving => 'L',
            State::Joining => 'J',
            State::Moving => 'M',
        };
        format!("{}{state}", if self.up { 'U' } else { 'D' })
    }
}

impl Node {
    /// Whether it is up and normal, in the ring's eyes and in its own.
    #[must_use]
    pub fn is_well(&self) -> bool {
        self.gossip.as_ref().is_some_and(|gossip| gossip.up && gossip.state == State::Normal)
            && self.cql.as_ref().is_some_and(|cql| cql.joined)
    }

    /// What is to be said of it in a few letters.
    #[must_use]
    pub fn letters(&self) -> String {
        match (&self.gossip, &self.cql) {
            (None, None) => "not in the ring".to_owned(),
            (None, Some(_)) => "answers, and no gossip of it".to_owned(),
            (Some(gossip), None) => format!("{}, and no answer to CQL", gossip.letters()),
            (Some(gossip), Some(_)) => gossip.letters(),
        }
    }
}

impl CassandraHealth {
    /// The versions of the schema that nodes have; one, where they agree.
    #[must_use]
    pub fn schemas(&self) -> BTreeSet<Uuid> {
        self.nodes.values().filter_map(|node| Some(node.cql.as_ref()?.schema)).collect()
    }

    /// Whether all that answer have the same schema.
    #[must_use]
    pub fn agrees(&self) -> bool {
        self.schemas().len() <= 1
    }

    /// Nodes that are not well, but for one; a node that the ring does not know and that does not answer is none.
    pub fn unwell<'a>(&'a self, but: Option<&'a str>) -> impl Iterator<Item = (&'a str, &'a Node)> {
        let known = |node: &Node| node.gossip.is_some() || node.cql.is_some();
        self.nodes
            .iter()
            .filter(move |(name, node)| but != Some(name.as_str()) && known(node) && !node.is_well())
            .map(|(name, node)| (name.as_str(), node))
    }

    /// Whether this board's node is up and normal.
    #[must_use]
    pub fn is_well(&self, board: &str) -> bool {
        self.nodes.get(board).is_some_and(Node::is_well)
    }

    /// Whether this board's node may be serving rows: it answers clients, or the others hear it and it has its share.
    /// One that is late with its answer, as small boards are while they collect garbage, is a replica all the same.
    #[must_use]
    pub fn serves(&self, board: &str) -> bool {
        let heard = |gossip: &Gossip| gossip.up && gossip.state != State::Joining;
        let serves = |node: &Node| node.cql.is_some() || node.gossip.as_ref().is_some_and(heard);
        self.nodes.get(board).is_some_and(serves)
    }

    /// The nodes that are in the ring, whatever their state.
    pub fn members(&self) -> impl Iterator<Item = &str> {
        self.nodes.iter().filter(|(_, node)| node.gossip.is_some()).map(|(name, _)| name.as_str())
    }
}
