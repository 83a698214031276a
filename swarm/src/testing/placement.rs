//! Where constraints, availability and state let tasks run (swarmkit `manager/scheduler/filter.go`).

use super::State;
use crate::observed::{NodeState, ObservedNode};
use crate::spec::Availability;

pub(super) fn of(state: &State, service: &str) -> Vec<String> {
    let Some(held) = state.services.values().find(|held| held.spec.name == service) else {
        return vec![];
    };
    let takes = |node: &&ObservedNode| {
        node.state == NodeState::Ready && node.held.spec.availability == Availability::Active
    };
    let holds = |node: &&ObservedNode| held.spec.constraints.iter().all(|text| matches(text, node));
    state.nodes.values().filter(takes).filter(holds).map(|node| node.name.clone()).collect()
}

/// What this fake does not know of a node, its architecture, holds nowhere: as in Docker, an unknown key matches nothing.
fn matches(constraint: &str, node: &ObservedNode) -> bool {
    let (subject, equal, value) = match (constraint.split_once("=="), constraint.split_once("!=")) {
        (Some((subject, value)), _) => (subject, true, value),
        (None, Some((subject, value))) => (subject, false, value),
        (None, None) => return false,
    };
    let is = match subject {
        "node.hostname" => node.name.as_str(),
        "node.role" => node.held.spec.role.as_str(),
        _ => match subject.strip_prefix("node.labels.") {
            Some(key) => node.held.spec.labels.get(key).map_or("", String::as_str),
            None => return false,
        },
    };
    (is == value) == equal
}
