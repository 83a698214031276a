//! What shall go: the whole rack, or some of its stacks, services and boards.

use std::collections::BTreeSet;

use pirack_swarm::desired::AbsolutePath;
use pirack_swarm::spec::ServiceSpec;

use crate::operation::seen::{Seen, Volumes};
use crate::rack::{BoardName, Rack};
use crate::stack::roll::Unit;
use crate::stack::{BOARD, Engine};

/// What shall go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// Of what runs and is.
    pub parts: Parts,
    /// The agents' packages too: of the boards that go, or of all.
    pub agents: bool,
    /// The data too.
    pub volumes: bool,
}

/// Which parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parts {
    /// Everything.
    Whole,
    /// These; none at all where only agents shall go.
    Some {
        /// All services of these engines.
        stacks: BTreeSet<Engine>,
        /// Services by name.
        services: BTreeSet<String>,
        /// All that is pinned to these boards, and the boards' nodes.
        boards: BTreeSet<BoardName>,
    },
}

impl Scope {
    /// Whether all of an engine's services go.
    #[must_use]
    pub fn takes_stack(&self, engine: Engine) -> bool {
        match &self.parts {
            Parts::Whole => true,
            Parts::Some { stacks, .. } => stacks.contains(&engine),
        }
    }

    /// Whether a service goes.
    pub(super) fn takes(&self, spec: &ServiceSpec) -> bool {
        match &self.parts {
            Parts::Whole => true,
            Parts::Some { stacks, services, boards } => {
                let engine = Unit::of(spec).is_some_and(|unit| stacks.contains(&unit.engine));
                let board = spec.labels.get(BOARD).and_then(|board| board.parse::<BoardName>().ok());
                engine || services.contains(&spec.name) || board.is_some_and(|board| boards.contains(&board))
            }
        }
    }

    /// Whether a board leaves the swarm.
    pub(super) fn takes_board(&self, name: &BoardName) -> bool {
        match &self.parts {
            Parts::Whole => true,
            Parts::Some { boards, .. } => boards.contains(name),
        }
    }

    /// Whether a board's agent goes.
    pub(super) fn takes_agent(&self, name: &BoardName) -> bool {
        let all = match &self.parts {
            Parts::Whole => true,
            Parts::Some { boards, .. } => boards.is_empty(),
        };
        self.agents && (all || self.takes_board(name))
    }

    /// Whether nothing goes but agents.
    pub(super) fn is_agents_alone(&self) -> bool {
        match &self.parts {
            Parts::Whole => false,
            Parts::Some { stacks, services, boards } => {
                stacks.is_empty() && services.is_empty() && boards.is_empty()
            }
        }
    }

    /// Whether the data go that an engine has on a board.
    pub(super) fn takes_data(&self, board: &BoardName, engine: Engine) -> bool {
        self.volumes
            && match &self.parts {
                Parts::Whole => true,
                Parts::Some { stacks, services, boards } => {
                    let service = engine.on(board.as_str());
                    stacks.contains(&engine) || services.contains(&service) || boards.contains(board)
                }
            }
    }

    /// The rack as far as it must be asked: where all goes at once, no stack is asked how it is.
    pub(super) fn asks(&self, rack: &Rack) -> Rack {
        let mut asked = rack.clone();
        if self.parts == Parts::Whole {
            (asked.kafka, asked.cassandra, asked.stargate) = (None, None, None);
            asked.apps.clear();
        }
        asked
    }

    /// Boards and services that are named and are not the rack's.
    pub(super) fn unknown(&self, rack: &Rack, seen: &Seen) -> Vec<String> {
        let Parts::Some { services, boards, .. } = &self.parts else { return vec![] };
        let held = seen.swarm.iter().flat_map(|swarm| &swarm.observed.services);
        let held = held.map(|held| held.spec.name.as_str());
        let names: BTreeSet<&str> = held.chain(rack.apps.iter().map(|app| app.name.as_str())).collect();
        // A service that has gone already may still have its volume to go.
        let meant = |name: &String| names.contains(name.as_str()) || of_a_board(rack, name);
        let services = services.iter().filter(|name| !meant(name)).map(|name| format!("service {name}"));
        let boards =
            boards.iter().filter(|name| rack.board(name).is_none()).map(|name| format!("board {name}"));
        services.chain(boards).collect()
    }
}

fn of_a_board(rack: &Rack, service: &str) -> bool {
    rack.boards.iter().any(|board| owner(&board.name, service).is_some())
}

/// Whose folder that is on a data disk, by its last name.
pub(super) fn owner_of_folder(folder: &AbsolutePath) -> Option<Engine> {
    let name = folder.as_str().rsplit('/').next();
    [Engine::Kafka, Engine::Cassandra].into_iter().find(|engine| Some(engine.as_str()) == name)
}

/// Whose volume that is, by the name that a stack gives to it on this board; nobody's of ours otherwise.
pub(super) fn owner(board: &BoardName, volume: &str) -> Option<Engine> {
    let engines = [Engine::Kafka, Engine::Cassandra, Engine::Stargate, Engine::Graphql];
    engines.into_iter().find(|engine| engine.on(board.as_str()) == volume)
}

/// Of all volumes, those of the rack's stacks.
pub(super) fn ours(volumes: &Volumes) -> Volumes {
    let of = |(board, names): (&BoardName, &BTreeSet<String>)| {
        let names: BTreeSet<String> =
            names.iter().filter(|name| owner(board, name).is_some()).cloned().collect();
        (!names.is_empty()).then(|| (board.clone(), names))
    };
    volumes.iter().filter_map(of).collect()
}
