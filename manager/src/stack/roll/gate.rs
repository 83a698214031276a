//! What must hold before a step or after it, as plain data: judged from how the stacks are, and nothing else.

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;

use super::some;
use crate::stack::cassandra::{CassandraHealth, Gossip, State};
use crate::stack::health::{Answer, StackHealth};
use crate::stack::kafka::{KafkaHealth, Partition, Quorum};
use crate::stack::service::Engine;

/// One condition. Displayed, it is what is waited for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Gate {
    /// Kafka can do without this board for a while: nothing would become unwritable or lose its quorum.
    KafkaSpares {
        /// Which board.
        board: String,
    },
    /// A board is back in Kafka: in sync with every partition that lies on it, and voting where it votes.
    KafkaBack {
        /// Which board.
        board: String,
        /// Whether it is a broker.
        broker: bool,
        /// Whether it votes.
        votes: bool,
    },
    /// These brokers live, controllers follow, and whatever of a partition lies on these boards is whole. What
    /// lies on others, which are away, nobody waits for.
    KafkaWhole {
        /// The brokers' boards.
        brokers: BTreeSet<String>,
        /// All boards that are there.
        boards: BTreeSet<String>,
    },
    /// Enough brokers live to take over what lies on this board, or all of those that may.
    KafkaTakes {
        /// Which board.
        board: String,
        /// Who may.
        onto: BTreeSet<String>,
    },
    /// Nothing of Kafka lies on this board, but for what nobody who lives has.
    KafkaVacated {
        /// Which board.
        board: String,
    },
    /// The board's broker lives no more.
    KafkaWithout {
        /// Which board.
        board: String,
    },
    /// Cassandra can do without this board for a while: all others are up and agree on their schema.
    RingSpares {
        /// Which board.
        board: String,
    },
    /// The ring is whole, and so can take this board in.
    RingTakes {
        /// Which board.
        board: String,
    },
    /// Every node of the ring is up and normal, and they agree on their schema.
    RingWhole,
    /// These nodes are up and normal, and agree on their schema.
    RingHas {
        /// Their boards.
        nodes: BTreeSet<String>,
    },
    /// The ring has no node of this board any more.
    RingWithout {
        /// Which board.
        board: String,
    },
    /// A service's task runs, by its own health check.
    Running {
        /// Which service.
        service: String,
    },
    /// Stargate answers a real query.
    StargateAnswers {
        /// On which board.
        board: String,
    },
}

/// What is in the way, in words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Waiting(pub String);

impl Gate {
    /// Whether it holds.
    ///
    /// # Errors
    /// With what is in the way.
    pub fn holds(&self, health: &StackHealth) -> Result<(), Waiting> {
        match self {
            Self::KafkaSpares { board } => {
                alone(health, Engine::Kafka, board)?;
                match silent(health.kafka.as_ref(), health, Engine::Kafka, board)? {
                    Some(kafka) => kafka_spares(kafka, board),
                    None => Ok(()),
                }
            }
            Self::KafkaBack { board, broker, votes } => {
                back(said(&health.kafka, "Kafka")?, board, *broker, *votes)
            }
            Self::KafkaWhole { brokers, boards } => {
                kafka_whole(said(&health.kafka, "Kafka")?, brokers, boards)
            }
            Self::KafkaTakes { board, onto } => takes(said(&health.kafka, "Kafka")?, board, onto),
            Self::KafkaVacated { board } => vacated(said(&health.kafka, "Kafka")?, board),
            Self::KafkaWithout { board } if said(&health.kafka, "Kafka")?.brokers.contains(board) => {
                waiting(format!("{board}'s broker still lives"))
            }
            Self::KafkaWithout { .. } => Ok(()),
            Self::RingSpares { board } => {
                alone(health, Engine::Cassandra, board)?;
                // Where no gossip is heard, the others' view of it is no proof that it is away.
                let unheard = |ring: &CassandraHealth| {
                    ring.gossip_silence.is_some() && health.runs(&Engine::Cassandra.on(board))
                };
                match silent(health.cassandra.as_ref(), health, Engine::Cassandra, board)? {
                    // A node that is no more in the ring than a stopped one takes nothing away.
                    Some(ring) if ring.serves(board) || unheard(ring) => ring_whole(ring, Some(board)),
                    _ => Ok(()),
                }
            }
            Self::RingTakes { board } => {
                settled(health, |service| service.starts_with(&Engine::Cassandra.on("")))?;
                ring_whole(said(&health.cassandra, "Cassandra")?, Some(board))
            }
            Self::RingWhole => ring_whole(said(&health.cassandra, "Cassandra")?, None),
            Self::RingHas { nodes } => ring_has(said(&health.cassandra, "Cassandra")?, nodes),
            Self::RingWithout { board } => ring_without(said(&health.cassandra, "Cassandra")?, board),
            Self::Running { service } if health.runs(service) => settled(health, |other| other == service),
            Self::Running { service } => waiting(format!("{service} does not run yet")),
            Self::StargateAnswers { board } => match health.stargate.get(board) {
                Some(Answer::Said(_)) => Ok(()),
                Some(Answer::Silent { reason }) => waiting(format!("Stargate on {board}: {reason}")),
                None => waiting(format!("Stargate on {board} was not asked")),
            },
        }
    }
}

