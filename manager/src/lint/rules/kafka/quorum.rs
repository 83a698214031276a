//! The voters: `controller.quorum.voters`.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::listeners::{Listener, of_controller};
use super::{
    Hit, Roles, Service, at_name, differing, hit, lacks, nodes, property, roles, said, single_nodes,
};
use crate::lint::compose::{Stack, Word};

const VOTERS: &str = "CONTROLLER_QUORUM_VOTERS";
const BOOTSTRAP: &str = "CONTROLLER_QUORUM_BOOTSTRAP_SERVERS";

/// One of them.
struct Voter<'a> {
    id: i64,
    host: &'a str,
    port: u32,
}

/// A voter as Kafka takes it; a port of any size, which another rule is for.
fn voter(text: &str) -> Option<Voter<'_>> {
    let (id, address) = text.split_once('@')?;
    let (host, port) = address.rsplit_once(':')?;
    let port = port.parse().ok()?;
    let id = id.parse().ok().filter(|id| *id >= 0)?;
    (!host.is_empty() && !host.contains(['@', '/'])).then_some(Voter { id, host, port })
}

/// All of them, where every one can be read.
fn voters(word: &Word) -> Option<Vec<Voter<'_>>> {
    word.list()?.into_iter().map(voter).collect()
}

pub(super) fn malformed(stack: &Stack) -> Vec<Hit> {
    let mut hits = Vec::new();
    for service in nodes(stack) {
        let Some(word) = property(service, VOTERS) else { continue };
        let items = word.list().unwrap_or_default();
        if let Some(item) = items.into_iter().find(|item| voter(item).is_none()) {
            let what = match item.matches('@').count() {
                0 | 1 => format!("`{item}` is no voter"),
                _ => format!("`{item}` is voters joined by `@`"),
            };
            hits.push(said(service, &word.span, &what));
        }
    }
    hits
}

pub(super) fn missing(stack: &Stack) -> Vec<Hit> {
    let nodes = nodes(stack);
    let several = nodes.len() > 1;
    let without = |service: &&Service| several && lacks(service, VOTERS) && lacks(service, BOOTSTRAP);
    nodes.into_iter().filter(without).map(|service| at_name(service, "knows no voters")).collect()
}

pub(super) fn differing_voters(stack: &Stack) -> Vec<Hit> {
    let others = differing(&nodes(stack), |service| property(service, VOTERS));
    others.into_iter().map(|(service, word)| said(service, &word.span, "another has other voters")).collect()
}

fn node_id(service: &Service) -> Option<i64> {
    property(service, "NODE_ID")?.number()
}

pub(super) fn mismatched(stack: &Stack) -> Vec<Hit> {
    let nodes = single_nodes(stack);
    // Whom a voter of a number that two nodes have stands for, nobody knows; another rule tells of these.
    let alone = |id: i64| nodes.iter().filter(|other| node_id(other) == Some(id)).count() == 1;
    let mut hits = Vec::new();
    for service in &nodes {
        let (Some(roles), Some(word)) = (roles(service), property(service, VOTERS)) else { continue };
        let Some(id) = node_id(service) else { continue };
        let Some(voters) = voters(word) else { continue };
        let own = voters.iter().find(|voter| voter.id == id);
        let wrong = match own {
            None => roles.controller.then(|| format!("controller {id} is none of the voters")),
            Some(_) if !roles.controller => Some(format!("voter {id} is no controller")),
            Some(voter) => elsewhere(stack, service, voter).filter(|_| alone(id)),
        };
        hits.extend(wrong.map(|what| said(service, &word.span, &what)));
        let stranger = voters.iter().find(|voter| voter.id != id && service.is_called(voter.host));
        if let Some(stranger) = stranger.filter(|_| own.is_some()) {
            let what = format!("voter {} is at `{}`, whose node id is {id}", stranger.id, stranger.host);
            hits.push(said(service, &word.span, &what));
        }
    }
    hits.extend(nobodies(stack));
    hits
}

/// That a controller does not listen where it is a voter. Two addresses are one or not; a name may be anybody's, and
/// behind an address that the controller does not listen on itself a published port may lead to another.
fn elsewhere(stack: &Stack, service: &Service, voter: &Voter<'_>) -> Option<String> {
    let address = |host: &str| host.trim_matches(['[', ']']).parse::<IpAddr>().ok();
    let name = voter.host.strip_prefix("tasks.").unwrap_or(voter.host);
    let direct = stack.on_host(service) || name == service.name.text;
    let contradicts = |listener: &Listener<'_>| {
        let listens = address(listener.host).filter(|address| !address.is_unspecified());
        let both = address(voter.host).zip(listens);
        let other_port = listener.port.parse().is_ok_and(|port: u32| port != voter.port);
        both.is_some_and(|(one, other)| one != other) || (both.is_some() || direct) && other_port
    };
    let listeners = of_controller(service);
    let listener = listeners.first().filter(|_| listeners.iter().all(contradicts))?;
    let (Voter { id, host, port }, Listener { host: own, port: owns, .. }) = (voter, listener);
    Some(format!("voter {id} is at `{host}:{port}`, and listens at `{own}:{owns}`"))
}

/// Voters of numbers that no node here has, where the file knows them all.
fn nobodies(stack: &Stack) -> Vec<Hit> {
    let nodes = nodes(stack);
    let known: Option<BTreeMap<i64, Roles>> =
        single_nodes(stack).into_iter().map(|service| Some((node_id(service)?, roles(service)?))).collect();
    // A number that two have is one that somebody lacks.
    let Some(known) = known.filter(|known| known.len() == nodes.len()) else { return Vec::new() };
    // A single controller may be one of a quorum that other files have.
    if known.len() == 1 || !known.values().any(|roles| roles.controller) {
        return Vec::new();
    }
    let mut hits = Vec::new();
    for word in nodes.into_iter().filter_map(|service| property(service, VOTERS)) {
        for Voter { id, host, port } in voters(word).unwrap_or_default() {
            if !known.contains_key(&id) {
                hits.push(hit(&word.span, format!("nobody here is voter {id} at `{host}:{port}`")));
            }
        }
    }
    hits
}

pub(super) fn even(stack: &Stack) -> Vec<Hit> {
    let mut hits = Vec::new();
    for service in nodes(stack) {
        let Some(word) = property(service, VOTERS) else { continue };
        let Some(voters) = voters(word) else { continue };
        if !voters.is_empty() && voters.len() % 2 == 0 {
            // Once for the cluster: all have the same.
            hits.push(said(service, &word.span, &format!("{} voters", voters.len())));
            break;
        }
    }
    hits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_voter_is_a_number_a_host_and_a_port() {
        for good in ["1@10.77.0.11:9093", "0@kafka-1:9093", "3@[::1]:9093", "1@kafka-1:90931"] {
            assert!(voter(good).is_some(), "{good} is none");
        }
        for wrong in ["", "kafka-1:9093", "1@kafka-1", "x@kafka-1:9093", "0@a:9093@0@b:9093", "1@:9093"] {
            assert!(voter(wrong).is_none(), "{wrong} is one");
        }
    }
}
