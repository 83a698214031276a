//! One swarm with every board in it, and what the rack remembers of itself.

use std::net::{IpAddr, SocketAddr};

use pirack_swarm::member::{Active, Membership};
use pirack_swarm::observed::ObservedNode;
use pirack_swarm::plan::Move;

use super::{Act, Plan, Stage, Wanted, sentence};
use crate::operation::seen::{BoardSeen, Reached, Seen};
use crate::rack::{Board, BoardName, Identity, Rack, Role, identity};
use crate::stack::cassandra;
use crate::stack::roll::Refusal;

/// Of an engine that has started and is not back. One whose power was cut within the second in which it became a
/// manager never comes: what it had heard of the others was not on its disk yet.
const UNHEARD: &str = "its engine has started, and its swarm has not heard it since: apply again in a minute or two; if that does not help, let it leave by hand (docker swarm leave --force), and apply lets it in anew";

/// What the swarm's labels hold, where they can be read.
pub(super) fn remembered(seen: &Seen, plan: &mut Plan) -> Option<Identity> {
    match seen.swarm.as_ref()?.identity.as_ref()? {
        Ok(identity) => Some(identity.clone()),
        Err(words) => {
            let reason = format!(
                "what the rack remembers of itself cannot be read ({words}): somebody else wrote it; restore that label"
            );
            plan.refuse(format!("swarm label {}", identity::LABEL), reason);
            None
        }
    }
}

/// What is remembered, with the nodes that Cassandra's ring has by now.
pub(super) fn with_members(mut identity: Identity, seen: &Seen) -> Identity {
    if let (Some(swarm), Some(ring)) = (&seen.swarm, &mut identity.cassandra) {
        for (board, place) in cassandra::members(&seen.health, &swarm.observed) {
            // The first place that was told is the one in its data.
            ring.members.entry(board).or_insert(place);
        }
    }
    identity
}

/// Notes which nodes of Cassandra's were lost with their data: those whose board is a new one to the swarm. It is
/// remembered before the board joins, for with its labels its services start.
pub(super) fn take_lost_places(rack: &Rack, seen: &Seen, identity: &mut Identity) {
    let (Some(swarm), Some(wanted), Some(ring)) = (&seen.swarm, &rack.cassandra, &mut identity.cassandra)
    else {
        return;
    };
    let is_fresh = |name: &BoardName, reached: &Reached| match &reached.membership {
        Membership::Locked => false,
        Membership::Active(Active { node: own, .. }) | Membership::Pending { node: Some(own), .. } => {
            let other = |node: &ObservedNode| node.name == name.as_str() && node.held.id != *own;
            // Until the node that was left behind is forgotten, this one is the new one.
            !swarm.knows(own) || swarm.observed.nodes.iter().any(other)
        }
        Membership::Inactive | Membership::Pending { node: None, .. } | Membership::Failed { .. } => true,
    };
    let fresh =
        seen.reached().filter(|(name, reached)| wanted.nodes.contains(name) && is_fresh(name, reached));
    let fresh = fresh.map(|(name, _)| name.to_string()).collect();
    ring.replaced.extend(cassandra::lost(&seen.health, &fresh));
}

pub(super) fn decide(
    wanted: &Wanted<'_>,
    seen: &Seen,
    remembered: Option<&Identity>,
    identity: &Identity,
    plan: &mut Plan,
) {
    if !is_one_swarm(seen, plan) {
        return;
    }
    let members: Vec<Member<'_>> =
        (wanted.rack.members()).map(|board| Member { board, seen: seen.boards.get(&board.name) }).collect();
    let mut first = None;
    if seen.swarm.is_some() {
        remember(remembered, identity, plan);
    } else if members.iter().any(|member| member.membership().and_then(Membership::node).is_some()) {
        silent_swarm(&members, plan);
        return;
    } else {
        first = begin(&members, identity, plan);
        if first.is_none() {
            return;
        }
    }
    // Managers first: a worker that joins asks one.
    let (managers, others): (Vec<_>, Vec<_>) = members.into_iter().partition(Member::is_manager);
    for member in managers.iter().chain(&others).filter(|member| Some(&member.board.name) != first.as_ref()) {
        join(member, wanted, seen, plan);
    }
}

/// A board that belongs into the swarm, and how it was found.
struct Member<'a> {
    board: &'a Board,
    seen: Option<&'a BoardSeen>,
}

impl Member<'_> {
    fn is_manager(&self) -> bool {
        self.board.roles.contains(&Role::Manager)
    }

    fn subject(&self) -> String {
        format!("board {}", self.board.name)
    }

    fn membership(&self) -> Option<&Membership> {
        match self.seen {
            Some(BoardSeen::Reached(reached)) => Some(&reached.membership),
            _ => None,
        }
    }

    /// Why it did not answer, if it did not.
    fn silence(&self) -> Option<&str> {
        match self.seen {
            Some(BoardSeen::Reached(_)) => None,
            Some(BoardSeen::Unreached(words)) => Some(words),
            None => Some("nobody asked it"),
        }
    }
}

