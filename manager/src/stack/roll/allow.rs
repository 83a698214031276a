//! What is refused unless somebody allows it by its code: whatever loses data, or the means to write any.
//!
//! Judged from the plan and from how the stacks are now. What has been allowed once is allowed for one run.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

use pirack_swarm::observed::Observed;
use pirack_swarm::plan::{Action, Plan, Step};
use pirack_swarm::spec::{MountKind, MountSpec, ServiceSpec};
use serde::{Serialize, Serializer};

use super::{Change, Kind, Unit, change, some};
use crate::rack::{BoardName, Rack};
use crate::stack::cassandra::{self, CassandraHealth, KEYSPACE};
use crate::stack::health::StackHealth;
use crate::stack::kafka::{self, KafkaHealth, Partition};
use crate::stack::service::Engine;

/// A kind of loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Code {
    /// A dead broker is given up that alone has what it has.
    LastReplica,
    /// Fewer brokers stay than topics have replicas.
    FewerBrokers,
    /// Fewer nodes of Cassandra stay than rows have replicas.
    FewerNodes,
    /// A dead node of Cassandra is given up, with whatever it alone had.
    DeadNode,
    /// Rows have fewer replicas than before.
    FewerReplicas,
    /// A service would look for its data elsewhere and find none.
    OtherPlace,
    /// Nobody answers who could tell what would be lost.
    Unknown,
    /// A board leaves a swarm that may be somebody else's.
    OtherSwarm,
}

impl Code {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 8] = [
        Self::LastReplica,
        Self::FewerBrokers,
        Self::FewerNodes,
        Self::DeadNode,
        Self::FewerReplicas,
        Self::OtherPlace,
        Self::Unknown,
        Self::OtherSwarm,
    ];

    /// What people write behind `--allow`. A number never changes its meaning: AL003 was of replicas that nobody made
    /// anew, AL009 of volumes, which go by the rack's own name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::LastReplica => "AL001",
            Self::FewerBrokers => "AL002",
            Self::FewerNodes => "AL004",
            Self::DeadNode => "AL005",
            Self::FewerReplicas => "AL006",
            Self::OtherPlace => "AL007",
            Self::Unknown => "AL008",
            Self::OtherSwarm => "AL010",
        }
    }

    /// What is lost, in a few words: for the list of codes.
    #[must_use]
    pub fn what(self) -> &'static str {
        match self {
            Self::LastReplica => "a dead broker is given up, with the partitions that it alone has whole",
            Self::FewerBrokers => "fewer brokers stay than topics have replicas",
            Self::FewerNodes => "fewer Cassandra nodes stay than rows have replicas",
            Self::DeadNode => "a dead Cassandra node is given up, with what it alone had",
            Self::FewerReplicas => "rows get fewer replicas",
            Self::OtherPlace => "a service looks for its data in another place, where there are none",
            Self::Unknown => "a data service goes while nobody can tell what it has",
            Self::OtherSwarm => "a board leaves a swarm by force that nobody shows to be this rack's",
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl FromStr for Code {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|code| code.as_str().eq_ignore_ascii_case(text));
        found.ok_or_else(|| {
            let all = Self::ALL.map(Self::as_str).join(", ");
            format!("\"{text}\" is no code of what may be allowed: they are {all}")
        })
    }
}

/// One thing that is refused, displayed as a letter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{code} {what}; to do it all the same, say --allow {code}")]
pub struct Refusal {
    /// What allows it.
    pub code: Code,
    /// Which service or keyspace.
    pub object: String,
    /// What would be lost, and what to do instead.
    pub what: String,
}

impl Refusal {
    fn new(code: Code, object: impl Into<String>, what: String) -> Self {
        Self { code, object: object.into(), what }
    }

    /// Of a board whose engine is in a swarm of which no manager that it knows is this rack's.
    pub(crate) fn elsewhere(board: &BoardName, managers: &[SocketAddr]) -> Self {
        let managers: Vec<String> = managers.iter().map(|manager| manager.ip().to_string()).collect();
        let led = if managers.is_empty() { "nobody that it tells".to_owned() } else { managers.join(", ") };
        let what = format!(
            "its engine is in a swarm that is managed by {led}, no board of this rack, and may have work there that would end: name the right board, or take it out of that swarm there (docker node update --availability drain, then docker swarm leave)"
        );
        Self::new(Code::OtherSwarm, format!("board {board}"), what)
    }

    /// Of a node that is down and goes.
    pub(super) fn dead_node(board: &str) -> Self {
        let service = Engine::Cassandra.on(board);
        let what = format!(
            "{service} is down and would be given up: what it alone had is lost; start it, and it hands over what it has"
        );
        Self::new(Code::DeadNode, service, what)
    }
}

