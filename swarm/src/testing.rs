//! Boards, engines and swarms that do not exist and keep Docker's rules: for tests of whatever drives one.
//!
//! What it keeps is what can be run into: versions that only grow and refuse stale updates, parts that
//! never change, names that clash, removals refused while in use, references to nothing refused,
//! defaults filled in on reading, and the managers' majority without which nothing at all goes. A [`Cloud`] is some
//! boards, each with an engine that begins, joins and leaves swarms; a [`FakeEngine`] speaks through one of them, or
//! through whichever manager answers.
//!
//! Tasks live too: placed by constraints, availability and what a board has room for, pulled, started, failed where a
//! [`Fate`] says so, replaced one by one when a spec changes, gone with their node. Time passes for them between two
//! looks: each call of `tasks` moves every task one state on, so that a test needs no clock.
//!
//! The same scenarios hold it and Docker's own engine to the same words: `tests/scenarios`.

mod board;
mod cloud;
mod engine;
mod fault;
mod host;
mod member;
mod placement;
mod registry;
mod rollout;
mod rules;
mod swarm;
mod tasks;

pub use board::Fate;
pub use cloud::Cloud;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::engine::EngineError;
use crate::object::{Id, Object};
use crate::spec::{Role, SecretValue};
use cloud::World;
use swarm::Swarm;

/// The fake. Shared by reference or cloned, as a real engine's client is.
#[derive(Clone, Debug)]
pub struct FakeEngine {
    world: Arc<Mutex<World>>,
    door: Door,
}

/// Through what a [`FakeEngine`] speaks.
#[derive(Clone, Debug)]
enum Door {
    /// This board's engine alone.
    Board(String),
    /// Any manager of this swarm that answers.
    Swarm(Id),
}

impl FakeEngine {
    /// A swarm of one manager on a board named `manager`, spoken to through whichever of its managers answers.
    #[must_use]
    pub fn new(manager: &str) -> Self {
        let cloud = Cloud::new(&[manager]);
        let swarm = cloud.world().begin_swarm(manager);
        Self { world: cloud.shared(), door: Door::Swarm(swarm) }
    }

    /// Whose engine it is, for errors.
    fn name(&self) -> String {
        match &self.door {
            Door::Board(name) => name.clone(),
            Door::Swarm(id) => format!("any manager of {id}"),
        }
    }

    /// The boards behind it.
    #[must_use]
    pub fn cloud(&self) -> Cloud {
        Cloud::of(Arc::clone(&self.world))
    }

    /// Lets a board join, a new one if there is none of that name. A board that was in the swarm before gets a second
    /// node, as in Docker.
    pub fn join(&self, name: &str, role: Role) {
        let mut world = self.world();
        let Some(swarm) = world.swarm_behind(&self.door) else { return };
        world.add_board(name);
        // Its card may have been written anew while it was off; whoever joins is on.
        world.drop_out(name);
        world.set_power(name, true);
        world.join_swarm(name, &swarm, role);
    }

    /// The board of this name stops answering: unplugged, or without power.
    pub fn goes_down(&self, name: &str) {
        self.world().set_power(name, false);
    }

    /// It answers again.
    pub fn comes_back(&self, name: &str) {
        self.world().set_power(name, true);
    }

    /// How many calls have asked for a change, refused ones among them, at any engine of the cloud.
    #[must_use]
    pub fn mutating_calls(&self) -> u64 {
        self.world().faults.mutating_calls
    }

    /// From now on only so many mutating calls are answered, and done; then none, until this is called again.
    pub fn answer_only(&self, calls: Option<u64>) {
        self.world().faults.answers_left = calls;
    }

    /// The mutating call after so many more is done, but its answer is lost.
    pub fn lose_answer_after(&self, calls: u64) {
        self.world().faults.lost_after = Some(calls);
    }

    /// The mutating call after so many more is done just as the leader goes: it hears of no leader, and so do questions
    /// for a moment. Whoever leads next takes some time to begin with what was changed.
    pub fn lose_leader_after(&self, calls: u64) {
        self.world().faults.unled_after = Some(calls);
    }

    /// Just before each of so many mutating calls to come, whatever they would change has another version and is as it
    /// was: a node has reported, a task of the service has failed.
    pub fn versions_move(&self, calls: u64) {
        self.world().faults.moves_left = calls;
    }

    /// From now on about so many calls in a thousand fail, by this seed: some before they are done, some after.
    /// None in a thousand ends it.
    pub fn falter(&self, seed: u64, per_thousand: u16) {
        self.world().faults.falter(seed, per_thousand);
    }

    /// The secret's value, as a task would read it: by its name at the engine.
    #[must_use]
    pub fn secret_value(&self, name: &str) -> Option<SecretValue> {
        self.looked_at(|_, swarm| {
            let found = swarm.secrets.values().find(|(held, _)| held.spec.name == name);
            found.map(|(_, value)| value.clone())
        })
        .flatten()
    }

    /// The nodes on which tasks of this service may run now, by name.
    #[must_use]
    pub fn placement(&self, service: &str) -> Vec<String> {
        self.looked_at(|_, swarm| placement::of(swarm, service)).unwrap_or_default()
    }

    /// A task of this service on this board ends by itself with this status, as a process that was killed does.
    pub fn kill_task(&self, service: &str, exit_code: i64) {
        let mut world = self.world();
        if let Some(swarm) = world.swarm_behind(&self.door).and_then(|id| world.swarms.get_mut(&id)) {
            swarm.kill_task(service, exit_code);
        }
    }

    /// What stands in the swarm, whoever answers.
    fn looked_at<T>(&self, look: impl FnOnce(&World, &Swarm) -> T) -> Option<T> {
        let world = self.world();
        let swarm = world.swarms.get(&world.swarm_behind(&self.door)?)?;
        Some(look(&world, swarm))
    }

    /// A question to the swarm.
    fn ask<T>(
        &self,
        about: &str,
        answer: impl FnOnce(&World, &Swarm) -> Result<T, EngineError>,
    ) -> Result<T, EngineError> {
        let mut world = self.world();
        world.faults.before_question(about)?;
        let swarm = world.reach(&self.door, about)?;
        let swarm = world.swarms.get(&swarm).ok_or_else(|| fault::unreachable(about))?;
        answer(&world, swarm)
    }

    /// A call that asks for a change: counted, and perhaps not answered.
    fn change<T>(
        &self,
        object: &Object,
        change: impl FnOnce(&mut Swarm) -> Result<T, EngineError>,
    ) -> Result<T, EngineError> {
        let mut world = self.world();
        let about = object.to_string();
        let fate = world.faults.next_change();
        fate.before(&about)?;
        let moves = world.faults.next_moves();
        let swarm = world.reach(&self.door, &about)?;
        let swarm = world.swarms.get_mut(&swarm).ok_or_else(|| fault::unreachable(&about))?;
        if moves {
            swarm.versions_move();
        }
        let done = change(swarm)?;
        if fate == fault::CallFate::DoneWithoutLeader {
            swarm.loses_leader();
        }
        fate.after(&about)?;
        Ok(done)
    }

    /// A test that panicked elsewhere is no reason to hide what this one finds.
    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
