//! Whose the swarms are that the boards are in. Nothing is taken out of one that nobody shows to be this rack's, unless
//! somebody allows it by its code; and nothing at all where the swarm that answers is another's.

use std::collections::BTreeSet;

use pirack_swarm::member::Membership;

use super::scope::{Parts, Scope};
use super::steps::{is_member, leave};
use crate::operation::plan::{Left, Plan, Stage, is_one_swarm};
use crate::operation::seen::{Reached, Seen};
use crate::rack::{BoardName, Rack};
use crate::stack::roll::Code;

/// Another rack's swarm, one that says nothing, two of them.
pub(super) fn refuse(rack: &Rack, seen: &Seen, plan: &mut Plan) {
    if !is_one_swarm(seen, plan) {
        return;
    }
    let subject = format!("rack {}", rack.name);
    match seen.swarm.as_ref().map(|swarm| &swarm.identity) {
        Some(Some(Ok(identity))) if !identity.is_of(&rack.name) => {
            let reason = format!("this swarm is the rack \"{}\": name the right file", identity.rack);
            plan.refuse(subject, reason);
        }
        Some(Some(Err(words))) => {
            plan.refuse(subject, format!("whose swarm this is cannot be read: {words}"));
        }
        Some(None) => {
            let reason = "the swarm does not say that it is this rack's: take it away by hand (docker swarm leave --force on every board)";
            plan.refuse(subject, reason);
        }
        _ => {}
    }
}

/// Names that nobody has.
pub(super) fn refuse_unknown(rack: &Rack, scope: &Scope, seen: &Seen, plan: &mut Plan) {
    for name in scope.unknown(rack, seen) {
        plan.refuse(name, "the rack has none of that name: see pirack status");
    }
}

/// The boards that are in a swarm, and not shown to be in this rack's. Says what becomes of them.
pub(super) fn strays<'a>(
    scope: &Scope,
    allowed: &BTreeSet<String>,
    seen: &'a Seen,
    plan: &mut Plan,
) -> BTreeSet<&'a BoardName> {
    let strays: BTreeSet<&BoardName> =
        seen.reached().filter(|(name, board)| is_stray(seen, name, board)).map(|(name, _)| name).collect();
    let (code, silent) = (Code::OtherSwarm.to_string(), seen.swarm.is_none());
    if silent && scope.parts != Parts::Whole {
        if !strays.is_empty() && !scope.is_agents_alone() {
            let reason = "no manager answers for it: bring a majority of its managers back";
            plan.refuse("swarm".to_owned(), reason);
        }
        return strays;
    }
    let reason = if silent {
        "none of its swarm's managers answers who could tell whose that is, so that it does not leave by force, and nothing on it is touched: bring a majority of them back"
    } else {
        "its engine is in another swarm than this rack's, or in one that has forgotten it: nothing on it is touched"
    };
    for name in &strays {
        let leaves = scope.takes_board(name);
        if leaves && allowed.contains(&code) {
            leave(name, true, Stage::Leaving, plan);
        } else if leaves || scope.takes_agent(name) || (scope.volumes && !scope.is_agents_alone()) {
            let (subject, code) = (format!("board {name}"), leaves.then(|| code.clone()));
            plan.undone.push(Left { subject, reason: reason.to_owned(), code, unknown: false });
        }
    }
    strays
}

fn is_stray(seen: &Seen, name: &BoardName, board: &Reached) -> bool {
    let Some(swarm) = &seen.swarm else { return is_member(board) };
    match (&board.membership, board.membership.node()) {
        (Membership::Inactive, _) => false,
        (_, Some(own)) => !swarm.knows(own),
        // Which node it was it does not tell.
        (_, None) => !swarm.observed.nodes.iter().any(|node| node.name == name.as_str()),
    }
}