impl Gate {
    /// Whether data are on their way that it waits for, or a board that may bring them: a node joins or leaves, a
    /// broker catches up. How long that takes is a matter of how much there is.
    #[must_use]
    pub fn is_underway(&self, health: &StackHealth) -> bool {
        let moves = |ring: &CassandraHealth| {
            let state = |gossip: &Gossip| gossip.up && gossip.state != State::Normal;
            ring.nodes.values().any(|node| node.gossip.as_ref().is_some_and(state))
        };
        let copies = |kafka: &KafkaHealth| {
            let behind = |p: &Partition| p.replicas.difference(&p.in_sync).any(|b| kafka.brokers.contains(b));
            kafka.partitions.0.iter().any(behind)
        };
        match self {
            Self::KafkaSpares { .. }
            | Self::KafkaBack { .. }
            | Self::KafkaTakes { .. }
            | Self::KafkaWhole { .. } => health.kafka().is_some_and(copies),
            Self::RingSpares { .. }
            | Self::RingTakes { .. }
            | Self::RingWhole
            | Self::RingHas { .. }
            | Self::RingWithout { .. } => health.cassandra().is_some_and(moves),
            Self::KafkaVacated { board } => health
                .kafka()
                .is_some_and(|kafka| kafka.partitions.0.iter().any(|p| p.leaving.contains(board))),
            Self::KafkaWithout { .. } | Self::Running { .. } | Self::StargateAnswers { .. } => false,
        }
    }
}

fn waiting<T>(text: impl Into<String>) -> Result<T, Waiting> {
    Err(Waiting(text.into()))
}

fn said<'a, T>(answer: &'a Option<Answer<T>>, whom: &str) -> Result<&'a T, Waiting> {
    match answer {
        Some(Answer::Said(health)) => Ok(health),
        Some(Answer::Silent { reason }) => waiting(format!("{whom} does not answer: {reason}")),
        None => waiting(format!("{whom} was not asked")),
    }
}

/// What an engine said, or nothing where it is silent and this board's part of it does not run: whatever that
/// one could take away is away already, and it may be the one that must be mended first. Where nobody asked,
/// nobody knows what runs either.
fn silent<'a, T>(
    answer: Option<&'a Answer<T>>,
    health: &StackHealth,
    engine: Engine,
    board: &str,
) -> Result<Option<&'a T>, Waiting> {
    match answer {
        None => waiting(format!("{} was not asked", engine.as_str())),
        Some(Answer::Said(health)) => Ok(Some(health)),
        Some(Answer::Silent { .. }) if !health.runs(&engine.on(board)) => Ok(None),
        Some(Answer::Silent { reason }) => {
            waiting(format!("{} runs on {board} and nobody answers: {reason}", engine.as_str()))
        }
    }
}

