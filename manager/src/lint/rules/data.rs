//! Services that keep data and an identity: Kafka and Cassandra, and Stargate where it is a node of a ring.

use std::time::Duration;

use super::kafka::on_defaults;
use super::{Hit, Rule, each, hit};
use crate::lint::compose::{Engine, Mount, MountKind, Service, Stack, Word, keeps_data, title};
use crate::lint::finding::Severity;

pub(super) const RULES: &[Rule] = &[
    Rule {
        code: "SL070",
        severity: Severity::Error,
        title: "several tasks of one identity",
        reason: "Every task would have the same number, address and volume; a cluster needs one of each for every node",
        remedy: "Write one service for every node, each bound to its board",
        check: copies,
    },
    Rule {
        code: "SL071",
        severity: Severity::Error,
        title: "no volume for the data",
        reason: "Data that lie in the container go with it: after every update the node is empty",
        remedy: "Mount a named volume where the engine writes; apache/kafka writes into /tmp unless KAFKA_LOG_DIRS says where",
        check: no_volume,
    },
    Rule {
        code: "SL072",
        severity: Severity::Error,
        title: "one volume for two nodes",
        reason: "Both write into it: the second does not start, or destroys what the first wrote",
        remedy: "Give each node a volume of its own, or bind them to different boards",
        check: shared_volume,
    },
    Rule {
        code: "SL073",
        severity: Severity::Error,
        title: "peers behind a virtual address",
        reason: "A service's name leads to the swarm's virtual address, from which no peer ever comes: nodes do not recognise each other",
        remedy: "Use the board's own network; or set deploy.endpoint_mode to dnsrr, and publish ports, if any, with `mode: host`",
        check: virtual_address,
    },
    Rule {
        code: "SL074",
        severity: Severity::Warning,
        title: "too little time to stop",
        reason: "What has not stopped by then is killed, and repairs its logs at the next start; the default is 10 s",
        remedy: "Set stop_grace_period: 60s for Kafka, 120s for Cassandra",
        check: grace,
    },
    Rule {
        code: "SL075",
        severity: Severity::Warning,
        title: "a health check that does not wait",
        reason: "A swarm ends a task that is not yet healthy: on a board it never gets through its start",
        remedy: "Set healthcheck.start_period: 60s for Kafka and Stargate, 180s for Cassandra",
        check: impatient,
    },
    Rule {
        code: "SL076",
        severity: Severity::Error,
        title: "start-first",
        reason: "The new task starts while the old one still has the volume and the ports",
        remedy: "Set deploy.update_config.order to stop-first",
        check: start_first,
    },
    Rule {
        code: "SL077",
        severity: Severity::Error,
        title: "no place",
        reason: "It starts on any board: away from its data, or two of them on one",
        remedy: "Bind it to its board, for example with `node.labels.board == b1`",
        check: anywhere,
    },
];

fn data(service: &Service) -> Option<Engine> {
    service.engine.filter(|engine| keeps_data(*engine))
}

/// With Stargate's coordinator, which is a node of the ring.
fn peer(service: &Service) -> Option<Engine> {
    service.engine.filter(|engine| *engine != Engine::Graphql)
}

fn copies(stack: &Stack) -> Vec<Hit> {
    each(stack, |service| {
        let name = title(data(service)?);
        if let Some((number, span)) = service.deploy.many() {
            return Some(hit(&span, format!("{}: {number} tasks of one {name} node", service.name.text)));
        }
        let mode = service.deploy.mode.as_ref().filter(|_| service.deploy.is_global())?;
        Some(hit(&mode.span, format!("{}: one {name} node on every board", service.name.text)))
    })
}

/// Where an engine writes, by its variables and its image; nothing where that is not known.
fn folders(service: &Service, engine: Engine) -> Option<Vec<String>> {
    let name = service.repository();
    let one = |folder: &str| Some(vec![folder.to_owned()]);
    let bitnami = ["bitnami/", "bitnamilegacy/"].iter().any(|maker| name.contains(maker));
    if engine == Engine::Cassandra {
        let folder = if bitnami { "/bitnami/cassandra" } else { "/var/lib/cassandra" };
        // A command or a configuration may name another.
        return one(folder).filter(|_| service.complete);
    }
    for variable in ["KAFKA_LOG_DIRS", "KAFKA_CFG_LOG_DIRS", "KAFKA_LOG_DIR", "KAFKA_CFG_LOG_DIR"] {
        if let Some(word) = service.value(variable) {
            return Some(word.list()?.into_iter().map(str::to_owned).collect());
        }
    }
    match name {
        _ if !service.complete => None,
        _ if bitnami => one("/bitnami/kafka"),
        _ if name.contains("confluentinc/") || name.contains("pirack/") => one("/var/lib/kafka/data"),
        _ if on_defaults(service) => one("/tmp/kraft-combined-logs"),
        // Kafka's own, for its image says no other.
        _ if name.contains("apache/kafka") => one("/tmp/kafka-logs"),
        _ => None,
    }
}

