//! Stacks: what each said, and of each that the file means and nobody spoke for, why.

use crate::look::Look;
use crate::rack::Rack;
use crate::stack::{Answer, StackHealth};

pub(super) fn stacks(rack: &Rack, look: &Look) -> StackHealth {
    let reason = match look.swarm {
        Ok(_) => "the swarm has no service of it",
        // Without a manager nobody knows which services there should be.
        Err(_) => "not asked: no manager tells which cluster is the rack's",
    };
    let mut health = look.stacks.clone();
    health.kafka = rack.kafka.as_ref().map(|_| health.kafka.unwrap_or_else(|| silent(reason)));
    health.cassandra = rack.cassandra.as_ref().map(|_| health.cassandra.unwrap_or_else(|| silent(reason)));
    for board in rack.stargate.iter().flat_map(|stargate| &stargate.boards) {
        health.stargate.entry(board.to_string()).or_insert_with(|| silent(reason));
    }
    health
}

fn silent<T>(reason: &str) -> Answer<T> {
    Answer::Silent { reason: reason.to_owned() }
}
