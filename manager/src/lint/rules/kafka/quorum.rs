//! The voters: `controller.quorum.voters`.

use super::{Hit, Service, at_name, differing, lacks, nodes, property, roles, said, single_nodes};
use crate::lint::compose::{Stack, Word};

const VOTERS: &str = "CONTROLLER_QUORUM_VOTERS";
const BOOTSTRAP: &str = "CONTROLLER_QUORUM_BOOTSTRAP_SERVERS";

/// One of them.
struct Voter<'a> {
    id: i64,
    host: &'a str,
}

/// A voter as Kafka takes it; a port of any size, which another rule is for.
fn voter(text: &str) -> Option<Voter<'_>> {
    let (id, address) = text.split_once('@')?;
    let (host, port) = address.rsplit_once(':')?;
    let port = port.parse::<u32>().is_ok();
    let id = id.parse().ok().filter(|id| *id >= 0)?;
    (port && !host.is_empty() && !host.contains(['@', '/'])).then_some(Voter { id, host })
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

pub(super) fn mismatched(stack: &Stack) -> Vec<Hit> {
    let nodes = single_nodes(stack);
    let mut hits = Vec::new();
    for service in &nodes {
        let (Some(roles), Some(word)) = (roles(service), property(service, VOTERS)) else { continue };
        let Some(id) = property(service, "NODE_ID").and_then(Word::number) else { continue };
        let Some(voters) = voters(word) else { continue };
        if roles.controller && !voters.iter().any(|voter| voter.id == id) {
            hits.push(said(service, &word.span, &format!("controller {id} is none of the voters")));
        } else if !roles.controller && voters.iter().any(|voter| voter.id == id) {
            hits.push(said(service, &word.span, &format!("voter {id} is no controller")));
        }
        let stranger = voters.iter().find(|voter| voter.id != id && service.is_called(voter.host));
        if let Some(stranger) = stranger.filter(|_| voters.iter().any(|voter| voter.id == id)) {
            let what = format!("voter {} is at `{}`, whose node id is {id}", stranger.id, stranger.host);
            hits.push(said(service, &word.span, &what));
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
