//! What a rack's own topics and tables still want, and how Kafka and Cassandra are asked for it.

use std::time::Duration;

use super::SwarmLook;
use crate::rack::{BoardName, Cassandra, Kafka, Rack};
use crate::stack::cassandra::{self, schema};
use crate::stack::kafka::{Bootstrap, topics};
use crate::stack::roll::Unit;
use crate::stack::{Engine, StackHealth};

/// What topics and tables want, in the words of their own plans; nothing where nobody could be asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DataSeen {
    /// Kafka's topics.
    pub topics: Option<Vec<String>>,
    /// Cassandra's tables.
    pub schema: Option<Vec<String>>,
}

impl DataSeen {
    /// What is said of a stack that does not say how it is counts for nothing.
    pub(super) fn heard_with(self, health: &StackHealth) -> Self {
        Self {
            topics: self.topics.filter(|_| health.kafka().is_some()),
            schema: self.schema.filter(|_| health.cassandra().is_some()),
        }
    }
}

/// Asks. A stack without a service has nobody who could be asked.
pub(super) async fn look(rack: &Rack, swarm: Option<&SwarmLook>, within: Duration) -> DataSeen {
    let services = swarm.into_iter().flat_map(|swarm| &swarm.observed.services);
    let units: Vec<Unit> = services.filter_map(|held| Unit::of(&held.spec)).collect();
    let has = |engine| units.iter().any(|unit| unit.engine == engine);
    let topics = async {
        let kafka = rack.kafka.as_ref().filter(|_| has(Engine::Kafka))?;
        topics::pending(&topics_request(rack, kafka, within).ok()?).await.ok()
    };
    let schema = async {
        let ring = rack.cassandra.as_ref().filter(|_| has(Engine::Cassandra))?;
        let (connection, wishes) = schema_request(rack, ring, within);
        schema::pending(&connection, &wishes).await.ok()
    };
    let (topics, schema) = tokio::join!(topics, schema);
    DataSeen { topics, schema }
}

/// How the rack's own topics are asked for and made.
///
/// # Errors
/// When an address or a declaration cannot be said to Kafka.
pub fn topics_request(
    rack: &Rack,
    kafka: &Kafka,
    deadline: Duration,
) -> Result<topics::Request, Box<dyn std::error::Error + Send + Sync>> {
    let port = kafka.defaults.rack().port;
    let bootstrap: Bootstrap = addresses(rack, &kafka.brokers, port).join(",").parse()?;
    let declared = topics::Declared::built_in()?;
    let declared = kafka.retention.map_or(declared.clone(), |retention| declared.keeping(retention));
    let brokers = kafka.defaults.replication().replicas(kafka.brokers.len());
    Ok(topics::Request { bootstrap, declared, brokers, deadline })
}

/// How its tables are.
#[must_use]
pub fn schema_request(
    rack: &Rack,
    ring: &Cassandra,
    within: Duration,
) -> (schema::Connection, schema::Wishes) {
    let contact_points = addresses(rack, &ring.nodes, cassandra::CQL);
    let wishes = cassandra::wishes(ring);
    (schema::Connection { contact_points, login: None, within }, wishes)
}

/// Where these boards' services are found, each `host:port`.
pub(crate) fn addresses(rack: &Rack, names: &[BoardName], port: u16) -> Vec<String> {
    let boards = names.iter().filter_map(|name| rack.board(name));
    boards.map(|board| format!("{}:{port}", board.address)).collect()
}
