//! A broker, a controller, or both, as a service of one board.
//!
//! Who it is (cluster, number, voters, replication) comes from the rack's memory alone: a broker that is told
//! anything else refuses its volume, and one that is told of a new board would restart for it.

use std::collections::BTreeMap;

use pirack_swarm::desired::{ConfigName, EnvKey, Service};
use pirack_swarm::spec::Span;

use super::defaults::Part;
use crate::rack::identity::KafkaIdentity;
use crate::rack::{Board, BoardName, Bytes, Kafka, Rack};
use crate::stack::StackError;
use crate::stack::memory::{self, Share};
use crate::stack::service::{Engine, Pinned, env, healthy, is_own, program, sealed};

/// The user that both images run as.
pub(in crate::stack) const USER: u32 = 1000;
/// Prometheus metrics, where the image has an exporter.
const METRICS: u16 = 8080;
/// Where both images keep their data.
const DATA: &str = "/var/lib/kafka/data";
/// Twice what handing over the leaders takes on a board whose card is slow.
const GRACE: Span = Span::seconds(120);
/// A log that was not closed is read through, and a voter waits for the others; both may take long.
const START: Span = Span::seconds(3600);
/// The health check of this project's own image.
const OWN_CHECK: &str = "/opt/kafka/bin/healthy";
/// The health check, for images that have none: two files that lie side by side.
pub(in crate::stack) const CHECKS: [(&str, &str, &str); 2] = [
    ("kafka-healthy", "/opt/pirack/healthy", include_str!("../../../../images/kafka/bin/healthy")),
    ("kafka-property", "/opt/pirack/property", include_str!("../../../../images/kafka/bin/property")),
];

/// What this board is in Kafka.
fn part(kafka: &Kafka, voters: &[String], board: &BoardName) -> Part {
    let votes = voters.iter().any(|voter| voter == board.as_str());
    match (kafka.brokers.contains(board), votes) {
        (true, true) => Part::Both,
        (true, false) => Part::Broker,
        (false, _) => Part::Controller,
    }
}

/// The ports that it may take on this board: which brokers vote, the file need not say.
pub(in crate::stack) fn ports(kafka: &Kafka, board: &BoardName) -> Vec<u16> {
    let part = match (kafka.brokers.contains(board), kafka.voters.contains(board)) {
        (true, votes) if votes || !kafka.voters_named => Part::Both,
        (true, _) => Part::Broker,
        (false, _) => Part::Controller,
    };
    let mut ports = kafka.defaults.ports(part);
    ports.push(METRICS);
    ports
}

/// Its heap and its limit on a board of this size.
pub(in crate::stack) fn share(kafka: &Kafka, memory: Bytes, board: &BoardName) -> Option<Share> {
    if kafka.brokers.contains(board) {
        memory::settled(memory::kafka(memory), kafka.heap, kafka.limit)
    } else {
        memory::controller(memory)
    }
}

/// The service of this board.
pub(in crate::stack) fn service(
    rack: &Rack,
    kafka: &Kafka,
    identity: &KafkaIdentity,
    board: &Board,
    share: Share,
) -> Result<Service, StackError> {
    let pinned = Pinned { engine: Engine::Kafka, board, image: &kafka.image, share, grace: GRACE };
    let mut service = pinned.service()?;
    service.mounts = vec![pinned.data(DATA)?];
    service.env = variables(rack, kafka, identity, board, share)?;
    if is_own(&kafka.image) {
        service.health = Some(healthy(OWN_CHECK, START));
        sealed(&mut service)?;
    } else {
        service.health = Some(healthy(CHECKS[0].1, START));
        for (name, target, _) in CHECKS {
            service.configs.push(program(&name.parse::<ConfigName>()?, target)?);
        }
    }
    Ok(service)
}

fn variables(
    rack: &Rack,
    kafka: &Kafka,
    identity: &KafkaIdentity,
    board: &Board,
    share: Share,
) -> Result<BTreeMap<EnvKey, String>, StackError> {
    let part = part(kafka, &identity.voters, &board.name);
    let mut all = kafka.defaults.variables(identity.brokers_at_start);
    all.extend(kafka.defaults.places(part, &board.address.to_string()));
    let heap = share.heap.as_mebibytes();
    let own = [
        ("CLUSTER_ID", identity.cluster_id.clone()),
        ("KAFKA_NODE_ID", node(identity, board.name.as_str())?.to_string()),
        ("KAFKA_PROCESS_ROLES", part.roles().to_owned()),
        ("KAFKA_CONTROLLER_QUORUM_VOTERS", voters(rack, kafka, identity)?),
        ("KAFKA_HEAP_OPTS", format!("-Xms{heap}m -Xmx{heap}m")),
    ];
    all.extend(own.map(|(name, value)| (name.to_owned(), value)));
    if part != Part::Controller {
        all.insert("KAFKA_BROKER_RACK".to_owned(), board.place.clone());
    }
    if let Some(options) = &kafka.jvm_options {
        all.insert("KAFKA_OPTS".to_owned(), options.clone());
    }
    Ok(env(all)?)
}

fn node(identity: &KafkaIdentity, board: &str) -> Result<u32, StackError> {
    identity.nodes.get(board).copied().ok_or(StackError::Forgotten("number for every board of Kafka"))
}

fn voters(rack: &Rack, kafka: &Kafka, identity: &KafkaIdentity) -> Result<String, StackError> {
    let mut voters = Vec::new();
    for name in &identity.voters {
        let board = rack.boards.iter().find(|board| board.name.as_str() == name);
        let board =
            board.ok_or_else(|| StackError::NoBoard { whom: "Kafka's quorum", board: name.clone() })?;
        voters.push((node(identity, name)?, board.address.to_string()));
    }
    Ok(kafka.defaults.voters(voters.iter().map(|(node, address)| (*node, address.as_str()))))
}
