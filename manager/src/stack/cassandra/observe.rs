//! Asks a Cassandra ring how it is: every node over CQL, for itself and for what it hears of the others, and one of
//! them by nodetool, in its container, where that does not tell everything.
//!
//! A nodetool is a JVM's start, seconds of a small board: it is spared wherever all nodes answer clients and hear each
//! other. What is wrong with a ring, and who owns how much of it, is in nodetool's words alone.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt as _};
use pirack_swarm::observed::Observed;
use scylla::client::PoolSize;
use scylla::client::session::Session;
use scylla::client::session_builder::SessionBuilder;
use scylla::deserialize::row::DeserializeRow;
use scylla::policies::host_filter::AllowListHostFilter;
use tokio::sync::oneshot;
use tokio::time::timeout;
use uuid::Uuid;

use super::gossip::Heard;
use super::health::{CassandraHealth, Cql, Gossip, Node};
use super::innermost;
use super::{KEYSPACE, gossip, nodetool};
use crate::rack::Rack;
use crate::stack::exec::{Exec, ExecError};
use crate::stack::health::Answer;
use crate::stack::roll::Unit;
use crate::stack::service::Engine;

/// As many nodes are asked for gossip, one after the other, before it is given up.
const MOST_ASKED: usize = 3;
/// Cassandra's own keyspaces: `system`, `system_auth` and the like.
const SYSTEM: &str = "system";

/// Where a ring is.
#[derive(Clone, Debug)]
pub struct Ring {
    /// Each node's board and its address for CQL.
    pub nodes: BTreeMap<String, SocketAddr>,
}

impl Ring {
    /// The rack's own: the file's nodes, and those that the swarm still holds and the file has no more.
    #[must_use]
    pub fn of(rack: &Rack, observed: &Observed) -> Self {
        let at = |address: IpAddr| SocketAddr::from((address, super::service::CQL));
        let held = observed.services.iter().filter_map(|held| Unit::of(&held.spec));
        let mut nodes: BTreeMap<_, _> = held
            .filter(|unit| unit.engine == Engine::Cassandra)
            .filter_map(|unit| Some((unit.board, at(unit.address?))))
            .collect();
        let named = rack.cassandra.iter().flat_map(|cassandra| &cassandra.nodes);
        for board in named.filter_map(|name| rack.board(name)) {
            nodes.insert(board.name.to_string(), at(board.address.into()));
        }
        Self { nodes }
    }

    fn board(&self, address: IpAddr) -> String {
        let found = self.nodes.iter().find(|(_, node)| node.ip() == address);
        found.map_or_else(|| address.to_string(), |(board, _)| board.clone())
    }
}

type Local = (Option<String>, Option<Uuid>, Option<String>);

/// Replicas of keyspaces by data centre: those of others, and the most of Cassandra's own.
type Replication = (BTreeMap<String, BTreeMap<String, usize>>, usize);

/// What is asked of a ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// Which nodes are up and normal.
    State,
    /// And what share each of them owns.
    Shares,
}

/// Asks. Each question has `within`, and there are some: every node over CQL, and one by nodetool. For shares that is
/// the first that answers clients, at once; else it is needed only where not all nodes answer and hear each other.
pub async fn health(
    ring: &Ring,
    exec: &impl Exec,
    question: Question,
    within: Duration,
) -> Answer<CassandraHealth> {
    let mut asking: FuturesUnordered<_> = (ring.nodes.iter())
        .map(async |(board, address)| {
            let told = match timeout(within, ask(*address, question)).await {
                Ok(told) => told,
                Err(_) => Err(format!("no answer to CQL within {} s", within.as_secs())),
            };
            (board, address.ip(), told)
        })
        .collect();
    let (first, heard) = oneshot::channel();
    let asked = async {
        let (mut nodes, mut views, mut replication) =
            (BTreeMap::new(), BTreeMap::new(), Replication::default());
        let mut first = Some(first);
        while let Some((board, address, told)) = asking.next().await {
            let (cql, silence) = match told {
                Ok(told) => {
                    if let Some(first) = first.take() {
                        // Whoever listens waits for it.
                        let _gone = first.send((board.as_str(), told.replication.0.contains_key(KEYSPACE)));
                    }
                    replication = told.replication;
                    views.extend(told.view.map(|view| (address, view)));
                    (Some(told.cql), None)
                }
                Err(reason) => (None, Some(reason)),
            };
            let node = Node { address: address.to_string(), gossip: None, cql, silence };
            nodes.insert(board.clone(), node);
        }
        (nodes, views, replication)
    };
    // Where nobody answers clients, a node may still hear of the others.
    let listen = async || listen(ring, heard.await.ok(), exec, within).await;
    let (nodes, gossip, replication) = match question {
        Question::Shares => {
            let ((nodes, _, replication), gossip) = tokio::join!(asked, listen());
            (nodes, gossip, replication)
        }
        Question::State => {
            let (nodes, views, replication) = asked.await;
            let gossip = match gossip::heard_by_all(&views) {
                Some(all) => Ok(all),
                None => listen().await,
            };
            (nodes, gossip, replication)
        }
    };
    let (replication, own_replicas) = replication;
    let mut health = CassandraHealth { nodes, replication, own_replicas, gossip_silence: None };
    match gossip {
        Ok(told) => {
            for (address, gossip) in told {
                let node = health.nodes.entry(ring.board(address)).or_default();
                node.address = address.to_string();
                node.gossip = Some(gossip);
            }
        }
        Err(reason) => health.gossip_silence = reason,
    }
    let heard = |node: &Node| node.gossip.is_some() || node.cql.is_some();
    if health.nodes.values().any(heard) {
        Answer::Said(health)
    } else {
        Answer::Silent { reason: silence(&health) }
    }
}

