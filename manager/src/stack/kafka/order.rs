//! In which order Kafka's services change, so that nobody who writes or reads has to wait.
//!
//! What does not run is mended first. Then brokers that do not vote, then voters, the active controller last, so
//! that leadership moves once. New ones wait for nothing: they are in nobody's way, and a cluster that begins has
//! its quorum only when most of them are there. One that goes is emptied first, and struck off when it is away.

use std::collections::BTreeSet;

use pirack_swarm::observed::Observed;

use crate::stack::health::StackHealth;
use crate::stack::roll::{Act, Change, Gate, Kind, Part, Turn, Unit};
use crate::stack::service::Engine;

/// The turns of these changes.
pub(in crate::stack) fn turns(
    changes: &[&Change<'_>],
    observed: &Observed,
    health: &StackHealth,
) -> Vec<Turn> {
    let leader = health.kafka().and_then(|kafka| Some(kafka.quorum.as_ref()?.leader.clone()));
    let mut changes = changes.to_vec();
    changes.sort_by_key(|change| {
        let Unit { board, votes, .. } = &change.unit;
        // Mending comes before adding; what is added finds its quorum there.
        let running = health.runs(&change.unit.service());
        (change.kind, running, *votes, leader.as_ref() == Some(board), board.clone())
    });
    let stay = stay(observed, &changes);
    changes.into_iter().map(|change| turn(change, &stay, health.kafka().is_some())).collect()
}

/// The boards that have a broker when all of this is done.
pub(in crate::stack) fn stay(observed: &Observed, changes: &[&Change<'_>]) -> BTreeSet<String> {
    let held = observed.services.iter().filter_map(|held| Unit::of(&held.spec));
    let brokers = held.chain(changes.iter().map(|change| change.unit.clone()));
    let goes = |board: &String| changes.iter().any(|c| c.kind == Kind::Remove && c.unit.board == *board);
    let brokers = brokers.filter(|unit| unit.engine == Engine::Kafka && unit.broker);
    brokers.map(|unit| unit.board).filter(|board| !goes(board)).collect()
}

fn turn(change: &Change<'_>, stay: &BTreeSet<String>, asked: bool) -> Turn {
    let Unit { board, broker, votes, .. } = change.unit.clone();
    let spares = Part::Wait(Gate::KafkaSpares { board: board.clone() });
    match change.kind {
        Kind::Add => change.turn(vec![], vec![]),
        Kind::Change => {
            let back = Part::Wait(Gate::KafkaBack { board, broker, votes });
            change.turn(vec![spares], vec![change.runs(), back])
        }
        // Nobody is there to take anything over, or nobody could tell; that was allowed.
        Kind::Remove if !broker || stay.is_empty() || !asked => change.turn(vec![spares], vec![]),
        Kind::Remove => {
            let before = [vec![spares], emptied(&board, stay)].concat();
            let without = Part::Wait(Gate::KafkaWithout { board });
            // What is left to do then is seen from the cluster: see `left_behind`.
            change.turn(before, vec![without])
        }
    }
}

/// What brings everything off a board.
fn emptied(board: &str, onto: &BTreeSet<String>) -> Vec<Part> {
    let board = board.to_owned();
    let takes = Gate::KafkaTakes { board: board.clone(), onto: onto.clone() };
    let act = Act::Vacate { board: board.clone(), onto: onto.clone() };
    vec![Part::Wait(takes), Part::Do(act), Part::Wait(Gate::KafkaVacated { board })]
}

/// What is still to be done of a broker that went, and that Kafka counts among its own; these are those that stay.
pub(in crate::stack) fn left_behind(board: &str, stay: &BTreeSet<String>) -> Vec<Part> {
    let mut parts = if stay.is_empty() { vec![] } else { emptied(board, stay) };
    parts.push(Part::Do(Act::Unregister { board: board.to_owned() }));
    parts
}
