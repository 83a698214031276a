//! Kafka and Cassandra as far as an operation can see them: by board, from the tasks that run.
//!
//! Whose doing it is that a task stops is told apart: one that failed, one whose board lost its power, and one
//! that somebody stopped by hand are no operation's fault.

mod said;

use std::collections::{BTreeMap, BTreeSet};

use pirack_swarm::object::Id;
use pirack_swarm::observed::{Held, ObservedNode, ObservedTask, TaskState};
use pirack_swarm::spec::ServiceSpec;

use crate::rack::{BoardName, Rack};
use crate::stack::cassandra::CassandraHealth;
use crate::stack::roll::Act;
use crate::stack::{Answer, StackHealth, of_tasks};

/// So many looks a node that never held data takes to join.
const JOINING: u32 = 3;
/// So many looks a replica takes to be made anew on another broker.
const MOVING: u32 = 3;
/// What a node is told that takes a lost one's place.
const REPLACES: &str = "replace_address_first_boot";

#[derive(Default)]
pub(super) struct Stacks {
    brokers: BTreeMap<String, Broker>,
    nodes: BTreeMap<String, RingNode>,
    /// The brokers that topics were laid on, and as many as they are.
    pub(super) replicas: BTreeSet<String>,
    /// A replica that is on its way.
    moving: Option<Moving>,
    /// The rack's keyspace, once it was made.
    pub(super) rows: Option<usize>,
    /// So many looks hear nothing of what the ring's nodes know of each other.
    pub(super) unheard: usize,
    /// Services that somebody else has just stopped.
    by_hand: BTreeSet<String>,
    /// Services that were well when somebody looked last, and whose board has lost its power since: no operation
    /// can know of them.
    just_dark: BTreeSet<String>,
    pub(super) violations: Vec<String>,
}

/// From a broker to another, which has all of it after so many looks; to none, where nobody is left.
struct Moving {
    from: String,
    to: Option<String>,
    looks: u32,
}

#[derive(Default)]
struct Broker {
    task: Option<Id>,
    /// Whether it ever ran: one that has not is in nobody's way.
    began: bool,
    in_sync: bool,
    /// Its service is no more; the cluster still counts it among its own.
    went: bool,
    node_id: Option<String>,
}

#[derive(Default)]
struct RingNode {
    task: Option<Id>,
    /// Looks left until it has joined; none once it has.
    joining: Option<u32>,
    /// Whether the ring knows it.
    began: bool,
    drained: bool,
    /// It handed its data over, and never comes back with what its disk has.
    gone: bool,
    /// Its disk was lost, and the ring still knows it by what was there.
    lost: bool,
    /// It was in a ring before, and what it had has been removed since.
    emptied: bool,
}

impl RingNode {
    fn is_up(&self) -> bool {
        self.task.is_some() && !self.drained && !self.lost && self.began
    }

    fn is_well(&self) -> bool {
        self.is_up() && self.joining.is_none()
    }
}

/// What the swarm holds when somebody looks.
pub(super) struct Around<'a> {
    pub(super) tasks: &'a [ObservedTask],
    pub(super) nodes: &'a [ObservedNode],
    pub(super) services: &'a [Held<ServiceSpec>],
    pub(super) dark: &'a BTreeSet<BoardName>,
}

impl Around<'_> {
    /// The tasks that run, by their service.
    fn running(&self) -> BTreeMap<&str, &Id> {
        let lit = |task: &ObservedTask| {
            let on = task.node.as_ref().and_then(|node| node.name.parse().ok());
            on.is_none_or(|board: BoardName| !self.dark.contains(&board))
        };
        (self.tasks.iter())
            .filter(|task| task.state == TaskState::Running && task.is_wanted() && lit(task))
            .map(|task| (task.service.as_str(), &task.id))
            .collect()
    }

    /// Whether the managers stopped this task, rather than that it ended.
    fn was_stopped(&self, task: &Id) -> bool {
        let ended = [TaskState::Failed, TaskState::Rejected, TaskState::Complete];
        !self.tasks.iter().any(|known| known.id == *task && ended.contains(&known.state))
    }

    fn spec(&self, service: &str) -> Option<&ServiceSpec> {
        self.services.iter().map(|held| &held.spec).find(|spec| spec.name == service)
    }

    /// The boards that an engine has a service on.
    fn boards<'a>(&'a self, engine: &'a str) -> impl Iterator<Item = &'a str> {
        self.services.iter().filter_map(move |held| held.spec.name.strip_prefix(engine))
    }
}

