//! A data service as a swarm holds it: which engine's, on which board, and what the engine knows it as.
//!
//! All of it is read from the service itself, never from the file: a service that is to go stands in no file.

use std::net::IpAddr;

use pirack_swarm::spec::ServiceSpec;

use crate::stack::service::{BOARD, Engine, STACK};

/// One data service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unit {
    /// Whose it is.
    pub engine: Engine,
    /// Where it is.
    pub board: String,
    /// Whether it is a broker; Kafka's alone.
    pub broker: bool,
    /// Whether it votes among the controllers; Kafka's alone.
    pub votes: bool,
    /// Whether others begin at it; Cassandra's alone.
    pub seed: bool,
    /// Its node's address; Cassandra's alone.
    pub address: Option<IpAddr>,
    /// The place that its node was told; Cassandra's alone.
    pub place: Option<String>,
}

impl Unit {
    /// What this service is, if it is one of a rack's engines.
    #[must_use]
    pub fn of(spec: &ServiceSpec) -> Option<Self> {
        let engine = Engine::named(spec.labels.get(STACK)?)?;
        let board = spec.labels.get(BOARD)?.clone();
        let said = |name: &str| spec.env.get(name).map(String::as_str);
        let among =
            |name: &str, word: &str| said(name).is_some_and(|text| text.split(',').any(|part| part == word));
        let address = said("CASSANDRA_BROADCAST_ADDRESS");
        Some(Self {
            engine,
            board,
            broker: among("KAFKA_PROCESS_ROLES", "broker"),
            votes: among("KAFKA_PROCESS_ROLES", "controller"),
            seed: address.is_some_and(|address| among("CASSANDRA_SEEDS", address)),
            address: address.and_then(|address| address.parse().ok()),
            place: said("CASSANDRA_RACK").map(str::to_owned),
        })
    }

    /// The service's name.
    #[must_use]
    pub fn service(&self) -> String {
        self.engine.on(&self.board)
    }
}
