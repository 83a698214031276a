//! A node of the ring, as a service of one board.
//!
//! Ring, data centre and seeds come from the rack's memory: they are in every node's data, and a seed more
//! would restart them all.

use std::net::Ipv4Addr;

use pirack_swarm::desired::{ConfigName, Service};
use pirack_swarm::spec::Span;

use crate::rack::identity::CassandraIdentity;
use crate::rack::{Board, Bytes, Cassandra, Rack};
use crate::stack::StackError;
use crate::stack::memory::{self, Share};
use crate::stack::service::{Engine, Pinned, env, healthy, is_own, program, sealed};

/// The user that both images run as, in the end.
pub(in crate::stack) const USER: u32 = 999;
/// Between nodes, JMX for nodetool, CQL, metrics.
pub(in crate::stack) const PORTS: [u16; 4] = [7000, JMX, CQL, 9103];
/// For nodetool, on its own board alone.
pub const JMX: u16 = 7199;
/// CQL.
pub const CQL: u16 = 9042;
/// Where both images keep their data.
const DATA: &str = "/var/lib/cassandra";
/// What a drain may take on a board whose card is slow, and again half as much.
const GRACE: Span = Span::seconds(180);
/// A node that joins answers clients when it has its share of the data: hours, where there is much.
const START: Span = Span::seconds(24 * 3600);
/// The health check of this project's own image.
const OWN_CHECK: &str = "/opt/cassandra/bin/healthy";
/// The health check, for images that have none.
pub(in crate::stack) const CHECK: (&str, &str, &str) =
    ("cassandra-healthy", "/opt/pirack/healthy", include_str!("../../../../images/cassandra/bin/healthy"));
/// The tokens of a node: what Cassandra takes by itself since 4.0. Said, for a node that is told which must have as many.
const TOKENS: usize = 16;
/// The most of a heap's young part: 100 MB a core, by Cassandra's own rule, and boards have four.
const YOUNGEST: Bytes = Bytes::mebibytes(400);

/// Heap and limit on a board of this size.
pub(crate) fn share(cassandra: &Cassandra, memory: Bytes) -> Option<Share> {
    memory::settled(memory::cassandra(memory), cassandra.heap, cassandra.limit)
}

/// The service of this board.
pub(in crate::stack) fn service(
    rack: &Rack,
    cassandra: &Cassandra,
    identity: &CassandraIdentity,
    board: &Board,
    share: Share,
) -> Result<Service, StackError> {
    let pinned = Pinned { engine: Engine::Cassandra, board, image: &cassandra.image, share, grace: GRACE };
    let mut service = pinned.service()?;
    service.mounts = vec![pinned.data(DATA)?];
    let address = board.address.to_string();
    let young = cassandra.young.unwrap_or(Bytes(share.heap.0 / 4).min(YOUNGEST));
    if young >= share.heap {
        return Err(StackError::Young { board: board.name.to_string(), young, heap: share.heap });
    }
    let megabytes = |size: Bytes| format!("{}M", size.as_mebibytes());
    let mut variables = vec![
        ("CASSANDRA_CLUSTER_NAME", identity.cluster_name.clone()),
        ("CASSANDRA_SEEDS", seeds(rack, identity, board)?),
        ("CASSANDRA_LISTEN_ADDRESS", address.clone()),
        ("CASSANDRA_BROADCAST_ADDRESS", address.clone()),
        ("CASSANDRA_RPC_ADDRESS", address.clone()),
        ("CASSANDRA_DC", identity.datacenter.clone()),
        ("CASSANDRA_RACK", board.place.clone()),
        ("CASSANDRA_ENDPOINT_SNITCH", "GossipingPropertyFileSnitch".to_owned()),
        ("CASSANDRA_NUM_TOKENS", TOKENS.to_string()),
        // Both: with one of the two alone the official 4.0 refuses to start.
        ("MAX_HEAP_SIZE", megabytes(share.heap)),
        ("HEAP_NEWSIZE", megabytes(young)),
    ];
    // What a first start is told is heeded by a node without data alone, and so harmless ever after.
    let first_start = if identity.replaced.contains_key(board.name.as_str()) {
        Some(format!("-Dcassandra.replace_address_first_boot={address}"))
    } else {
        seed_tokens(identity, board).map(|tokens| format!("-Dcassandra.initial_token={tokens}"))
    };
    let options: Vec<String> = first_start.into_iter().chain(cassandra.jvm_options.clone()).collect();
    if !options.is_empty() {
        variables.push(("JVM_EXTRA_OPTS", options.join(" ")));
    }
    service.env = env(variables)?;
    if is_own(&cassandra.image) {
        service.health = Some(healthy(OWN_CHECK, START));
        sealed(&mut service)?;
    } else {
        let (name, target, _) = CHECK;
        service.health = Some(healthy(target, START));
        service.configs.push(program(&name.parse::<ConfigName>()?, target)?);
    }
    Ok(service)
}

/// The addresses to begin at. One that takes a lost node's place is no seed to itself, for seeds do not stream:
/// it begins where the ring was well, also when no other seed is there.
fn seeds(rack: &Rack, identity: &CassandraIdentity, own: &Board) -> Result<String, StackError> {
    let well = identity.replaced.get(own.name.as_str());
    let mut seeds = Vec::new();
    for name in &identity.seeds {
        if well.is_none() || name != own.name.as_str() {
            seeds.push(seed(rack, name)?);
        }
    }
    // A board that has left is none to begin at.
    if let Some(Ok(address)) = well.map(|well| seed(rack, well))
        && !seeds.contains(&address)
    {
        seeds.push(address);
    }
    // Whoever has its data by now can begin by itself.
    if seeds.is_empty() {
        seeds.push(own.address);
    }
    Ok(seeds.iter().map(ToString::to_string).collect::<Vec<_>>().join(","))
}

/// The tokens of a seed, evenly among the other seeds'. Murmur3's ring is cut in as many slices as they have tokens
/// together; each seed takes every so many-th, and of a slice its middle, for the ring's lowest token is nobody's.
///
/// Left to itself a seed asks Cassandra's allocator, which waits for a schema that nobody has yet (the ring delay of
/// 30 s) and twice for gossip to settle: 46 s at the first seed, 19 s at another, for what can be reckoned here.
///
/// A seed that joined otherwise, as a node that was named one later, has other tokens than its service is told. That is
/// harmless: a node with data keeps its own.
fn seed_tokens(identity: &CassandraIdentity, own: &Board) -> Option<String> {
    let seeds = identity.seeds.len();
    let nth = identity.seeds.iter().position(|seed| seed == own.name.as_str())?;
    let slices = (TOKENS * seeds) as i128;
    let token = |turn: usize| {
        let slice = (turn * seeds + nth) as i128;
        i128::from(i64::MIN) + (2 * slice + 1) * (1 << 63) / slices
    };
    Some((0..TOKENS).map(|turn| token(turn).to_string()).collect::<Vec<_>>().join(","))
}

fn seed(rack: &Rack, name: &str) -> Result<Ipv4Addr, StackError> {
    let board = rack.boards.iter().find(|board| board.name.as_str() == name);
    board
        .map(|board| board.address)
        .ok_or_else(|| StackError::NoBoard { whom: "Cassandra's ring", board: name.to_owned() })
}

/// The address where clients begin: the first seed's.
pub(in crate::stack) fn first_seed(rack: &Rack, identity: &CassandraIdentity) -> Result<String, StackError> {
    let name = identity.seeds.first().ok_or(StackError::Forgotten("seed of Cassandra's"))?;
    Ok(seed(rack, name)?.to_string())
}