impl Stacks {
    /// Time passes: whatever tasks became since the last look shows now.
    pub(super) fn look(&mut self, rack: &Rack, around: &Around<'_>) -> StackHealth {
        self.brokers(around);
        self.ring(around);
        let mut health = of_tasks(around.tasks, around.nodes);
        health.running.retain(|service| around.running().contains_key(service.as_str()));
        self.just_dark.clear();
        let has = |engine| around.boards(engine).next().is_some();
        StackHealth {
            kafka: (rack.kafka.is_some() && has("kafka-")).then(|| self.kafka(rack)),
            cassandra: (rack.cassandra.is_some() && has("cassandra-")).then(|| self.heard_of_cassandra(rack)),
            ..health
        }
    }

    fn heard_of_cassandra(&mut self, rack: &Rack) -> Answer<CassandraHealth> {
        let mut told = self.cassandra(rack);
        if let (Answer::Said(ring), 1..) = (&mut told, self.unheard) {
            self.unheard -= 1;
            ring.gossip_silence = Some("nodetool did not answer in time".to_owned());
            ring.nodes.values_mut().for_each(|node| node.gossip = None);
        }
        told
    }

    fn brokers(&mut self, around: &Around<'_>) {
        let running = around.running();
        let lives = |board: &String| running.contains_key(format!("kafka-{board}").as_str());
        self.moving = self.moving.take().and_then(|moving| {
            let waits = moving.to.as_ref().is_some_and(|to| !lives(to));
            let looks = if waits { moving.looks } else { moving.looks.checked_sub(1)? };
            Some(Moving { looks, ..moving })
        });
        for board in around.boards("kafka-") {
            self.brokers.entry(board.to_owned()).or_default();
        }
        let held: BTreeSet<&str> = around.boards("kafka-").collect();
        let behind: BTreeSet<String> = (self.brokers.iter())
            .filter(|(board, broker)| broker.began && !broker.in_sync && held.contains(board.as_str()))
            .filter(|(board, _)| !self.just_dark.contains(&format!("kafka-{board}")))
            .map(|(board, _)| board.clone())
            .collect();
        let mut stopped = vec![];
        for (board, broker) in &mut self.brokers {
            let service = format!("kafka-{board}");
            let task = running.get(service.as_str()).map(|id| (*id).clone());
            if let Some(old) = broker.task.as_ref().filter(|old| task.as_ref() != Some(*old))
                && !self.by_hand.remove(&service)
                && around.was_stopped(old)
                && held.contains(board.as_str())
            {
                stopped.push(board.clone());
            }
            let told = around.spec(&service).and_then(|spec| spec.env.get("KAFKA_NODE_ID").cloned());
            match (&broker.node_id, told) {
                (Some(known), Some(told)) if *known != told => {
                    self.violations.push(format!("broker {board} was {known} and is told to be {told}"));
                }
                (None, told) => broker.node_id = told,
                _ => {}
            }
            let lies = self.replicas.contains(board)
                || self.moving.as_ref().is_some_and(|moving| moving.from == *board);
            if broker.began && lies && !held.contains(board.as_str()) && !broker.went {
                self.violations.push(format!("broker {board} went, and replicas with it"));
            }
            broker.went = !held.contains(board.as_str());
            broker.in_sync = task.is_some() && task == broker.task;
            broker.began |= task.is_some();
            broker.task = task;
        }
        let others = behind.iter().filter(|board| !stopped.contains(*board)).count();
        if stopped.len() > 1 || (!stopped.is_empty() && others > 0) {
            let told = format!("{stopped:?} of Kafka stopped while these were behind: {behind:?}");
            self.violations.push(told);
        }
    }

