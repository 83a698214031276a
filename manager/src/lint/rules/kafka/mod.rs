//! Kafka in KRaft mode: identities, the quorum of controllers, listeners, copies. All of a file's Kafka services
//! are taken for one cluster.
//!
//! A property stands in a variable: `KAFKA_NODE_ID`, or Bitnami's `KAFKA_CFG_NODE_ID`.

mod identity;
mod listeners;
mod quorum;
mod replication;

use super::{Hit, Rule, hit};
use crate::lint::compose::{Engine, Service, Stack, Word};
use crate::lint::finding::Severity;
use crate::lint::yaml::Span;

pub(super) const RULES: &[Rule] = &[
    Rule {
        code: "SL101",
        severity: Severity::Error,
        title: "no node id",
        reason: "A node of a KRaft cluster does not start without a number",
        remedy: "Set KAFKA_NODE_ID, another for every node",
        check: identity::missing,
    },
    Rule {
        code: "SL102",
        severity: Severity::Error,
        title: "a node id twice",
        reason: "Brokers and controllers share one set of numbers: the second is refused by the first's cluster",
        remedy: "Give every node a number of its own, for ever",
        check: identity::twice,
    },
    Rule {
        code: "SL103",
        severity: Severity::Error,
        title: "no process roles",
        reason: "Without roles Kafka is no KRaft node, and from 4.0 it is nothing else",
        remedy: "Set KAFKA_PROCESS_ROLES to broker, controller or broker,controller",
        check: identity::no_roles,
    },
    Rule {
        code: "SL104",
        severity: Severity::Error,
        title: "ZooKeeper with Kafka 4",
        reason: "Kafka 4.0 and newer have no ZooKeeper",
        remedy: "Set up KRaft: roles, node id, voters, cluster id",
        check: identity::zookeeper,
    },
    Rule {
        code: "SL105",
        severity: Severity::Error,
        title: "voters that are no list of ID@HOST:PORT",
        reason: "Kafka cannot read it and does not start",
        remedy: "Write 1@HOST:9093,2@HOST:9093,3@HOST:9093 with commas between",
        check: quorum::malformed,
    },
    Rule {
        code: "SL106",
        severity: Severity::Error,
        title: "no voters",
        reason: "Nodes that know no quorum form none: each stays alone, or does not start",
        remedy: "Set KAFKA_CONTROLLER_QUORUM_VOTERS, the same for all",
        check: quorum::missing,
    },
    Rule {
        code: "SL107",
        severity: Severity::Error,
        title: "voters that differ",
        reason: "Controllers of different quorums elect different leaders",
        remedy: "Write the same text for all nodes; an anchor keeps it so",
        check: quorum::differing_voters,
    },
    Rule {
        code: "SL108",
        severity: Severity::Error,
        title: "voters that do not match the controllers",
        reason: "A controller that is no voter does not start, and a voter of another number or address never answers",
        remedy: "Name every controller with its own node id and address, and nobody else",
        check: quorum::mismatched,
    },
    Rule {
        code: "SL109",
        severity: Severity::Warning,
        title: "an even number of voters",
        reason: "Two lose their quorum with the first that is away, four with the second, as three do",
        remedy: "Have one, three or five voters",
        check: quorum::even,
    },
    Rule {
        code: "SL110",
        severity: Severity::Error,
        title: "no cluster id",
        reason: "Each node then takes its image's own: one of its own by chance, or the same for all racks of the world",
        remedy: "Make one with `kafka-storage.sh random-uuid` and set CLUSTER_ID (Bitnami: KAFKA_KRAFT_CLUSTER_ID), the same for all",
        check: identity::no_cluster,
    },
    Rule {
        code: "SL111",
        severity: Severity::Error,
        title: "cluster ids that differ",
        reason: "Nodes of different clusters refuse each other",
        remedy: "Write the same id for all nodes; an anchor keeps it so",
        check: identity::other_cluster,
    },
    Rule {
        code: "SL112",
        severity: Severity::Error,
        title: "a cluster id that is none",
        reason: "It is a UUID in 22 letters of base64, of which the first is no dash: Kafka does not format its volume with anything else",
        remedy: "Make one with `kafka-storage.sh random-uuid`",
        check: identity::no_uuid,
    },
    Rule {
        code: "SL113",
        severity: Severity::Error,
        title: "no listener for the controllers",
        reason: "Without controller.listener.names, and that name among a controller's listeners, Kafka does not start",
        remedy: "Set KAFKA_CONTROLLER_LISTENER_NAMES to CONTROLLER, and add CONTROLLER://HOST:9093 to the KAFKA_LISTENERS of controllers, and of nobody else",
        check: listeners::controller,
    },
    Rule {
        code: "SL114",
        severity: Severity::Error,
        title: "an advertised listener without a host",
        reason: "Clients and brokers are sent to the container's own name, which nobody else can resolve",
        remedy: "Advertise the board's address: RACK://10.0.0.11:9092",
        check: listeners::no_host,
    },
    Rule {
        code: "SL115",
        severity: Severity::Error,
        title: "an advertised listener that leads nowhere",
        reason: "0.0.0.0 is refused, and with localhost everybody is sent to himself",
        remedy: "Advertise the board's address: RACK://10.0.0.11:9092",
        check: listeners::nowhere,
    },
    Rule {
        code: "SL116",
        severity: Severity::Error,
        title: "nothing advertised",
        reason: "Clients and brokers are sent to where it listens, or to the container's own name, which nobody else can resolve",
        remedy: "Set KAFKA_ADVERTISED_LISTENERS to the board's address",
        check: listeners::not_advertised,
    },
    Rule {
        code: "SL117",
        severity: Severity::Error,
        title: "an advertised listener that does not listen",
        reason: "Kafka does not start: what it advertises must be among its listeners, and none of the controllers'",
        remedy: "Use the same names in KAFKA_LISTENERS and KAFKA_ADVERTISED_LISTENERS, without the controllers'",
        check: listeners::not_listening,
    },
    Rule {
        code: "SL118",
        severity: Severity::Error,
        title: "two brokers of one address",
        reason: "Clients that are sent to the one reach the other, and are refused",
        remedy: "Advertise each broker's own board and port",
        check: listeners::same_address,
    },
    Rule {
        code: "SL119",
        severity: Severity::Error,
        title: "no listener between brokers",
        reason: "Brokers speak to each other on the listener PLAINTEXT unless told otherwise: Kafka does not start without it",
        remedy: "Set KAFKA_INTER_BROKER_LISTENER_NAME to one of the advertised listeners",
        check: listeners::between_brokers,
    },
    Rule {
        code: "SL120",
        severity: Severity::Error,
        title: "a listener without a protocol",
        reason: "A listener of another name than its protocol's needs one in the map: Kafka does not start",
        remedy: "Set KAFKA_LISTENER_SECURITY_PROTOCOL_MAP, for example RACK:PLAINTEXT,CONTROLLER:PLAINTEXT",
        check: listeners::no_protocol,
    },
    Rule {
        code: "SL121",
        severity: Severity::Error,
        title: "more copies than brokers",
        reason: "No topic can be created so: for Kafka's own topics consumers never get a group",
        remedy: "Lower the factor to the number of brokers",
        check: replication::too_many,
    },
    Rule {
        code: "SL122",
        severity: Severity::Error,
        title: "Kafka's own topics on too few brokers",
        reason: "They want three copies by default: with fewer brokers consumers never get a group and no transaction begins",
        remedy: "Set KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR and KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR to the number of brokers",
        check: replication::by_default,
    },
    Rule {
        code: "SL123",
        severity: Severity::Error,
        title: "more copies in sync than copies",
        reason: "A write with acks=all is never acknowledged",
        remedy: "Keep min.insync.replicas below the number of copies by one",
        check: replication::in_sync,
    },
    Rule {
        code: "SL124",
        severity: Severity::Warning,
        title: "one copy on several brokers",
        reason: "A part of it is away with every board that is, and lost with every disk",
        remedy: "Set the factor to 3, or to the number of brokers where they are fewer",
        check: replication::single,
    },
];

