//! A rack of three boards that is well, and what can be wrong with it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use pirack_swarm::host::HostFacts;
use pirack_swarm::member::{Active, Membership};
use pirack_swarm::object::{Id, Version};
use pirack_swarm::observed::{
    Held, Machine, ManagerStatus, NodeState, Observed, ObservedNode, ObservedTask, TaskNode, TaskState,
};
use pirack_swarm::spec::{Availability, NodeSpec, Role, Scale};
use uuid::Uuid;

use crate::look::{AgentWords, Answered, BoardLook, DataSeen, EngineLook, Look, ShellLook, Sink, SwarmLook};
use crate::rack::tests::LEAST;
use crate::rack::{self, BoardName, Rack};
use crate::report::{Reason, Report, report};
use crate::stack::cassandra::{CassandraHealth, Cql, Gossip, Node, State};
use crate::stack::kafka::{KafkaHealth, Partition, Partitions, Quorum, Voter};
use crate::stack::{Answer, StackHealth};

pub(super) const BOARDS: [&str; 3] = ["b1", "b2", "b3"];
pub(super) fn rack() -> Rack {
    rack::parse(LEAST, Path::new("/etc/rack/rack.toml")).unwrap_or_else(|problems| panic!("{problems}"))
}

pub(super) fn name(text: &str) -> BoardName {
    text.parse().unwrap()
}

pub(super) fn at() -> Timestamp {
    "2023-08-01T12:00:00Z".parse().unwrap()
}

fn ago(seconds: i64) -> Option<Timestamp> {
    Some(at().checked_sub(jiff::SignedDuration::from_secs(seconds)).unwrap())
}

/// Nothing is wrong.
pub(super) fn well() -> Look {
    let boards = BOARDS.into_iter().enumerate().map(|(n, board)| (name(board), reached(n)));
    let observed = Observed { nodes: (0..3).map(node).collect(), ..Observed::default() };
    let swarm = SwarmLook { id: "swarm".to_owned(), observed, ..SwarmLook::default() };
    let mut look = Look {
        at: at(),
        took: Duration::from_millis(840),
        boards: boards.collect(),
        swarm: Ok(swarm),
        stacks: StackHealth {
            outdated: BTreeSet::new(),
            running: BTreeSet::new(),
            stopped: BTreeMap::new(),
            kafka: Some(Answer::Said(kafka())),
            cassandra: Some(Answer::Said(cassandra())),
            stargate: BTreeMap::new(),
        },
        departed: BTreeMap::new(),
        data: DataSeen::default(),
    };
    for engine in ["kafka", "cassandra"] {
        for (n, board) in BOARDS.into_iter().enumerate() {
            let service = format!("{engine}-{board}");
            let swarm = look.swarm.as_mut().unwrap();
            swarm.observed.services.push(service_held(&service, 1));
            swarm.tasks.push(task(&service, n, TaskState::Running));
        }
    }
    look
}

fn address(n: usize) -> IpAddr {
    format!("10.0.0.1{}", n + 1).parse().unwrap()
}

fn reached(n: usize) -> BoardLook {
    let facts = HostFacts {
        name: BOARDS[n].to_owned(),
        id: format!("engine-{n}"),
        version: "27.5.1".to_owned(),
        api: "1.47".to_owned(),
        architecture: "aarch64".to_owned(),
        operating_system: "Debian GNU/Linux 12 (bookworm)".to_owned(),
        kernel: "6.6.51".to_owned(),
        memory_bytes: 8 << 30,
        cpus: 4,
        data_folder: "/var/lib/docker".to_owned(),
        warnings: vec![],
    };
    let active = Active {
        node: Id(format!("node-{n}")),
        swarm: None,
        address: Some(address(n)),
        is_manager: true,
        control_available: true,
        managers: vec![],
        words: String::new(),
    };
    let sink = |age| Sink { waiting: 3, acknowledgement_age_seconds: Some(age), ..Sink::default() };
    let agent = AgentWords {
        version: Some("0.1.0 a1b2c3d4e5f6".to_owned()),
        configuration: None,
        running: true,
        silence: None,
        record_age_seconds: Some(2.4),
        sinks: [("cassandra".to_owned(), sink(1.5)), ("kafka".to_owned(), sink(0.5))].into(),
        dropped: Some(0),
        queue_bytes: Some(1 << 20),
        queue_limit_bytes: Some(1 << 29),
        cpu_temperature_celsius: Some(48.3),
        supply_volts: Some(5.08),
        supply_watts: Some(4.2),
        under_voltage: Some(false),
        throttled: Some(false),
    };
    let engine = EngineLook { facts, membership: Membership::Active(active), images: BTreeMap::new() };
    BoardLook::Reached(Box::new(Answered {
        engine: Ok(engine),
        shell: Ok(ShellLook { agent, lock: None }),
        disk: Ok(None),
    }))
}

