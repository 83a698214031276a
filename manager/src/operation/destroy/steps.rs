//! What leads from the rack that was seen to one without what shall go: pure, it asks nobody.

use std::collections::BTreeSet;
use std::time::Duration;

use pirack_swarm::desired::Draft;
use pirack_swarm::member::Membership;
use pirack_swarm::object::{Kind, Object};
use pirack_swarm::observed::{Held, NodeState, Observed, ObservedNode};
use pirack_swarm::plan::{self as swarm, Action, Move};
use pirack_swarm::spec::{Availability, NodeSpec, Role, ServiceSpec};

use super::memory::{self, Going};
use super::scope::{Parts, Scope, owner, owner_of_folder};
use super::whose;
use crate::look::SwarmLook;
use crate::operation::plan::{Act, Plan, Stage, Step, sentence};
use crate::operation::seen::{Kept, Reached, Seen};
use crate::rack::{BoardName, Rack};
use crate::stack::roll::{self, Part, Round, Turn, Unit};
use crate::stack::{self, Engine};

/// Why anything goes.
pub(super) const ASKED: &str = "it was asked for";

/// The plan.
#[must_use]
pub fn plan(rack: &Rack, scope: &Scope, allowed: &BTreeSet<String>, seen: &Seen, kept: &Kept) -> Plan {
    let mut plan = Plan::default();
    whose::refuse(rack, seen, &mut plan);
    if !plan.refused.is_empty() {
        return plan;
    }
    for (name, words) in silent(rack, scope, seen) {
        let reason = format!("{} It stays as it is: bring it back and destroy again", sentence(&words));
        plan.undone(format!("board {name}"), reason);
    }
    let none = Observed::default();
    let observed = seen.swarm.as_ref().map_or(&none, |swarm| &swarm.observed);
    match &scope.parts {
        Parts::Whole => everything(rack, scope, observed, &mut plan),
        Parts::Some { .. } => some(rack, scope, allowed, seen, observed, &mut plan),
    }
    let strays = whose::strays(scope, allowed, seen, &mut plan);
    data(rack, scope, kept, &strays, &mut plan);
    memory::forget(&Going { rack, scope, observed, kept, strays: &strays }, seen, &mut plan);
    for (name, board) in seen.reached().filter(|(name, _)| scope.takes_agent(name)) {
        let alone = seen.swarm.is_none() && scope.is_agents_alone();
        if (alone || !strays.contains(name))
            && board.agent.as_ref().is_some_and(|agent| agent.version.is_some())
        {
            let act = Act::Purge { board: name.clone() };
            asked(Stage::Agents, format!("agent on {name}"), act, &mut plan);
        }
    }
    nodes(rack, scope, seen, &strays, &mut plan);
    plan.steps.sort_by_key(|step| step.stage);
    plan
}

/// Boards that shall go, or whose agents shall, and do not answer.
fn silent<'a>(rack: &'a Rack, scope: &Scope, seen: &Seen) -> Vec<(&'a BoardName, String)> {
    use crate::operation::seen::BoardSeen;
    let meant = |name: &BoardName| scope.takes_board(name) || scope.takes_agent(name);
    let boards = rack.boards.iter().map(|board| &board.name).filter(|name| meant(name));
    boards
        .filter_map(|name| match seen.boards.get(name) {
            Some(BoardSeen::Unreached(words)) => Some((name, words.clone())),
            _ => None,
        })
        .collect()
}

/// All that the owner has, by the swarm's own plan to nothing.
fn everything(rack: &Rack, scope: &Scope, observed: &Observed, plan: &mut Plan) {
    let Ok(nothing) = Draft::new(rack.name.clone()).check() else { return };
    for step in swarm::plan(&nothing, observed).steps {
        let stage = match step.object.kind {
            Kind::Service => Stage::Services,
            Kind::Network | Kind::Config | Kind::Secret => Stage::Files,
            Kind::Node | Kind::Swarm => continue,
        };
        if step.action.is_none() {
            plan.undone(step.object.to_string(), step.reasons.join("; "));
        } else {
            take(stage, at_once(step, scope, observed), plan);
        }
    }
}

/// The services that are this rack's.
pub(super) fn own_services<'a>(
    rack: &Rack,
    observed: &'a Observed,
) -> impl Iterator<Item = &'a Held<ServiceSpec>> {
    let ours = |held: &&Held<ServiceSpec>| pirack_swarm::owner(&held.spec.labels) == Some(rack.name.as_str());
    observed.services.iter().filter(ours)
}

