//! Specs as they reach the engine. What is empty or not said is left out.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use pirack_swarm::observed::Observed;
use pirack_swarm::plan::{Action, plan};
use serde_json::Value;

use super::racks::{app, desk, nothing, of_2023, remembered};
use crate::rack::{Identity, Rack, SecretSource, Secrets};
use crate::stack::desired;
use pirack_swarm::spec::{PortSpec, Protocol, SecretValue};

/// Every service, by its name, as lines of `path = value`.
pub(crate) fn specs(rack: &Rack, identity: &Identity, secrets: &Secrets) -> BTreeMap<String, String> {
    let desired = desired(rack, identity, &nothing(), secrets).unwrap();
    let plan = plan(&desired, &Observed::default());
    let created = plan.steps.iter().filter_map(|step| match &step.action {
        Some(Action::CreateService { spec }) => Some((spec.name.clone(), lines(spec))),
        _ => None,
    });
    created.collect()
}

fn lines(spec: &impl serde::Serialize) -> String {
    let mut text = String::new();
    walk("", &serde_json::to_value(spec).unwrap(), &mut text);
    text
}

fn walk(path: &str, value: &Value, text: &mut String) {
    match value {
        Value::Null => {}
        Value::Object(map) => {
            for (key, value) in map {
                walk(&format!("{path}{}{key}", if path.is_empty() { "" } else { " / " }), value, text);
            }
        }
        Value::Array(list) => list.iter().for_each(|value| walk(path, value, text)),
        Value::String(value) => writeln!(text, "{path} = {value}").unwrap(),
        other => writeln!(text, "{path} = {other}").unwrap(),
    }
}

fn golden(name: &str, rack: &Rack, secrets: &Secrets) {
    let identity = remembered(None, rack);
    let mut text = String::new();
    for node in desired(rack, &identity, &nothing(), secrets).unwrap().nodes() {
        let labels = node.labels.iter().map(|(key, value)| format!(" {key}={value}"));
        writeln!(text, "node {} {}{}", node.name, node.role.as_str(), labels.collect::<String>()).unwrap();
    }
    for (name, spec) in specs(rack, &identity, secrets) {
        let indented = spec.lines().filter(|line| !line.starts_with("name = "));
        let indented: String = indented.map(|line| format!("  {line}\n")).collect();
        write!(text, "\nservice {name}\n{indented}").unwrap();
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("src/stack/tests/golden/{name}.txt"));
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    assert_eq!(text, std::fs::read_to_string(&path).unwrap(), "{}", path.display());
}

#[test]
fn a_rack_of_one_board_is_a_rack() {
    golden("1", &desk(1), &Secrets::new());
}

#[test]
fn three_boards_have_three_of_each_and_an_app_with_a_secret() {
    let mut rack = desk(3);
    let mut page = app("page");
    page.ports.insert(PortSpec { published: 80, target: 8000, protocol: Protocol::Tcp });
    page.secrets.insert("key".parse().unwrap(), SecretSource::Environment("KEY".to_owned()));
    rack.apps = vec![page];
    let secrets = Secrets::from([("key".parse().unwrap(), SecretValue::new(b"hunter2".to_vec()))]);
    golden("3", &rack, &secrets);
}

#[test]
fn of_five_boards_three_vote() {
    golden("5", &desk(5), &Secrets::new());
}

#[test]
fn the_rack_of_2023_with_official_images_voters_apart_and_stargate() {
    golden("13", &of_2023(), &Secrets::new());
}