pub(crate) fn node(n: usize) -> ObservedNode {
    let labels = [("io.pirack.owner".to_owned(), "desk".to_owned())].into();
    let spec = NodeSpec { role: Role::Manager, availability: Availability::Active, labels };
    ObservedNode {
        held: Held { id: Id(format!("node-{n}")), version: Version(7), spec },
        name: BOARDS[n].to_owned(),
        state: NodeState::Ready,
        words: String::new(),
        reachable_manager: true,
        manager: Some(ManagerStatus { address: Some((address(n), 2377).into()), leader: n == 0 }),
        address: Some(address(n)),
        machine: Some(Machine {
            engine_version: "27.5.1".to_owned(),
            architecture: "aarch64".to_owned(),
            memory_bytes: 8 << 30,
            nano_cpus: 4_000_000_000,
        }),
    }
}

pub(super) fn service_held(name: &str, replicas: u64) -> Held<pirack_swarm::spec::ServiceSpec> {
    use pirack_swarm::desired::{Desired, Draft, Service};
    let mut service = Service::new(name.parse().unwrap(), "image:1".parse().unwrap());
    service.scale = Scale::Replicas(replicas);
    if let Some((_, board)) = name.split_once('-') {
        service.labels.insert("board".parse().unwrap(), board.to_owned());
    }
    let mut draft = Draft::new("desk".parse().unwrap());
    draft.services.push(service);
    let desired: Desired = draft.check().unwrap();
    let plan = pirack_swarm::plan::plan(&desired, &Observed::default());
    let spec = plan.steps.into_iter().find_map(|step| match step.action {
        Some(pirack_swarm::plan::Action::CreateService { spec }) => Some(*spec),
        _ => None,
    });
    Held { id: Id(format!("id-{name}")), version: Version(3), spec: spec.unwrap() }
}

pub(crate) fn task(service: &str, n: usize, state: TaskState) -> ObservedTask {
    ObservedTask {
        id: Id(format!("task-{service}-{n}")),
        service_id: Id(format!("id-{service}")),
        service: service.to_owned(),
        slot: Some(1),
        node: Some(TaskNode { id: Id(format!("node-{n}")), name: BOARDS[n].to_owned() }),
        desired: TaskState::Running,
        state,
        since: ago(3600),
        created: ago(3601),
        message: "started".to_owned(),
        error: String::new(),
        container: Some("c0ffee".to_owned()),
        exit_code: None,
        present: true,
    }
}

/// A task that has run for so many seconds.
pub(super) fn begun(service: &str, n: usize, seconds: i64) -> ObservedTask {
    ObservedTask { since: ago(seconds), created: ago(seconds + 1), ..task(service, n, TaskState::Running) }
}

/// A task that ended by itself so many seconds ago, with Docker's words.
pub(super) fn ended(service: &str, n: usize, seconds: i64, error: &str) -> ObservedTask {
    ObservedTask {
        id: Id(format!("task-{service}-{seconds}")),
        desired: TaskState::Shutdown,
        since: ago(seconds),
        created: ago(seconds + 5),
        error: error.to_owned(),
        ..task(service, n, TaskState::Failed)
    }
}

pub(super) fn partition(topic: &str, number: i32, in_sync: &[&str]) -> Partition {
    Partition {
        topic: topic.to_owned(),
        number,
        leader: in_sync.first().map(|board| (*board).to_owned()),
        replicas: texts(&BOARDS),
        leaving: BTreeSet::new(),
        in_sync: texts(in_sync),
        least: Some(2),
    }
}