    fn ring(&mut self, around: &Around<'_>) {
        let running = around.running();
        for board in around.boards("cassandra-") {
            self.nodes.entry(board.to_owned()).or_default();
        }
        let unwell: BTreeSet<String> = (self.nodes.iter())
            .filter(|(_, node)| node.began && !node.is_well())
            .filter(|(board, _)| !self.just_dark.contains(&format!("cassandra-{board}")))
            .map(|(board, _)| board.clone())
            .collect();
        let mut stopped = vec![];
        for (board, node) in &mut self.nodes {
            let service = format!("cassandra-{board}");
            let task = running.get(service.as_str()).map(|id| (*id).clone());
            if let Some(old) = node.task.as_ref().filter(|old| task.as_ref() != Some(*old))
                && !self.by_hand.remove(&service)
                && around.was_stopped(old)
                && node.began
            {
                // An empty disk keeps nothing that a stop could take away.
                if !node.drained && !node.lost {
                    stopped.push(board.clone());
                }
                if node.is_well() {
                    self.violations.push(format!("Cassandra on {board} was stopped without a drain"));
                }
            }
            if task.is_some() && task != node.task {
                let env = around.spec(&service).map(|spec| &spec.env);
                if node.lost && env.is_some_and(is_alone) {
                    self.violations.push(format!("Cassandra on {board} began a ring of its own"));
                }
                if !node.began
                    && node.emptied
                    && env.is_some_and(|env| seeds(env).any(|seed| is_own(env, seed)))
                {
                    self.violations.push(format!("Cassandra on {board} came back empty and as a seed"));
                }
                if !node.began && env.is_some_and(replaces) {
                    self.violations
                        .push(format!("Cassandra on {board} takes the place of a node that never was"));
                }
                node.starts(env.is_some_and(replaces));
            } else if task.is_some() {
                node.joining = node.joining.and_then(|left| left.checked_sub(1));
            }
            node.task = task;
        }
        let joining = self.nodes.iter().filter(|(_, node)| node.joining.is_some() && node.task.is_some());
        let joining: Vec<&String> = joining.map(|(board, _)| board).collect();
        if joining.len() > 1 {
            self.violations.push(format!("nodes that join at once: {joining:?}"));
        }
        let others = unwell.iter().filter(|board| !stopped.contains(*board)).count();
        if stopped.len() > 1 || (!stopped.is_empty() && others > 0) {
            let told = format!("{stopped:?} of Cassandra stopped while these were unwell: {unwell:?}");
            self.violations.push(told);
        }
    }

    /// What was done inside a node.
    pub(super) fn prepare(&mut self, act: &Act) {
        match act {
            // From here on the ring does without it: a stop takes nothing more away.
            Act::Drain { board } => {
                let dark = |other: &String| self.just_dark.contains(&format!("cassandra-{other}"));
                let unwell = |(other, node): &(&String, &RingNode)| {
                    *other != board && node.began && !node.is_well() && !dark(other)
                };
                let others: Vec<&String> = self.nodes.iter().filter(unwell).map(|(other, _)| other).collect();
                if !others.is_empty() && self.nodes.get(board).is_some_and(RingNode::is_well) {
                    let told = format!("{board} of Cassandra drained while these were unwell: {others:?}");
                    self.violations.push(told);
                }
                self.nodes.entry(board.clone()).or_default().drained = true;
            }
            Act::Decommission { board, .. } | Act::Forget { board, .. } => {
                let node = self.nodes.entry(board.clone()).or_default();
                (node.gone, node.began) = (true, false);
            }
            Act::Vacate { board, onto } => self.vacate(board, onto),
            Act::Unregister { board } => {
                self.brokers.entry(board.clone()).or_default().began = false;
            }
        }
    }

