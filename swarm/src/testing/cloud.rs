//! The boards of the fake and the swarms among them.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::board::{Board, Joined};
use super::fault::{self, Faults};
use super::registry::Registry;
use super::swarm::Swarm;
use super::{Door, FakeEngine, Fate};
use crate::desired::Image;
use crate::engine::EngineError;
use crate::object::Id;
use crate::spec::Role;

/// Some boards on one network, in no swarm at first.
#[derive(Clone, Debug)]
pub struct Cloud {
    world: Arc<Mutex<World>>,
}

#[derive(Debug, Default)]
pub(super) struct World {
    pub(super) boards: BTreeMap<String, Board>,
    pub(super) swarms: BTreeMap<Id, Swarm>,
    pub(super) faults: Faults,
    pub(super) registry: Registry,
    pub(super) fates: BTreeMap<String, Fate>,
    /// Images of one processor's programs only; the others are of every board's own.
    pub(super) architectures: BTreeMap<String, String>,
    swarms_ever: u64,
}

impl Cloud {
    /// Bare boards of these names.
    #[must_use]
    pub fn new(boards: &[&str]) -> Self {
        let mut world = World::default();
        boards.iter().for_each(|name| world.add_board(name));
        Self { world: Arc::new(Mutex::new(world)) }
    }

    pub(super) fn of(world: Arc<Mutex<World>>) -> Self {
        Self { world }
    }

    pub(super) fn shared(&self) -> Arc<Mutex<World>> {
        Arc::clone(&self.world)
    }

    /// This board's own engine.
    #[must_use]
    pub fn engine(&self, board: &str) -> FakeEngine {
        FakeEngine { world: self.shared(), door: Door::Board(board.to_owned()) }
    }

    /// The board's address; it keeps it for ever.
    #[must_use]
    pub fn address(&self, board: &str) -> Option<IpAddr> {
        self.world().boards.get(board).map(|board| board.address.into())
    }

    /// The board loses its power, or has it again.
    pub fn set_power(&self, board: &str, on: bool) {
        self.world().set_power(board, on);
    }

    /// The board loses its network, or has it again. Its engine still answers whoever is on the board.
    pub fn set_link(&self, board: &str, on: bool) {
        self.world().set_link(board, on);
    }

    /// The card was written anew: the engine knows of no swarm and has no images. Its node stays behind, down.
    pub fn reflash(&self, board: &str) {
        let mut world = self.world();
        world.drop_out(board);
        if let Some(board) = world.boards.get_mut(board) {
            board.images.clear();
        }
    }

    /// What becomes of tasks of this image from now on.
    pub fn set_fate(&self, image: &Image, fate: Fate) {
        self.world().fates.insert(image.to_string(), fate);
    }

    /// The registry has this image for one processor only, in Go's words.
    pub fn set_architecture(&self, image: &Image, architecture: &str) {
        self.world().architectures.insert(image.to_string(), architecture.to_owned());
    }

    /// The registry has these images and no others from now on. Nothing is removed from a board.
    pub fn registry_has(&self, images: &[Image]) {
        self.world().registry.images = Some(images.iter().map(ToString::to_string).collect());
    }

    /// The board pushes an image that it has under another name.
    pub fn push(&self, board: &str, image: &Image, name: &Image) {
        let mut world = self.world();
        world.registry.copy(image.as_str(), name.as_str());
        if let Some(board) = world.boards.get_mut(board) {
            board.images.insert(name.to_string());
        }
    }

