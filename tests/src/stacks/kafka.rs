//! A Kafka cluster: a broker that is a controller too on each of a lab's first three boards.

use std::fs;
use std::time::Duration;

use pirack_lab::{Board, Lab};

use super::Service;
use super::service::Made;
use crate::program;

/// A cluster's own name for itself, the same for all its brokers.
const CLUSTER_ID: &str = "cGlyYWNrLWxhYi1rYWZrYQ";
/// Who may come in at the listener GUEST.
pub const USER: &str = "agent";
/// And with what.
pub const PASSWORD: &str = "open sesame";
/// How long a broker may take to be well.
const START: Duration = Duration::from_secs(120);

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
    #[must_use]
    pub fn start(lab: &Lab, image: &str) -> Self {
        let voter = |(index, board): (usize, &Board)| format!("{}@{}:9093", index + 1, board.address());
        let voters = lab.boards().iter().enumerate().map(voter).collect::<Vec<_>>().join(",");
        let broker = |(index, board): (usize, &Board)| {
            let environment = environment(index + 1, &board.address().to_string(), &voters);
            let data = "/var/lib/kafka/data";
            Service::start(board, Made { name: "kafka", image, environment, memory_mebibytes: 640, data })
        };
        Self {
            brokers: lab.boards().iter().enumerate().map(broker).collect(),
            bootstrap: lab.boards().iter().map(|board| format!("{}:9092", board.address())).collect(),
            guests: lab.boards().iter().map(|board| format!("{}:9094", board.address())).collect(),
        }
    }

    /// Waits until every broker is well.
    pub fn when_well(&self) {
        for broker in &self.brokers {
            broker.when_well(START);
        }
    }
}

/// What tells one broker from another, what the rack sets on each, and what only tests want.
fn environment(node: usize, address: &str, voters: &str) -> Vec<String> {
    let own = [
        format!("CLUSTER_ID={CLUSTER_ID}"),
        format!("KAFKA_NODE_ID={node}"),
        "KAFKA_PROCESS_ROLES=broker,controller".to_owned(),
        format!("KAFKA_CONTROLLER_QUORUM_VOTERS={voters}"),
        format!("KAFKA_LISTENERS=RACK://{address}:9092,CONTROLLER://{address}:9093,GUEST://{address}:9094"),
        format!("KAFKA_ADVERTISED_LISTENERS=RACK://{address}:9092,GUEST://{address}:9094"),
        "KAFKA_INTER_BROKER_LISTENER_NAME=RACK".to_owned(),
        "KAFKA_CONTROLLER_LISTENER_NAMES=CONTROLLER".to_owned(),
        "KAFKA_HEAP_OPTS=-Xms256m -Xmx256m".to_owned(),
    ];
    let tests = [
        // A door that asks who is there, to be refused at.
        "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP=RACK:PLAINTEXT,CONTROLLER:PLAINTEXT,GUEST:SASL_PLAINTEXT"
            .to_owned(),
        "KAFKA_LISTENER_NAME_GUEST_SASL_ENABLED_MECHANISMS=PLAIN".to_owned(),
        format!(
            "KAFKA_LISTENER_NAME_GUEST_PLAIN_SASL_JAAS_CONFIG=org.apache.kafka.common.security.plain.PlainLoginModule required user_{USER}=\"{PASSWORD}\";"
        ),
        // What has expired is gone in seconds.
        "KAFKA_LOG_RETENTION_CHECK_INTERVAL_MS=2000".to_owned(),
    ];
    own.into_iter().chain(rack()).chain(tests).collect()
}

/// What `images/kafka/defaults.toml` sets on every broker, each property as the variable that stands for it.
fn rack() -> Vec<String> {
    let path = program::root().join("images/kafka/defaults.toml");
    let text = fs::read_to_string(&path).unwrap();
    let defaults: toml::Table = text.parse().unwrap();
    let variable = |(name, property): (&String, &toml::Value)| {
        let value = property["value"].as_str().unwrap();
        format!("KAFKA_{}={value}", name.to_uppercase().replace('.', "_"))
    };
    defaults["properties"].as_table().unwrap().iter().map(variable).collect()
}