    /// Whatever lies on this broker is sent on its way to another.
    fn vacate(&mut self, board: &str, onto: &BTreeSet<String>) {
        if self.replicas.remove(board) {
            let lives = |heir: &&String| self.brokers.get(*heir).is_some_and(|heir| heir.task.is_some());
            let mut free = onto.iter().filter(|heir| !self.replicas.contains(*heir));
            let heir = free.find(lives).cloned();
            self.replicas.extend(heir.clone());
            self.moving = Some(Moving { from: board.to_owned(), to: heir, looks: MOVING });
        }
    }

    /// Somebody stops this service's task, and no operation did.
    pub(super) fn stopped_by_hand(&mut self, service: &str) {
        let board = service.split_once('-').map_or("", |(_, board)| board);
        let ran = |task: Option<&Option<Id>>| task.is_some_and(Option::is_some);
        let broker = self.brokers.get(board).map(|broker| &broker.task);
        let node = self.nodes.get(board).map(|node| &node.task);
        if ran(if service.starts_with("kafka") { broker } else { node }) {
            self.by_hand.insert(service.to_owned());
        }
    }

    /// All that runs on the board ends at once.
    pub(super) fn goes_dark(&mut self, board: &str) {
        if let Some(broker) = self.brokers.get_mut(board) {
            if broker.in_sync {
                self.just_dark.insert(format!("kafka-{board}"));
            }
            (broker.task, broker.in_sync) = (None, false);
        }
        if let Some(node) = self.nodes.get_mut(board) {
            if node.is_well() {
                self.just_dark.insert(format!("cassandra-{board}"));
            }
            (node.task, node.drained) = (None, false);
        }
    }

    /// The board's disk is empty.
    pub(super) fn loses_its_data(&mut self, board: &str) {
        self.goes_dark(board);
        if let Some(node) = self.nodes.get_mut(board) {
            (node.lost, node.gone, node.joining) = (node.began, false, None);
        }
    }
}

impl Stacks {
    /// The volume or folder of its node was removed. Of a ring that has no data anywhere nothing is left.
    pub(super) fn is_emptied(&mut self, board: &str) {
        if let Some(node) = self.nodes.get_mut(board) {
            (node.lost, node.gone, node.joining, node.emptied) = (node.began, false, None, true);
        }
        if self.nodes.values().all(|node| node.lost || !node.began) {
            self.nodes.clear();
            self.rows = None;
        }
    }
}

/// Whether a node with this environment takes a lost one's place: one that is a seed to itself does not.
fn replaces(env: &BTreeMap<String, String>) -> bool {
    env.get("JVM_EXTRA_OPTS").is_some_and(|options| options.contains(REPLACES))
        && seeds(env).all(|seed| !is_own(env, seed))
}

/// Whether it asks nobody else about the ring.
fn is_alone(env: &BTreeMap<String, String>) -> bool {
    seeds(env).all(|seed| is_own(env, seed))
}

fn seeds(env: &BTreeMap<String, String>) -> impl Iterator<Item = &str> {
    env.get("CASSANDRA_SEEDS").into_iter().flat_map(|seeds| seeds.split(','))
}

fn is_own(env: &BTreeMap<String, String>, address: &str) -> bool {
    env.get("CASSANDRA_LISTEN_ADDRESS").is_some_and(|own| own == address)
}

impl RingNode {
    /// A new task begins with what is on the disk.
    fn starts(&mut self, replaces: bool) {
        self.drained = false;
        if self.lost && replaces {
            (self.lost, self.joining) = (false, Some(JOINING));
        } else if !self.began && !self.gone {
            (self.began, self.joining) = (true, Some(JOINING));
        }
    }
}
