//! A rack, what it remembers and what its boards have: to everything that its swarm should hold. Pure.

use std::collections::BTreeMap;

use pirack_swarm::desired::{Config, Desired, Draft, LabelKey, NameError, Node, Service};
use pirack_swarm::spec::{Availability, Role as SwarmRole, SecretValue};

use super::memory::{self, Memory, Share};
use super::service::{BOARD, Engine, PLACE, is_own};
use super::{StackError, app, cassandra, kafka, place, stargate};
use crate::rack::{Board, BoardName, Bytes, Identity, Rack, Role, Secrets};

/// What the swarm of this rack should hold.
///
/// # Errors
/// With the first thing that cannot be: see [`StackError`].
pub fn desired(
    rack: &Rack,
    identity: &Identity,
    memory: &Memory,
    secrets: &Secrets,
) -> Result<Desired, StackError> {
    if let Some(stargate) = &rack.stargate {
        stargate::service::check(rack, stargate)?;
    }
    place::free_of_clashes(rack)?;
    let mut draft = Draft::new(rack.name.clone());
    draft.nodes = rack.members().map(|board| node(rack, board)).collect::<Result<_, _>>()?;
    draft.networks = app::networks(rack);
    draft.secrets = app::secrets(rack, secrets)?;
    draft.secret_key = SecretValue::new(identity.secret_key.map_or(vec![], |key| key.as_bytes().to_vec()));
    draft.configs = configs(rack)?;
    let mut shares = Shares { rack, memory, taken: BTreeMap::new() };
    draft.services.extend(kafka_services(rack, identity, &mut shares)?);
    draft.services.extend(cassandra_services(rack, identity, &mut shares)?);
    draft.services.extend(stargate_services(rack, identity, &mut shares)?);
    for app in &rack.apps {
        draft.services.push(app::service(app)?);
    }
    shares.fit()?;
    Ok(draft.check()?)
}

fn node(rack: &Rack, board: &Board) -> Result<Node, NameError> {
    let mut labels: BTreeMap<LabelKey, String> = board.labels.clone();
    labels.insert(BOARD.parse()?, board.name.to_string());
    labels.insert(PLACE.parse()?, board.place.clone());
    for role in &board.roles {
        labels.insert(app::role_label(*role)?, "true".to_owned());
    }
    for app in rack.apps.iter().filter(|app| app.boards.contains(&board.name)) {
        labels.insert(app::app_label(app)?, "true".to_owned());
    }
    let manages = board.roles.contains(&Role::Manager);
    let role = if manages { SwarmRole::Manager } else { SwarmRole::Worker };
    Ok(Node { name: board.name.clone(), role, availability: Availability::Active, labels })
}

/// The health checks, for images that bring none.
fn configs(rack: &Rack) -> Result<Vec<Config>, NameError> {
    let mut wanted = vec![];
    if rack.kafka.as_ref().is_some_and(|kafka| !is_own(&kafka.image)) {
        wanted.extend(kafka::service::CHECKS);
    }
    if rack.cassandra.as_ref().is_some_and(|cassandra| !is_own(&cassandra.image)) {
        wanted.push(cassandra::service::CHECK);
    }
    let config = |(name, _, content): (&str, &str, &str)| {
        Ok(Config { name: name.parse()?, content: content.as_bytes().to_vec() })
    };
    wanted.into_iter().map(config).collect()
}

fn kafka_services<'a>(
    rack: &'a Rack,
    identity: &Identity,
    shares: &mut Shares<'a>,
) -> Result<Vec<Service>, StackError> {
    let Some(kafka) = &rack.kafka else { return Ok(vec![]) };
    let known = identity.kafka.as_ref().ok_or(StackError::Forgotten("Kafka"))?;
    let mut services = vec![];
    for name in place::kafka_boards(rack) {
        let board = board(rack, name, "Kafka")?;
        let share = shares.take(Engine::Kafka, name, |memory| kafka::service::share(kafka, memory, name))?;
        services.push(kafka::service::service(rack, kafka, known, board, share)?);
    }
    Ok(services)
}

fn cassandra_services<'a>(
    rack: &'a Rack,
    identity: &Identity,
    shares: &mut Shares<'a>,
) -> Result<Vec<Service>, StackError> {
    let Some(cassandra) = &rack.cassandra else { return Ok(vec![]) };
    let known = identity.cassandra.as_ref().ok_or(StackError::Forgotten("Cassandra"))?;
    let mut services = vec![];
    for name in &cassandra.nodes {
        let board = board(rack, name, "Cassandra's ring")?;
        let share =
            shares.take(Engine::Cassandra, name, |memory| cassandra::service::share(cassandra, memory))?;
        services.push(cassandra::service::service(rack, cassandra, known, board, share)?);
    }
    Ok(services)
}

fn stargate_services<'a>(
    rack: &'a Rack,
    identity: &Identity,
    shares: &mut Shares<'a>,
) -> Result<Vec<Service>, StackError> {
    let Some(stargate) = &rack.stargate else { return Ok(vec![]) };
    let ring = identity.cassandra.as_ref().ok_or(StackError::Forgotten("Cassandra"))?;
    let mut services = vec![];
    for name in &stargate.boards {
        let board = board(rack, name, "Stargate")?;
        shares.take(Engine::Stargate, name, |_| Some(memory::COORDINATOR))?;
        shares.take(Engine::Graphql, name, |_| Some(memory::GRAPHQL))?;
        services.extend(stargate::service::services(rack, stargate, ring, board)?);
    }
    Ok(services)
}

fn board<'a>(rack: &'a Rack, name: &BoardName, whom: &'static str) -> Result<&'a Board, StackError> {
    rack.board(name).ok_or_else(|| StackError::NoBoard { whom, board: name.to_string() })
}

/// What services of each board may use, as it is given out.
struct Shares<'a> {
    rack: &'a Rack,
    memory: &'a Memory,
    taken: BTreeMap<&'a BoardName, Vec<(String, Bytes)>>,
}

impl<'a> Shares<'a> {
    fn take(
        &mut self,
        engine: Engine,
        name: &'a BoardName,
        share: impl FnOnce(Bytes) -> Option<Share>,
    ) -> Result<Share, StackError> {
        let (board, service) = (name.to_string(), engine.on(name.as_str()));
        let Some(memory) = memory::of(self.rack, self.memory, name) else {
            return Err(StackError::NoMemory { board, service });
        };
        let share = share(memory);
        let Some(share) = share else { return Err(StackError::TooSmall { board, memory, service }) };
        self.taken.entry(name).or_default().push((service, share.limit));
        Ok(share)
    }

    /// All limits of a board, and what it needs itself, are within what it has.
    fn fit(&self) -> Result<(), StackError> {
        for (name, services) in &self.taken {
            let Some(memory) = memory::of(self.rack, self.memory, name) else { continue };
            let limits = services.iter().map(|(_, limit)| limit.0).fold(memory::OWN.0, u64::saturating_add);
            if limits > memory.0 {
                let told = services.iter().map(|(service, limit)| format!("{service} {limit}"));
                let (board, wanted) = (name.to_string(), Bytes(limits));
                return Err(StackError::Full { board, memory, wanted, services: told.collect() });
            }
        }
        Ok(())
    }
}
