//! What is made inside the stacks of a running rack: topics and tables.

use std::time::Duration;

use pirack_swarm::engine::Engine as _;

use crate::look::data::{schema_request, topics_request};
use crate::operation::world::{World, WorldError};
use crate::rack::{Identity, Rack, identity};
use crate::stack::cassandra::schema;
use crate::stack::kafka::{Where, topics};

/// How long all topics or all tables may take.
const MAKING: Duration = Duration::from_secs(180);

/// The rack's Kafka, where it has one and remembers which.
pub(super) async fn cluster(world: &impl World, rack: &Rack) -> Result<Option<Where>, WorldError> {
    let Some(kafka) = &rack.kafka else { return Ok(None) };
    let labels = world.engine().await?.swarm().await?.labels;
    let Some(label) = labels.get(identity::LABEL) else { return Ok(None) };
    let identity = Identity::parse(label).map_err(|source| WorldError::Stack {
        what: "reading what the rack remembers of its Kafka".to_owned(),
        source: source.into(),
    })?;
    Ok(identity.kafka.map(|remembered| Where::of(rack, kafka, &remembered)))
}

pub(super) async fn topics(rack: &Rack) -> Result<(), WorldError> {
    let Some(kafka) = &rack.kafka else { return Ok(()) };
    let what = "making Kafka's topics".to_owned();
    let request = topics_request(rack, kafka, MAKING)
        .map_err(|source| WorldError::Stack { what: what.clone(), source })?;
    topics::apply(&request)
        .await
        .map(drop)
        .map_err(|source| WorldError::Stack { what, source: source.into() })
}

pub(super) async fn schema(rack: &Rack) -> Result<(), WorldError> {
    let Some(cassandra) = &rack.cassandra else { return Ok(()) };
    let (connection, wishes) = schema_request(rack, cassandra, MAKING);
    let made = schema::apply(&connection, &wishes, &mut |_| {}).await;
    made.map(drop).map_err(|source| WorldError::Stack {
        what: "making Cassandra's tables".to_owned(),
        source: source.into(),
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;

    use super::*;
    use crate::operation::testing::FakeRack;
    use crate::rack::parse;

    const FILE: &str = "version = 1\nname = \"desk\"\n[kafka]\n[[board]]\nname = \"b1\"\naddress = \"10.77.0.11\"\n\
        roles = [\"admin\", \"manager\", \"worker\"]\n";
    const LABEL: &str = r#"{"rack":"desk","id":"00000000-0000-0000-0000-000000000002",
        "kafka":{"cluster_id":"x","nodes":{"b1":7},"voters":["b1"],"brokers_at_start":1}}"#;

    async fn remembering(rack: &Rack, label: Option<String>) -> FakeRack {
        let world = FakeRack::new(&["b1"]);
        let labels = label.map(|label| (identity::LABEL.to_owned(), label));
        world.begin(rack, &rack.boards[0].name, labels.into_iter().collect()).await.unwrap();
        world
    }

    #[tokio::test]
    async fn a_swarm_without_a_leader_is_no_rack_without_kafka() {
        let rack = parse(FILE, Path::new("rack.toml")).unwrap();
        let world = remembering(&rack, Some(LABEL.to_owned())).await;
        let found = cluster(&world, &rack).await.unwrap().unwrap();
        assert_eq!(found.nodes, BTreeMap::from([(7, "b1".to_owned())]));
        world.set_power("b1", false);
        let error = cluster(&world, &rack).await.unwrap_err();
        assert!(error.passing().is_some(), "whoever is told this looks again: {error:?}");
    }

    #[tokio::test]
    async fn only_a_rack_that_remembers_no_kafka_has_none() {
        let rack = parse(FILE, Path::new("rack.toml")).unwrap();
        let world = remembering(&rack, None).await;
        assert!(cluster(&world, &rack).await.unwrap().is_none());
        let garbled = remembering(&rack, Some("{".to_owned())).await;
        assert!(matches!(cluster(&garbled, &rack).await, Err(WorldError::Stack { .. })));
    }
}
