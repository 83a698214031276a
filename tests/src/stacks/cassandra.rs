//! A Cassandra ring: a node on each of a lab's boards, all of them seeds, so that they may start together.

use std::cell::RefCell;
use std::fmt;
use std::time::Duration;

use pirack_lab::{Board, Lab};

use super::Service;
use super::service::Made;
use crate::rack::QUICK_RING;
use crate::wait;

/// How long a node may take to be well, with two others starting beside it on the same two processors.
const START: Duration = Duration::from_secs(600);

/// Nodes, one a board.
#[derive(Debug)]
pub struct Ring {
    boards: Vec<Board>,
    /// The nodes, in the boards' order.
    pub nodes: Vec<Service>,
    /// Where clients begin.
    pub contact_points: Vec<String>,
}

impl Ring {
    /// Starts a node on each board; does not wait until they are well.
    #[must_use]
    pub fn start(lab: &Lab, image: &str) -> Self {
        let seeds =
            lab.boards().iter().map(|board| board.address().to_string()).collect::<Vec<_>>().join(",");
        let of = lab.boards().len();
        let node = |(nth, board): (usize, &Board)| {
            let environment = environment(&board.address().to_string(), &seeds, token(nth, of));
            let data = "/var/lib/cassandra";
            Service::start(
                board,
                Made { name: "cassandra", image, environment, memory_mebibytes: 1024, data },
            )
        };
        Self {
            boards: lab.boards().to_vec(),
            nodes: lab.boards().iter().enumerate().map(node).collect(),
            contact_points: lab.boards().iter().map(|board| format!("{}:9042", board.address())).collect(),
        }
    }

    /// Waits until every node is well and hears all others: after they have all been away, two that answer for
    /// themselves may take each other for dead for another while.
    ///
    /// # Panics
    /// When that takes too long.
    pub fn when_well(&self) {
        for node in &self.nodes {
            node.when_well(START);
        }
        for (board, node) in self.boards.iter().zip(&self.nodes) {
            let told = RefCell::new(String::new());
            let what = fmt::from_fn(|f| {
                let (board, all) = (board.name(), self.nodes.len());
                write!(f, "{board} to hear all {all} nodes; it told {}\n{}", told.borrow(), node.log(60))
            });
            wait::until(what, START, || {
                told.replace(status(board));
                let heard = told.borrow().lines().filter(|line| line.starts_with("UN ")).count();
                (heard == self.nodes.len()).then_some(())
            });
        }
    }
}

/// What the node on this board tells of the ring, or what was in the way.
fn status(board: &Board) -> String {
    // Each question is a JVM in the node's own container, and Docker ends none by itself.
    let ask = ["exec", "cassandra", "timeout", "60", "nodetool", "status"];
    let told = board.command("docker").args(ask).output().unwrap();
    [told.stdout, told.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat()
}

/// The token of a node: the middle of its slice of Murmur3's ring. Cassandra's allocator reckons tokens from the ring that
/// a node sees and from nothing else: two nodes that see one ring at the same moment get the same, and keep them.
fn token(nth: usize, of: usize) -> i128 {
    i128::from(i64::MIN) + (2 * nth as i128 + 1) * (1 << 63) / of as i128
}

fn environment(address: &str, seeds: &str, token: i128) -> Vec<String> {
    vec![
        "CASSANDRA_CLUSTER_NAME=lab".to_owned(),
        format!("CASSANDRA_SEEDS={seeds}"),
        format!("CASSANDRA_LISTEN_ADDRESS={address}"),
        format!("CASSANDRA_BROADCAST_ADDRESS={address}"),
        format!("CASSANDRA_RPC_ADDRESS={address}"),
        "CASSANDRA_ENDPOINT_SNITCH=GossipingPropertyFileSnitch".to_owned(),
        "CASSANDRA_DC=rack".to_owned(),
        "CASSANDRA_RACK=desk".to_owned(),
        "MAX_HEAP_SIZE=384M".to_owned(),
        "HEAP_NEWSIZE=96M".to_owned(),
        "CASSANDRA_NUM_TOKENS=1".to_owned(),
        format!("JVM_EXTRA_OPTS={QUICK_RING} -Dcassandra.initial_token={token}"),
    ]
}
