//! What a data service that has gone left behind in its cluster: told from the cluster itself, so that a run which was
//! killed between a service's end and the cluster's leave of it is finished by the next.

use std::collections::BTreeSet;

use pirack_swarm::observed::Observed;

use super::allow::{Refusal, brokers_go};
use super::{Act, Gate, Part, Unit};
use crate::rack::Rack;
use crate::stack::cassandra::CassandraHealth;
use crate::stack::health::StackHealth;
use crate::stack::kafka::{KafkaHealth, order};
use crate::stack::service::Engine;

/// One thing that a cluster still counts on, and nobody else does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leftover {
    /// What: `broker b4`.
    pub subject: String,
    /// Why it is one.
    pub reason: String,
    /// What is done about it.
    pub parts: Vec<Part>,
    /// What must be allowed first.
    pub refusals: Vec<Refusal>,
}

/// All of them.
#[must_use]
pub fn leftovers(rack: &Rack, observed: &Observed, health: &StackHealth) -> Vec<Leftover> {
    let held = |engine: Engine, board: &str| {
        let units = observed.services.iter().filter_map(|held| Unit::of(&held.spec));
        units.into_iter().any(|unit| unit.engine == engine && unit.board == board)
    };
    let mut found = vec![];
    if let (Some(kafka), Some(health)) = (&rack.kafka, health.kafka()) {
        let wanted = |board: &str| kafka.brokers.iter().any(|name| name.as_str() == board);
        let gone = health.away.iter().filter(|board| !wanted(board) && !held(Engine::Kafka, board));
        let stay = kafka.brokers.iter().map(ToString::to_string).collect();
        found.extend(gone.filter_map(|board| broker(health, board, &stay)));
    }
    if let (Some(cassandra), Some(ring)) = (&rack.cassandra, health.cassandra()) {
        let wanted = |board: &str| cassandra.nodes.iter().any(|name| name.as_str() == board);
        let gone = ring.nodes.keys().filter(|board| !wanted(board) && !held(Engine::Cassandra, board));
        found.extend(gone.filter_map(|board| node(ring, board)));
    }
    found
}

fn broker(kafka: &KafkaHealth, board: &str, stay: &BTreeSet<String>) -> Option<Leftover> {
    // A number that no board of the rack ever had is somebody else's.
    kafka.nodes.values().any(|known| known == board).then(|| Leftover {
        subject: format!("broker {board}"),
        reason: "it has gone, and Kafka still counts it among its own".to_owned(),
        parts: order::left_behind(board, stay),
        refusals: brokers_go(kafka, &[board], stay.len()),
    })
}

fn node(ring: &CassandraHealth, board: &str) -> Option<Leftover> {
    let gossip = ring.nodes.get(board)?.gossip.as_ref().filter(|gossip| !gossip.up)?;
    let from = ring.nodes.iter().find(|(_, node)| node.is_well()).map(|(name, _)| name.clone())?;
    let (board, host_id) = (board.to_owned(), gossip.host_id);
    Some(Leftover {
        subject: format!("Cassandra node of {board}"),
        reason: "it has gone, and the ring still counts it among its own".to_owned(),
        refusals: vec![Refusal::dead_node(&board)],
        parts: vec![
            Part::Do(Act::Forget { from, board: board.clone(), host_id }),
            Part::Wait(Gate::RingWithout { board }),
        ],
    })
}
