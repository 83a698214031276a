//! Ports of boards.

use super::{Hit, Rule, each, hit};
use crate::lint::compose::{Declared, Port, Service, Stack, Word, keeps_data};
use crate::lint::finding::Severity;

pub(super) const RULES: &[Rule] = &[
    Rule {
        code: "SL050",
        severity: Severity::Error,
        title: "a port of the board for several tasks",
        reason: "Two tasks on one board cannot have the same port of it: the second waits for ever",
        remedy: "Give each task a board or a port of its own: deploy.placement.max_replicas_per_node: 1, or replicas: 1",
        check: shared,
    },
    Rule {
        code: "SL051",
        severity: Severity::Error,
        title: "a port of the board and start-first",
        reason: "The new task starts while the old one still has the port: an update never ends",
        remedy: "Set deploy.update_config.order to stop-first",
        check: start_first,
    },
    Rule {
        code: "SL052",
        severity: Severity::Error,
        title: "a port that does not exist",
        reason: "Ports end at 65535",
        remedy: "Write the port that is meant",
        check: beyond,
    },
    Rule {
        code: "SL053",
        severity: Severity::Error,
        title: "a network of one board",
        reason: "Services can only use networks of the swarm: tasks on a bridge are refused",
        remedy: "Take the driver out, for a stack's networks are overlays; or use the board's own: external, `name: host`",
        check: one_board,
    },
    Rule {
        code: "SL054",
        severity: Severity::Error,
        title: "a network that is not the board's own",
        reason: "A network that the file declares without `external` is an overlay of the stack's, whatever it is called, with none of the board's addresses; and one that is to have the `name` host is refused",
        remedy: "Declare it with `external: true` and `name: host`",
        check: no_host,
    },
    Rule {
        code: "SL055",
        severity: Severity::Error,
        title: "dnsrr with a port of the swarm's",
        reason: "Docker refuses the service: ports of the swarm lead to a virtual address, and dnsrr has none",
        remedy: "Publish the port with `mode: host` in its long form, or take endpoint_mode out",
        check: ingress_without_address,
    },
    Rule {
        code: "SL056",
        severity: Severity::Error,
        title: "one port of the swarm for two services",
        reason: "A port of the swarm is open on every board, and belongs to one service: another that publishes it, on a board or on all, is refused",
        remedy: "Publish another port, or both with `mode: host` on different boards",
        check: ingress_twice,
    },
    Rule {
        code: "SL057",
        severity: Severity::Warning,
        title: "a published port with an address before it",
        reason: "A swarm ignores the address and opens the port on every board, at all of its addresses: what looks private is public",
        remedy: "Publish no port that only services of one network use; of others take the address out, and keep strangers away in the boards' DOCKER-USER chain",
        check: not_private,
    },
];

fn shared(stack: &Stack) -> Vec<Hit> {
    each(stack, |service| {
        let (number, _) = service.deploy.many()?;
        let one_each = service.deploy.per_node.as_ref().is_some_and(|most| most.number() == Some(1));
        let port = service.ports.iter().find(|port| port.on_host && !one_each)?;
        Some(hit(&port.span, format!("{}: {number} tasks want one port", service.name.text)))
    })
    .into_iter()
    .chain(clashes(stack, |(one, own), (other, theirs)| {
        own.on_host && theirs.on_host && one.deploy.is_beside(&other.deploy)
    }))
    .collect()
}

/// A service, and one of its ports.
type Published<'a> = (&'a Service, &'a Port);

/// The ports that an earlier service has already, where the two get into each other's way.
fn clashes(stack: &Stack, matters: impl Fn(Published<'_>, Published<'_>) -> bool) -> Vec<Hit> {
    let mut hits = Vec::new();
    for (index, service) in stack.services.iter().enumerate() {
        for port in &service.ports {
            let has = |other: &&Service| {
                let in_the_way =
                    |theirs: &Port| theirs.clashes(port) && matters((service, port), (other, theirs));
                other.ports.iter().any(in_the_way)
            };
            if let Some(owner) = stack.services[..index].iter().find(has) {
                let (who, whose) = (&service.name.text, &owner.name.text);
                hits.push(hit(&port.span, format!("{who}: {whose} has this port already")));
            }
        }
    }
    hits
}

