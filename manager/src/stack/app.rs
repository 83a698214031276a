//! What else runs on a rack: services that own no data and may run on any of their boards.
//!
//! They find each other by name on overlays, where a name is its tasks' own addresses (dnsrr): neither the
//! virtual addresses nor the ingress mesh are relied on, for which a kernel needs IPVS. Ports are those of the
//! board that runs the task.

use std::collections::{BTreeMap, BTreeSet};

use pirack_swarm::desired::{
    Attachment, Constraint, File, LabelKey, NameError, Network, Secret, SecretName, Service, Subject,
};
use pirack_swarm::spec::{EndpointMode, Scale, Update, UpdateOrder};

use super::StackError;
use super::service::restart;
use crate::rack::{App, Board, Rack, Role, Secrets};

/// What a packet of Ethernet holds, and what Docker reckons with.
const ETHERNET: u16 = 1500;

/// The boards where an app may run.
pub(super) fn boards<'a>(rack: &'a Rack, app: &'a App) -> impl Iterator<Item = &'a Board> {
    rack.with_role(Role::App).filter(|board| app.boards.is_empty() || app.boards.contains(&board.name))
}

/// The label of the nodes with this role.
pub(super) fn role_label(role: Role) -> Result<LabelKey, NameError> {
    let word = match role {
        Role::Admin => "admin",
        Role::Manager => "manager",
        Role::Worker => "worker",
        Role::App => "app",
    };
    format!("rack.role.{word}").parse()
}

/// The label of the nodes that an app was given: constraints all have to hold, so that a choice between boards
/// can only be a label of its own.
pub(super) fn app_label(app: &App) -> Result<LabelKey, NameError> {
    format!("rack.app.{}", app.name).parse()
}

/// An app's service.
pub(super) fn service(app: &App) -> Result<Service, StackError> {
    let mut service = Service::new(app.name.clone(), app.image.clone());
    service.command.clone_from(&app.command);
    service.env.clone_from(&app.env);
    service.scale = Scale::Replicas(app.replicas);
    service.endpoint = Some(EndpointMode::Dnsrr);
    service.network = Attachment::Overlays(app.networks.clone());
    let label = if app.boards.is_empty() { role_label(Role::App)? } else { app_label(app)? };
    service.placement = BTreeSet::from([Constraint::equal(Subject::NodeLabel(label), "true")?]);
    service.ports.clone_from(&app.ports);
    service.limits.memory_bytes = app.limit.map(|limit| limit.0);
    service.restart = restart();
    // Without a port of the board there is room for both, and nobody misses it; a port has one owner.
    let order = if app.ports.is_empty() { UpdateOrder::StartFirst } else { UpdateOrder::StopFirst };
    service.update = Update { order: Some(order), ..Update::default() };
    for name in app.secrets.keys() {
        let target = format!("/run/secrets/{name}").parse()?;
        service.secrets.push(File::new(name.clone(), target));
    }
    Ok(service)
}

/// The overlays that apps are on. Docker is told the packets of the boards' own network: its driver takes off what
/// VXLAN adds (libnetwork, `drivers/overlay`, `maxMTU`).
pub(super) fn networks(rack: &Rack) -> Vec<Network> {
    let names: BTreeSet<_> = rack.apps.iter().flat_map(|app| &app.networks).collect();
    let mtu = Some(rack.network.mtu).filter(|mtu| *mtu != ETHERNET);
    names.into_iter().map(|name| Network { mtu, ..Network::new(name.clone()) }).collect()
}

/// The secrets that apps use, each with its value.
pub(super) fn secrets(rack: &Rack, values: &Secrets) -> Result<Vec<Secret>, StackError> {
    let mut all: BTreeMap<&SecretName, Secret> = BTreeMap::new();
    for app in &rack.apps {
        for name in app.secrets.keys() {
            let missing = || StackError::Secret { app: app.name.to_string(), secret: name.to_string() };
            let value = values.get(name).ok_or_else(missing)?.clone();
            all.insert(name, Secret { name: name.clone(), value });
        }
    }
    Ok(all.into_values().collect())
}
