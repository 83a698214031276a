//! Which nodes change role, availability and labels, and which are forgotten.
//!
//! What gives (a promotion, tasks taken again, a label) comes before the services; what takes (a label
//! gone, a drain, a demotion) after them, so that no task is chased away that its service would have moved anyway.

use std::collections::BTreeSet;

use super::{Action, Move, Obstacle, Phase, Steps, difference, is_ours, whose};
use crate::desired::{Desired, HostName, Node};
use crate::object::{Kind, Object};
use crate::observed::{NodeState, Observed, ObservedNode};
use crate::owned;
use crate::spec::{Availability, NodeSpec, Role};

/// The managers, counted as they would be after the steps so far.
struct Quorum {
    managers: usize,
    reachable: usize,
}

impl Quorum {
    fn of(nodes: &[ObservedNode]) -> Self {
        let managers = nodes.iter().filter(|node| node.held.spec.role == Role::Manager);
        let reachable = managers.clone().filter(|node| node.reachable_manager).count();
        Self { managers: managers.count(), reachable }
    }

    fn promote(&mut self) {
        self.managers += 1;
        self.reachable += 1;
    }

    /// Takes one manager away, if a majority of the rest answers (swarmkit `CanRemoveMember`).
    fn demote(&mut self, node: &ObservedNode) -> bool {
        let managers = self.managers.saturating_sub(1);
        let reachable = self.reachable.saturating_sub(usize::from(node.reachable_manager));
        let holds = managers > 0 && reachable > managers / 2;
        if holds {
            *self = Self { managers, reachable };
        }
        holds
    }
}

pub(super) fn decide(desired: &Desired, observed: &Observed, steps: &mut Steps) {
    let owner = desired.owner.as_str();
    let mut quorum = Quorum::of(&observed.nodes);
    let mut pairs = vec![];
    let mut gone = vec![];
    for node in desired.nodes.values() {
        if let Some((held, ghosts)) = find(node, observed, owner, steps) {
            pairs.push((held, node));
            gone.extend(ghosts);
        }
    }
    let left: Vec<NodeSpec> =
        pairs.iter().map(|(held, node)| up(held, node, owner, &mut quorum, steps)).collect();
    let wanted: BTreeSet<&str> = desired.nodes.keys().map(HostName::as_str).collect();
    gone.extend(
        (observed.nodes.iter())
            .filter(|node| is_ours(&node.held.spec.labels, owner) && !wanted.contains(node.name.as_str())),
    );
    // Managers that do not answer go first: each that goes makes the majority easier for the next.
    gone.sort_by_key(|node| (node.reachable_manager, node.name.as_str(), &node.held.id));
    gone.iter().for_each(|node| leave(node, &mut quorum, steps));
    let mut pairs: Vec<_> = pairs.into_iter().zip(left).collect();
    pairs.sort_by_key(|((held, _), _)| held.reachable_manager);
    for ((held, node), left) in pairs {
        down(held, node, owner, &left, &mut quorum, steps);
    }
}

/// The node that a desired one means, and those of its name that it has left behind.
fn find<'a>(
    node: &Node,
    observed: &'a Observed,
    owner: &str,
    steps: &mut Steps,
) -> Option<(&'a ObservedNode, Vec<&'a ObservedNode>)> {
    let object = Object::new(Kind::Node, node.name.as_str());
    let (down, up): (Vec<_>, Vec<_>) = (observed.nodes.iter())
        .filter(|held| held.name == node.name.as_str())
        .partition(|held| held.state == NodeState::Down);
    let (held, ghosts) = match (up.as_slice(), down.as_slice()) {
        ([one], _) => (*one, down),
        ([], [one]) => (*one, vec![]),
        ([], []) => {
            steps.forbid(object, Obstacle::NotJoined, "it is not in the swarm: let it join first");
            return None;
        }
        _ => {
            let reason = "several nodes have this name: remove those that are no more";
            steps.forbid(object, Obstacle::Ambiguous, reason);
            return None;
        }
    };
    let labels = &held.held.spec.labels;
    if owned::owner(labels).is_some_and(|other| other != owner) {
        steps.forbid(object, Obstacle::NotOurs, format!("{}: remove it from there first", whose(labels)));
        return None;
    }
    Some((held, ghosts))
}

