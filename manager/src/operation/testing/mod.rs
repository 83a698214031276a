//! A rack that does not exist: fake boards with Docker's rules, and stacks that keep their own.
//!
//! Brokers and nodes live and die with their tasks. Time passes between two looks at their health: a broker that
//! started is in sync at the next, a node that never held data joins for three. What must never happen on a rack
//! with data is written down as it happens, in [`FakeRack::violations`]: two nodes that join at once, a node that an
//! operation stops without a drain, one of an engine's tasks that it stops while another is not well, a board that
//! gets another Kafka id. An [`Event`] befalls the rack between two calls of whoever operates it.

mod agents;
mod destroy;
mod event;
mod stacks;
mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use pirack_swarm::desired::AbsolutePath;
use pirack_swarm::testing::{Cloud, FakeEngine};

use super::lock::Lock;
use crate::bootstrap::preflight::Report;
use crate::look::AgentWords;
use crate::rack::BoardName;
pub(super) use event::Event;
use stacks::Stacks;

/// The fake.
pub(super) struct FakeRack {
    pub(super) cloud: Cloud,
    engines: BTreeMap<BoardName, FakeEngine>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    stacks: Stacks,
    agents: BTreeMap<BoardName, AgentWords>,
    /// The boards and sinks where no record arrives.
    stuck: BTreeSet<(String, String)>,
    /// What the lock's file holds, and on which board.
    lock: Option<(BoardName, Vec<u8>)>,
    topics: bool,
    tables: bool,
    /// What boards themselves were asked to do, beside what their engines were.
    acts: u64,
    /// Calls so far.
    calls: u64,
    /// What happens before the call of that number.
    to_come: BTreeMap<u64, Vec<Event>>,
    hangs: bool,
    /// What preflight finds, and the boards whose fixes fail.
    findings: Option<Report>,
    unmendable: BTreeSet<BoardName>,
    away: BTreeSet<BoardName>,
    /// Boards that nobody of the rack knows how to reach.
    foreign: BTreeSet<BoardName>,
    /// Boards whose engine has started, how many more looks find it so, and how.
    starting: BTreeMap<BoardName, (usize, Starting)>,
    /// Boards whose data disk is not mounted.
    diskless: BTreeSet<BoardName>,
    /// The folders on data disks, each with its owner.
    folders: BTreeMap<(BoardName, AbsolutePath), u32>,
    /// Volumes that there ever were and nobody removed.
    volumes: BTreeMap<BoardName, BTreeSet<String>>,
}

/// Why an engine that has started is no part of its swarm yet.
#[derive(Clone, Copy, Debug)]
pub(super) enum Starting {
    /// Its swarm has not heard it.
    Unheard,
    /// What it needs is not there, such as its own address.
    Unable,
}

impl FakeRack {
    /// Bare boards.
    pub(super) fn new(boards: &[&str]) -> Self {
        let cloud = Cloud::new(boards);
        let engines = boards.iter().map(|name| (name.parse().unwrap(), cloud.engine(name))).collect();
        Self { cloud, engines, state: Mutex::default() }
    }

    /// Everything that was changed, by whatever way.
    pub(super) fn changes(&self) -> u64 {
        self.any().mutating_calls() + self.state().acts
    }

    /// Calls so far, of whoever operates the rack.
    pub(super) fn calls(&self) -> u64 {
        self.state().calls
    }

    /// Preflight finds this from now on, and what it asks for fails on these boards.
    pub(super) fn finds(&self, report: Report, unmendable: &[&str]) {
        let mut state = self.state();
        state.findings = Some(report);
        state.unmendable = unmendable.iter().map(|board| board.parse().unwrap()).collect();
    }

    /// After so many more calls none comes back, as a program that is killed sees it; none at all: they do again.
    pub(super) fn hang_after(&self, calls: Option<u64>) {
        match calls {
            Some(calls) => self.after(calls, Event::Hang),
            None => self.state().hangs = false,
        }
    }

    /// This happens after so many more calls.
    pub(super) fn after(&self, calls: u64, event: Event) {
        let mut state = self.state();
        let at = state.calls + calls;
        state.to_come.entry(at).or_default().push(event);
    }

