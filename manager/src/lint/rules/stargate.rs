//! Stargate 2: a coordinator that joins Cassandra's ring, and doors before it.

use super::seeds::may_be_one;
use super::{Hit, Rule, each, hit};
use crate::lint::compose::{Engine, Service, Stack};
use crate::lint::finding::Severity;

pub(super) const RULES: &[Rule] = &[
    Rule {
        code: "SL301",
        severity: Severity::Error,
        title: "a cluster name that is not Cassandra's",
        reason: "Both log a mismatch and the coordinator never gets ready",
        remedy: "Set CLUSTER_NAME to Cassandra's CASSANDRA_CLUSTER_NAME, to the letter",
        check: cluster_name,
    },
    Rule {
        code: "SL302",
        severity: Severity::Error,
        title: "a version that is not Cassandra's",
        reason: "The coordinator loads what speaks to that version, and its image is made for one",
        remedy: "Set CLUSTER_VERSION to Cassandra's, and take the coordinator's image for it",
        check: version,
    },
    Rule {
        code: "SL303",
        severity: Severity::Error,
        title: "a Cassandra that Stargate does not know",
        reason: "Stargate 2 speaks to Cassandra 3.11 and 4.0, and to no other",
        remedy: "Run cassandra:4.0, with its full version, or do without Stargate",
        check: too_new,
    },
    Rule {
        code: "SL304",
        severity: Severity::Error,
        title: "no seed, or not one",
        reason: "The coordinator joins the ring by SEED: one name or address; CLUSTER_SEED does not exist",
        remedy: "Set SEED to the address of one Cassandra node",
        check: seed,
    },
    Rule {
        code: "SL305",
        severity: Severity::Error,
        title: "developer mode beside a Cassandra",
        reason: "The coordinator is then a database of its own, and looks at no other",
        remedy: "Take DEVELOPER_MODE out",
        check: developer,
    },
    Rule {
        code: "SL306",
        severity: Severity::Error,
        title: "no place in the ring",
        reason: "The coordinator does not start without data centre and rack, or SIMPLE_SNITCH",
        remedy: "Set DATACENTER_NAME to Cassandra's, and RACK_NAME",
        check: place,
    },
    Rule {
        code: "SL307",
        severity: Severity::Error,
        title: "a flag that is off and means on",
        reason: "Any text that is not empty turns it on, even `false`",
        remedy: "Take the variable out",
        check: flags,
    },
    Rule {
        code: "SL308",
        severity: Severity::Error,
        title: "a door that knows no coordinator",
        reason: "It ends 13 s after its start where nobody answers on its own machine",
        remedy: "Set QUARKUS_GRPC_CLIENTS_BRIDGE_HOST to the coordinator's address",
        check: bridge,
    },
    Rule {
        code: "SL309",
        severity: Severity::Error,
        title: "a seed that is no Cassandra here",
        reason: "The coordinator ends 74 s after its start where no node answers at its seed",
        remedy: "Set SEED to the address that one of the Cassandra nodes listens on",
        check: strange_seed,
    },
    Rule {
        code: "SL310",
        severity: Severity::Error,
        title: "a coordinator that wants its Cassandra's ports",
        reason: "On one board's own network both want 7000, 7199 and 9042, and the second does not start",
        remedy: "Give the coordinator a board without Cassandra, or an overlay; or an address of its own: LISTEN with BIND_TO_LISTEN_ADDRESS=1",
        check: same_ports,
    },
    Rule {
        code: "SL311",
        severity: Severity::Error,
        title: "a data centre that is not Cassandra's",
        reason: "The coordinator starts, and finds no copies in its own data centre: every query with LOCAL_QUORUM fails",
        remedy: "Set DATACENTER_NAME to Cassandra's CASSANDRA_DC, to the letter",
        check: elsewhere,
    },
];

/// What Stargate 2 knows.
const VERSIONS: [&str; 2] = ["3.11", "4.0"];

fn coordinators(stack: &Stack, ask: impl Fn(&Service) -> Option<Hit>) -> Vec<Hit> {
    each(stack, |service| if service.engine == Some(Engine::Stargate) { ask(service) } else { None })
}

fn developer_mode(service: &Service) -> bool {
    service.value("DEVELOPER_MODE").is_some_and(|word| word.known() != Some("false") && !word.is(""))
}

