//! What a plan is made from: of one look at a rack, what it needs.
//!
//! A board is seen when its engine and its shell have told all that a plan asks of them; one that told half of it
//! says why, and a plan then knows what it does not know.

use std::collections::{BTreeMap, BTreeSet};

use pirack_swarm::desired::{AbsolutePath, Image};
use pirack_swarm::host::HeldImage;
use pirack_swarm::member::Membership;

use super::lock::Lock;
use super::world::UNLED;
use crate::look::{AgentWords, BoardLook, DataSeen, DiskSeen, Look, NoShell, SwarmLook};
use crate::rack::{BoardName, Bytes, Rack};
use crate::stack::StackHealth;

/// Volumes by board.
pub type Volumes = BTreeMap<BoardName, BTreeSet<String>>;

/// What there is of data on the boards that answer, whether anybody uses it or not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// All volumes, by name; no board that does not tell.
    pub volumes: Volumes,
    /// The services' folders on data disks.
    pub folders: BTreeMap<BoardName, BTreeSet<AbsolutePath>>,
    /// Why a board's data disk is not in its place, where it is not.
    pub astray: BTreeMap<BoardName, String>,
}

/// One look at a rack.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// The file's boards.
    pub boards: BTreeMap<BoardName, BoardSeen>,
    /// Boards that the file names no more and that are the rack's own nodes still.
    pub departed: BTreeMap<BoardName, BoardSeen>,
    /// The swarm, where one of its managers answers.
    pub swarm: Option<SwarmLook>,
    /// How the stacks are.
    pub health: StackHealth,
    /// What the rack's own topics and tables still want; nothing where nobody could be asked.
    pub data: DataSeen,
}

/// What moves while services roll.
#[derive(Clone, Debug, Default)]
pub struct Glance {
    /// The swarm, where one of its managers answers.
    pub swarm: Option<SwarmLook>,
    /// How the stacks are.
    pub health: StackHealth,
}

/// One board.
#[derive(Clone, Debug, PartialEq)]
pub enum BoardSeen {
    /// It could not be reached, and why.
    Unreached(String),
    /// It answered.
    Reached(Box<Reached>),
}

/// What a board told.
#[derive(Clone, Debug, PartialEq)]
pub struct Reached {
    /// Its engine's place in a swarm.
    pub membership: Membership,
    /// Its memory, as its engine counts it.
    pub memory: Bytes,
    /// Its processor, as its engine names it: `x86_64`, `aarch64`.
    pub architecture: String,
    /// The wanted images that it has.
    pub images: BTreeMap<Image, HeldImage>,
    /// Its agent; nothing where the board has no shell to ask through.
    pub agent: Option<AgentWords>,
    /// The lock's file, which holds while there is no swarm.
    pub lock: Option<Lock>,
    /// Its data disk; nothing where the file names none, or the board has no shell to ask through.
    pub disk: Option<DiskSeen>,
}

impl Seen {
    /// Of this look.
    #[must_use]
    pub fn of(look: &Look) -> Self {
        let seen = |boards: &BTreeMap<BoardName, BoardLook>| {
            boards.iter().map(|(name, board)| (name.clone(), BoardSeen::of(board))).collect()
        };
        Self {
            boards: seen(&look.boards),
            departed: seen(&look.departed),
            swarm: look.swarm.as_ref().ok().cloned(),
            health: look.stacks.clone(),
            data: look.data.clone(),
        }
    }

    /// The same, with what moves as it is by now.
    #[must_use]
    pub fn renewed(self, glance: Glance) -> Self {
        Self { swarm: glance.swarm, health: glance.health, ..self }
    }

    /// What is not there yet and will soon be, after a start: a swarm's leader, an engine that its swarm has not
    /// heard since, or one that cannot take part yet, such as before its board has its address.
    #[must_use]
    pub fn coming_up(&self) -> Option<String> {
        self.reached().find_map(|(name, reached)| match (&self.swarm, &reached.membership) {
            (_, Membership::Failed { words }) => Some(format!(
                "the engine of {name} cannot take part in its swarm yet ({words}): looking again"
            )),
            (None, membership) => membership.node().map(|_| UNLED.to_owned()),
            (Some(swarm), Membership::Pending { node: Some(own), .. }) if swarm.knows(own) => Some(format!(
                "the engine of {name} has started, and its swarm does not hear it yet: looking again"
            )),
            (Some(_), _) => None,
        })
    }

    /// That managers answer, and none for the swarm: they choose a leader, as whenever the last one was demoted, or was
    /// slow to write.
    #[must_use]
    pub fn unled(&self) -> Option<String> {
        let manages =
            |membership: &Membership| matches!(membership, Membership::Active(own) if own.is_manager);
        let silent = self.swarm.is_none() && self.reached().any(|(_, reached)| manages(&reached.membership));
        silent.then(|| UNLED.to_owned())
    }

    /// The boards that answered.
    pub fn reached(&self) -> impl Iterator<Item = (&BoardName, &Reached)> {
        self.boards.iter().filter_map(|(name, board)| match board {
            BoardSeen::Reached(reached) => Some((name, reached.as_ref())),
            BoardSeen::Unreached(_) => None,
        })
    }

    /// The rack without the boards that did not answer, or whose data are away: nothing that runs there can be
    /// waited for.
    #[must_use]
    pub fn present(&self, rack: &Rack) -> Rack {
        let answers = |name: &BoardName| match self.boards.get(name) {
            Some(BoardSeen::Unreached(_)) => false,
            Some(BoardSeen::Reached(reached)) => {
                reached.disk.as_ref().is_none_or(|disk| disk.astray.is_none())
            }
            None => true,
        };
        let mut rack = rack.clone();
        rack.boards.retain(|board| answers(&board.name));
        if let Some(kafka) = &mut rack.kafka {
            kafka.brokers.retain(answers);
        }
        if let Some(cassandra) = &mut rack.cassandra {
            cassandra.nodes.retain(answers);
        }
        if let Some(stargate) = &mut rack.stargate {
            stargate.boards.retain(answers);
        }
        rack
    }

    /// The ids of the swarms that the boards are in.
    #[must_use]
    pub fn swarms(&self) -> BTreeSet<&str> {
        let ids = self.reached().filter_map(|(_, board)| match &board.membership {
            Membership::Active(active) => active.swarm.as_ref().map(|id| id.0.as_str()),
            _ => None,
        });
        ids.chain(self.swarm.iter().map(|swarm| swarm.id.as_str())).collect()
    }
}

impl BoardSeen {
    fn of(board: &BoardLook) -> Self {
        let answered = match board {
            BoardLook::Silent(words) => return Self::Unreached(words.clone()),
            BoardLook::Reached(answered) => answered,
        };
        let (agent, lock) = match &answered.shell {
            Ok(shell) => (Some(shell.agent.clone()), shell.lock.clone()),
            Err(NoShell::Absent) => (None, None),
            Err(NoShell::Failed(words)) => return Self::Unreached(words.clone()),
        };
        match (&answered.engine, &answered.disk) {
            (Err(words), _) | (_, Err(words)) => Self::Unreached(words.clone()),
            (Ok(engine), Ok(disk)) => Self::Reached(Box::new(Reached {
                membership: engine.membership.clone(),
                memory: Bytes(engine.facts.memory_bytes),
                architecture: engine.facts.architecture.clone(),
                images: engine.images.clone(),
                agent,
                lock,
                disk: disk.clone(),
            })),
        }
    }
}