    /// Nothing happens any more that has not yet.
    pub(super) fn calms_down(&self) {
        self.state().to_come.clear();
        self.hang_after(None);
        self.any().answer_only(None);
        self.any().falter(0, 0);
        self.any().lose_answer_after(u64::MAX);
        self.any().lose_leader_after(u64::MAX);
    }

    /// For so many looks no node tells what it knows of the others.
    pub(super) fn gossip_is_unheard(&self, looks: usize) {
        self.state().stacks.unheard = looks;
    }

    /// The board's plug is pulled, or put back.
    pub(super) fn set_power(&self, board: &str, on: bool) {
        let name: BoardName = board.parse().unwrap();
        let mut state = self.state();
        if on {
            state.away.remove(&name);
        } else {
            state.away.insert(name);
            state.stacks.goes_dark(board);
        }
        drop(state);
        self.cloud.set_power(board, on);
    }

    /// The board's engine has started, and for so many looks it is no part of its swarm again.
    pub(super) fn is_starting(&self, board: &str, how: Starting, looks: usize) {
        self.state().starting.insert(board.parse().unwrap(), (looks, how));
    }

    /// From now on the board is one that the rack knows nothing of.
    pub(super) fn is_foreign(&self, board: &str) {
        self.state().foreign.insert(board.parse().unwrap());
    }

    /// The card is written anew: no swarm, no images, no agent, no data.
    pub(super) fn reflash(&self, board: &str) {
        let mut state = self.state();
        state.agents.remove(&board.parse::<BoardName>().unwrap());
        state.stacks.loses_its_data(board);
        drop(state);
        self.cloud.reflash(board);
    }

    /// The board's data disk is taken out of its place, or put back.
    pub(super) fn set_disk(&self, board: &str, there: bool) {
        let (name, mut state) = (board.parse().unwrap(), self.state());
        if there {
            state.diskless.remove(&name);
        } else {
            state.diskless.insert(name);
        }
    }

    /// The folders on a board's data disk, each with its owner.
    pub(super) fn folders_on(&self, board: &str) -> Vec<(String, u32)> {
        let state = self.state();
        let own = state.folders.iter().filter(|((on, _), _)| on.as_str() == board);
        own.map(|((_, path), owner)| (path.to_string(), *owner)).collect()
    }

    /// An engine to ask whatever an operation does not.
    pub(super) fn any(&self) -> &FakeEngine {
        self.engines.values().next().unwrap()
    }

    /// A volume on a board that no service of the rack made.
    pub(super) fn put_volume(&self, board: &str, volume: &str) {
        self.state().volumes.entry(board.parse().unwrap()).or_default().insert(volume.to_owned());
    }

    /// The volumes on a board.
    pub(super) fn volumes_on(&self, board: &str) -> Vec<String> {
        self.state().volumes[&board.parse().unwrap()].iter().cloned().collect()
    }

    /// Whether the board's agent runs.
    pub(super) fn agent_runs(&self, board: &str) -> bool {
        self.state().agents.get(&board.parse().unwrap()).is_some_and(|agent| agent.running)
    }

    /// What happened that must not.
    pub(super) fn violations(&self) -> Vec<String> {
        self.state().stacks.violations.clone()
    }

    /// Somebody deletes the rack's topics.
    pub(super) fn lose_topics(&self) {
        self.state().topics = false;
    }

    /// The lock's file, wherever it is.
    pub(super) fn lock_on_a_board(&self) -> Option<Lock> {
        self.state().lock.as_ref().and_then(|(_, text)| Lock::parse(text))
    }

    /// Somebody writes the lock's file, or takes it away.
    pub(super) fn put_lock_file(&self, board: &str, text: Option<&str>) {
        self.state().lock = text.map(|text| (board.parse().unwrap(), text.as_bytes().to_vec()));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Every call passes here: one of them may be the last.
    async fn call(&self) {
        let events = {
            let mut state = self.state();
            let at = state.calls;
            state.calls += 1;
            let later = state.to_come.split_off(&(at + 1));
            std::mem::replace(&mut state.to_come, later)
        };
        for event in events.into_values().flatten() {
            self.befall(event).await;
        }
        if self.state().hangs {
            std::future::pending::<()>().await;
        }
    }
}