fn texts(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn kafka() -> KafkaHealth {
    let voter = Voter { behind: 0, silent_ms: Some(200) };
    KafkaHealth {
        nodes: BOARDS.iter().zip(1..).map(|(board, n)| (n, (*board).to_owned())).collect(),
        brokers: texts(&BOARDS),
        away: BTreeSet::new(),
        quorum: Some(Quorum {
            leader: "b2".to_owned(),
            voters: BOARDS.iter().map(|board| ((*board).to_owned(), voter)).collect(),
        }),
        quorum_silence: None,
        partitions: Partitions((0..6).map(|n| partition("rack.readings", n, &BOARDS)).collect()),
    }
}

fn cassandra() -> CassandraHealth {
    let of = |n: usize| Node {
        address: address(n).to_string(),
        gossip: Some(Gossip {
            up: true,
            state: State::Normal,
            owned_ratio: Some(1.0),
            host_id: Uuid::from_u128(n as u128),
        }),
        cql: Some(Cql {
            release: "5.0.5".to_owned(),
            schema: Uuid::from_u128(0x8f2a_0000_u128 << 96),
            joined: true,
        }),
        silence: None,
    };
    let centre = [("rack".to_owned(), 3)].into();
    CassandraHealth {
        nodes: BOARDS.iter().enumerate().map(|(n, board)| ((*board).to_owned(), of(n))).collect(),
        replication: [("rack".to_owned(), centre)].into(),
        own_replicas: 3,
        gossip_silence: None,
    }
}

/// Changes to what was seen.
pub(super) trait Wrong {
    fn node(&mut self, board: &str) -> &mut ObservedNode;
    fn agent(&mut self, board: &str) -> &mut AgentWords;
    fn kafka(&mut self) -> &mut KafkaHealth;
    fn cassandra(&mut self, board: &str) -> &mut Node;
    fn silence(&mut self, board: &str, words: &str);
    fn stops(&mut self, service: &str);
}

impl Wrong for Look {
    fn node(&mut self, board: &str) -> &mut ObservedNode {
        self.swarm.as_mut().unwrap().observed.nodes.iter_mut().find(|node| node.name == board).unwrap()
    }

    fn agent(&mut self, board: &str) -> &mut AgentWords {
        match self.boards.get_mut(&name(board)).unwrap() {
            BoardLook::Reached(answered) => &mut answered.shell.as_mut().unwrap().agent,
            BoardLook::Silent(_) => panic!("{board} has no agent"),
        }
    }

    fn kafka(&mut self) -> &mut KafkaHealth {
        match self.stacks.kafka.as_mut().unwrap() {
            Answer::Said(health) => health,
            Answer::Silent { .. } => panic!("kafka is silent"),
        }
    }

    fn cassandra(&mut self, board: &str) -> &mut Node {
        match self.stacks.cassandra.as_mut().unwrap() {
            Answer::Said(health) => health.nodes.get_mut(board).unwrap(),
            Answer::Silent { .. } => panic!("cassandra is silent"),
        }
    }

    fn silence(&mut self, board: &str, words: &str) {
        self.boards.insert(name(board), BoardLook::Silent(words.to_owned()));
    }

    fn stops(&mut self, service: &str) {
        self.swarm.as_mut().unwrap().tasks.retain(|task| task.service != service);
    }
}

/// Where a manager answers, an apply would change nothing.
pub(super) fn told(look: &Look) -> Report {
    let drift = look.swarm.as_ref().map(|_| vec![]).map_err(|_| "no manager answers".to_owned());
    report(&rack(), look, &drift)
}

/// The one reason that there is.
pub(super) fn only(look: &Look) -> Reason {
    only_of(&told(look))
}

pub(super) fn only_of(report: &Report) -> Reason {
    assert_eq!(report.reasons.len(), 1, "{:#?}", report.reasons);
    assert_eq!(report.verdict, report.reasons[0].verdict);
    report.reasons[0].clone()
}
