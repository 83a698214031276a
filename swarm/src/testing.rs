//! A swarm that does not exist, and keeps Docker's rules: for tests of whatever drives one.
//!
//! What it keeps is what a plan can run into: versions that only grow and refuse stale updates, parts that
//! never change, names that clash, removals refused while in use, references to nothing refused,
//! defaults filled in on reading, and the managers' majority without which nothing at all goes. Tasks it does
//! not run; [`FakeEngine::placement`] tells where a service's constraints would let them.

mod engine;
mod placement;
mod rules;

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::object::{Id, Version};
use crate::observed::{Held, NodeState, ObservedNode};
use crate::spec::{
    Availability, ConfigSpec, NetworkSpec, NodeSpec, Role, SecretSpec, SecretValue, ServiceSpec,
};

/// The fake. Shared by reference, as a real engine's client is.
#[derive(Debug, Default)]
pub struct FakeEngine {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Docker's raft index: every change takes the next one.
    index: u64,
    mutating_calls: u64,
    /// How many more mutating calls are answered; `None` is all.
    answers_left: Option<u64>,
    nodes: BTreeMap<Id, ObservedNode>,
    networks: BTreeMap<Id, Held<NetworkSpec>>,
    configs: BTreeMap<Id, Held<ConfigSpec>>,
    secrets: BTreeMap<Id, (Held<SecretSpec>, SecretValue)>,
    services: BTreeMap<Id, Held<ServiceSpec>>,
}

impl FakeEngine {
    /// A swarm of one manager named `manager`.
    #[must_use]
    pub fn new(manager: &str) -> Self {
        let fake = Self::default();
        fake.join(manager, Role::Manager);
        fake
    }

    /// Lets a board join. A board that was in the swarm before gets a second node, as in Docker.
    pub fn join(&self, name: &str, role: Role) {
        let mut state = self.state();
        let spec = NodeSpec { role, availability: Availability::Active, labels: BTreeMap::new() };
        let held = state.held("node", spec);
        let node = ObservedNode {
            name: name.to_owned(),
            state: NodeState::Ready,
            reachable_manager: role == Role::Manager,
            held,
        };
        state.nodes.insert(node.held.id.clone(), node);
    }

    /// The board of this name stops answering: unplugged, or gone from the swarm.
    pub fn goes_down(&self, name: &str) {
        self.set_state(name, NodeState::Ready, NodeState::Down);
    }

    /// It answers again.
    pub fn comes_back(&self, name: &str) {
        self.set_state(name, NodeState::Down, NodeState::Ready);
    }

    fn set_state(&self, name: &str, from: NodeState, to: NodeState) {
        let mut state = self.state();
        let index = state.next();
        for node in state.nodes.values_mut().filter(|node| node.name == name && node.state == from) {
            node.state = to;
            node.reachable_manager = to == NodeState::Ready && node.held.spec.role == Role::Manager;
            node.held.version = index;
        }
    }

    /// How many calls have asked for a change, refused ones among them.
    #[must_use]
    pub fn mutating_calls(&self) -> u64 {
        self.state().mutating_calls
    }

    /// From now on only so many mutating calls are answered; then none, until this is called again.
    pub fn answer_only(&self, calls: Option<u64>) {
        self.state().answers_left = calls;
    }

    /// The secret's value, as a task would read it: by its name at the engine.
    #[must_use]
    pub fn secret_value(&self, name: &str) -> Option<SecretValue> {
        let state = self.state();
        let found = state.secrets.values().find(|(held, _)| held.spec.name == name);
        found.map(|(_, value)| value.clone())
    }

    /// The nodes on which tasks of this service may run now, by name.
    #[must_use]
    pub fn placement(&self, service: &str) -> Vec<String> {
        placement::of(&self.state(), service)
    }

    /// A test that panicked elsewhere is no reason to hide what this one finds.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn next(&mut self) -> Version {
        self.index += 1;
        Version(self.index)
    }

    fn held<T>(&mut self, kind: &str, spec: T) -> Held<T> {
        let version = self.next();
        Held { id: Id(format!("{kind}-{version}")), version, spec }
    }
}
