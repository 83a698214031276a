//! Networks, from Docker's structure to ours and back.

use bollard::models;

use super::write::unsorted;
use crate::object::{Id, Version};
use crate::observed::Held;
use crate::spec::NetworkSpec;

/// Networks have no version: none of them ever changes.
pub(super) fn observed(network: models::Network) -> Option<Held<NetworkSpec>> {
    let ranges = network.ipam.and_then(|ipam| ipam.config).unwrap_or_default();
    let spec = NetworkSpec {
        name: network.name?,
        labels: network.labels.unwrap_or_default().into_iter().collect(),
        driver: network.driver.unwrap_or_default(),
        attachable: network.attachable.unwrap_or(false),
        internal: network.internal.unwrap_or(false),
        subnet: ranges.into_iter().find_map(|range| range.subnet),
        options: network.options.unwrap_or_default().into_iter().collect(),
    };
    Some(Held { id: Id(network.id?), version: Version(0), spec })
}

pub(super) fn request(spec: &NetworkSpec) -> models::NetworkCreateRequest {
    let range = spec.subnet.as_ref().map(|subnet| models::Ipam {
        config: Some(vec![models::IpamConfig {
            subnet: Some(subnet.clone()),
            ..models::IpamConfig::default()
        }]),
        ..models::Ipam::default()
    });
    models::NetworkCreateRequest {
        name: spec.name.clone(),
        driver: Some(spec.driver.clone()),
        internal: Some(spec.internal),
        attachable: Some(spec.attachable),
        ipam: range,
        options: Some(unsorted(&spec.options)),
        labels: Some(unsorted(&spec.labels)),
        ..models::NetworkCreateRequest::default()
    }
}
