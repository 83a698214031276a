//! Cassandra: one ring. All of a file's Cassandra services are taken for its nodes.

use super::seeds::may_be_one;
use super::{Hit, Rule, hit};
use crate::lint::compose::{Engine, Service, Stack};
use crate::lint::finding::Severity;

pub(super) const RULES: &[Rule] = &[
    Rule {
        code: "SL201",
        severity: Severity::Error,
        title: "no seeds",
        reason: "A node without seeds is its own seed: each founds a ring of its own",
        remedy: "Set CASSANDRA_SEEDS to the same two or three nodes everywhere",
        check: no_seeds,
    },
    Rule {
        code: "SL202",
        severity: Severity::Error,
        title: "every node its own seed",
        reason: "A node that names nobody but itself founds a ring of its own",
        remedy: "Set CASSANDRA_SEEDS to the same two or three nodes everywhere",
        check: own_seeds,
    },
    Rule {
        code: "SL203",
        severity: Severity::Error,
        title: "cluster names that differ",
        reason: "Nodes of another name are refused",
        remedy: "Set the same CASSANDRA_CLUSTER_NAME everywhere; an anchor keeps it so",
        check: |stack| differing(stack, "CASSANDRA_CLUSTER_NAME", Some("Test Cluster"), "cluster name"),
    },
    Rule {
        code: "SL204",
        severity: Severity::Error,
        title: "a place that the snitch does not see",
        reason: "The official image has SimpleSnitch, which knows neither data centre nor rack: both are without effect",
        remedy: "Set CASSANDRA_ENDPOINT_SNITCH to GossipingPropertyFileSnitch",
        check: blind_snitch,
    },
    Rule {
        code: "SL205",
        severity: Severity::Error,
        title: "snitches that differ",
        reason: "Nodes then disagree on where the copies of a row belong",
        remedy: "Set the same CASSANDRA_ENDPOINT_SNITCH everywhere; an anchor keeps it so",
        check: |stack| differing(stack, "CASSANDRA_ENDPOINT_SNITCH", None, "snitch"),
    },
    Rule {
        code: "SL206",
        severity: Severity::Error,
        title: "an address that others cannot reach",
        reason: "Others are told to come to it: 0.0.0.0 is refused, and localhost leads each to himself",
        remedy: "Set CASSANDRA_LISTEN_ADDRESS and CASSANDRA_BROADCAST_ADDRESS to the board's address, or leave them out",
        check: unreachable,
    },
    Rule {
        code: "SL207",
        severity: Severity::Error,
        title: "a broadcast address outside its overlay",
        reason: "On an overlay a name of the swarm is its virtual address, and a board's address leads to the container only through a published port",
        remedy: "Use the board's own network, or leave CASSANDRA_BROADCAST_ADDRESS out",
        check: broadcast,
    },
    Rule {
        code: "SL208",
        severity: Severity::Warning,
        title: "numbers of tokens that differ",
        reason: "A node with twice the tokens gets twice the data",
        remedy: "Set the same CASSANDRA_NUM_TOKENS everywhere, 16 as a rule",
        check: |stack| differing(stack, "CASSANDRA_NUM_TOKENS", Some("16"), "number of tokens"),
    },
    Rule {
        code: "SL209",
        severity: Severity::Error,
        title: "two nodes of one address",
        reason: "A node is known by its address, and on the board's own network the second cannot have the first's ports",
        remedy: "Put each node on a board of its own, and give it that board's address",
        check: same_address,
    },
    Rule {
        code: "SL210",
        severity: Severity::Error,
        title: "seeds that nobody is",
        reason: "A node that reaches none of its seeds does not start, and nobody founds the ring",
        remedy: "Name two or three of the ring's own nodes, by the addresses that they listen on",
        check: strange_seeds,
    },
];

fn nodes(stack: &Stack) -> Vec<&Service> {
    stack.running(Engine::Cassandra)
}

fn no_seeds(stack: &Stack) -> Vec<Hit> {
    let nodes = nodes(stack);
    let several = nodes.len() > 1;
    // The first of a ring may do without: the others name it.
    let founders: Vec<&Service> =
        nodes.into_iter().filter(|service| service.lacks("CASSANDRA_SEEDS")).collect();
    let wrong = several && founders.len() > 1;
    let said = |service: &Service| hit(&service.name.span, format!("{} has no seeds", service.name.text));
    founders.into_iter().filter(|_| wrong).map(said).collect()
}

/// Whether a seed is this node: by name, or by the address that it gives itself.
fn is_itself(service: &Service, seed: &str) -> bool {
    let addresses = ["CASSANDRA_LISTEN_ADDRESS", "CASSANDRA_BROADCAST_ADDRESS"];
    let own = addresses.iter().filter_map(|name| service.value(name)).any(|word| word.is(seed));
    own || service.is_called(seed)
}

fn own_seeds(stack: &Stack) -> Vec<Hit> {
    let alone = |service: &&Service| {
        let seeds = service.value("CASSANDRA_SEEDS").and_then(|word| word.list());
        seeds.is_some_and(|seeds| !seeds.is_empty() && seeds.iter().all(|seed| is_itself(service, seed)))
    };
    let founders: Vec<&Service> = nodes(stack).into_iter().filter(alone).collect();
    // One that names only itself is the ring's first.
    let wrong = founders.len() > 1;
    let said = |service: &Service| {
        let word = service.value("CASSANDRA_SEEDS")?;
        Some(hit(&word.span, format!("{} names nobody but itself", service.name.text)))
    };
    founders.into_iter().filter(|_| wrong).filter_map(said).collect()
}