fn silence(health: &CassandraHealth) -> String {
    let mut told = health.nodes.iter().filter_map(|(board, node)| Some((board, node.silence.as_ref()?)));
    match told.next() {
        Some((board, reason)) => format!("no node answers; {board}: {reason}"),
        None => "the ring has no nodes".to_owned(),
    }
}

/// What gossip says, of the first node that tells: `first` is one that answers clients, and whether it has the
/// rack's keyspace. The words of the first failure where none tells.
async fn listen(
    ring: &Ring,
    first: Option<(&str, bool)>,
    exec: &impl Exec,
    within: Duration,
) -> Result<Vec<(IpAddr, Gossip)>, Option<String>> {
    let mut command = vec!["nodetool", "status"];
    // Shares of a keyspace that is not there are refused.
    command.extend(first.is_some_and(|(_, has_keyspace)| has_keyspace).then_some(KEYSPACE));
    let first = first.map(|(board, _)| board);
    let others = ring.nodes.keys().map(String::as_str).filter(|board| Some(*board) != first);
    let mut silence = None;
    for board in first.into_iter().chain(others).take(MOST_ASKED) {
        let reason = match exec.exec(board, Engine::Cassandra, &command, within).await {
            Ok(ran) if ran.status == 0 => return Ok(nodetool::status(&ran.out)),
            Ok(ran) => {
                let said = ran.err.lines().chain(ran.out.lines()).find(|line| !line.trim().is_empty());
                format!("nodetool on {board} ends with {}: {}", ran.status, said.unwrap_or("it says nothing"))
            }
            // What is slow here is slow elsewhere, and somebody waits.
            Err(error @ ExecError::Late { .. }) => return Err(Some(error.to_string())),
            Err(error) => error.to_string(),
        };
        silence.get_or_insert(reason);
    }
    Err(silence)
}

/// One node, in its own words.
struct Told {
    cql: Cql,
    replication: Replication,
    /// What it hears of all; nothing where it was not asked, or its version does not tell.
    view: Option<Vec<Heard>>,
}

async fn ask(address: SocketAddr, question: Question) -> Result<Told, String> {
    let session = session(address).await?;
    let local: Vec<Local> =
        rows(&session, "SELECT release_version, schema_version, bootstrapped FROM system.local").await?;
    let (release, schema, bootstrapped) = local.into_iter().next().ok_or("it says nothing of itself")?;
    let cql = Cql {
        release: release.unwrap_or_default(),
        schema: schema.ok_or("it has no schema yet")?,
        joined: bootstrapped.as_deref() == Some("COMPLETED"),
    };
    let keyspaces: Vec<(String, HashMap<String, String>)> =
        rows(&session, "SELECT keyspace_name, replication FROM system_schema.keyspaces").await?;
    let told = keyspaces.into_iter().map(|(name, settings)| (name, factors(&settings)));
    let (own, others): (BTreeMap<_, _>, BTreeMap<_, _>) =
        told.partition(|(name, _)| name.starts_with(SYSTEM));
    let most = own.values().flat_map(BTreeMap::values).copied().max().unwrap_or(0);
    let view = match question {
        Question::State => rows(&session, gossip::QUESTION).await.ok(),
        Question::Shares => None,
    };
    Ok(Told { cql, replication: (others, most), view })
}

/// Replicas by data centre; one number for all of them stands under `replication_factor`.
fn factors(settings: &HashMap<String, String>) -> BTreeMap<String, usize> {
    settings.iter().filter_map(|(name, value)| Some((name.clone(), value.parse().ok()?))).collect()
}

/// A session with this node and no other.
async fn session(address: SocketAddr) -> Result<Session, String> {
    let filter = AllowListHostFilter::new([address]).map_err(|error| error.to_string())?;
    let session = SessionBuilder::new()
        .known_node_addr(address)
        .host_filter(Arc::new(filter))
        .pool_size(PoolSize::PerHost(NonZeroUsize::MIN))
        .fetch_schema_metadata(false)
        .build()
        .await;
    session.map_err(|error| innermost(&error))
}

async fn rows<T>(session: &Session, text: &str) -> Result<Vec<T>, String>
where
    T: for<'a, 'b> DeserializeRow<'a, 'b>,
{
    let result = session.query_unpaged(text, ()).await.map_err(|error| innermost(&error))?;
    let result = result.into_rows_result().map_err(|error| error.to_string())?;
    let rows = result.rows::<T>().map_err(|error| error.to_string())?;
    rows.collect::<Result<_, _>>().map_err(|error| error.to_string())
}
