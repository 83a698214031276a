//! The rack of all these tests: three bare boards with both clusters up, and no topic and no table.

use std::time::Duration;

use pirack_lab::{Failed, Lab, Spec, images};
use pirack_tests::fleet::{BoardAgent, Orders};
use pirack_tests::program::{self, Ended, Program};
use pirack_tests::stacks::{Cluster, Ring};
use scylla::client::session::Session;
use scylla::client::session_builder::SessionBuilder;
use serde_json::Value;
use tokio::runtime::Runtime;

/// How long anything may take to be noticed.
pub(crate) const NOTICE: Duration = Duration::from_secs(300);
/// How long services may take to be well again, and what waited to be shipped.
pub(crate) const RECOVERY: Duration = Duration::from_secs(600);

/// A test's name, and what it holds the rack to.
pub(crate) type Promise = pirack_lab::Promise<Rack>;

/// Boards, brokers, nodes and agents.
pub(crate) struct Rack {
    pub(crate) agents: Vec<BoardAgent>,
    pub(crate) kafka: Cluster,
    pub(crate) cassandra: Ring,
    /// Last, so that it is taken down last.
    _lab: Lab,
}

impl Rack {
    /// What it runs on: three boards, and the images of both clusters.
    pub(crate) fn spec() -> Spec {
        Spec::new(3).with_images(&["kafka", "cassandra-5.0"])
    }

    pub(crate) fn start(lab: Lab) -> Result<Self, Failed> {
        let kafka = Cluster::start(&lab, &images::reference("kafka")?);
        let cassandra = Ring::start(&lab, &images::reference("cassandra-5.0")?);
        let orders = Orders {
            interval_seconds: 0.1,
            kafka: kafka.bootstrap.clone(),
            cassandra: cassandra.contact_points.clone(),
        };
        let agents = lab.boards().iter().map(|board| BoardAgent::install(board, &orders)).collect();
        kafka.when_well();
        cassandra.when_well();
        Ok(Self { agents, kafka, cassandra, _lab: lab })
    }

    /// Where a client of Kafka's begins.
    pub(crate) fn bootstrap(&self) -> String {
        self.kafka.bootstrap.join(",")
    }

    /// Where a client of Cassandra's begins.
    pub(crate) fn contact_point(&self) -> &str {
        &self.cassandra.contact_points[0]
    }

    /// A client of Cassandra's, as any outsider's.
    pub(crate) async fn session(&self) -> Session {
        SessionBuilder::new().known_nodes(&self.cassandra.contact_points).build().await.unwrap()
    }
}

/// `pirack` with these arguments, and what it said as JSON.
pub(crate) fn pirack(arguments: &[&str]) -> Value {
    let Ended { code, out, err } = Program::start(&program::pirack(), arguments).end(RECOVERY);
    assert_eq!(code, Some(0), "{arguments:?}: {err:?}");
    serde_json::from_str(&out.concat()).unwrap()
}

pub(crate) fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}