/// Variables that begin as a property does, and are none.
const NO_PROPERTIES: [&str; 11] = [
    "KAFKA_VERSION",
    "KAFKA_HEAP_OPTS",
    "KAFKA_OPTS",
    "KAFKA_JMX_OPTS",
    "KAFKA_JMX_HOSTNAME",
    "KAFKA_JVM_PERFORMANCE_OPTS",
    "KAFKA_GC_LOG_OPTS",
    "KAFKA_LOG4J_OPTS",
    "KAFKA_LOG4J_ROOT_LOGLEVEL",
    "KAFKA_LOG4J_LOGGERS",
    "KAFKA_TOOLS_LOG4J_LOGLEVEL",
];

/// Whether it runs on the settings that apache/kafka has for whoever says none: a cluster of one node, with the
/// number 1 and both roles (`kafka.docker.KafkaDockerWrapper`).
pub(super) fn on_defaults(service: &Service) -> bool {
    let name = service.repository();
    let apache = name.ends_with("apache/kafka") || name.ends_with("apache/kafka-native");
    let is_property = |name: &str| name.starts_with("KAFKA_") && !NO_PROPERTIES.contains(&name);
    apache && service.complete && !service.variables.iter().any(|variable| is_property(&variable.name.text))
}

/// What a Kafka service says of one property.
fn property<'a>(service: &'a Service, name: &str) -> Option<&'a Word> {
    let of = |prefix: &str| service.value(&format!("{prefix}{name}"));
    of("KAFKA_CFG_").or_else(|| of("KAFKA_"))
}

