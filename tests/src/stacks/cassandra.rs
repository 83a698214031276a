//! A Cassandra ring: a node on each of a lab's boards, all of them seeds, so that they may start together.

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
        let node = |board: &Board| {
            let environment = environment(&board.address().to_string(), &seeds);
            let data = "/var/lib/cassandra";
            Service::start(
                board,
                Made { name: "cassandra", image, environment, memory_mebibytes: 1024, data },
            )
        };
        Self {
            boards: lab.boards().to_vec(),
            nodes: lab.boards().iter().map(node).collect(),
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
        for board in &self.boards {
            let what = format!("{} to hear all {} nodes", board.name(), self.nodes.len());
            wait::until(what, START, || (heard(board) == self.nodes.len()).then_some(()));
        }
    }
}

/// How many nodes are up and normal to the one on this board.
fn heard(board: &Board) -> usize {
    let told = board.command("docker").args(["exec", "cassandra", "nodetool", "status"]).output().unwrap();
    String::from_utf8_lossy(&told.stdout).lines().filter(|line| line.starts_with("UN ")).count()
}

fn environment(address: &str, seeds: &str) -> Vec<String> {
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
        format!("JVM_EXTRA_OPTS={QUICK_RING}"),
    ]
}