/// Everything about a plan that somebody must allow first.
pub(super) fn refusals(rack: &Rack, plan: &Plan, observed: &Observed, health: &StackHealth) -> Vec<Refusal> {
    let mut refusals: Vec<Refusal> = plan.moves().filter_map(|step| moved(step, observed)).collect();
    let changes: Vec<Change<'_>> = plan.moves().filter_map(|step| change(step, observed)).collect();
    let all: Vec<&Change<'_>> = changes.iter().collect();
    let stay = kafka::order::stay(observed, &all).len();
    let going = || changes.iter().filter(|change| change.kind == Kind::Remove);
    let of = |engine| going().map(|change| &change.unit).filter(move |unit| unit.engine == engine);
    let brokers: Vec<&Unit> = of(Engine::Kafka).filter(|unit| unit.broker).collect();
    refusals.extend(match health.kafka() {
        Some(kafka) => {
            let boards: Vec<&str> = brokers.iter().map(|unit| unit.board.as_str()).collect();
            brokers_go(kafka, &boards, stay)
        }
        None => unknown(&brokers, "Kafka", ""),
    });
    let nodes: Vec<&Unit> = of(Engine::Cassandra).collect();
    let unheard = if cassandra::order::stay(observed, &all).is_empty() { "" } else { IS_HEARD };
    refusals.extend(match health.cassandra() {
        Some(ring) if ring.gossip_silence.is_none() => nodes_go(ring, &nodes),
        Some(_) => unknown(&nodes, "Cassandra's gossip", unheard),
        None => unknown(&nodes, "Cassandra", unheard),
    });
    refusals.extend(health.cassandra().and_then(|ring| fewer_replicas(rack, ring)));
    refusals
}

/// What becomes of a node that runs, where others stay.
const IS_HEARD: &str = " (a node that runs is waited for all the same until it is heard of, and hands over what it has; where it never is, cut its board's power first)";

fn unknown(going: &[&Unit], whom: &str, but: &str) -> Vec<Refusal> {
    let one = |unit: &&Unit| {
        let service = unit.service();
        let what = format!(
            "{service} would go while {whom} does not answer, so that nobody can tell what it alone has: bring {whom} back first{but}"
        );
        Refusal::new(Code::Unknown, service, what)
    };
    going.iter().map(one).collect()
}

pub(super) fn brokers_go(kafka: &KafkaHealth, going: &[&str], stay: usize) -> Vec<Refusal> {
    let mut refusals = vec![];
    let names = |which: &dyn Fn(&Partition) -> bool| {
        some(&kafka.partitions.0.iter().filter(|p| which(p)).map(Partition::name).collect::<Vec<_>>())
    };
    for board in going {
        let lost = |p: &Partition| p.lies_on(board) && p.is_lost(&kafka.brokers);
        if kafka.partitions.0.iter().any(lost) {
            let what = format!(
                "{} would be given up, and nobody else has all of {}: start it, and what it has is moved to the others first; given up all the same, those topics must be deleted and made anew",
                Engine::Kafka.on(board),
                names(&lost)
            );
            refusals.push(Refusal::new(Code::LastReplica, Engine::Kafka.on(board), what));
        }
    }
    let wider = |p: &Partition| going.iter().any(|board| p.lies_on(board)) && p.replicas.len() > stay;
    if kafka.partitions.0.iter().any(wider) {
        let what = format!(
            "{stay} brokers would stay, and more replicas are wanted of {}: keep the brokers, or add others first; otherwise those have one replica less from then on, and none is acknowledged where more must be in sync than are left",
            names(&wider)
        );
        refusals.push(Refusal::new(Code::FewerBrokers, "kafka", what));
    }
    refusals
}

fn nodes_go(ring: &CassandraHealth, going: &[&Unit]) -> Vec<Refusal> {
    let mut refusals = vec![];
    for unit in going {
        let gossip = ring.nodes.get(&unit.board).and_then(|node| node.gossip.as_ref());
        if gossip.is_some_and(|gossip| !gossip.up) {
            refusals.push(Refusal::dead_node(&unit.board));
        }
    }
    let stay = ring.members().filter(|board| !going.iter().any(|unit| unit.board == *board)).count();
    for (keyspace, centres) in &ring.replication {
        let replicas = centres.values().copied().max().unwrap_or(0);
        if !going.is_empty() && stay < replicas {
            let what = format!(
                "{stay} nodes of Cassandra would stay, and keyspace {keyspace} keeps {replicas} replicas: keep the nodes, or lower its replication first"
            );
            refusals.push(Refusal::new(Code::FewerNodes, "cassandra", what));
        }
    }
    refusals
}

fn fewer_replicas(rack: &Rack, ring: &CassandraHealth) -> Option<Refusal> {
    let wanted = usize::try_from(rack.cassandra.as_ref()?.replication).ok()?;
    let has = ring.replication.get(KEYSPACE)?.values().copied().max()?;
    (wanted < has).then(|| {
        let what = format!(
            "keyspace {KEYSPACE} keeps {has} replicas and the file says {wanted}: write replication = {has}"
        );
        Refusal::new(Code::FewerReplicas, KEYSPACE, what)
    })
}

/// A data service whose data would be looked for elsewhere.
fn moved(step: &Step, observed: &Observed) -> Option<Refusal> {
    let Some(Action::UpdateService { id, spec, .. }) = &step.action else { return None };
    let unit = Unit::of(spec)?;
    let held = &observed.services.iter().find(|held| held.id == *id)?.spec;
    let (before, after) = (data(held)?, data(spec)?);
    (before.source != after.source).then(|| {
        let service = unit.service();
        let what = format!("{service} would look for its data in {} and leave those in {}: move them there while it is stopped, or write the old data_disk again", after.source, before.source);
        Refusal::new(Code::OtherPlace, service, what)
    })
}

/// The one mount that keeps something.
fn data(spec: &ServiceSpec) -> Option<&MountSpec> {
    spec.mounts.values().find(|mount| matches!(mount.kind, MountKind::Volume | MountKind::Bind))
}
