//! Who a node is: number, roles, cluster.

use super::{Hit, at_name, differing, lacks, nodes, on_defaults, property, said, single_nodes};
use crate::lint::compose::{Engine, Service, Stack, Word};

pub(super) fn missing(stack: &Stack) -> Vec<Hit> {
    let without = |service: &&Service| {
        lacks(service, "NODE_ID") && lacks(service, "BROKER_ID") && !on_defaults(service)
    };
    single_nodes(stack)
        .into_iter()
        .filter(without)
        .map(|service| at_name(service, "has no node id"))
        .collect()
}

pub(super) fn twice(stack: &Stack) -> Vec<Hit> {
    let mut seen: Vec<(i64, &Service)> = Vec::new();
    let mut hits = Vec::new();
    for service in single_nodes(stack) {
        let Some((word, number)) = property(service, "NODE_ID").and_then(|word| Some((word, word.number()?)))
        else {
            continue;
        };
        match seen.iter().find(|(known, _)| *known == number) {
            Some((_, first)) => {
                let what = format!("{number} is the node id of {} already", first.name.text);
                hits.push(said(service, &word.span, &what));
            }
            None => seen.push((number, service)),
        }
    }
    hits
}

pub(super) fn no_roles(stack: &Stack) -> Vec<Hit> {
    let mut hits = Vec::new();
    for service in nodes(stack) {
        if lacks(service, "PROCESS_ROLES") && !on_defaults(service) {
            hits.push(at_name(service, "has no process roles"));
        }
        let Some(word) = property(service, "PROCESS_ROLES") else { continue };
        let list = word.list().unwrap_or_default();
        if let Some(other) = list.iter().find(|role| !matches!(**role, "broker" | "controller")) {
            hits.push(said(service, &word.span, &format!("`{other}` is no role")));
        }
    }
    hits
}

pub(super) fn zookeeper(stack: &Stack) -> Vec<Hit> {
    let mut hits = Vec::new();
    for service in stack.running(Engine::Kafka) {
        let newer = service.tag().and_then(major).is_some_and(|major| major >= 4);
        // The tags of cp-kafka are Confluent's own: 8.0 is Kafka 4.0.
        let confluent = service.repository().starts_with("confluentinc/");
        let newer = newer && (!confluent || service.tag().and_then(major).is_some_and(|major| major >= 8));
        if let Some(word) = property(service, "ZOOKEEPER_CONNECT").filter(|_| newer) {
            hits.push(said(service, &word.span, "this Kafka knows no ZooKeeper"));
        }
    }
    hits
}

fn major(tag: &str) -> Option<u32> {
    tag.trim_start_matches('v').split('.').next()?.parse().ok()
}

const IDS: [&str; 3] = ["CLUSTER_ID", "KAFKA_KRAFT_CLUSTER_ID", "KAFKA_CLUSTER_ID"];

fn cluster(service: &Service) -> Option<&Word> {
    IDS.iter().find_map(|name| service.value(name))
}

pub(super) fn no_cluster(stack: &Stack) -> Vec<Hit> {
    let nodes = nodes(stack);
    let several = nodes.len() > 1;
    let without = |service: &&Service| several && IDS.iter().all(|name| service.lacks(name));
    nodes.into_iter().filter(without).map(|service| at_name(service, "has no cluster id")).collect()
}

pub(super) fn other_cluster(stack: &Stack) -> Vec<Hit> {
    let others = differing(&nodes(stack), cluster);
    others
        .into_iter()
        .map(|(service, word)| said(service, &word.span, "another has another cluster id"))
        .collect()
}

pub(super) fn no_uuid(stack: &Stack) -> Vec<Hit> {
    let letter = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let is_uuid = |id: &str| id.len() == 22 && id.chars().all(letter) && !id.starts_with('-');
    let mut hits = Vec::new();
    for service in nodes(stack) {
        let Some(word) = cluster(service) else { continue };
        if let Some(id) = word.known().filter(|id| !id.is_empty() && !is_uuid(id)) {
            hits.push(said(service, &word.span, &format!("`{id}` is no cluster id")));
        }
    }
    hits
}
