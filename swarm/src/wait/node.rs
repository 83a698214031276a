//! Conditions on nodes.

use super::{Condition, Look};
use crate::engine::{Engine, EngineError};
use crate::observed::{NodeState, ObservedNode};
use crate::spec::Role;

/// The board of this name has a node that answers.
#[must_use]
pub fn node_ready(name: &str) -> NodeCondition {
    NodeCondition { name: name.to_owned(), wish: Wish::Ready }
}

/// No node of the board of this name answers: it has left, and can be forgotten.
#[must_use]
pub fn node_left(name: &str) -> NodeCondition {
    NodeCondition { name: name.to_owned(), wish: Wish::Left }
}

/// The node that answers on the board of this name takes part as its role says: a promoted one votes, a demoted one
/// does not any more. Docker says yes to a change of role long before.
#[must_use]
pub fn role_followed(name: &str, role: Role) -> NodeCondition {
    NodeCondition { name: name.to_owned(), wish: Wish::Role(role) }
}

/// A condition on the nodes of one board.
#[derive(Clone, Debug)]
pub struct NodeCondition {
    name: String,
    wish: Wish,
}

#[derive(Clone, Copy, Debug)]
enum Wish {
    Ready,
    Left,
    Role(Role),
}

impl Condition for NodeCondition {
    /// The node that shows it: the one that answers; after a leave the one left behind.
    type Found = ObservedNode;

    fn reason(&self) -> String {
        let name = &self.name;
        match self.wish {
            Wish::Ready => format!("node {name} to be ready"),
            Wish::Left => format!("node {name} to leave"),
            Wish::Role(role) => format!("node {name} to be a {}", role.as_str()),
        }
    }

    async fn look(&mut self, engine: &impl Engine) -> Result<Look<ObservedNode>, EngineError> {
        let nodes = engine.nodes().await?;
        let (up, down): (Vec<_>, Vec<_>) = (nodes.into_iter())
            .filter(|node| node.name == self.name)
            .partition(|node| node.state != NodeState::Down);
        Ok(decide(self.wish, &up, &down))
    }
}

fn decide(wish: Wish, up: &[ObservedNode], down: &[ObservedNode]) -> Look<ObservedNode> {
    let told = |node: &ObservedNode| {
        let state = match node.state {
            NodeState::Ready => "ready",
            NodeState::Down => "down",
            NodeState::Unknown => "unknown",
        };
        if node.words.is_empty() {
            format!("it is {state}")
        } else {
            format!("it is {state}: {}", node.words)
        }
    };
    let ready = up.iter().find(|node| node.state == NodeState::Ready).cloned();
    match (wish, ready) {
        (Wish::Ready, Some(node)) => Look::Holds(node),
        (Wish::Role(role), Some(node)) => {
            let (votes, listed) = (node.reachable_manager, node.manager.is_some());
            match role {
                Role::Manager if votes => Look::Holds(node),
                Role::Manager => Look::NotYet("it does not vote among the managers yet".into()),
                Role::Worker if node.held.spec.role == Role::Worker && !listed => Look::Holds(node),
                Role::Worker => Look::NotYet("it is still listed among the managers".into()),
            }
        }
        (Wish::Left, _) => match (up.first(), down.first()) {
            (Some(node), _) => Look::NotYet(told(node)),
            (None, Some(node)) => Look::Holds(node.clone()),
            (None, None) => Look::Never("there is no such node".into()),
        },
        (Wish::Ready | Wish::Role(_), None) => {
            Look::NotYet(up.first().or(down.first()).map_or("there is no such node".into(), told))
        }
    }
}
