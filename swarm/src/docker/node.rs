//! Nodes, from Docker's structure to ours and, as far as they can be set, back.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use bollard::models;

use super::write::unsorted;
use crate::object::{Id, Version};
use crate::observed::{Held, Machine, ManagerStatus, NodeState, ObservedNode};
use crate::spec::{Availability, NodeSpec, Role};

pub(super) fn version(version: Option<&models::ObjectVersion>) -> Version {
    Version(version.and_then(|version| version.index).unwrap_or(0))
}

/// What Docker leaves out is what it means by leaving it out: a worker, active.
pub(super) fn spec(spec: Option<&models::NodeSpec>) -> NodeSpec {
    let spec = spec.cloned().unwrap_or_default();
    NodeSpec {
        role: match spec.role {
            Some(models::NodeSpecRoleEnum::MANAGER) => Role::Manager,
            _ => Role::Worker,
        },
        availability: match spec.availability {
            Some(models::NodeSpecAvailabilityEnum::PAUSE) => Availability::Pause,
            Some(models::NodeSpecAvailabilityEnum::DRAIN) => Availability::Drain,
            _ => Availability::Active,
        },
        labels: spec.labels.unwrap_or_default().into_iter().collect(),
    }
}

/// The node as it is, with what is asked in its place.
pub(super) fn with(spec: &NodeSpec, is: Option<models::NodeSpec>) -> models::NodeSpec {
    models::NodeSpec {
        role: Some(match spec.role {
            Role::Manager => models::NodeSpecRoleEnum::MANAGER,
            Role::Worker => models::NodeSpecRoleEnum::WORKER,
        }),
        availability: Some(match spec.availability {
            Availability::Active => models::NodeSpecAvailabilityEnum::ACTIVE,
            Availability::Pause => models::NodeSpecAvailabilityEnum::PAUSE,
            Availability::Drain => models::NodeSpecAvailabilityEnum::DRAIN,
        }),
        labels: Some(unsorted(&spec.labels)),
        ..is.unwrap_or_default()
    }
}

pub(super) fn observed(node: models::Node) -> Option<ObservedNode> {
    let spec = spec(node.spec.as_ref());
    let status = node.status.unwrap_or_default();
    let description = node.description.unwrap_or_default();
    let manager = node.manager_status.as_ref().map(|status| ManagerStatus {
        address: status.addr.as_deref().and_then(|address| address.parse::<SocketAddr>().ok()),
        leader: status.leader.unwrap_or(false),
    });
    // The first manager of a swarm may tell 0.0.0.0 as its own address, while it tells the others its true one.
    let own = status.addr.as_deref().and_then(|address| address.parse::<IpAddr>().ok());
    let told = own.filter(|address| !address.is_unspecified());
    Some(ObservedNode {
        name: description.hostname.clone().unwrap_or_default(),
        state: match status.state {
            Some(models::NodeState::READY) => NodeState::Ready,
            Some(models::NodeState::DOWN | models::NodeState::DISCONNECTED) => NodeState::Down,
            Some(models::NodeState::UNKNOWN) | None => NodeState::Unknown,
        },
        words: status.message.unwrap_or_default(),
        reachable_manager: spec.role == Role::Manager
            && (node.manager_status.as_ref())
                .is_some_and(|status| status.reachability == Some(models::Reachability::REACHABLE)),
        address: told.or_else(|| manager?.address.map(|address| address.ip())),
        manager,
        machine: machine(description),
        held: Held { id: Id(node.id?), version: version(node.version.as_ref()), spec },
    })
}

fn machine(description: models::NodeDescription) -> Option<Machine> {
    let resources = description.resources?;
    let number = |number: Option<i64>| number.and_then(|number| u64::try_from(number).ok()).unwrap_or(0);
    Some(Machine {
        engine_version: description.engine?.engine_version.unwrap_or_default(),
        architecture: description.platform?.architecture.unwrap_or_default(),
        memory_bytes: number(resources.memory_bytes),
        nano_cpus: number(resources.nano_cpus),
    })
}

/// Host names by id, for what refers to nodes.
pub(super) fn names(nodes: &[models::Node]) -> BTreeMap<String, String> {
    let one = |node: &models::Node| Some((node.id.clone()?, node.description.as_ref()?.hostname.clone()?));
    nodes.iter().filter_map(one).collect()
}