/// Whether all boards that are in a swarm are in the same; refused where not.
pub(in crate::operation) fn is_one_swarm(seen: &Seen, plan: &mut Plan) -> bool {
    if seen.swarms().len() < 2 {
        return true;
    }
    for (name, reached) in seen.reached() {
        if let Membership::Active(Active { swarm: Some(id), .. }) = &reached.membership {
            let reason = format!(
                "it is in the swarm {id}, and another board is in another: let those that do not belong leave theirs (docker swarm leave --force)"
            );
            plan.refuse(format!("board {name}"), reason);
        }
    }
    false
}

/// There is a swarm, and none of its managers answers for it.
fn silent_swarm(members: &[Member<'_>], plan: &mut Plan) {
    let before = plan.refused.len();
    for member in members.iter().filter(|member| member.is_manager()) {
        let words = match member.membership() {
            Some(Membership::Failed { words }) => Some(words.as_str()),
            Some(Membership::Active(active)) if !active.words.is_empty() => Some(active.words.as_str()),
            Some(Membership::Pending { node: Some(_), .. }) => Some(UNHEARD),
            _ => member.silence(),
        };
        if let Some(words) = words {
            plan.refuse(member.subject(), words);
        }
    }
    if plan.refused.len() == before {
        let reason =
            "boards are in a swarm, and no manager answers for it: bring a majority of its managers back";
        plan.refuse("swarm".to_owned(), reason);
    }
}

/// A new swarm, unless a board that does not answer may hold the old one. Tells where it begins.
fn begin(members: &[Member<'_>], identity: &Identity, plan: &mut Plan) -> Option<BoardName> {
    let before = plan.refused.len();
    for member in members {
        if let Some(words) = member.silence() {
            let reason = format!(
                "{} It may hold the rack's swarm, and a second must not begin beside that: bring it up, or take it out of the file",
                sentence(words)
            );
            plan.refuse(member.subject(), reason);
        }
    }
    if plan.refused.len() > before {
        return None;
    }
    let first = members.iter().find(|member| member.is_manager())?.board.name.clone();
    let act = Act::Begin { board: first.clone(), identity: identity.clone() };
    let reasons = vec!["no board is in a swarm yet".to_owned()];
    plan.step(Stage::Membership, Move::Add, format!("swarm on board {first}"), reasons, act, 2);
    Some(first)
}

fn remember(remembered: Option<&Identity>, identity: &Identity, plan: &mut Plan) {
    let (r#move, reason) = match remembered {
        None => (Move::Add, "the swarm does not say yet which rack it is"),
        Some(known) if known != identity => (Move::Change, "what is decided once has changed with the rack"),
        Some(_) => return,
    };
    plan.remember(Stage::Membership, r#move, reason, identity.clone());
}

/// Whether one of the managers that an engine knows, but for itself, is a board of this rack. Of a worker's swarm nothing
/// else tells whose it is.
fn is_ours(board: &Board, known: &Membership, rack: &Rack, seen: &Seen) -> bool {
    let own = IpAddr::from(board.address);
    let nodes = || seen.swarm.iter().flat_map(|swarm| &swarm.observed.nodes);
    let is_board = |address| rack.boards.iter().any(|board| IpAddr::from(board.address) == address);
    let is_manager = |address| nodes().any(|node| node.manager.is_some() && node.address == Some(address));
    let mut others = known.managers().iter().map(SocketAddr::ip).filter(|address| *address != own);
    others.any(|address| is_board(address) || is_manager(address))
}

fn join(member: &Member<'_>, wanted: &Wanted<'_>, seen: &Seen, plan: &mut Plan) {
    if let Some(words) = member.silence() {
        plan.unknown(member.subject(), words);
        return;
    }
    let (leave, reason) = match member.membership() {
        Some(
            known @ (Membership::Active(Active { node, .. }) | Membership::Pending { node: Some(node), .. }),
        ) => {
            if seen.swarm.as_ref().is_none_or(|swarm| swarm.knows(node)) {
                if matches!(known, Membership::Pending { .. }) {
                    plan.undone(member.subject(), UNHEARD);
                }
                return;
            }
            if !is_ours(member.board, known, wanted.rack, seen) {
                plan.refuse_until(wanted.allowed, Refusal::elsewhere(&member.board.name, known.managers()));
            }
            (true, "the swarm has forgotten its node".to_owned())
        }
        Some(Membership::Locked) => {
            plan.undone(
                member.subject(),
                "its swarm asks for a key after each start: unlock it (docker swarm unlock)",
            );
            return;
        }
        Some(Membership::Failed { words }) => {
            (true, format!("its engine is in no swarm that works: {words}"))
        }
        Some(Membership::Pending { node: None, .. }) => {
            (true, "its engine has waited in vain to be let in".to_owned())
        }
        Some(Membership::Inactive) | None => (false, "it is not in the swarm".to_owned()),
    };
    let act = Act::Join { board: member.board.name.clone(), manager: member.is_manager(), leave };
    plan.step(Stage::Membership, Move::Add, member.subject(), vec![reason], act, 3);
}
