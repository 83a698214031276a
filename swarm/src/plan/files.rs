//! Which configs and secrets are added and removed. Content never changes in place: other content is another
//! object with another name, services move to it, and then the old one goes.

use std::collections::BTreeMap;

use super::render::Wanted;
use super::{Action, Move, Obstacle, Phase, Stays, Steps, difference, is_ours, whose};
use crate::object::{Kind, Object};
use crate::observed::{Held, Observed};
use crate::owned;
use crate::spec::{ConfigSpec, SecretSpec};

type Labels = BTreeMap<String, String>;

pub(super) fn decide(
    wanted: &Wanted,
    observed: &Observed,
    owner: &str,
    stays: &Stays<'_>,
    steps: &mut Steps,
) {
    configs(wanted, observed, owner, steps);
    secrets(wanted, observed, owner, steps);
    for held in &observed.configs {
        if is_ours(&held.spec.labels, owner) && !wanted.configs.contains_key(&held.spec.name) {
            let object = Object::new(Kind::Config, &held.spec.name);
            remove(object, &held.spec.labels, Action::RemoveConfig { id: held.id.clone() }, stays, steps);
        }
    }
    for held in &observed.secrets {
        if is_ours(&held.spec.labels, owner) && !wanted.secrets.contains_key(&held.spec.name) {
            let object = Object::new(Kind::Secret, &held.spec.name);
            remove(object, &held.spec.labels, Action::RemoveSecret { id: held.id.clone() }, stays, steps);
        }
    }
}

fn configs(wanted: &Wanted, observed: &Observed, owner: &str, steps: &mut Steps) {
    let held: BTreeMap<&str, &Held<ConfigSpec>> =
        observed.configs.iter().map(|config| (config.spec.name.as_str(), config)).collect();
    for spec in wanted.configs.values() {
        let object = Object::new(Kind::Config, &spec.name);
        let Some(held) = held.get(spec.name.as_str()) else {
            add(object, &spec.labels, Action::CreateConfig { spec: spec.clone() }, steps);
            continue;
        };
        if ours(&object, &held.spec.labels, owner, steps) {
            if held.spec.content == spec.content {
                let (id, version) = (held.id.clone(), held.version);
                let action = Action::UpdateConfig { id, version, spec: spec.clone() };
                relabel(object, &held.spec.labels, &spec.labels, action, steps);
            } else {
                let reason = "its content is not what its name says, so somebody else made it: remove it";
                steps.forbid(object, Obstacle::OtherContent, reason);
            }
        }
    }
}

fn secrets(wanted: &Wanted, observed: &Observed, owner: &str, steps: &mut Steps) {
    let held: BTreeMap<&str, &Held<SecretSpec>> =
        observed.secrets.iter().map(|secret| (secret.spec.name.as_str(), secret)).collect();
    for (spec, value) in wanted.secrets.values() {
        let object = Object::new(Kind::Secret, &spec.name);
        let Some(held) = held.get(spec.name.as_str()) else {
            let action = Action::CreateSecret { spec: spec.clone(), value: value.clone() };
            add(object, &spec.labels, action, steps);
            continue;
        };
        if ours(&object, &held.spec.labels, owner, steps) {
            let action =
                Action::UpdateSecret { id: held.id.clone(), version: held.version, spec: spec.clone() };
            relabel(object, &held.spec.labels, &spec.labels, action, steps);
        }
    }
}

fn ours(object: &Object, labels: &Labels, owner: &str, steps: &mut Steps) -> bool {
    let ours = is_ours(labels, owner);
    if !ours {
        let reason = format!("there is one, and {}: remove it", whose(labels));
        steps.forbid(object.clone(), Obstacle::NotOurs, reason);
    }
    ours
}

fn add(object: Object, labels: &Labels, action: Action, steps: &mut Steps) {
    let name = labels.get(owned::NAME).map_or("", String::as_str);
    let reasons = vec![format!("there is no {} {name} with this content yet", object.kind)];
    steps.run(Phase::FilesAdded, Move::Add, object, reasons, action);
}

fn relabel(object: Object, is: &Labels, should: &Labels, action: Action, steps: &mut Steps) {
    let reasons: Vec<String> =
        difference::between(is, should).into_iter().map(|line| format!("labels.{line}")).collect();
    if !reasons.is_empty() {
        steps.run(Phase::FilesAdded, Move::Change, object, reasons, action);
    }
}

fn remove(object: Object, labels: &Labels, action: Action, stays: &Stays<'_>, steps: &mut Steps) {
    if let Some(user) = stays.user(&object) {
        let reason = format!("nothing of ours wants it, and service {user} still uses it");
        steps.forbid(object, Obstacle::InUse, reason);
        return;
    }
    let name = labels.get(owned::NAME).map_or("it", String::as_str);
    let reasons = vec![format!("nothing wants this content of {name} any more")];
    steps.run(Phase::FilesRemoved, Move::Remove, object, reasons, action);
}
