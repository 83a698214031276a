//! Which networks are added, replaced and removed.

use std::collections::{BTreeMap, BTreeSet};

use super::render::Wanted;
use super::{Action, Move, Obstacle, Phase, Stays, Steps, difference, is_ours, whose};
use crate::object::{Kind, Object};
use crate::observed::{Held, Observed};
use crate::spec::NetworkSpec;

/// Plans the networks, and tells which are replaced: every service of ours on one of those must go before it.
pub(super) fn decide(
    wanted: &Wanted,
    observed: &Observed,
    owner: &str,
    stays: &Stays<'_>,
    steps: &mut Steps,
) -> BTreeSet<String> {
    let held: BTreeMap<&str, &Held<NetworkSpec>> =
        observed.networks.iter().map(|network| (network.spec.name.as_str(), network)).collect();
    let mut replaced = BTreeSet::new();
    for spec in wanted.networks.values() {
        match held.get(spec.name.as_str()) {
            None => add(spec, Move::Add, vec!["it is not there yet".into()], steps),
            Some(held) if is_ours(&held.spec.labels, owner) => {
                let differs = difference::between(&held.spec.as_far_as_said_by(spec), spec);
                if !differs.is_empty() && replace(held, spec, differs, stays, steps) {
                    replaced.insert(spec.name.clone());
                }
            }
            Some(held) => {
                let reason = format!(
                    "there is one, and {}: remove it, or choose another name",
                    whose(&held.spec.labels)
                );
                steps.forbid(Object::new(Kind::Network, &spec.name), Obstacle::NotOurs, reason);
            }
        }
    }
    for (name, held) in held {
        if is_ours(&held.spec.labels, owner) && !wanted.networks.contains_key(name) {
            let object = Object::new(Kind::Network, name);
            if let Some(user) = stays.user(&object) {
                let reason = format!("nothing wants it, and service {user} is still on it");
                steps.forbid(object, Obstacle::InUse, reason);
            } else {
                let action = Action::RemoveNetwork { id: held.id.clone() };
                let reasons = vec!["nothing wants it any more".into()];
                steps.run(Phase::NetworksRemoved, Move::Remove, object, reasons, action);
            }
        }
    }
    replaced
}

fn add(spec: &NetworkSpec, r#move: Move, reasons: Vec<String>, steps: &mut Steps) {
    let object = Object::new(Kind::Network, &spec.name);
    steps.run(Phase::NetworksAdded, r#move, object, reasons, Action::CreateNetwork { spec: spec.clone() });
}

fn replace(
    held: &Held<NetworkSpec>,
    spec: &NetworkSpec,
    mut reasons: Vec<String>,
    stays: &Stays<'_>,
    steps: &mut Steps,
) -> bool {
    let object = Object::new(Kind::Network, &spec.name);
    if let Some(user) = stays.user(&object) {
        let reason =
            format!("{}; it cannot change in place, and service {user} is on it", reasons.join(", "));
        steps.forbid(object, Obstacle::InUse, reason);
        return false;
    }
    reasons.push("Docker changes no network in place".into());
    let action = Action::RemoveNetwork { id: held.id.clone() };
    steps.run(Phase::NetworksReplaced, Move::Replace, object, reasons.clone(), action);
    add(spec, Move::Replace, reasons, steps);
    true
}