/// That no other service of an engine stops, or is about to, beside this board's.
fn alone(health: &StackHealth, engine: Engine, board: &str) -> Result<(), Waiting> {
    let (own, all) = (engine.on(board), engine.on(""));
    if !health.runs(&own) {
        return Ok(());
    }
    settled(health, |service| service != own && service.starts_with(&all))
}

/// That none of these services stops, or is about to: whoever is asked cannot tell that yet.
fn settled(health: &StackHealth, of_these: impl Fn(&str) -> bool) -> Result<(), Waiting> {
    match health.outdated.iter().find(|service| of_these(service)) {
        Some(service) => waiting(format!("{service} stops, or is about to: its task of before still runs")),
        None => Ok(()),
    }
}

fn kafka_spares(kafka: &KafkaHealth, board: &str) -> Result<(), Waiting> {
    let votes = kafka.quorum.as_ref().is_some_and(|quorum| quorum.voters.contains_key(board));
    if kafka.brokers.contains(board) || votes {
        let offline = kafka.partitions.offline();
        if !offline.is_empty() {
            return waiting(format!("offline, and so neither read nor written: {}", some(&offline)));
        }
    }
    let held = |known: bool| -> Vec<String> {
        let held = |p: &&Partition| !p.spares(board) && p.least.is_some() == known;
        kafka.partitions.0.iter().filter(held).map(Partition::name).collect()
    };
    let (short, untold) = (held(true), held(false));
    if !short.is_empty() {
        return waiting(format!("without {board} too few replicas are in sync of {}", some(&short)));
    }
    if !untold.is_empty() {
        return waiting(format!(
            "Kafka does not tell how many replicas must be in sync of {}, and not all are",
            some(&untold)
        ));
    }
    match &kafka.quorum {
        Some(quorum) if quorum.spares(board) => Ok(()),
        Some(quorum) => {
            let away: Vec<String> = quorum.away().into_iter().map(str::to_owned).collect();
            waiting(format!("{board} votes among the controllers, and these are away: {}", some(&away)))
        }
        None => {
            let reason = kafka.quorum_silence.as_deref().unwrap_or("no leader");
            waiting(format!("the controllers have no majority to show: {reason}"))
        }
    }
}

fn back(kafka: &KafkaHealth, board: &str, broker: bool, votes: bool) -> Result<(), Waiting> {
    if broker && !kafka.brokers.contains(board) {
        return waiting(format!("{board} is not yet among the brokers"));
    }
    let lies = |p: &&Partition| p.replicas.contains(board) && !p.in_sync.contains(board);
    let behind: Vec<String> = kafka.partitions.0.iter().filter(lies).map(|p| p.name()).collect();
    if !behind.is_empty() {
        return waiting(format!("{board} is not yet in sync with {}", some(&behind)));
    }
    let follows = |quorum: &Quorum| quorum.present().any(|voter| voter == board);
    if votes && !kafka.quorum.as_ref().is_some_and(follows) {
        return waiting(format!("{board} does not yet follow the active controller"));
    }
    Ok(())
}

fn takes(kafka: &KafkaHealth, board: &str, onto: &BTreeSet<String>) -> Result<(), Waiting> {
    let away: Vec<String> = onto.difference(&kafka.brokers).cloned().collect();
    let live = onto.len() - away.len();
    let wider = kafka.partitions.0.iter().any(|p| p.replicas.contains(board) && p.replicas.len() > live);
    if away.is_empty() || !wider {
        return Ok(());
    }
    waiting(format!("too few are there for as many replicas: not among the brokers: {}", some(&away)))
}

fn vacated(kafka: &KafkaHealth, board: &str) -> Result<(), Waiting> {
    let lies = kafka.partitions.0.iter().filter(|p| p.lies_on(board) && !p.is_lost(&kafka.brokers));
    let lies: Vec<String> = lies.map(Partition::name).collect();
    if lies.is_empty() {
        return Ok(());
    }
    waiting(format!("{} partitions still lie on {board}: {}", lies.len(), some(&lies)))
}

