//! What a destroy makes the rack forget: what it remembers of data engines is what their data are, and no more.
//!
//! A node of Cassandra's that leaves the ring, or whose data go, is no member and no seed when it comes back: with an
//! empty disk it must take its share over, and seeds do not. An engine whose data have all gone is a new one after
//! that, with another identity. As long as any are left it keeps the one that they carry, and of Kafka's boards each
//! its number.
//!
//! Each is written where a kill before or after it does no harm: that a node leaves, before it begins to; that its data
//! go, when its service has gone and before they do, so that nothing empty ever begins as a seed; that an engine has no
//! data, when it has none.

use std::collections::BTreeSet;

use pirack_swarm::observed::Observed;
use pirack_swarm::plan::Move;

use super::scope::{Scope, owner, owner_of_folder};
use super::steps::{ASKED, own_services};
use crate::operation::plan::{Plan, Stage};
use crate::operation::seen::{Kept, Seen};
use crate::rack::{BoardName, Identity, Rack};
use crate::stack::roll::Unit;
use crate::stack::{self, Engine};

/// What is asked for, and what there is.
pub(super) struct Going<'a> {
    pub(super) rack: &'a Rack,
    pub(super) scope: &'a Scope,
    pub(super) observed: &'a Observed,
    pub(super) kept: &'a Kept,
    pub(super) strays: &'a BTreeSet<&'a BoardName>,
}

/// Plans it, where the swarm remembers anything.
pub(super) fn forget(going: &Going<'_>, seen: &Seen, plan: &mut Plan) {
    let Some(Some(Ok(remembered))) = seen.swarm.as_ref().map(|swarm| &swarm.identity) else { return };
    let mut known = remembered.clone();
    let leave = going.nodes_that_leave();
    note(&mut known, |identity| out_of_the_ring(identity, &leave), Stage::Membership, plan);
    let wiped = going.wiped(Engine::Cassandra);
    note(&mut known, |identity| out_of_the_ring(identity, &wiped), Stage::Files, plan);
    let ended = |identity: &mut Identity| {
        identity.kafka.take_if(|kafka| going.ends(Engine::Kafka, |board| kafka.nodes.contains_key(board)));
        let members = remembered.cassandra.as_ref().map(|ring| &ring.members);
        let knows = |board: &str| members.is_some_and(|members| members.contains_key(board));
        identity.cassandra.take_if(|_| going.ends(Engine::Cassandra, knows));
    };
    note(&mut known, ended, Stage::Forgetting, plan);
}

/// A step, where this changes anything of what is known by then.
fn note(known: &mut Identity, change: impl FnOnce(&mut Identity), stage: Stage, plan: &mut Plan) {
    let mut identity = known.clone();
    change(&mut identity);
    if identity != *known {
        known.clone_from(&identity);
        plan.remember(stage, Move::Change, ASKED, identity);
    }
}

fn out_of_the_ring(identity: &mut Identity, boards: &BTreeSet<String>) {
    if let Some(ring) = &mut identity.cassandra {
        ring.members.retain(|board, _| !boards.contains(board));
        ring.replaced.retain(|board, _| !boards.contains(board));
        ring.seeds.retain(|board| !boards.contains(board));
    }
}

impl Going<'_> {
    /// The boards whose node goes while others stay: whether its data are kept or not, they are no part of the ring.
    fn nodes_that_leave(&self) -> BTreeSet<String> {
        let nodes = self.services(Engine::Cassandra);
        if nodes.iter().all(|(_, goes)| *goes) {
            return BTreeSet::new();
        }
        nodes.into_iter().filter(|(_, goes)| *goes).map(|(board, _)| board).collect()
    }

    /// The boards with a service of this engine's, and whether it goes.
    fn services(&self, engine: Engine) -> Vec<(String, bool)> {
        let ours = own_services(self.rack, self.observed);
        let units = ours.filter_map(|held| Some((Unit::of(&held.spec)?, self.scope.takes(&held.spec))));
        units.filter(|(unit, _)| unit.engine == engine).map(|(unit, goes)| (unit.board, goes)).collect()
    }

    /// The boards where nothing is left of this engine's data in the end.
    fn wiped(&self, engine: Engine) -> BTreeSet<String> {
        let boards = self.rack.boards.iter().map(|board| &board.name);
        boards.filter(|board| self.wipes(board, engine)).map(ToString::to_string).collect()
    }

    /// One that does not tell what it has may have data, and so has one whose disk is away.
    fn wipes(&self, board: &BoardName, engine: Engine) -> bool {
        let tells = self.kept.volumes.contains_key(board) && !self.kept.astray.contains_key(board);
        tells && !self.strays.contains(board) && self.scope.takes_data(board, engine)
    }

    /// Whether nothing of an engine is left in the end: all of its services go, and all of its data.
    fn ends(&self, engine: Engine, knows: impl Fn(&str) -> bool) -> bool {
        let mut boards = self.rack.boards.iter().map(|board| &board.name);
        let has = |board: &&BoardName| {
            stack::keepers(self.rack, board).contains(&engine)
                || knows(board.as_str())
                || self.has_data(board, engine)
        };
        let is_meant = self.scope.takes_stack(engine) || boards.clone().any(|board| has(&board));
        is_meant
            && self.scope.volumes
            && self.services(engine).iter().all(|(_, goes)| *goes)
            && boards.all(|board| !has(&board) || self.wipes(board, engine))
    }

    fn has_data(&self, board: &BoardName, engine: Engine) -> bool {
        let volumes = self.kept.volumes.get(board).into_iter().flatten();
        let folders = self.kept.folders.get(board).into_iter().flatten();
        let mut owners = volumes.map(|name| owner(board, name)).chain(folders.map(owner_of_folder));
        owners.any(|owner| owner == Some(engine))
    }
}
