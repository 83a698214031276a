//! What is made inside the stacks of a running rack: topics and tables.

use std::time::Duration;

use pirack_swarm::engine::Engine as _;

use super::RealWorld;
use crate::look::data::{schema_request, topics_request};
use crate::operation::world::{World as _, WorldError};
use crate::rack::{Identity, Rack, identity};
use crate::stack::cassandra::schema;
use crate::stack::kafka::{Where, topics};

/// How long all topics or all tables may take.
const MAKING: Duration = Duration::from_secs(180);

/// The rack's Kafka, as far as a manager tells which it is.
pub(super) async fn cluster(world: &RealWorld, rack: &Rack) -> Option<Where> {
    let kafka = rack.kafka.as_ref()?;
    let labels = world.engine().await.ok()?.swarm().await.ok()?.labels;
    let identity = Identity::parse(labels.get(identity::LABEL)?).ok()?;
    Some(Where::of(rack, kafka, identity.kafka.as_ref()?))
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
