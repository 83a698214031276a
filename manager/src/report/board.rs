//! Boards as the file declares them, beside what they and the managers said.

use pirack_swarm::member::Membership;
use pirack_swarm::observed::{NodeState, ObservedNode};

use super::{Board, Manager, Node};
use crate::look::{Answered, BoardLook, EngineLook, Look, SwarmLook, address};
use crate::rack::{self, Rack, Role};

pub(super) fn board(board: &rack::Board, look: &Look) -> Board {
    let seen = look.boards.get(&board.name);
    let mut made = Board {
        name: board.name.to_string(),
        address: board.address,
        roles: board.roles.iter().map(|role| word(*role)).collect(),
        member: board.roles.iter().any(|role| *role != Role::Admin),
        silence: None,
        engine_silence: None,
        disk_astray: None,
        engine_version: None,
        membership: None,
        node: None,
        agent: None,
        agent_silence: None,
    };
    let mut engine = None;
    match seen {
        None => made.silence = Some("it was not asked".to_owned()),
        Some(BoardLook::Silent(words)) => made.silence = Some(words.clone()),
        Some(BoardLook::Reached(answered)) => {
            let Answered { engine: told, shell, disk } = &**answered;
            made.disk_astray = disk.iter().flatten().find_map(|disk| disk.astray.clone());
            match told {
                Ok(told) => engine = Some(told),
                Err(words) => made.engine_silence = Some(words.clone()),
            }
            match shell {
                Ok(shell) => made.agent = Some(shell.agent.clone()),
                Err(words) => made.agent_silence = Some(words.to_string()),
            }
        }
    }
    made.membership = engine.and_then(|engine| outside(&engine.membership));
    let node = look.swarm.as_ref().ok().and_then(|swarm| find(swarm, board.name.as_str(), engine));
    let heard = node.and_then(|node| node.machine.as_ref()).map(|machine| machine.engine_version.clone());
    made.engine_version = engine.map(|engine| engine.facts.version.clone()).or(heard);
    made.node = node.map(of_node);
    made
}

/// Nodes that are the rack's own and no board of its file.
pub(super) fn strangers(rack: &Rack, look: &Look) -> Vec<String> {
    look.swarm.iter().flat_map(|swarm| swarm.strangers(rack)).map(|node| node.name.clone()).collect()
}

/// Its own node, where its engine says which; else the one of its name, before those that it left behind.
fn find<'a>(swarm: &'a SwarmLook, name: &str, engine: Option<&EngineLook>) -> Option<&'a ObservedNode> {
    if let Some(Membership::Active(active)) = engine.map(|engine| &engine.membership) {
        return swarm.observed.nodes.iter().find(|node| node.held.id == active.node);
    }
    let named = swarm.observed.nodes.iter().filter(|node| node.name == name);
    named.min_by_key(|node| node.state == NodeState::Down)
}

fn of_node(node: &ObservedNode) -> Node {
    let state = match node.state {
        NodeState::Ready => "ready",
        NodeState::Down => "down",
        NodeState::Unknown => "unknown",
    };
    let manager =
        node.manager.map(|manager| Manager { reachable: node.reachable_manager, leader: manager.leader });
    Node {
        role: node.held.spec.role,
        state,
        words: node.words.clone(),
        availability: node.held.spec.availability,
        manager,
        address: address(node),
    }
}

/// What an engine says that is in no swarm, or cannot take part in its own.
fn outside(membership: &Membership) -> Option<String> {
    match membership {
        Membership::Active(_) => None,
        Membership::Inactive => Some("its engine is in no swarm".to_owned()),
        Membership::Pending { node: None, .. } => Some("its engine waits to be let into a swarm".to_owned()),
        Membership::Pending { node: Some(_), .. } => {
            Some("its engine has started, and its swarm has not heard it since".to_owned())
        }
        Membership::Locked => Some("its swarm is locked: docker swarm unlock".to_owned()),
        Membership::Failed { words } => Some(format!("its engine cannot take part in its swarm: {words}")),
    }
}

fn word(role: Role) -> &'static str {
    match role {
        Role::Admin => "admin",
        Role::Manager => "manager",
        Role::Worker => "worker",
        Role::App => "app",
    }
}