fn start_first(stack: &Stack) -> Vec<Hit> {
    each(stack, |service| {
        let order = service.deploy.order.as_ref().filter(|order| order.is("start-first"))?;
        let data = service.engine.is_some_and(keeps_data);
        let held = stack.on_host(service) || service.ports.iter().any(|port| port.on_host);
        (held && !data).then(|| {
            hit(
                &order.span,
                format!("{} has ports of its board's and starts the new one first", service.name.text),
            )
        })
    })
}

/// The variables that have ports in them.
const WITH_PORTS: &[&str] = &["LISTENERS", "VOTERS", "BOOTSTRAP_SERVERS", "SEEDS", "SEED_PORT", "CQL_PORT"];

fn beyond(stack: &Stack) -> Vec<Hit> {
    let wrong = |port: &i64| !(0..=65535).contains(port);
    let mut hits = Vec::new();
    for Service { name, ports, variables, .. } in &stack.services {
        for port in ports {
            if let Some(number) = port.numbers.iter().find(|number| wrong(number)) {
                hits.push(hit(&port.span, format!("{}: there is no port {number}", name.text)));
            }
        }
        for variable in variables {
            if !WITH_PORTS.iter().any(|end| variable.name.text.ends_with(end)) {
                continue;
            }
            let numbers = numbers(&variable.value);
            if let Some(number) = numbers.into_iter().find(|number| wrong(number)) {
                let what = format!("{}: there is no port {number}", name.text);
                hits.push(hit(&variable.value.span, what));
            }
        }
    }
    hits
}

/// What stands behind a colon, or alone, and is a number; whatever else is wrong with the text.
fn numbers(word: &Word) -> Vec<i64> {
    let text = word.known().unwrap_or_default();
    let pieces = text.split([',', '@']).filter_map(|piece| piece.rsplit(':').next());
    pieces.filter_map(|piece| piece.trim().parse().ok()).collect()
}

fn one_board(stack: &Stack) -> Vec<Hit> {
    let local = |network: &Declared| {
        let driver = network.word("driver").filter(|_| !network.is_external())?;
        let kind = driver.known().filter(|kind| LOCAL.contains(kind))?;
        Some(hit(&driver.span, format!("the network `{}` is a {kind} of one board", network.name.text)))
    };
    stack.networks.iter().filter_map(local).collect()
}

/// Drivers of which a network is one board's.
const LOCAL: [&str; 5] = ["bridge", "host", "ipvlan", "macvlan", "null"];
/// Networks that every board has of its own.
const PREDEFINED: [&str; 3] = ["bridge", "host", "none"];

fn no_host(stack: &Stack) -> Vec<Hit> {
    let mistaken = |network: &Declared| {
        let local = network.word("driver").is_some_and(|driver| !driver.is("overlay"));
        let name = network.real_name().unwrap_or_else(|| network.name.text.clone());
        let wrong = !network.is_external() && !local && PREDEFINED.contains(&name.as_str());
        let what = format!("the network `{}` is an overlay of that name", network.name.text);
        wrong.then(|| hit(&network.name.span, what))
    };
    stack.networks.iter().filter_map(mistaken).collect()
}

fn ingress_without_address(stack: &Stack) -> Vec<Hit> {
    each(stack, |service| {
        service.deploy.endpoint_mode.as_ref().filter(|mode| mode.is("dnsrr"))?;
        let port = service.ports.iter().find(|port| !port.on_host)?;
        Some(hit(&port.span, format!("{} has no virtual address for this port", service.name.text)))
    })
}

fn ingress_twice(stack: &Stack) -> Vec<Hit> {
    // With a port of one board's as well: Docker compares the two, wherever the tasks are.
    clashes(stack, |(_, own), (_, theirs)| !own.on_host || !theirs.on_host)
}

fn not_private(stack: &Stack) -> Vec<Hit> {
    let mut hits = Vec::new();
    for service in &stack.services {
        for port in &service.ports {
            if let Some(address) = port.address {
                let what = format!("{}: this port is open on more than {address}", service.name.text);
                hits.push(hit(&port.span, what));
            }
        }
    }
    hits
}
