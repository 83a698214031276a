//! How a board goes that the file names no more, in this order: its agent delivers what it has and stops, its services
//! hand over what they have and go, its node is demoted and drained, its engine leaves, and the swarm forgets it.
//!
//! The services' part is the stacks' own (`stack::roll`), the nodes' the swarm's own plan; the rest is here. Nothing on
//! the board itself is taken away: its volumes, its agent's package and queue stay where they are.

use pirack_swarm::member::Membership;
use pirack_swarm::observed::{NodeState, ObservedNode};
use pirack_swarm::plan::Move;

use super::{Act, Plan, Stage, Wanted, sentence};
use crate::operation::seen::{BoardSeen, Seen};
use crate::rack::{BoardName, Rack};
use crate::stack::roll;

/// As long as managers take to see that a node has left.
const LEAVING: u64 = 20;

/// The nodes of this rack that its file has no place for in the swarm.
fn without_a_place<'a>(rack: &'a Rack, nodes: &'a [ObservedNode]) -> impl Iterator<Item = &'a ObservedNode> {
    nodes.iter().filter(|node| {
        pirack_swarm::owner(&node.held.spec.labels) == Some(rack.name.as_str())
            && !rack.members().any(|board| board.name.as_str() == node.name)
    })
}

pub(super) fn decide(wanted: &Wanted<'_>, seen: &Seen, plan: &mut Plan) {
    let Some(swarm) = &seen.swarm else { return };
    // One that is down is the swarm's own plan's to forget.
    for node in
        without_a_place(wanted.rack, &swarm.observed.nodes).filter(|node| node.state != NodeState::Down)
    {
        let Ok(name) = node.name.parse::<BoardName>() else { continue };
        let board = seen.boards.get(&name).or_else(|| seen.departed.get(&name));
        leave(wanted.rack, node, name, board, plan);
    }
    for leftover in roll::leftovers(wanted.rack, &swarm.observed, &seen.health) {
        for refusal in leftover.refusals {
            plan.refuse_until(wanted.allowed, refusal);
        }
        let act = Act::Stack { parts: leftover.parts };
        plan.step(Stage::Services, Move::Remove, leftover.subject, vec![leftover.reason], act, 5);
    }
}

fn leave(rack: &Rack, node: &ObservedNode, name: BoardName, board: Option<&BoardSeen>, plan: &mut Plan) {
    let subject = format!("board {name}");
    let reached = match board {
        Some(BoardSeen::Reached(reached)) => reached,
        Some(BoardSeen::Unreached(words)) => return plan.unknown(subject, silent(words)),
        None => return plan.unknown(subject, silent("nobody knows how to reach it")),
    };
    match &reached.membership {
        Membership::Active(active) if active.node != node.held.id => {
            let reason = "another board has its name and is in the swarm in its place, or in another: power off the one that is to go";
            return plan.undone(subject, reason);
        }
        Membership::Active(_) | Membership::Inactive => {}
        Membership::Locked | Membership::Pending { .. } | Membership::Failed { .. } => {
            let reason = "its engine can neither take part in the swarm nor leave it: let it leave by hand (docker swarm leave --force)";
            return plan.undone(subject, reason);
        }
    }
    if rack.board(&name).is_none() && reached.agent.as_ref().is_some_and(|agent| agent.running) {
        let reason = "its board leaves: it delivers all that its queue holds, and then stops for good; its package and its queue stay on the board".to_owned();
        let act = Act::Retire { board: name.clone() };
        plan.step(Stage::Boards, Move::Remove, format!("agent on {name}"), vec![reason], act, 10);
    }
    let reason =
        "the file has it no more: its engine leaves the swarm; all its volumes stay on it".to_owned();
    let act = Act::Leave { board: name, force: false };
    plan.step(Stage::Leaving, Move::Remove, subject, vec![reason], act, LEAVING);
}

fn silent(words: &str) -> String {
    format!(
        "{} It is to leave: bring it up, or power it off for good, and apply again once the swarm sees it down",
        sentence(words)
    )
}