fn same_address(stack: &Stack) -> Vec<Hit> {
    let nodes = nodes(stack);
    let mut hits = Vec::new();
    for (index, service) in nodes.iter().enumerate() {
        let listens = service.value("CASSANDRA_LISTEN_ADDRESS");
        let own = listens.or_else(|| service.value("CASSANDRA_BROADCAST_ADDRESS"));
        let fixed = own.and_then(|word| word.known()).filter(|address| is_one_of_a_kind(address));
        let shares = |other: &&&Service| {
            let theirs = other.value("CASSANDRA_LISTEN_ADDRESS").and_then(|word| word.known());
            let theirs = theirs.or_else(|| other.value("CASSANDRA_BROADCAST_ADDRESS")?.known());
            let apart = listens.is_some() && fixed.is_some() && theirs.is_some() && fixed != theirs;
            let beside =
                stack.on_host(service) && stack.on_host(other) && service.deploy.is_beside(&other.deploy);
            fixed.is_some() && fixed == theirs || beside && !apart
        };
        if let Some(first) = nodes[..index].iter().find(shares) {
            let span = own.map_or(&service.name.span, |word| &word.span);
            let what = format!("{} has the address of {}", service.name.text, first.name.text);
            hits.push(hit(span, what));
        }
    }
    hits
}

/// An address that is one node's, if any: what is everybody's has a rule of its own.
fn is_one_of_a_kind(address: &str) -> bool {
    address.parse::<std::net::IpAddr>().is_ok_and(|ip| !ip.is_loopback() && !ip.is_unspecified())
}

fn strange_seeds(stack: &Stack) -> Vec<Hit> {
    let nodes = nodes(stack);
    // One node of a file may be one of a ring that others are the rest of.
    if nodes.len() < 2 {
        return Vec::new();
    }
    let strange = |service: &&&Service| {
        let seeds = service.value("CASSANDRA_SEEDS").and_then(|word| word.list()).unwrap_or_default();
        !seeds.is_empty() && seeds.iter().all(|seed| !may_be_one(stack, service, seed, &nodes))
    };
    let said = |service: &&Service| {
        let word = service.value("CASSANDRA_SEEDS")?;
        Some(hit(&word.span, format!("{}: nobody here is {}", service.name.text, word.text)))
    };
    nodes.iter().filter(strange).filter_map(said).collect()
}

/// What a node says, or what it is where it says nothing; nothing where neither is known.
fn setting<'a>(service: &'a Service, name: &str, otherwise: Option<&'a str>) -> Option<&'a str> {
    match service.value(name) {
        Some(word) => word.known(),
        None => otherwise.filter(|_| service.complete),
    }
}

fn differing(stack: &Stack, name: &str, otherwise: Option<&str>, what: &str) -> Vec<Hit> {
    let nodes = nodes(stack);
    let Some(first) = nodes.iter().find_map(|service| setting(service, name, otherwise)) else {
        return Vec::new();
    };
    let mut hits = Vec::new();
    for service in nodes {
        let own = setting(service, name, otherwise);
        if let Some(own) = own.filter(|own| *own != first) {
            let span = service.value(name).map_or(&service.name.span, |word| &word.span);
            let said = format!("{}: its {what} is `{own}`, and `{first}` elsewhere", service.name.text);
            hits.push(hit(span, said));
        }
    }
    hits
}

fn blind_snitch(stack: &Stack) -> Vec<Hit> {
    let mut hits = Vec::new();
    for service in nodes(stack) {
        let placed = ["CASSANDRA_DC", "CASSANDRA_RACK"].iter().find_map(|name| service.variable(name));
        let snitch = service.value("CASSANDRA_ENDPOINT_SNITCH");
        let simple = snitch.is_some_and(|word| word.is("SimpleSnitch"));
        let official = service.repository().ends_with("cassandra") && !service.repository().contains('/');
        let silent = official && service.lacks("CASSANDRA_ENDPOINT_SNITCH");
        if let Some(variable) = placed.filter(|_| simple || silent) {
            let what = format!("{}: {} has no effect", service.name.text, variable.name.text);
            hits.push(hit(&variable.name.span, what));
        }
    }
    hits
}

fn unreachable(stack: &Stack) -> Vec<Hit> {
    let mut hits = Vec::new();
    for service in nodes(stack) {
        let several = nodes(stack).len() > 1;
        for name in
            ["CASSANDRA_LISTEN_ADDRESS", "CASSANDRA_BROADCAST_ADDRESS", "CASSANDRA_BROADCAST_RPC_ADDRESS"]
        {
            let Some(word) = service.value(name) else { continue };
            let nowhere = |address: &&str| {
                let own = *address == "localhost" || address.starts_with("127.") || *address == "::1";
                *address == "0.0.0.0" || own && several
            };
            if let Some(address) = word.known().filter(nowhere) {
                hits.push(hit(&word.span, format!("{}: nobody reaches it at {address}", service.name.text)));
            }
        }
    }
    hits
}

fn broadcast(stack: &Stack) -> Vec<Hit> {
    let mut hits = Vec::new();
    for service in nodes(stack).into_iter().filter(|service| !stack.on_host(service)) {
        let Some(word) = service.value("CASSANDRA_BROADCAST_ADDRESS") else { continue };
        let Some(address) = word.known() else { continue };
        let own_name = service.is_called(address) && !address.starts_with("tasks.");
        let published = service.ports.iter().any(|port| port.on_host && port.numbers.contains(&7000));
        let elsewhere =
            address.parse::<std::net::IpAddr>().is_ok_and(|ip| !ip.is_loopback() && !ip.is_unspecified());
        if own_name || elsewhere && !published {
            hits.push(hit(&word.span, format!("{}: `{address}` does not lead to it", service.name.text)));
        }
    }
    hits
}
