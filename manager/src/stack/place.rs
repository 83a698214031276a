//! Where on a board a service's data lie, and which ports it takes there.
//!
//! Data lie in a folder of the board's data disk, bound into the container; in a named volume where the file names
//! no disk. A bind, not a volume: the path says everything, so that a board whose system was written anew finds its
//! data again; and while the disk is not mounted the folder is not there and the task is refused, where a volume
//! would begin empty on the card. The price: somebody has to make the folder, with the owner that the image runs
//! as, and [`folders`] says which.

use std::collections::BTreeMap;

use pirack_swarm::desired::{AbsolutePath, NameError, Source};
use pirack_swarm::spec::Protocol;
use serde::Serialize;

use super::service::Engine;
use super::{StackError, cassandra, kafka, stargate};
use crate::rack::{Board, BoardName, Rack};

/// A folder on a board's data disk, to be made before its service starts, and only while that disk is mounted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Folder {
    /// Itself.
    pub path: AbsolutePath,
    /// The number of the owning user, and of the group.
    pub owner: u32,
}

/// One port of a board.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Port {
    /// The port.
    pub port: u16,
    /// Of TCP's or of UDP's: the same number of the two is two ports.
    pub protocol: Protocol,
    /// Whose it is: a service's name.
    pub service: String,
}

/// The source of a service's data.
pub(super) fn data(engine: Engine, board: &Board) -> Result<Source, NameError> {
    Ok(match folder(engine, board)? {
        Some(folder) => Source::Bind(folder.path),
        None => Source::Volume(engine.on(board.name.as_str()).parse()?),
    })
}

fn folder(engine: Engine, board: &Board) -> Result<Option<Folder>, NameError> {
    let owner = match engine {
        Engine::Kafka => kafka::service::USER,
        Engine::Cassandra => cassandra::service::USER,
        Engine::Stargate | Engine::Graphql => return Ok(None),
    };
    let Some(disk) = &board.data_disk else { return Ok(None) };
    let mount = disk.mount.trim_end_matches('/');
    let path = format!("{mount}/pirack/{}", engine.as_str()).parse()?;
    Ok(Some(Folder { path, owner }))
}

/// The engines that keep data on this board.
#[must_use]
pub fn keepers(rack: &Rack, board: &BoardName) -> Vec<Engine> {
    let all = [(Engine::Kafka, kafka_boards(rack)), (Engine::Cassandra, ring(rack))];
    all.into_iter().filter(|(_, boards)| boards.contains(&board)).map(|(engine, _)| engine).collect()
}

/// The folders that this board's services need.
///
/// # Errors
/// When its data disk's mount is no path that a container could be given.
pub fn folders(rack: &Rack, board: &Board) -> Result<Vec<Folder>, StackError> {
    let all = keepers(rack, &board.name).into_iter().map(|engine| folder(engine, board));
    Ok(all.filter_map(Result::transpose).collect::<Result<_, _>>()?)
}

/// Every broker, and every voter that is none.
pub(super) fn kafka_boards(rack: &Rack) -> Vec<&BoardName> {
    let Some(kafka) = &rack.kafka else { return vec![] };
    let apart = kafka.voters.iter().filter(|voter| !kafka.brokers.contains(voter));
    kafka.brokers.iter().chain(apart).collect()
}

fn ring(rack: &Rack) -> Vec<&BoardName> {
    rack.cassandra.iter().flat_map(|cassandra| &cassandra.nodes).collect()
}

/// The ports that the rack's services take on each board, apps on every board where they may run.
#[must_use]
pub fn ports(rack: &Rack) -> BTreeMap<BoardName, Vec<Port>> {
    let mut all: BTreeMap<BoardName, Vec<Port>> = BTreeMap::new();
    let mut take = |board: &BoardName, service: String, ports: &[(u16, Protocol)]| {
        let port = |(port, protocol): &(u16, Protocol)| Port {
            port: *port,
            protocol: *protocol,
            service: service.clone(),
        };
        all.entry(board.clone()).or_default().extend(ports.iter().map(port));
    };
    let tcp = |ports: &[u16]| -> Vec<_> { ports.iter().map(|port| (*port, Protocol::Tcp)).collect() };
    if let Some(kafka) = &rack.kafka {
        for board in kafka_boards(rack) {
            take(board, Engine::Kafka.on(board.as_str()), &tcp(&kafka::service::ports(kafka, board)));
        }
    }
    for board in ring(rack) {
        take(board, Engine::Cassandra.on(board.as_str()), &tcp(&cassandra::service::PORTS));
    }
    for board in rack.stargate.iter().flat_map(|stargate| &stargate.boards) {
        take(board, Engine::Stargate.on(board.as_str()), &tcp(&stargate::service::COORDINATOR_PORTS));
        take(board, Engine::Graphql.on(board.as_str()), &tcp(&[stargate::GRAPHQL_PORT]));
    }
    for app in &rack.apps {
        let ports: Vec<_> = app.ports.iter().map(|port| (port.published, port.protocol)).collect();
        for board in super::app::boards(rack, app) {
            take(&board.name, app.name.to_string(), &ports);
        }
    }
    for ports in all.values_mut() {
        ports.sort();
    }
    all
}

/// The first port that two services of one board want.
pub(super) fn free_of_clashes(rack: &Rack) -> Result<(), StackError> {
    for (board, ports) in ports(rack) {
        for pair in ports.windows(2) {
            if let [first, second] = pair
                && (first.port, first.protocol) == (second.port, second.protocol)
                && first.service != second.service
            {
                return Err(StackError::Port {
                    board: board.to_string(),
                    port: first.port,
                    first: first.service.clone(),
                    second: second.service.clone(),
                });
            }
        }
    }
    Ok(())
}