/// Cassandra's version in two numbers, as its image's tag has it; what has no tag is the newest.
fn cassandra(stack: &Stack) -> Option<(String, &Service)> {
    let service = stack.running(Engine::Cassandra).into_iter().next()?;
    let image = service.image.as_ref().filter(|image| image.known().is_some())?;
    let tag = service.tag().unwrap_or(if image.text.contains('@') { return None } else { "latest" });
    let mut parts = tag.split(['.', '-']);
    let major = parts.next()?;
    let numbered = |part: &str| !part.is_empty() && part.bytes().all(|c| c.is_ascii_digit());
    let version = match parts.next().filter(|minor| numbered(minor)) {
        Some(minor) if numbered(major) => format!("{major}.{minor}"),
        _ => major.to_owned(),
    };
    Some((version, service))
}

fn cluster_name(stack: &Stack) -> Vec<Hit> {
    let Some(node) = stack.running(Engine::Cassandra).into_iter().next() else { return Vec::new() };
    let theirs = match node.value("CASSANDRA_CLUSTER_NAME") {
        Some(word) => word.known(),
        None => node.complete.then_some("Test Cluster"),
    };
    let Some(theirs) = theirs else { return Vec::new() };
    coordinators(stack, |service| {
        if developer_mode(service) {
            return None;
        }
        let Some(word) = service.value("CLUSTER_NAME") else {
            let missing = service.lacks("CLUSTER_NAME");
            let what = format!("{} has no CLUSTER_NAME, and Cassandra's is `{theirs}`", service.name.text);
            return missing.then(|| hit(&service.name.span, what));
        };
        let own = word.known().filter(|own| *own != theirs)?;
        Some(hit(&word.span, format!("{}: `{own}` is not Cassandra's `{theirs}`", service.name.text)))
    })
}

fn version(stack: &Stack) -> Vec<Hit> {
    let theirs =
        cassandra(stack).map(|(version, _)| version).filter(|theirs| VERSIONS.contains(&theirs.as_str()));
    coordinators(stack, |service| {
        let who = &service.name.text;
        let Some(word) = service.value("CLUSTER_VERSION") else {
            let missing = service.lacks("CLUSTER_VERSION");
            return missing.then(|| hit(&service.name.span, format!("{who} has no CLUSTER_VERSION")));
        };
        let own = word.known()?;
        let made_for = match service.repository().rsplit('-').next() {
            Some("4_0") => Some("4.0"),
            Some("3_11") => Some("3.11"),
            _ => None,
        };
        if let Some(theirs) = theirs.as_deref().filter(|theirs| *theirs != own) {
            return Some(hit(&word.span, format!("{who}: {own}, and Cassandra is {theirs}")));
        }
        let made_for = made_for.filter(|made_for| *made_for != own)?;
        Some(hit(&word.span, format!("{who}: {own}, and its image is made for {made_for}")))
    })
}

fn too_new(stack: &Stack) -> Vec<Hit> {
    let Some((version, node)) = cassandra(stack) else { return Vec::new() };
    let one = stack.running(Engine::Stargate).into_iter().find(|service| !developer_mode(service));
    let (Some(coordinator), Some(image)) = (one, node.image.as_ref()) else { return Vec::new() };
    // `4` is the newest of its line, 4.1; `3` is 3.11.
    if VERSIONS.contains(&version.as_str()) || version == "3" {
        return Vec::new();
    }
    let (who, whose) = (&node.name.text, &coordinator.name.text);
    vec![hit(&image.span, format!("{who}: {whose} cannot speak to Cassandra {version}"))]
}

fn seed(stack: &Stack) -> Vec<Hit> {
    coordinators(stack, |service| {
        let who = &service.name.text;
        if developer_mode(service) {
            return None;
        }
        if let Some(variable) =
            service.variable("CLUSTER_SEED").filter(|_| service.variable("SEED").is_none())
        {
            return Some(hit(&variable.name.span, format!("{who}: CLUSTER_SEED does not exist")));
        }
        let Some(word) = service.value("SEED") else {
            return service.lacks("SEED").then(|| hit(&service.name.span, format!("{who} has no SEED")));
        };
        let wrong = word.list()?.len() != 1;
        wrong.then(|| hit(&word.span, format!("{who}: `{}` is not one seed", word.text)))
    })
}

fn developer(stack: &Stack) -> Vec<Hit> {
    let ring = !stack.running(Engine::Cassandra).is_empty();
    coordinators(stack, |service| {
        let variable = service.variable("DEVELOPER_MODE").filter(|_| ring)?;
        let on = variable.value.is("true");
        on.then(|| hit(&variable.value.span, format!("{} is a database of its own", service.name.text)))
    })
}