fn no_volume(stack: &Stack) -> Vec<Hit> {
    each(stack, |service| {
        let folders = folders(service, data(service)?);
        let told = service.mounts.iter().all(|mount| mount.target.is_some() || mount.source.starts_with('~'));
        let mut kept =
            service.mounts.iter().filter(|mount| matches!(mount.kind, MountKind::Volume | MountKind::Bind));
        let lost = match folders {
            Some(folders) => folders
                .iter()
                .find(|folder| !kept.clone().any(|mount| keeps(mount, folder)))
                .map(|f| format!("`{f}`")),
            None => kept.next().is_none().then(|| "its data".to_owned()),
        }?;
        told.then(|| hit(&service.name.span, format!("{}: nothing keeps {lost}", service.name.text)))
    })
}

/// Whether a folder, or a part of it, lies on a mount.
fn keeps(mount: &Mount, folder: &str) -> bool {
    mount.holds(folder) || mount.target.as_ref().is_some_and(|target| target.starts_with(folder))
}

fn shared_volume(stack: &Stack) -> Vec<Hit> {
    let nodes: Vec<&Service> = stack.services.iter().filter(|service| data(service).is_some()).collect();
    let named = |mount: &&Mount| mount.kind == MountKind::Volume;
    let mut hits = Vec::new();
    for (at, service) in nodes.iter().enumerate() {
        for mount in service.mounts.iter().filter(named) {
            let owner = nodes[..at].iter().find(|other| {
                let apart = stack.is_local(&mount.source) && other.deploy.is_apart_from(&service.deploy);
                !apart && other.mounts.iter().filter(named).any(|theirs| theirs.source == mount.source)
            });
            if let Some(owner) = owner {
                let (who, whose) = (&service.name.text, &owner.name.text);
                hits.push(hit(
                    &mount.span,
                    format!("{who}: `{}` is the volume of {whose} too", mount.source),
                ));
            }
        }
    }
    hits
}

fn virtual_address(stack: &Stack) -> Vec<Hit> {
    // Kafka's nodes are one cluster, Cassandra's and Stargate's coordinators another.
    let nodes = |engine: Engine| {
        let peers = move |other: &&Service| {
            peer(other).is_some_and(|theirs| (theirs == Engine::Kafka) == (engine == Engine::Kafka))
        };
        stack.services.iter().filter(peers)
    };
    each(stack, |service| {
        let engine = peer(service)?;
        let round = service.deploy.endpoint_mode.as_ref().is_some_and(|mode| !mode.is("vip"));
        // A port of the board's leads to the task itself, and so does the name `tasks.NAME`.
        let outside = service.ports.iter().any(|port| port.on_host);
        let tasks = format!("tasks.{}", service.name.text);
        let by_tasks = nodes(engine)
            .flat_map(|other| &other.variables)
            .any(|variable| variable.value.text.contains(&tasks));
        if nodes(engine).count() < 2 || round || by_tasks || outside || stack.on_host(service) {
            return None;
        }
        let span = service.deploy.endpoint_mode.as_ref().map_or(&service.name.span, |mode| &mode.span);
        Some(hit(span, format!("{}: its peers see a virtual address", service.name.text)))
    })
}

fn grace(stack: &Stack) -> Vec<Hit> {
    each(stack, |service| {
        let needed = match data(service)? {
            Engine::Kafka => 60,
            _ => 120,
        };
        let said = service.word("stop_grace_period");
        let given = match &said {
            None => Duration::from_secs(10),
            Some(word) => word.duration()?,
        };
        let span = said.as_ref().map_or(&service.name.span, |word| &word.span);
        let what = format!("{} has {} s to stop and needs {needed}", service.name.text, given.as_secs());
        (given < Duration::from_secs(needed)).then(|| hit(span, what))
    })
}

fn impatient(stack: &Stack) -> Vec<Hit> {
    each(stack, |service| {
        let needed = match peer(service)? {
            Engine::Cassandra => 180,
            _ => 60,
        };
        let check = service.node.get("healthcheck").filter(|check| check.get("test").is_some())?;
        let word = |key: &str| check.get(key).and_then(|node| Word::of(node));
        let time = |key: &str, otherwise: u64| match word(key) {
            None => Some(Duration::from_secs(otherwise)),
            Some(word) => word.duration(),
        };
        let retries = word("retries").map_or(Some(3), |word| u32::try_from(word.number()?).ok())?;
        let patience = time("interval", 30)?.saturating_mul(retries).saturating_add(time("start_period", 0)?);
        let key = service.key("healthcheck")?;
        let what =
            format!("{} is ended after {} s and needs up to {needed}", service.name.text, patience.as_secs());
        (patience < Duration::from_secs(needed)).then(|| hit(&key.span, what))
    })
}

fn start_first(stack: &Stack) -> Vec<Hit> {
    each(stack, |service| {
        data(service)?;
        let order = service.deploy.order.as_ref().filter(|order| order.is("start-first"))?;
        Some(hit(&order.span, format!("{}: two nodes of one identity at once", service.name.text)))
    })
}

fn anywhere(stack: &Stack) -> Vec<Hit> {
    each(stack, |service| {
        let engine = peer(service)?;
        let one = service.deploy.many().is_none() && !service.deploy.is_global();
        let loose = one && !service.deploy.is_placed();
        let what = format!("{}: {} may start on any board", service.name.text, title(engine));
        loose.then(|| hit(&service.name.span, what))
    })
}