    pub(super) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl World {
    pub(super) fn add_board(&mut self, name: &str) {
        let number = u8::try_from(self.boards.len() + 1).unwrap_or(u8::MAX);
        self.boards.entry(name.to_owned()).or_insert_with(|| Board::new(number));
    }

    /// A swarm of which this board is the one manager.
    pub(super) fn begin_swarm(&mut self, board: &str) -> Id {
        self.swarms_ever += 1;
        let id = Id(format!("swarm-{}", self.swarms_ever));
        let mut swarm = Swarm::new(&id);
        // No id is ever given twice, in whichever swarm.
        swarm.index = (self.swarms_ever - 1) * 1_000_000;
        self.swarms.insert(id.clone(), swarm);
        self.join_swarm(board, &id, Role::Manager);
        id
    }

    /// The board leaves whatever it was in, as a node that stays behind, and is a new node of this swarm.
    pub(super) fn join_swarm(&mut self, name: &str, swarm: &Id, role: Role) {
        self.drop_out(name);
        let (Some(board), Some(found)) = (self.boards.get_mut(name), self.swarms.get_mut(swarm)) else {
            return;
        };
        let node = found.add_node(name, role, board);
        board.member = Some(Joined { swarm: swarm.clone(), node });
    }

    /// The engine forgets its swarm; its node is down from now on.
    pub(super) fn drop_out(&mut self, name: &str) {
        let Some(joined) = self.boards.get_mut(name).and_then(|board| board.member.take()) else { return };
        let Some(swarm) = self.swarms.get_mut(&joined.swarm) else { return };
        swarm.set_answering(&joined.node, false);
        if !swarm.has_managers_but(&joined.node) && swarm.is_manager(&joined.node) {
            self.swarms.remove(&joined.swarm);
        }
    }

    pub(super) fn set_power(&mut self, name: &str, on: bool) {
        self.set(name, |board| board.has_power = on);
    }

    pub(super) fn set_link(&mut self, name: &str, on: bool) {
        self.set(name, |board| board.has_link = on);
    }

    fn set(&mut self, name: &str, set: impl FnOnce(&mut Board)) {
        let Some(board) = self.boards.get_mut(name) else { return };
        let before = board.is_heard();
        set(board);
        let now = board.is_heard();
        let Some(joined) = board.member.clone().filter(|_| before != now) else { return };
        if let Some(swarm) = self.swarms.get_mut(&joined.swarm) {
            swarm.set_answering(&joined.node, now);
        }
    }

    /// How many managers answer this board, itself among them, and how many there are.
    pub(super) fn managers_seen(&self, board: &Board, swarm: &Swarm) -> (usize, usize) {
        let (reachable, managers) = swarm.managers_without(None);
        if board.has_link { (reachable, managers) } else { (1, managers) }
    }

    /// The board whose engine answers at a door, if it has power: the one named, or the first manager.
    pub(super) fn board_behind(&self, door: &Door) -> Option<String> {
        let name = match door {
            Door::Board(name) => name.clone(),
            Door::Swarm(id) => {
                let nodes = &self.swarms.get(id)?.nodes;
                nodes.values().find(|node| node.reachable_manager)?.name.clone()
            }
        };
        self.boards.get(&name).is_some_and(|board| board.has_power).then_some(name)
    }

    /// The swarm that a door leads to, whether or not anybody answers there.
    pub(super) fn swarm_behind(&self, door: &Door) -> Option<Id> {
        match door {
            Door::Swarm(id) => Some(id.clone()),
            Door::Board(name) => self.boards.get(name)?.member.as_ref().map(|joined| joined.swarm.clone()),
        }
    }

    /// Whether a leader is chosen by now.
    fn has_leader(&mut self, swarm: &Id) -> bool {
        let Some(swarm) = self.swarms.get_mut(swarm) else { return false };
        let chosen = swarm.election == 0;
        swarm.election = swarm.election.saturating_sub(1);
        chosen
    }

    /// Refuses where the engine at a door is there, and no manager.
    pub(super) fn manages(&self, door: &Door, about: &str) -> Result<(), EngineError> {
        let Door::Board(name) = door else { return Ok(()) };
        let board = self.boards.get(name).filter(|board| board.has_power);
        let board = board.ok_or_else(|| fault::unreachable(about))?;
        let swarm = board.member.as_ref().and_then(|joined| Some((self.swarms.get(&joined.swarm)?, joined)));
        let words = match swarm {
            Some((swarm, joined)) if swarm.is_manager(&joined.node) => return Ok(()),
            Some(_) => {
                "This node is not a swarm manager. Worker nodes can't be used to view or modify cluster state."
            }
            None => {
                "This node is not a swarm manager. Use \"docker swarm init\" or \"docker swarm join\" to connect this node to swarm and try again."
            }
        };
        Err(EngineError::NotManager { about: about.to_owned(), words: words.to_owned() })
    }

    /// The swarm that a door leads to, if a manager answers there and has a leader.
    pub(super) fn reach(&mut self, door: &Door, about: &str) -> Result<Id, EngineError> {
        self.manages(door, about)?;
        let id = self.swarm_behind(door).ok_or_else(|| fault::unreachable(about))?;
        let swarm = self.swarms.get(&id).ok_or_else(|| fault::unreachable(about))?;
        let (reachable, managers) = match door {
            Door::Board(name) => {
                self.boards.get(name).map_or((0, 0), |board| self.managers_seen(board, swarm))
            }
            Door::Swarm(_) => swarm.managers_without(None),
        };
        match reachable {
            0 => Err(fault::unreachable(about)),
            _ if reachable > managers / 2 && self.has_leader(&id) => Ok(id),
            _ => Err(EngineError::NoLeader { about: about.to_owned() }),
        }
    }
}
