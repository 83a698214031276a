//! Which services are added, changed, replaced and removed.

use std::collections::{BTreeMap, BTreeSet};
use std::mem::discriminant;

use super::render::Wanted;
use super::{Action, Move, Obstacle, Phase, Steps, difference, is_ours, whose};
use crate::object::{Kind, Object};
use crate::observed::{Held, Observed};
use crate::spec::ServiceSpec;

/// Wanted services that must stay as they are, and why.
pub(super) type Blocked = BTreeMap<String, (Obstacle, String)>;

/// Finds the wanted services that cannot be made: another has the name, or has the name of something they need.
pub(super) fn blocked(wanted: &Wanted, observed: &Observed, owner: &str) -> Blocked {
    let others_networks: BTreeSet<&str> = (observed.networks.iter())
        .filter(|held| !is_ours(&held.spec.labels, owner))
        .map(|held| held.spec.name.as_str())
        .collect();
    let bad_files: BTreeSet<&str> = (observed.configs.iter())
        .filter(|held| {
            let wanted = wanted.configs.get(&held.spec.name);
            !is_ours(&held.spec.labels, owner) || wanted.is_some_and(|spec| spec.content != held.spec.content)
        })
        .map(|held| held.spec.name.as_str())
        .chain(
            (observed.secrets.iter())
                .filter(|held| !is_ours(&held.spec.labels, owner))
                .map(|held| held.spec.name.as_str()),
        )
        .collect();
    let held = by_name(observed);
    let mut blocked = Blocked::new();
    for (name, spec) in &wanted.services {
        let files = spec.configs.values().chain(spec.secrets.values()).map(|file| file.source.as_str());
        let network = spec.networks.iter().map(String::as_str).filter(|network| *network != "host");
        let why = if let Some(held) = held.get(name.as_str()).filter(|h| !is_ours(&h.spec.labels, owner)) {
            let whose = whose(&held.spec.labels);
            (Obstacle::NotOurs, format!("there is one, and {whose}: remove it, or choose another name"))
        } else if let Some(network) = network.into_iter().find(|network| others_networks.contains(network)) {
            (Obstacle::Blocked, format!("it needs network {network}, which is forbidden"))
        } else if let Some(file) = files.into_iter().find(|file| bad_files.contains(file)) {
            (Obstacle::Blocked, format!("it needs {file}, which is forbidden"))
        } else {
            continue;
        };
        blocked.insert(name.clone(), why);
    }
    blocked
}

pub(super) fn decide(
    wanted: &Wanted,
    observed: &Observed,
    owner: &str,
    blocked: &Blocked,
    replaced: &BTreeSet<String>,
    steps: &mut Steps,
) {
    let held = by_name(observed);
    for (name, spec) in &wanted.services {
        let object = Object::new(Kind::Service, name);
        if let Some((obstacle, reason)) = blocked.get(name) {
            steps.forbid(object, *obstacle, reason.clone());
        } else if let Some(held) = held.get(name.as_str()) {
            differ(held, spec, replaced, steps);
        } else {
            add(spec, Move::Add, vec!["it is not there yet".into()], steps);
        }
    }
    for (name, held) in held {
        if is_ours(&held.spec.labels, owner) && !wanted.services.contains_key(name) {
            let reasons = vec!["nothing wants it any more; its volumes stay".into()];
            remove(held, Move::Remove, reasons, steps);
        }
    }
}

fn by_name(observed: &Observed) -> BTreeMap<&str, &Held<ServiceSpec>> {
    observed.services.iter().map(|held| (held.spec.name.as_str(), held)).collect()
}

fn differ(held: &Held<ServiceSpec>, spec: &ServiceSpec, replaced: &BTreeSet<String>, steps: &mut Steps) {
    let spec = &ServiceSpec { forced: held.spec.forced, ..spec.clone() };
    let mut reasons = difference::between(&held.spec.clone().filled(), spec);
    let mut replace = false;
    if let Some(network) = held.spec.networks.iter().find(|network| replaced.contains(*network)) {
        reasons.push(format!("network {network} is replaced, and it is on it"));
        replace = true;
    }
    if discriminant(&held.spec.scale) != discriminant(&spec.scale) {
        reasons.push("Docker turns no service global or back".into());
        replace = true;
    }
    if replace {
        remove(held, Move::Replace, reasons.clone(), steps);
        add(spec, Move::Replace, reasons, steps);
    } else if !reasons.is_empty() {
        let object = Object::new(Kind::Service, &spec.name);
        let (id, version, spec) = (held.id.clone(), held.version, Box::new(spec.clone()));
        let action = Action::UpdateService { id, version, spec };
        steps.run(Phase::ServicesChanged, Move::Change, object, reasons, action);
    }
}

fn add(spec: &ServiceSpec, r#move: Move, reasons: Vec<String>, steps: &mut Steps) {
    let object = Object::new(Kind::Service, &spec.name);
    let action = Action::CreateService { spec: Box::new(spec.clone()) };
    steps.run(Phase::ServicesAdded, r#move, object, reasons, action);
}

fn remove(held: &Held<ServiceSpec>, r#move: Move, reasons: Vec<String>, steps: &mut Steps) {
    let object = Object::new(Kind::Service, &held.spec.name);
    let action = Action::RemoveService { id: held.id.clone() };
    steps.run(Phase::ServicesRemoved, r#move, object, reasons, action);
}
