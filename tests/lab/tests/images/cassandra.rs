//! Cassandra's contract, for both series.

use std::collections::BTreeSet;
use std::time::Duration;

use pirack_lab::{Lab, Outcome, images};

use crate::container::{Container, Run};
use crate::{contract, get, listening, only_its_ports};

const HEALTHY: &str = "/opt/cassandra/bin/healthy";
const LIMIT: Duration = Duration::from_secs(120);

pub fn five(lab: &Lab) -> Outcome {
    every_variable(lab, "cassandra-5.0")
}

pub fn four(lab: &Lab) -> Outcome {
    every_variable(lab, "cassandra-4.0")
}

fn every_variable(lab: &Lab, name: &str) -> Outcome {
    let image = images::reference(name)?;
    let address = lab.board(1).address().to_string();
    let variables = [
        ("CASSANDRA_CLUSTER_NAME", "a rack: \"one\""),
        ("CASSANDRA_SEEDS", address.as_str()),
        ("CASSANDRA_LISTEN_ADDRESS", "auto"),
        ("CASSANDRA_BROADCAST_ADDRESS", address.as_str()),
        ("CASSANDRA_RPC_ADDRESS", address.as_str()),
        ("CASSANDRA_BROADCAST_RPC_ADDRESS", address.as_str()),
        ("CASSANDRA_DC", "desk"),
        ("CASSANDRA_RACK", "shelf"),
        ("CASSANDRA_ENDPOINT_SNITCH", "GossipingPropertyFileSnitch"),
        ("CASSANDRA_NUM_TOKENS", "5"),
        ("CASSANDRA_START_RPC", "true"),
        ("MAX_HEAP_SIZE", "400M"),
        ("HEAP_NEWSIZE", "80M"),
        ("JVM_OPTS", "-Dseen=first -Dcassandra.ring_delay_ms=1000"),
        (
            "JVM_EXTRA_OPTS",
            "-javaagent:/opt/exporter/jmx_prometheus_javaagent.jar=9103:/opt/exporter/cassandra.yaml \
            -Dseen=second -Dcassandra.skip_wait_for_gossip_to_settle=0",
        ),
        ("JMX_PORT", "7299"),
    ];
    let shown: BTreeSet<String> = variables.iter().map(|(name, _)| (*name).to_owned()).collect();
    let mut listed = contract("cassandra/CONTRACT.md");
    assert!(listed.contains("CASSANDRA_RACK") && listed.contains("JVM_EXTRA_OPTS"), "{listed:?}");
    listed.retain(|name| !shown.contains(name));
    assert_eq!(listed, BTreeSet::new(), "listed and not shown");

    let before = listening(lab.board(1));
    let run = Run { image: &image, variables: &variables, memory: 1280, volume: None };
    let cassandra = Container::start(lab.board(1), &run);
    let first = cassandra.exec(&[HEALTHY]);
    assert_ne!(first.status, 0, "healthy before it could be: {}", first.text);
    cassandra.healthy(HEALTHY, LIMIT);
    let line = cassandra.command_line();
    for part in ["-Xms400M -Xmx400M", "-Xmn80M", "-Dseen=first", "-Dseen=second"] {
        assert!(line.contains(part), "{part} is not in {line}");
    }
    assert_eq!(line.matches("jmx_prometheus").count(), 1, "{line}");
    only_its_ports(lab.board(1), "cassandra", &before, &[7299]);
    let metrics = get(lab.board(1), 9103, "/metrics");
    for part in ["cassandra_nodes_up 1.0", "cassandra_compactions_pending 0.0", "cassandra_requests_total{"] {
        assert!(metrics.contains(part), "{part} is not in {metrics}");
    }
    // What the node itself says of what it was told.
    let nodetool = |word: &str| {
        let said = cassandra.exec(&["nodetool", word]);
        assert_eq!(said.status, 0, "nodetool {word}: {}", said.text);
        said.text
    };
    let status = nodetool("status");
    let own = status.lines().find(|line| line.starts_with("UN")).unwrap_or_else(|| panic!("{status}"));
    let words: Vec<&str> = own.split_whitespace().collect();
    assert_eq!(words[1], address, "{status}");
    assert!(
        status.contains("Datacenter: desk") && own.contains(" 5 ") && words.contains(&"shelf"),
        "{status}"
    );
    let cluster = nodetool("describecluster");
    assert!(
        cluster.contains("Name: a rack: \"one\"") && cluster.contains("GossipingPropertyFileSnitch"),
        "{cluster}"
    );
    let gossip = nodetool("gossipinfo");
    assert!(gossip.contains(&format!("{address}:9042")), "{gossip}");
    assert_eq!(cassandra.exec(&["id", "-u"]).text.trim(), "999");

    let (status, took) = cassandra.stop(120);
    let log = cassandra.logs();
    assert_eq!(status, 143, "{log}");
    assert!(took < Duration::from_secs(60), "{took:?}");
    assert!(!log.contains("UnsatisfiedLinkError") && !log.contains("ERROR"), "{log}");
    assert!(log.contains("Paused hints dispatch"), "{log}");
    Ok(())
}