fn kafka_whole(
    kafka: &KafkaHealth,
    brokers: &BTreeSet<String>,
    boards: &BTreeSet<String>,
) -> Result<(), Waiting> {
    let missing: Vec<String> = brokers.difference(&kafka.brokers).cloned().collect();
    if !missing.is_empty() {
        return waiting(format!("not among the brokers: {}", some(&missing)));
    }
    let Some(quorum) = &kafka.quorum else {
        let reason = kafka.quorum_silence.as_deref().unwrap_or("no leader");
        return waiting(format!("the controllers have no majority to show: {reason}"));
    };
    let away = quorum.away().into_iter().filter(|voter| boards.contains(*voter));
    let away: Vec<String> = away.map(str::to_owned).collect();
    if !away.is_empty() {
        return waiting(format!("controllers that do not follow: {}", some(&away)));
    }
    let lacks = |p: &&Partition| p.replicas.difference(&p.in_sync).any(|board| boards.contains(board));
    let behind = kafka.partitions.0.iter().filter(lacks).map(Partition::name).collect();
    for (what, names) in [("offline", kafka.partitions.offline()), ("not in sync", behind)] {
        if !names.is_empty() {
            return waiting(format!("{what}: {}", some(&names)));
        }
    }
    Ok(())
}

fn ring_whole(ring: &CassandraHealth, but: Option<&str>) -> Result<(), Waiting> {
    if let Some(reason) = &ring.gossip_silence {
        return waiting(format!("no node tells what it knows of the others: {reason}"));
    }
    let unwell: Vec<String> =
        ring.unwell(but).map(|(board, node)| format!("{board} ({})", node.letters())).collect();
    if !unwell.is_empty() {
        return waiting(format!("nodes that are not up and normal: {}", some(&unwell)));
    }
    agreed(ring)
}

fn ring_has(ring: &CassandraHealth, nodes: &BTreeSet<String>) -> Result<(), Waiting> {
    let letters =
        |board: &String| ring.nodes.get(board).map_or("not in the ring".into(), |node| node.letters());
    let missing = nodes.iter().filter(|board| !ring.is_well(board));
    let missing: Vec<String> = missing.map(|board| format!("{board} ({})", letters(board))).collect();
    if !missing.is_empty() {
        return waiting(format!("not up and normal: {}", some(&missing)));
    }
    agreed(ring)
}

fn agreed(ring: &CassandraHealth) -> Result<(), Waiting> {
    if ring.agrees() {
        return Ok(());
    }
    waiting(format!("the nodes have {} versions of their schema", ring.schemas().len()))
}

fn ring_without(ring: &CassandraHealth, board: &str) -> Result<(), Waiting> {
    if let Some(reason) = &ring.gossip_silence {
        return waiting(format!("no node tells what it knows of the others: {reason}"));
    }
    match ring.nodes.get(board).and_then(|node| node.gossip.as_ref()) {
        None => Ok(()),
        Some(gossip) => waiting(format!("{board} is still in the ring ({})", gossip.letters())),
    }
}

impl fmt::Display for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::KafkaSpares { board } => write!(f, "Kafka can do without {board}"),
            Self::KafkaBack { board, .. } => write!(f, "{board} is back in Kafka, in sync"),
            Self::KafkaWhole { .. } => f.write_str("all of Kafka is there and in sync"),
            Self::KafkaTakes { board, .. } => write!(f, "brokers are there to take over from {board}"),
            Self::KafkaVacated { board } => write!(f, "nothing of Kafka lies on {board}"),
            Self::KafkaWithout { board } => write!(f, "Kafka is without {board}'s broker"),
            Self::RingSpares { board } => write!(f, "Cassandra can do without {board}"),
            Self::RingTakes { board } => write!(f, "Cassandra's ring is whole, to take {board} in"),
            Self::RingWhole => {
                f.write_str("every node of Cassandra is up and normal, and they agree on the schema")
            }
            Self::RingHas { nodes } => {
                let nodes: Vec<String> = nodes.iter().cloned().collect();
                write!(f, "up and normal in Cassandra's ring: {}", nodes.join(", "))
            }
            Self::RingWithout { board } => write!(f, "Cassandra's ring is without {board}"),
            Self::Running { service } => write!(f, "{service} runs"),
            Self::StargateAnswers { board } => write!(f, "Stargate on {board} answers a query"),
        }
    }
}
