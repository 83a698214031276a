//! Asks every stack of a rack how it is, all at once, each question within its deadline.

use std::time::Duration;

use futures_util::future::join_all;
use pirack_swarm::observed::{Observed, ObservedTask};

use super::cassandra::Question;
use super::exec::Exec;
use super::health::of_tasks;
use super::roll::Unit;
use super::service::Engine;
use super::{StackHealth, cassandra, kafka, stargate};
use crate::rack::{Identity, Rack};

/// How the stacks are. What has no service yet is not asked, for it would only be waited for, and nothing stands
/// in its place.
pub async fn ask(
    rack: &Rack,
    identity: Option<&Identity>,
    observed: &Observed,
    tasks: &[ObservedTask],
    exec: &impl Exec,
    question: Question,
    within: Duration,
) -> StackHealth {
    let units: Vec<Unit> = observed.services.iter().filter_map(|held| Unit::of(&held.spec)).collect();
    let has = |engine| units.iter().any(|unit| unit.engine == engine);
    let kafka = async {
        let (kafka, known) = (rack.kafka.as_ref()?, identity?.kafka.as_ref()?);
        if !has(Engine::Kafka) {
            return None;
        }
        Some(kafka::health(&kafka::Where::of(rack, kafka, known), within).await)
    };
    let ring = async {
        if !has(Engine::Cassandra) {
            return None;
        }
        Some(cassandra::health(&cassandra::Ring::of(rack, observed), exec, question, within).await)
    };
    let doors = rack.stargate.iter().flat_map(|stargate| &stargate.boards);
    let doors = doors.filter(|_| has(Engine::Stargate)).filter_map(|name| rack.board(name));
    let doors =
        doors.map(async |board| (board.name.to_string(), stargate::health(board.address, within).await));
    let (kafka, cassandra, stargate) = tokio::join!(kafka, ring, join_all(doors));
    let mut health = StackHealth {
        kafka,
        cassandra,
        stargate: stargate.into_iter().collect(),
        ..of_tasks(tasks, &observed.nodes)
    };
    // An app may be called as it likes.
    health.outdated.retain(|service| units.iter().any(|unit| unit.service() == *service));
    health
}