/// Some services. Those of an engine that goes altogether go at once; of another as an apply would let them go.
fn some(
    rack: &Rack,
    scope: &Scope,
    allowed: &BTreeSet<String>,
    seen: &Seen,
    observed: &Observed,
    plan: &mut Plan,
) {
    let services: Vec<&Held<ServiceSpec>> = own_services(rack, observed).collect();
    let of = |held: &Held<ServiceSpec>| Unit::of(&held.spec).map(|unit| unit.engine);
    let stays =
        |engine: Engine| services.iter().any(|held| of(held) == Some(engine) && !scope.takes(&held.spec));
    let going = services.iter().copied().filter(|held| scope.takes(&held.spec));
    let (partly, wholly): (Vec<&Held<ServiceSpec>>, Vec<_>) =
        going.partition(|held| of(held).is_some_and(stays));
    let steps = |held: Vec<&Held<ServiceSpec>>| -> swarm::Plan {
        swarm::Plan { steps: held.into_iter().map(removal).collect() }
    };
    wholly.iter().for_each(|held| take(Stage::Services, at_once(removal(held), scope, observed), plan));
    let partly = steps(partly);
    let Round { turns, refusals } = roll::round(rack, &partly, observed, &seen.health);
    for refusal in refusals {
        plan.refuse_until(allowed, refusal);
    }
    for turn in turns {
        take(Stage::Services, turn, plan);
    }
}

/// What goes with all of its kind waits for nobody. A node of Cassandra's whose data stay writes out what it has in
/// memory.
fn at_once(step: swarm::Step, scope: &Scope, observed: &Observed) -> Turn {
    let removed = match &step.action {
        Some(Action::RemoveService { id }) => observed.services.iter().find(|held| held.id == *id),
        _ => None,
    };
    let unit = removed.and_then(|held| Unit::of(&held.spec));
    let unit = unit.filter(|unit| unit.engine == Engine::Cassandra && !scope.volumes);
    let drain = unit.map(|unit| Part::Do(roll::Act::Drain { board: unit.board }));
    Turn { before: drain.into_iter().collect(), step, after: vec![] }
}

fn removal(held: &Held<ServiceSpec>) -> swarm::Step {
    swarm::Step {
        r#move: Move::Remove,
        object: Object::new(Kind::Service, &held.spec.name),
        reasons: vec![ASKED.to_owned()],
        obstacle: None,
        action: Some(Action::RemoveService { id: held.id.clone() }),
    }
}

/// How long a step probably takes, for the time that is told ahead.
const EXPECTED: Duration = Duration::from_secs(2);

fn take(stage: Stage, turn: Turn, plan: &mut Plan) {
    plan.steps.push(Step {
        stage,
        r#move: turn.step.r#move,
        subject: turn.step.object.to_string(),
        reasons: turn.step.reasons.clone(),
        expected: EXPECTED,
        act: Act::Swarm { turn: Box::new(turn) },
    });
}

/// A step that nobody but the file's boards themselves can take.
fn asked(stage: Stage, subject: String, act: Act, plan: &mut Plan) {
    plan.step(stage, Move::Remove, subject, vec![ASKED.to_owned()], act, EXPECTED.as_secs());
}

/// What a board has that is still in a swarm of somebody else's, or in one that nobody speaks for, may be in use.
fn data(rack: &Rack, scope: &Scope, kept: &Kept, strays: &BTreeSet<&BoardName>, plan: &mut Plan) {
    let goes = |board: &BoardName, engine: Option<Engine>| {
        !strays.contains(board) && engine.is_some_and(|engine| scope.takes_data(board, engine))
    };
    for (board, names) in &kept.volumes {
        for volume in names.iter().filter(|name| goes(board, owner(board, name))) {
            let act = Act::Volume { board: board.clone(), volume: volume.clone() };
            asked(Stage::Volumes, format!("volume {volume} on {board}"), act, plan);
        }
    }
    for (board, folders) in &kept.folders {
        for folder in folders.iter().filter(|folder| goes(board, owner_of_folder(folder))) {
            let act = Act::Clear { board: board.clone(), folder: folder.clone() };
            asked(Stage::Volumes, format!("folder {folder} on {board}"), act, plan);
        }
    }
    for (board, words) in &kept.astray {
        if stack::keepers(rack, board).into_iter().any(|engine| goes(board, Some(engine))) {
            let reason = format!("{words}: what services have on it stays");
            plan.undone(format!("data disk of {board}"), reason);
        }
    }
}

