//! The two services of a board with Stargate, by images/stargate/CONTRACT.md.
//!
//! The coordinator joins the ring by its name, and the persistence that it loads is of a version: both are
//! Cassandra's own, to the letter, never written twice.

use pirack_swarm::desired::Service;
use pirack_swarm::spec::Span;

use super::{AUTH_PORT, BRIDGE_PORT, CQL_PORT, GRAPHQL_PORT};
use crate::rack::identity::CassandraIdentity;
use crate::rack::{Board, CassandraVersion, Rack, Stargate};
use crate::stack::service::{Engine, Pinned, env};
use crate::stack::{StackError, cassandra, memory};

/// Between nodes, JMX, CQL, tokens, REST, health, gRPC, bridge.
pub(in crate::stack) const COORDINATOR_PORTS: [u16; 8] =
    [7000, 7199, CQL_PORT, AUTH_PORT, 8082, 8084, 8090, BRIDGE_PORT];
const GRACE: Span = Span::seconds(60);

/// What Stargate asks of the rack, and is not so.
pub(in crate::stack) fn check(rack: &Rack, stargate: &Stargate) -> Result<(), StackError> {
    let Some(cassandra) = &rack.cassandra else {
        return Err(StackError::Stargate("has no Cassandra to speak to: add [cassandra], of version 4.0"));
    };
    let version = match cassandra.version {
        CassandraVersion::V4_0 => None,
        CassandraVersion::V4_1 => Some("4.1"),
        CassandraVersion::V5_0 => Some("5.0"),
    };
    if let Some(version) = version {
        return Err(StackError::StargateVersion { version });
    }
    if stargate.boards.iter().any(|board| cassandra.nodes.contains(board)) {
        return Err(StackError::Stargate(
            "is a node of the ring itself, and shares a board with another: give it a board without Cassandra",
        ));
    }
    Ok(())
}

/// Both services of this board.
pub(in crate::stack) fn services(
    rack: &Rack,
    stargate: &Stargate,
    ring: &CassandraIdentity,
    board: &Board,
) -> Result<[Service; 2], StackError> {
    Ok([coordinator(rack, stargate, ring, board)?, graphql(stargate, board)?])
}

fn coordinator(
    rack: &Rack,
    stargate: &Stargate,
    ring: &CassandraIdentity,
    board: &Board,
) -> Result<Service, StackError> {
    let share = memory::COORDINATOR;
    let image = &stargate.coordinator;
    let mut service = Pinned { engine: Engine::Stargate, board, image, share, grace: GRACE }.service()?;
    let heap = share.heap.as_mebibytes();
    service.env = env([
        ("CLUSTER_NAME", ring.cluster_name.clone()),
        ("CLUSTER_VERSION", "4.0".to_owned()),
        ("SEED", cassandra::service::first_seed(rack, ring)?),
        ("LISTEN", board.address.to_string()),
        ("DATACENTER_NAME", ring.datacenter.clone()),
        ("RACK_NAME", board.place.clone()),
        ("CQL_PORT", CQL_PORT.to_string()),
        // Any text that is not empty means on.
        ("BIND_TO_LISTEN_ADDRESS", "1".to_owned()),
        ("JAVA_OPTS", format!("-Xms{heap}m -Xmx{heap}m")),
    ])?;
    Ok(service)
}

fn graphql(stargate: &Stargate, board: &Board) -> Result<Service, StackError> {
    let image = &stargate.graphql;
    let share = memory::GRAPHQL;
    let mut service = Pinned { engine: Engine::Graphql, board, image, share, grace: GRACE }.service()?;
    // JAVA_OPTS_APPEND is the image's own, and stays: it takes its heap from the container's limit.
    service.env = env([
        ("QUARKUS_GRPC_CLIENTS_BRIDGE_HOST", board.address.to_string()),
        ("QUARKUS_GRPC_CLIENTS_BRIDGE_PORT", BRIDGE_PORT.to_string()),
        ("QUARKUS_HTTP_PORT", GRAPHQL_PORT.to_string()),
    ])?;
    Ok(service)
}