/// What a node is given before the services; tells what it is then.
fn up(held: &ObservedNode, node: &Node, owner: &str, quorum: &mut Quorum, steps: &mut Steps) -> NodeSpec {
    let is = &held.held.spec;
    let mut spec = is.clone();
    if node.role == Role::Manager && is.role == Role::Worker {
        if held.state == NodeState::Ready {
            quorum.promote();
            spec.role = Role::Manager;
        } else {
            let reason =
                "it is to be a manager and does not answer: as one it would count against the majority";
            steps.forbid(Object::new(Kind::Node, &held.name), Obstacle::Quorum, reason);
        }
    }
    if node.availability == Availability::Active {
        spec.availability = Availability::Active;
    }
    let mut ours = owned::listed(&is.labels);
    ours.extend(node.labels.keys().map(ToString::to_string));
    spec.labels.extend(node.labels.iter().map(|(key, value)| (key.to_string(), value.clone())));
    mark(&mut spec, owner, &ours);
    update(Phase::NodesUp, held, is, &spec, steps);
    spec
}

/// What is taken from it after them; `left` is what it is by then.
fn down(
    held: &ObservedNode,
    node: &Node,
    owner: &str,
    left: &NodeSpec,
    quorum: &mut Quorum,
    steps: &mut Steps,
) {
    let mut spec = NodeSpec { availability: node.availability, ..left.clone() };
    let keys: BTreeSet<String> = node.labels.keys().map(ToString::to_string).collect();
    let dropped = &owned::listed(&left.labels) - &keys;
    spec.labels.retain(|key, _| !dropped.contains(key));
    mark(&mut spec, owner, &keys);
    if left.role == Role::Manager && node.role == Role::Worker {
        if quorum.demote(held) {
            spec.role = Role::Worker;
        } else {
            forbid_demotion(held, steps);
        }
    }
    update(Phase::NodesDown, held, left, &spec, steps);
}

/// A node that is ours and wanted no more: drained and demoted; forgotten once it has left.
fn leave(held: &ObservedNode, quorum: &mut Quorum, steps: &mut Steps) {
    let object = Object::new(Kind::Node, &held.name);
    let is = &held.held.spec;
    let mut spec = NodeSpec { availability: Availability::Drain, ..is.clone() };
    let demoted = is.role == Role::Worker || quorum.demote(held);
    if demoted {
        spec.role = Role::Worker;
    } else {
        forbid_demotion(held, steps);
    }
    update(Phase::NodesDown, held, is, &spec, steps);
    if held.state != NodeState::Down {
        let reason = "it is wanted no more and is still in the swarm: let it leave, then it can be forgotten";
        steps.forbid(object, Obstacle::NotLeft, reason);
    } else if demoted {
        let reasons = vec!["it is wanted no more and has left".into()];
        let action = Action::RemoveNode { id: held.held.id.clone() };
        steps.run(Phase::NodesForgotten, Move::Remove, object, reasons, action);
    }
}

fn forbid_demotion(held: &ObservedNode, steps: &mut Steps) {
    let reason =
        "it is to be a manager no more, and without it no majority would answer: promote another first";
    steps.forbid(Object::new(Kind::Node, &held.name), Obstacle::Quorum, reason);
}

fn mark(spec: &mut NodeSpec, owner: &str, keys: &BTreeSet<String>) {
    spec.labels.insert(owned::OWNER.to_owned(), owner.to_owned());
    spec.labels.insert(owned::LABELS.to_owned(), owned::list(keys));
}

fn update(phase: Phase, held: &ObservedNode, before: &NodeSpec, spec: &NodeSpec, steps: &mut Steps) {
    let reasons = difference::between(before, spec);
    if !reasons.is_empty() {
        let (id, version) = (held.held.id.clone(), held.held.version);
        let action = Action::UpdateNode { id, version, spec: spec.clone() };
        steps.run(phase, Move::Change, Object::new(Kind::Node, &held.name), reasons, action);
    }
}
