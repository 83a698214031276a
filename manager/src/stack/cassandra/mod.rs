//! Cassandra as a stack of the rack: its services, how its ring is, and the rack's tables.

mod gossip;
mod health;
pub(super) mod nodetool;
mod observe;
pub(super) mod order;
pub mod schema;
pub(super) mod service;

pub use health::{CassandraHealth, Cql, Gossip, Node, State};
pub use observe::{Question, Ring, health};
pub(crate) use service::share;
pub use service::{CQL, JMX};

use std::collections::{BTreeMap, BTreeSet};

use pirack_swarm::observed::Observed;

use super::health::StackHealth;
use super::roll::Unit;
use super::service::Engine;
use crate::rack::Cassandra;

/// The rack's own keyspace, which agents write to.
pub const KEYSPACE: &str = "rack";

/// The schema that a rack's file asks for.
#[must_use]
pub fn wishes(cassandra: &Cassandra) -> schema::Wishes {
    let replication = usize::try_from(cassandra.replication).ok();
    schema::Wishes { keyspace: KEYSPACE.to_owned(), keep: None, replication }
}

/// The boards whose node the ring counts as dead and whose engine is a new one, of those that are `fresh`: a
/// card was written anew, or a board put in another's place. Their nodes have no data, and the ring refuses them
/// unless they say that they take the lost node's place: add them to what the rack remembers
/// ([`crate::rack::identity::CassandraIdentity::replaced`]) before their services begin. Each with a board whose
/// node is well: without the lost one there may be no seed to hear of the ring from.
#[must_use]
pub fn lost(health: &StackHealth, fresh: &BTreeSet<String>) -> BTreeMap<String, String> {
    let Some(ring) = health.cassandra() else { return BTreeMap::new() };
    let Some(well) = ring.nodes.keys().find(|board| ring.is_well(board)) else { return BTreeMap::new() };
    let dead = |board: &&String| {
        let gossip = ring.nodes.get(*board).and_then(|node| node.gossip.as_ref());
        gossip.is_some_and(|gossip| !gossip.up)
    };
    fresh.iter().filter(dead).map(|board| (board.clone(), well.clone())).collect()
}

/// The boards whose node is up and normal in the ring, each with the place that its service told it.
#[must_use]
pub fn members(health: &StackHealth, observed: &Observed) -> BTreeMap<String, String> {
    let units = observed.services.iter().filter_map(|held| Unit::of(&held.spec));
    let members = units.filter(|unit| {
        unit.engine == Engine::Cassandra && health.cassandra().is_some_and(|ring| ring.is_well(&unit.board))
    });
    members.filter_map(|unit| Some((unit.board, unit.place?))).collect()
}

/// The cause behind an error: the driver repeats it in all that it wraps around it.
fn innermost(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), innermost)
}
