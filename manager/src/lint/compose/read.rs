//! A tree to a [`Stack`]. Takes what it understands; what it does not is for the rules of keys to tell.

use std::rc::Rc;

use super::engine;
use super::mount::{Mount, MountKind};
use super::port::Port;
use super::program::Program;
use super::service::{Amounts, Deploy, Reference, Service, Variable};
use super::word::Word;
use super::{Declared, Stack};
use crate::lint::Unreadable;
use crate::lint::yaml::{Key, Node, Value};

/// More services than any rack has.
const MOST_SERVICES: usize = 512;

/// Reads a compose file; `text` is its source.
pub(in crate::lint) fn read(tree: &Rc<Node>, text: &str) -> Result<Stack, Unreadable> {
    let unreadable =
        |what: &str, node: &Node| Err(Unreadable { what: what.to_owned(), span: node.span.clone() });
    if !matches!(tree.value, Value::Map(_)) {
        return unreadable("it is no mapping with `services`", tree);
    }
    let Some(services) = tree.get("services").filter(|services| !services.pairs().is_empty()) else {
        return Err(Unreadable { what: "it has no `services`".to_owned(), span: 0..0 });
    };
    if services.pairs().len() > MOST_SERVICES {
        return unreadable("it has more services than any rack", services);
    }
    if let Some((name, _)) = services.pairs().iter().find(|(_, node)| !matches!(node.value, Value::Map(_))) {
        let what = format!("the service `{}` is no mapping", name.text);
        return Err(Unreadable { what, span: name.span.clone() });
    }
    Ok(Stack {
        root: Rc::clone(tree),
        services: services.pairs().iter().map(|(name, node)| service(name, node, text)).collect(),
        networks: declared(tree, "networks"),
        volumes: declared(tree, "volumes"),
        configs: declared(tree, "configs"),
        secrets: declared(tree, "secrets"),
    })
}

fn declared(tree: &Node, kind: &str) -> Vec<Declared> {
    let pairs = tree.get(kind).map(|node| node.pairs()).unwrap_or_default();
    pairs.iter().map(|(name, node)| Declared { name: name.clone(), node: Rc::clone(node) }).collect()
}

fn service(name: &Key, node: &Rc<Node>, text: &str) -> Service {
    let items = |key: &str| node.get(key).map(|list| list.items()).unwrap_or_default();
    let image = node.get("image").and_then(|image| Word::of(image));
    let variables = node.get("environment").map(|list| variables(list, text)).unwrap_or_default();
    let mounts: Vec<Mount> = items("volumes").iter().map(|mount| Mount::of(mount)).collect();
    let configs = references(node, "configs");
    let deploy = node.get("deploy").map(|node| deploy(node)).unwrap_or_default();
    let engine = engine::of(image.as_ref(), Program::of(node), &variables).filter(|_| !deploy.is_job());
    let elsewhere = ["env_file", "command", "entrypoint"].iter().any(|key| node.get(key).is_some());
    Service {
        name: name.clone(),
        complete: !elsewhere && configs.is_empty() && !mounts.iter().any(is_configuration),
        engine,
        image,
        variables,
        mounts,
        ports: items("ports").iter().map(|port| Port::of(port)).collect(),
        networks: references(node, "networks"),
        configs,
        secrets: references(node, "secrets"),
        deploy,
        node: Rc::clone(node),
    }
}

/// A mount that may set the program up: a file, or a folder of configuration.
fn is_configuration(mount: &Mount) -> bool {
    let Some(target) = &mount.target else { return mount.kind == MountKind::Other };
    let named = [".properties", ".yaml", ".yml", ".conf", ".env"].iter().any(|end| target.ends_with(end));
    named || target.contains("/config") || target.contains("/conf") || target.starts_with("/etc/cassandra")
}

/// `environment`, as a mapping or as a list of `NAME=VALUE`.
fn variables(node: &Node, text: &str) -> Vec<Variable> {
    if let Value::Map(pairs) = &node.value {
        let value = |key: &Key, node: &Node| match Word::of(node) {
            Some(word) => word,
            None => Word::unknown(key.span.clone()),
        };
        return pairs
            .iter()
            .map(|(key, node)| Variable { name: key.clone(), value: value(key, node) })
            .collect();
    }
    node.items().iter().filter_map(|item| Word::of(item)).map(|word| from_equation(&word, text)).collect()
}

fn from_equation(word: &Word, text: &str) -> Variable {
    let Some((name, value)) = word.text.split_once('=') else {
        let name = Key { text: word.text.clone(), span: word.span.clone() };
        return Variable { value: Word::unknown(word.span.clone()), name };
    };
    // Where the source has the two as they are, the value has a place of its own.
    let at = text.get(word.span.clone()).and_then(|source| source.find(&word.text));
    let start = at.map(|at| word.span.start + at);
    let split = start.map(|start| (start, start + name.len(), start + word.text.len()));
    let (of_name, of_value) = match split {
        Some((start, middle, end)) => (start..middle, (middle + 1).min(end)..end),
        None => (word.span.clone(), word.span.clone()),
    };
    Variable { name: Key { text: name.to_owned(), span: of_name }, value: Word::new(value, of_value) }
}

/// Names in a list, in a list of mappings with a `source`, or as the keys of a mapping.
fn references(node: &Node, key: &str) -> Vec<Reference> {
    let Some(node) = node.get(key) else { return Vec::new() };
    if let Value::Map(pairs) = &node.value {
        return pairs.iter().map(|(name, _)| Reference { name: name.clone() }).collect();
    }
    let source =
        |item: &Rc<Node>| Word::of(item).or_else(|| item.get("source").and_then(|node| Word::of(node)));
    let known = |word: Word| {
        word.known().map(|text| Reference { name: Key { text: text.to_owned(), span: word.span.clone() } })
    };
    node.items().iter().filter_map(source).filter_map(known).collect()
}

fn deploy(node: &Node) -> Deploy {
    let word = |path: &[&str]| {
        let mut at = node;
        for key in path {
            at = at.get(key)?;
        }
        Word::of(at)
    };
    let amounts = |of: &str| Amounts {
        cpus: word(&["resources", of, "cpus"]),
        memory: word(&["resources", of, "memory"]),
    };
    let placement = node.get("placement");
    let constraints = placement.and_then(|node| node.get("constraints"));
    Deploy {
        replicas: word(&["replicas"]),
        mode: word(&["mode"]),
        endpoint_mode: word(&["endpoint_mode"]),
        order: word(&["update_config", "order"]),
        max_attempts: word(&["restart_policy", "max_attempts"]),
        limits: amounts("limits"),
        reservations: amounts("reservations"),
        constraints: constraints
            .map(|list| list.items().iter().filter_map(|item| Word::of(item)).collect())
            .unwrap_or_default(),
        per_node: word(&["placement", "max_replicas_per_node"]),
    }
}
