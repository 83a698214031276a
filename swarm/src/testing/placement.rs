//! Where constraints, availability, state and room let tasks run (swarmkit `manager/scheduler/filter.go`).

use std::collections::BTreeSet;

use super::swarm::Swarm;
use crate::object::Id;
use crate::observed::{NodeState, ObservedNode};
use crate::spec::{Availability, ServiceSpec};

pub(super) fn of(swarm: &Swarm, service: &str) -> Vec<String> {
    let Some(held) = swarm.services.values().find(|held| held.spec.name == service) else {
        return vec![];
    };
    let fits = |node: &&ObservedNode| takes_tasks(node) && allowed(&held.spec.constraints, node);
    swarm.nodes.values().filter(fits).map(|node| node.name.clone()).collect()
}

pub(super) fn takes_tasks(node: &ObservedNode) -> bool {
    node.state == NodeState::Ready && node.held.spec.availability == Availability::Active
}

/// Whether all constraints hold on this node.
pub(super) fn allowed(constraints: &BTreeSet<String>, node: &ObservedNode) -> bool {
    constraints.iter().all(|text| matches(text, node))
}

/// The node for one more task, the one with the fewest; or why there is none, in Docker's own words.
pub(super) fn choose(swarm: &Swarm, spec: &ServiceSpec, only: Option<&Id>) -> Result<Id, String> {
    let mut refused = [0_usize; 4];
    let mut fit: Vec<(usize, &Id)> = vec![];
    for node in swarm.nodes.values().filter(|node| only.is_none_or(|id| node.held.id == *id)) {
        match filter(swarm, spec, node) {
            Some(reason) => refused[reason] += 1,
            None => fit.push((load(swarm, &node.held.id), &node.held.id)),
        }
    }
    fit.sort();
    if let Some((_, id)) = fit.first() {
        return Ok((*id).clone());
    }
    let words = [
        "not available for new tasks",
        "insufficient resources on",
        "scheduling constraints not satisfied on",
        "host-mode port already in use on",
    ];
    let nodes = |count: usize| if count == 1 { "1 node".to_owned() } else { format!("{count} nodes") };
    let told = words.iter().zip(refused).enumerate().filter(|(_, (_, count))| *count > 0);
    let told: Vec<String> = told
        .map(|(index, (words, count))| match index {
            0 => format!("{} {words}", nodes(count)),
            _ => format!("{words} {}", nodes(count)),
        })
        .collect();
    Err(if told.is_empty() {
        "no suitable node".into()
    } else {
        format!("no suitable node ({})", told.join("; "))
    })
}

/// Which filter a node fails, by its index in the words above; in Docker's order.
fn filter(swarm: &Swarm, spec: &ServiceSpec, node: &ObservedNode) -> Option<usize> {
    let there = || swarm.tasks.iter().filter(|task| task.lives_on(&node.held.id));
    let asked = (spec.reservations.memory_bytes.unwrap_or(0), spec.reservations.nano_cpus.unwrap_or(0));
    let taken = there().fold((0, 0), |(memory, cpus), task| {
        let reserved = task.spec.reservations;
        (memory + reserved.memory_bytes.unwrap_or(0), cpus + reserved.nano_cpus.unwrap_or(0))
    });
    let has = node.machine.as_ref().map_or((0, 0), |machine| (machine.memory_bytes, machine.nano_cpus));
    if !takes_tasks(node) {
        Some(0)
    } else if asked.0 + taken.0 > has.0 || asked.1 + taken.1 > has.1 {
        Some(1)
    } else if !allowed(&spec.constraints, node) {
        Some(2)
    } else {
        let key = |port: &crate::spec::PortSpec| (port.published, port.protocol);
        let mut ports = there().flat_map(|task| task.spec.ports.iter().map(key));
        ports.any(|port| spec.ports.iter().any(|wanted| key(wanted) == port)).then_some(3)
    }
}

fn load(swarm: &Swarm, node: &Id) -> usize {
    swarm.tasks.iter().filter(|task| task.lives_on(node)).count()
}

/// An unknown key holds nowhere, as in Docker.
fn matches(constraint: &str, node: &ObservedNode) -> bool {
    let (subject, equal, value) = match (constraint.split_once("=="), constraint.split_once("!=")) {
        (Some((subject, value)), _) => (subject, true, value),
        (None, Some((subject, value))) => (subject, false, value),
        (None, None) => return false,
    };
    let is = match subject {
        "node.hostname" => node.name.as_str(),
        "node.role" => node.held.spec.role.as_str(),
        "node.platform.arch" => node.machine.as_ref().map_or("", |machine| machine.architecture.as_str()),
        _ => match subject.strip_prefix("node.labels.") {
            Some(key) => node.held.spec.labels.get(key).map_or("", String::as_str),
            None => return false,
        },
    };
    (is == value) == equal
}