/// Whether a property is certainly not set.
fn lacks(service: &Service, name: &str) -> bool {
    property(service, name).map_or(service.complete, |word| word.is(""))
}

/// The services of the one cluster, as nodes of KRaft.
fn nodes(stack: &Stack) -> Vec<&Service> {
    let mut nodes = stack.running(Engine::Kafka);
    nodes.retain(|service| property(service, "ZOOKEEPER_CONNECT").is_none());
    nodes
}

/// Nodes of which each is one task, so that a variable is one node's.
fn single_nodes(stack: &Stack) -> Vec<&Service> {
    let mut nodes = nodes(stack);
    nodes.retain(|service| service.deploy.many().is_none() && !service.deploy.is_global());
    nodes
}

/// What a node is, where its roles are known.
#[derive(Clone, Copy)]
struct Roles {
    broker: bool,
    controller: bool,
}

fn roles(service: &Service) -> Option<Roles> {
    let list = property(service, "PROCESS_ROLES")?.list()?;
    let known = list.iter().all(|role| matches!(*role, "broker" | "controller"));
    known.then_some(Roles { broker: list.contains(&"broker"), controller: list.contains(&"controller") })
}

/// How many brokers the file has, where it says so of all of them.
fn brokers(stack: &Stack) -> Option<usize> {
    let nodes = nodes(stack);
    if nodes.len() != single_nodes(stack).len() || nodes.is_empty() {
        return None;
    }
    let all: Option<Vec<Roles>> = nodes.into_iter().map(roles).collect();
    Some(all?.into_iter().filter(|roles| roles.broker).count())
}

/// The nodes whose word differs from that of the first that has one.
fn differing<'a>(
    nodes: &[&'a Service],
    word: impl Fn(&'a Service) -> Option<&'a Word>,
) -> Vec<(&'a Service, &'a Word)> {
    let known = |service: &&'a Service| word(service).filter(|word| word.known().is_some());
    let Some(first) = nodes.iter().find_map(known) else { return Vec::new() };
    let others = nodes.iter().filter_map(|service| known(service).map(|word| (*service, word)));
    others.filter(|(_, word)| word.known() != first.known()).collect()
}

fn at_name(service: &Service, what: &str) -> Hit {
    hit(&service.name.span, format!("{} {what}", service.name.text))
}

fn said(service: &Service, span: &Span, what: &str) -> Hit {
    hit(span, format!("{}: {what}", service.name.text))
}
