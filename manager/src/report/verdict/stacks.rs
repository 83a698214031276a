//! Kafka, Cassandra and Stargate: whether clients are served, and what they can still lose. Without a manager
//! they are not asked, and that is said of the swarm.

use std::collections::BTreeSet;

use super::{Reasons, counted, listed};
use crate::rack::Rack;
use crate::report::Report;
use crate::stack::Answer;
use crate::stack::cassandra::{CassandraHealth, KEYSPACE};
use crate::stack::kafka::KafkaHealth;

pub(super) fn kafka(rack: &Rack, report: &Report, reasons: &mut Reasons) {
    if report.swarm.is_none() {
        return;
    }
    let (Some(kafka), Some(answer)) = (&rack.kafka, &report.stacks.kafka) else { return };
    let health = match answer {
        Answer::Said(health) => health,
        Answer::Silent { reason } => {
            let remedy = "see its services below, and what they say: pirack logs kafka-BOARD";
            return reasons.down("kafka", format!("does not answer: {reason}"), remedy);
        }
    };
    partitions(health, reasons);
    controllers(health, reasons);
    let missing: Vec<&str> = (kafka.brokers.iter())
        .map(|board| board.as_str())
        .filter(|board| !health.brokers.contains(*board))
        .collect();
    if !missing.is_empty() {
        let remedy = "see their services, and what they say: pirack logs kafka-BOARD";
        reasons.degraded("kafka", format!("has no broker on {}", listed(&missing)), remedy);
    }
}

fn partitions(health: &KafkaHealth, reasons: &mut Reasons) {
    let offline = health.partitions.offline();
    if !offline.is_empty() {
        let count = counted(offline.len(), "partition", "partitions");
        let what = format!("{count} that nobody leads: {}", listed(&offline));
        reasons.down("kafka", what, "bring back the brokers that have them");
    }
    let without: BTreeSet<&String> = offline.iter().collect();
    let led = |names: Vec<String>| -> Vec<String> {
        names.into_iter().filter(|name| !without.contains(name)).collect()
    };
    let below = led(health.partitions.below_least());
    if !below.is_empty() {
        let count = counted(below.len(), "partition takes", "partitions take");
        let what = format!("{count} no more writes with acks=all: {}", listed(&below));
        reasons.degraded("kafka", what, "bring back the brokers that have the other replicas");
    }
    let behind: Vec<String> =
        led(health.partitions.under_replicated()).into_iter().filter(|name| !below.contains(name)).collect();
    if !behind.is_empty() {
        let count = counted(behind.len(), "partition has", "partitions have");
        let what = format!("{count} replicas that are behind or away: {}", listed(&behind));
        reasons.degraded("kafka", what, "wait while a broker that came back catches up, or bring it back");
    }
}

fn controllers(health: &KafkaHealth, reasons: &mut Reasons) {
    let Some(quorum) = &health.quorum else {
        let why = health.quorum_silence.as_deref().unwrap_or("they do not say why");
        let remedy = "bring back boards whose controllers vote, until most of them are there";
        return reasons.down("kafka", format!("its controllers have no leader: {why}"), remedy);
    };
    let away = quorum.away();
    if !away.is_empty() {
        let voters = counted(away.len(), "controller does", "controllers do");
        let what = format!("{voters} not follow the leader: {}", listed(&away));
        reasons.degraded("kafka", what, "bring back these boards' Kafka: pirack logs kafka-BOARD");
    }
}

pub(super) fn cassandra(rack: &Rack, report: &Report, reasons: &mut Reasons) {
    if report.swarm.is_none() {
        return;
    }
    let (Some(cassandra), Some(answer)) = (&rack.cassandra, &report.stacks.cassandra) else { return };
    let health = match answer {
        Answer::Said(health) => health,
        Answer::Silent { reason } => {
            let remedy = "see its services below, and what they say: pirack logs cassandra-BOARD";
            return reasons.down("cassandra", format!("does not answer: {reason}"), remedy);
        }
    };
    let declared: Vec<&str> = cassandra.nodes.iter().map(|board| board.as_str()).collect();
    let unwell: BTreeSet<&str> = (declared.iter().copied())
        .filter(|board| !serves(health, board))
        .chain(health.members().filter(|board| !serves(health, board)))
        .collect();
    replicas(health, cassandra.replication, &unwell, reasons);
    for board in &unwell {
        let told = health.nodes.get(*board);
        let letters = told.map_or_else(|| "not in the ring".to_owned(), |node| node.letters());
        let remedy = format!("see what it says: pirack logs cassandra-{board}");
        reasons.degraded("cassandra", format!("the node on {board} is {letters}"), remedy);
    }
    if !health.agrees() {
        let what = format!("its nodes have {} versions of the schema", health.schemas().len());
        reasons.degraded(
            "cassandra",
            what,
            "wait a minute; where it stays so, restart the node that is alone with its own",
        );
    }
    if let Some(why) = &health.gossip_silence {
        let what = format!("who is in the ring cannot be told: {why}");
        reasons.degraded("cassandra", what, "look at the containers' own nodetool status");
    }
}

/// Whether clients and the ring count on it. A ring that nobody could ask about is judged by its nodes alone.
fn serves(health: &CassandraHealth, board: &str) -> bool {
    let Some(node) = health.nodes.get(board) else { return false };
    match &health.gossip_silence {
        None => node.is_well(),
        Some(_) => node.cql.as_ref().is_some_and(|cql| cql.joined),
    }
}

/// With so few nodes away that any row keeps a majority of its replicas, nothing is lost to clients that ask
/// for a quorum; with one more, some rows are.
fn replicas(health: &CassandraHealth, declared: u32, unwell: &BTreeSet<&str>, reasons: &mut Reasons) {
    let said = health.replication.get(KEYSPACE).and_then(|centres| centres.values().copied().max());
    let replicas = said.unwrap_or(usize::try_from(declared).unwrap_or(usize::MAX));
    let spare = replicas.saturating_sub(replicas / 2 + 1);
    // A node that joins or leaves still serves what it has.
    let gone = unwell.iter().filter(|board| {
        let node = health.nodes.get(**board);
        !node.is_some_and(|node| node.cql.is_some() && node.gossip.as_ref().is_none_or(|gossip| gossip.up))
    });
    let gone = gone.count();
    if gone > spare {
        let what = format!(
            "{} away, and rows have {replicas} replicas: some have no majority of them",
            counted(gone, "node is", "nodes are")
        );
        reasons.down("cassandra", what, "bring back the nodes below");
    }
}

pub(super) fn stargate(report: &Report, reasons: &mut Reasons) {
    if report.swarm.is_none() {
        return;
    }
    for (board, answer) in &report.stacks.stargate {
        if let Answer::Silent { reason } = answer {
            let remedy =
                format!("see what it says: pirack logs graphql-{board}, pirack logs stargate-{board}");
            reasons.degraded("stargate", format!("a query on {board} fails: {reason}"), remedy);
        }
    }
}
