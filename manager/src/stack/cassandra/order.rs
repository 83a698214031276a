//! In which order Cassandra's services change, so that the ring always has its replicas.
//!
//! One node at a time, whatever happens to it. A node that answers is drained before it stops: nothing else makes
//! it write out what it has in memory. What does not run is mended first; then nodes join; a node that is to go
//! hands its data over while it is up, and one that is dead is forgotten by the others.
//!
//! Nodes join in this order: one at each new place, then seeds, then the rest. Seeds are told their tokens; every other
//! node chooses its own for three copies (`allocate_tokens_for_local_replication_factor` of both images), and Cassandra's
//! `TokenAllocation` refuses to at a place that has a node while two places have some: at a new place it never does.

use std::collections::{BTreeMap, BTreeSet};

use pirack_swarm::observed::Observed;

use super::health::{CassandraHealth, State};
use crate::stack::health::StackHealth;
use crate::stack::roll::{Act, Change, Gate, Kind, Part, Turn, Unit};
use crate::stack::service::Engine;

/// The turns of these changes.
pub(in crate::stack) fn turns(
    changes: &[&Change<'_>],
    observed: &Observed,
    health: &StackHealth,
) -> Vec<Turn> {
    let mut changes = changes.to_vec();
    let held: Vec<Unit> = (observed.services.iter().filter_map(|held| Unit::of(&held.spec)))
        .filter(|unit| unit.engine == Engine::Cassandra)
        .collect();
    let firsts = firsts(&changes, &held);
    changes.sort_by_key(|change| {
        let Unit { board, seed, .. } = &change.unit;
        let running = health.runs(&change.unit.service());
        // Seeds join before others and are touched after them.
        let late = match change.kind {
            Kind::Add => (!firsts.contains(board), !seed),
            Kind::Change | Kind::Remove => (*seed, false),
        };
        (change.kind, running, late, board.clone())
    });
    let mut begun = !held.is_empty();
    let stay = stay(observed, &changes);
    let left = left(&changes, health.cassandra(), &stay);
    let well = |board: &String| health.cassandra().is_some_and(|ring| ring.is_well(board));
    let on_their_way: BTreeSet<String> = stay.into_iter().filter(|board| !well(board)).collect();
    let mut turns = vec![];
    for change in changes {
        turns.push(match change.kind {
            Kind::Add => added(change, begun, &on_their_way),
            Kind::Change => changed(change),
            Kind::Remove => removed(change, health, left),
        });
        begun = true;
    }
    turns
}

/// The boards that have a node now, and keep it when all of this is done.
pub(in crate::stack) fn stay(observed: &Observed, changes: &[&Change<'_>]) -> BTreeSet<String> {
    let held = observed.services.iter().filter_map(|held| Unit::of(&held.spec));
    let goes = |board: &String| changes.iter().any(|c| c.kind == Kind::Remove && c.unit.board == *board);
    let nodes = held.filter(|unit| unit.engine == Engine::Cassandra);
    nodes.map(|unit| unit.board).filter(|board| !goes(board)).collect()
}

/// Of the nodes that join, one at each place where there is none yet: a seed, where it has one.
fn firsts(changes: &[&Change<'_>], held: &[Unit]) -> BTreeSet<String> {
    let occupied: BTreeSet<_> = held.iter().map(|unit| &unit.place).collect();
    let mut firsts: BTreeMap<&Option<String>, (bool, &String)> = BTreeMap::new();
    for Change { unit, .. } in changes.iter().filter(|change| change.kind == Kind::Add) {
        let this = (!unit.seed, &unit.board);
        if !occupied.contains(&unit.place) {
            firsts.entry(&unit.place).and_modify(|first| *first = this.min(*first)).or_insert(this);
        }
    }
    firsts.into_values().map(|(_, board)| board.clone()).collect()
}

/// The first of a ring finds nobody to wait for. One whose service has begun and that the ring does not know yet
/// is on its way to join, and two must not at once.
fn added(change: &Change<'_>, begun: bool, on_their_way: &BTreeSet<String>) -> Turn {
    let board = &change.unit.board;
    let others = (!on_their_way.is_empty()).then(|| Gate::RingHas { nodes: on_their_way.clone() });
    let whole = begun.then(|| Gate::RingTakes { board: board.clone() });
    let before = others.into_iter().chain(whole).map(Part::Wait).collect();
    change.turn(before, vec![up(board)])
}

/// Whether a node that is down at the look is up at its step nobody knows: the drain is always meant.
fn changed(change: &Change<'_>) -> Turn {
    let board = &change.unit.board;
    let spares = Part::Wait(Gate::RingSpares { board: board.clone() });
    let drain = Part::Do(Act::Drain { board: board.clone() });
    change.turn(vec![spares, drain], vec![change.runs(), up(board)])
}

/// What a ring is when all that is to go has gone.
#[derive(Clone, Copy)]
enum Left {
    Nothing,
    FewerThanReplicas,
    Enough,
}

fn left(changes: &[&Change<'_>], ring: Option<&CassandraHealth>, stay: &BTreeSet<String>) -> Left {
    let Some(ring) = ring.filter(|ring| ring.gossip_silence.is_none()) else {
        return if stay.is_empty() { Left::Nothing } else { Left::Enough };
    };
    let goes = |board: &&str| {
        changes.iter().any(|change| change.kind == Kind::Remove && change.unit.board == **board)
    };
    let left = ring.members().filter(|board| !goes(board)).count();
    // Cassandra asks after its own keyspaces too: three replicas of what it remembers of repairs, which nobody
    // misses. Whatever the rack's rows would lose is refused before, so that what is left to ask is only that.
    let rows = ring.replication.values().flat_map(|centres| centres.values()).copied();
    let replicas = rows.chain([ring.own_replicas]).max();
    match left {
        0 => Left::Nothing,
        left if replicas.is_some_and(|replicas| left < replicas) => Left::FewerThanReplicas,
        _ => Left::Enough,
    }
}

fn removed(change: &Change<'_>, health: &StackHealth, left: Left) -> Turn {
    let (board, ring) = (&change.unit.board, health.cassandra());
    let gone = Part::Wait(Gate::RingWithout { board: board.clone() });
    let node = ring.and_then(|ring| ring.nodes.get(board));
    let Some(gossip) = node.and_then(|node| node.gossip.as_ref()) else {
        // Where nobody tells of the ring, or of what its nodes hear, one that runs or answers is in it like any other, as
        // far as anybody knows: the gate opens once somebody tells, and what is to be done is decided then.
        let unheard = ring.is_none_or(|ring| ring.gossip_silence.is_some());
        let serves = health.runs(&change.unit.service()) || ring.is_some_and(|ring| ring.serves(board));
        let told = || Part::Learn(Gate::RingSpares { board: board.clone() });
        let learns = unheard && serves && !matches!(left, Left::Nothing);
        return change.turn(learns.then(told).into_iter().collect(), vec![]);
    };
    let force = match left {
        // Nobody is there to hand anything over to.
        Left::Nothing => return change.turn(vec![], vec![]),
        Left::FewerThanReplicas => true,
        Left::Enough => false,
    };
    match (gossip.up, gossip.state) {
        // It is on its way already: a run before this one asked for it.
        (true, State::Leaving) => change.turn(vec![gone], vec![]),
        (true, _) => {
            let spares = Part::Wait(Gate::RingSpares { board: board.clone() });
            let act = Part::Do(Act::Decommission { board: board.clone(), force });
            change.turn(vec![spares, act, gone], vec![])
        }
        (false, _) => {
            let others = ring.into_iter().flat_map(|ring| &ring.nodes);
            let from = others.filter(|(_, node)| node.is_well()).map(|(name, _)| name.clone()).next();
            let forget = from
                .map(|from| Part::Do(Act::Forget { from, board: board.clone(), host_id: gossip.host_id }));
            change.turn(vec![], forget.into_iter().chain([gone]).collect())
        }
    }
}

fn up(board: &str) -> Part {
    Part::Wait(Gate::RingHas { nodes: [board.to_owned()].into() })
}