fn nodes(rack: &Rack, scope: &Scope, seen: &Seen, strays: &BTreeSet<&BoardName>, plan: &mut Plan) {
    let Some(swarm) = &seen.swarm else { return };
    let goes = |name: &BoardName, board: &Reached| {
        scope.takes_board(name) && is_member(board) && !strays.contains(name)
    };
    let boards: Vec<(&BoardName, &Reached)> =
        seen.reached().filter(|(name, board)| goes(name, board)).collect();
    in_order(rack, scope, swarm, &boards, plan);
    // What has left, or will never come back, is forgotten by those that stay.
    let gone = |node: &&ObservedNode| {
        let named = node.name.parse().is_ok_and(|name: BoardName| scope.takes_board(&name));
        let ours = pirack_swarm::owner(&node.held.spec.labels) == Some(rack.name.as_str());
        named && ours && node.state == NodeState::Down && node.held.spec.role == Role::Worker
    };
    for node in swarm.observed.nodes.iter().filter(gone) {
        let action = Action::RemoveNode { id: node.held.id.clone() };
        let reason = "it has left, or does not come back";
        take(Stage::Forgetting, Turn::plain(of_node(node, Move::Remove, reason, action)), plan);
    }
}

pub(super) fn is_member(board: &Reached) -> bool {
    !matches!(board.membership, Membership::Inactive)
}

/// Workers leave; managers are demoted first, while a majority of the others stays; the last one leaves by force
/// where all go.
fn in_order(
    rack: &Rack,
    scope: &Scope,
    swarm: &SwarmLook,
    boards: &[(&BoardName, &Reached)],
    plan: &mut Plan,
) {
    let whole = scope.parts == Parts::Whole;
    let managers: Vec<&ObservedNode> =
        swarm.observed.nodes.iter().filter(|node| node.held.spec.role == Role::Manager).collect();
    let manages = |board: &Reached| match &board.membership {
        Membership::Active(active) => managers.iter().any(|node| node.held.id == active.node),
        _ => false,
    };
    let last = boards.iter().filter(|_| whole).find(|(_, board)| speaks(board)).map(|(name, _)| *name);
    for (name, board) in boards {
        if Some(*name) == last {
            leave(name, true, Stage::Last, plan);
        } else if !manages(board) {
            // An engine that has not heard yet that it was demoted refuses, and is asked again.
            leave(name, !matches!(board.membership, Membership::Active(_)), Stage::Leaving, plan);
        }
    }
    // Those that do not answer first: each that goes makes the majority easier for the next.
    let mut going: Vec<&ObservedNode> = managers
        .iter()
        .copied()
        .filter(|node| {
            let name: Option<BoardName> = node.name.parse().ok();
            name.is_some_and(|name| {
                scope.takes_board(&name) && rack.board(&name).is_some() && Some(&name) != last
            })
        })
        .collect();
    going.sort_by_key(|node| (node.reachable_manager, node.name.clone()));
    let mut count = managers.len();
    let mut reachable = managers.iter().filter(|node| node.reachable_manager).count();
    for node in going {
        let left = (count - 1, reachable - usize::from(node.reachable_manager));
        if left.0 == 0 || left.1 <= left.0 / 2 {
            let reason = "the managers would have no majority without it: bring others back or promote one first, or destroy the whole rack";
            plan.refuse(format!("board {}", node.name), reason);
            continue;
        }
        (count, reachable) = left;
        let spec =
            NodeSpec { role: Role::Worker, availability: Availability::Drain, ..node.held.spec.clone() };
        let action = Action::UpdateNode { id: node.held.id.clone(), version: node.held.version, spec };
        let reason = "manager -> worker that takes no tasks, so that it may leave";
        take(Stage::Demotions, Turn::plain(of_node(node, Move::Change, reason, action)), plan);
    }
}

fn speaks(board: &Reached) -> bool {
    matches!(&board.membership, Membership::Active(active) if active.control_available)
}

pub(super) fn leave(board: &BoardName, force: bool, stage: Stage, plan: &mut Plan) {
    asked(stage, format!("board {board}"), Act::Leave { board: board.clone(), force }, plan);
}

fn of_node(node: &ObservedNode, r#move: Move, reason: &str, action: Action) -> swarm::Step {
    swarm::Step {
        r#move,
        object: Object::new(Kind::Node, &node.name),
        reasons: vec![reason.to_owned()],
        obstacle: None,
        action: Some(action),
    }
}
