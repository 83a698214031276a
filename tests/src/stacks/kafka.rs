//! A Kafka cluster: a broker that is a controller too on each of a lab's first three boards.

use std::time::Duration;

use pirack::stack::kafka::defaults::{Defaults, Part};
use pirack_lab::{Board, Lab};

use super::Service;
use super::service::Made;
use crate::rack::QUICK_JVM;

/// A cluster's own name for itself, the same for all its brokers.
const CLUSTER_ID: &str = "cGlyYWNrLWxhYi1rYWZrYQ";
/// Who may come in at the listener GUEST.
pub const USER: &str = "agent";
/// And with what.
pub const PASSWORD: &str = "open sesame";
/// How long a broker may take to be well.
const START: Duration = Duration::from_secs(600);

/// Brokers, one a board.
#[derive(Debug)]
pub struct Cluster {
    /// The brokers, in the boards' order.
    pub brokers: Vec<Service>,
    /// Where clients begin.
    pub bootstrap: Vec<String>,
    /// The same at the listener GUEST, which lets in [`USER`] with [`PASSWORD`] and nobody else.
    pub guests: Vec<String>,
}

impl Cluster {
    /// Starts a broker on each board; does not wait until they are well.
    ///
    /// # Panics
    /// When a board's engine refuses.
    #[must_use]
    pub fn start(lab: &Lab, image: &str) -> Self {
        let defaults = Defaults::built_in().unwrap();
        let boards: Vec<(u32, &Board, String)> =
            (1..).zip(lab.boards()).map(|(node, board)| (node, board, board.address().to_string())).collect();
        let voters = defaults.voters(boards.iter().map(|(node, _, address)| (*node, address.as_str())));
        let broker = |(node, board, address): &(u32, &Board, String)| {
            let environment = environment(&defaults, boards.len(), *node, address, &voters);
            let data = "/var/lib/kafka/data";
            Service::start(board, Made { name: "kafka", image, environment, memory_mebibytes: 640, data })
        };
        let at = |port| boards.iter().map(|(_, _, address)| format!("{address}:{port}")).collect();
        Self {
            brokers: boards.iter().map(broker).collect(),
            bootstrap: at(defaults.rack().port),
            guests: at(defaults.guest().port),
        }
    }

    /// Waits until every broker is well.
    pub fn when_well(&self) {
        for broker in &self.brokers {
            broker.when_well(START);
        }
    }
}

/// What the rack sets on every broker, what tells one from another, and what only tests want.
fn environment(defaults: &Defaults, brokers: usize, node: u32, address: &str, voters: &str) -> Vec<String> {
    let mut variables = defaults.variables(brokers);
    variables.extend(defaults.places(Part::Both, address));
    let own = [
        ("CLUSTER_ID", CLUSTER_ID),
        ("KAFKA_NODE_ID", &node.to_string()),
        ("KAFKA_PROCESS_ROLES", "broker,controller"),
        ("KAFKA_CONTROLLER_QUORUM_VOTERS", voters),
        ("KAFKA_HEAP_OPTS", "-Xms256m -Xmx256m"),
        ("KAFKA_OPTS", QUICK_JVM),
    ];
    let login = format!(
        "org.apache.kafka.common.security.plain.PlainLoginModule required user_{USER}=\"{PASSWORD}\";"
    );
    let protocols = "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP";
    let guarded = variables[protocols].replace("GUEST:PLAINTEXT", "GUEST:SASL_PLAINTEXT");
    let tests = [
        // A door that asks who is there, to be refused at.
        (protocols, guarded.as_str()),
        ("KAFKA_LISTENER_NAME_GUEST_SASL_ENABLED_MECHANISMS", "PLAIN"),
        ("KAFKA_LISTENER_NAME_GUEST_PLAIN_SASL_JAAS_CONFIG", &login),
        // What has expired is gone in seconds.
        ("KAFKA_LOG_RETENTION_CHECK_INTERVAL_MS", "2000"),
    ];
    let more = own.into_iter().chain(tests).map(|(name, value)| (name.to_owned(), value.to_owned()));
    variables.extend(more);
    variables.into_iter().map(|(name, value)| format!("{name}={value}")).collect()
}