fn place(stack: &Stack) -> Vec<Hit> {
    coordinators(stack, |service| {
        let without = |name: &&str| service.lacks(name);
        let missing = ["DATACENTER_NAME", "RACK_NAME"].into_iter().find(without)?;
        let wrong = service.lacks("SIMPLE_SNITCH") && !developer_mode(service);
        wrong.then(|| hit(&service.name.span, format!("{} has no {missing}", service.name.text)))
    })
}

fn flags(stack: &Stack) -> Vec<Hit> {
    let names = ["SIMPLE_SNITCH", "ENABLE_AUTH", "BIND_TO_LISTEN_ADDRESS", "USE_PROXY_PROTOCOL"];
    coordinators(stack, |service| {
        let off = |name: &str| {
            let variable = service.variable(name)?;
            let off =
                matches!(variable.value.known(), Some("false" | "False" | "FALSE" | "0" | "no" | "off"));
            off.then_some(variable)
        };
        let variable = names.iter().find_map(|name| off(name))?;
        let what = format!("{}: {}={} is on", service.name.text, variable.name.text, variable.value.text);
        Some(hit(&variable.value.span, what))
    })
}

fn bridge(stack: &Stack) -> Vec<Hit> {
    each(stack, |service| {
        let door =
            service.engine == Some(Engine::Graphql) && service.lacks("QUARKUS_GRPC_CLIENTS_BRIDGE_HOST");
        door.then(|| hit(&service.name.span, format!("{} knows no coordinator", service.name.text)))
    })
}

fn strange_seed(stack: &Stack) -> Vec<Hit> {
    let nodes = stack.running(Engine::Cassandra);
    coordinators(stack, |service| {
        let word = service.value("SEED").filter(|_| !nodes.is_empty() && !developer_mode(service))?;
        let [seed] = word.list()?[..] else { return None };
        let strange = !may_be_one(stack, service, seed, &nodes);
        strange.then(|| hit(&word.span, format!("{}: no Cassandra here is {seed}", service.name.text)))
    })
}

fn same_ports(stack: &Stack) -> Vec<Hit> {
    coordinators(stack, |service| {
        let nodes = stack.running(Engine::Cassandra);
        let beside = |node: &&&Service| stack.on_host(node) && node.deploy.is_beside(&service.deploy);
        let node = nodes.iter().find(beside).filter(|_| stack.on_host(service))?;
        let listen = service.value("LISTEN");
        let apart = listen.is_some_and(|own| {
            let theirs = node.value("CASSANDRA_LISTEN_ADDRESS").and_then(|word| word.known());
            own.known().is_none() || theirs.is_some_and(|theirs| !own.is(theirs))
        });
        let bound = service.value("BIND_TO_LISTEN_ADDRESS").is_some_and(|word| !word.is(""));
        let wrong = service.complete && !(apart && bound);
        let what = format!("{} is on the board of {}, and on its ports", service.name.text, node.name.text);
        wrong.then(|| hit(&service.name.span, what))
    })
}

/// A node's data centre: as it says, or as its snitch has it in the official image.
fn data_centre(node: &Service) -> Option<&str> {
    let snitch = match node.value("CASSANDRA_ENDPOINT_SNITCH") {
        Some(word) => word.known()?,
        None if node.complete && node.repository() == "cassandra" => "SimpleSnitch",
        None => return None,
    };
    match (snitch, node.value("CASSANDRA_DC")) {
        ("SimpleSnitch", _) => Some("datacenter1"),
        (_, Some(word)) => word.known(),
        ("GossipingPropertyFileSnitch", None) if node.complete => Some("dc1"),
        _ => None,
    }
}

fn elsewhere(stack: &Stack) -> Vec<Hit> {
    let nodes = stack.running(Engine::Cassandra);
    let centres: Option<Vec<&str>> = nodes.into_iter().map(data_centre).collect();
    let Some(centres) = centres.filter(|centres| !centres.is_empty()) else { return Vec::new() };
    coordinators(stack, |service| {
        let word = service.value("DATACENTER_NAME").filter(|_| service.lacks("SIMPLE_SNITCH"))?;
        let own = word.known().filter(|own| !developer_mode(service) && !centres.contains(own))?;
        let what = format!("{}: `{own}`, and Cassandra's is `{}`", service.name.text, centres[0]);
        Some(hit(&word.span, what))
    })
}
