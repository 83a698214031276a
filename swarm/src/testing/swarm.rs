//! What the managers of one fake swarm hold in common.

use std::collections::BTreeMap;

use super::board::Board;
use super::tasks::FakeTask;
use crate::member::PORT;
use crate::object::{Id, Version};
use crate::observed::{Held, ManagerStatus, NodeState, ObservedNode, ObservedSwarm, Rollout};
use crate::spec::{
    Availability, ConfigSpec, NetworkSpec, NodeSpec, Role, SecretSpec, SecretValue, ServiceSpec,
};

/// So many questions find the managers choosing a leader.
const ELECTION: u8 = 3;
/// So many ticks whoever leads next takes to begin with what services have changed.
const TAKING_OVER: u64 = 10;

#[derive(Debug)]
pub(super) struct Swarm {
    /// Docker's raft index: every change takes the next one.
    pub(super) index: u64,
    pub(super) itself: ObservedSwarm,
    pub(super) task_history: usize,
    pub(super) nodes: BTreeMap<Id, ObservedNode>,
    pub(super) networks: BTreeMap<Id, Held<NetworkSpec>>,
    pub(super) configs: BTreeMap<Id, Held<ConfigSpec>>,
    pub(super) secrets: BTreeMap<Id, (Held<SecretSpec>, SecretValue)>,
    pub(super) services: BTreeMap<Id, Held<ServiceSpec>>,
    pub(super) tasks: Vec<FakeTask>,
    /// How many questions more find the managers choosing a leader.
    pub(super) election: u8,
    /// Before that many ticks nobody begins with what services have changed.
    pub(super) rolls_from: u64,
    /// How often time has passed.
    pub(super) ticks: u64,
    /// Each service before its last change.
    pub(super) previous: BTreeMap<Id, ServiceSpec>,
    /// By service.
    pub(super) rollouts: BTreeMap<Id, Rollout>,
}

impl Swarm {
    pub(super) fn new(id: &Id) -> Self {
        Self {
            index: 0,
            itself: ObservedSwarm { id: id.clone(), version: Version(0), labels: BTreeMap::new() },
            task_history: 3,
            nodes: BTreeMap::new(),
            networks: BTreeMap::new(),
            configs: BTreeMap::new(),
            secrets: BTreeMap::new(),
            services: BTreeMap::new(),
            tasks: vec![],
            election: 0,
            rolls_from: 0,
            ticks: 0,
            previous: BTreeMap::new(),
            rollouts: BTreeMap::new(),
        }
    }

    pub(super) fn next(&mut self) -> Version {
        self.index += 1;
        Version(self.index)
    }

    /// Nothing is another, but its version.
    pub(super) fn versions_move(&mut self) {
        let next = self.next();
        self.itself.version = next;
        self.nodes.values_mut().for_each(|node| node.held.version = next);
        self.services.values_mut().for_each(|held| held.version = next);
    }

    pub(super) fn held<T>(&mut self, kind: &str, spec: T) -> Held<T> {
        let version = self.next();
        Held { id: Id(format!("{kind}-{version}")), version, spec }
    }

    pub(super) fn add_node(&mut self, name: &str, role: Role, board: &Board) -> Id {
        let spec = NodeSpec { role, availability: Availability::Active, labels: BTreeMap::new() };
        let held = self.held("node", spec);
        let id = held.id.clone();
        let node = ObservedNode {
            name: name.to_owned(),
            state: NodeState::Ready,
            words: String::new(),
            reachable_manager: false,
            manager: None,
            address: Some(board.address.into()),
            machine: Some(board.machine.clone()),
            held,
        };
        self.nodes.insert(id.clone(), node);
        self.settle_managers();
        if !board.is_heard() {
            self.set_answering(&id, false);
        }
        id
    }

    /// What the managers see when a node comes or goes.
    pub(super) fn set_answering(&mut self, id: &Id, answers: bool) {
        let index = self.next();
        if let Some(node) = self.nodes.get_mut(id) {
            node.state = if answers { NodeState::Ready } else { NodeState::Down };
            node.words = if answers { String::new() } else { "heartbeat failure".to_owned() };
            node.held.version = index;
        }
        self.settle_managers();
    }

    /// The leader is the leader no more: the others choose one, and until then nobody answers.
    pub(super) fn loses_leader(&mut self) {
        self.election = ELECTION;
        self.rolls_from = self.ticks + TAKING_OVER;
    }

    /// Who is a manager, who answers, and who leads: the first that answers.
    pub(super) fn settle_managers(&mut self) {
        let mut led = false;
        for node in self.nodes.values_mut() {
            let manages = node.held.spec.role == Role::Manager;
            node.reachable_manager = manages && node.state == NodeState::Ready;
            node.manager = manages.then(|| ManagerStatus {
                address: node.address.map(|address| (address, PORT).into()),
                leader: node.reachable_manager && !led,
            });
            led |= node.reachable_manager;
        }
    }

    pub(super) fn is_manager(&self, id: &Id) -> bool {
        self.nodes.get(id).is_some_and(|node| node.held.spec.role == Role::Manager)
    }

    pub(super) fn has_managers_but(&self, id: &Id) -> bool {
        self.nodes.values().any(|node| node.held.id != *id && node.held.spec.role == Role::Manager)
    }

    /// How many managers answer, and how many there are, perhaps less one.
    pub(super) fn managers_without(&self, without: Option<&Id>) -> (usize, usize) {
        let managers = (self.nodes.values())
            .filter(|node| node.held.spec.role == Role::Manager && without != Some(&node.held.id));
        let reachable = managers.clone().filter(|node| node.reachable_manager).count();
        (reachable, managers.count())
    }
}
