//! Cassandra's contract, for both series.

use std::collections::BTreeSet;
use std::time::Duration;

use pirack_lab::{Board, Outcome, images};

use crate::container::{Container, Run};
use crate::{contract, doors, get, listening, only_its_ports};

const LIMIT: Duration = Duration::from_secs(240);

pub fn five(board: &Board) -> Outcome {
    every_variable(board, "cassandra-5.0")
}

pub fn four(board: &Board) -> Outcome {
    every_variable(board, "cassandra-4.0")
}

/// Addresses that the board gets beside its own, so that none of these variables says what would be so anyway; and
/// one that nobody has.
const LISTEN: &str = "10.77.0.201";
const BROADCAST: &str = "10.77.0.202";
const BROADCAST_RPC: &str = "10.77.0.203";
const FOREIGN: &str = "10.77.0.204";
/// Nobody else is there to be waited for.
const ALONE: &str = "-Dcassandra.ring_delay_ms=1000 -Dcassandra.skip_wait_for_gossip_to_settle=0";

fn every_variable(board: &Board, name: &str) -> Outcome {
    let image = images::reference(name)?;
    for address in [LISTEN, BROADCAST, BROADCAST_RPC] {
        let arguments = ["address", "replace", &format!("{address}/32"), "dev", "lo"];
        assert!(board.command("ip").args(arguments).status().unwrap().success(), "{address}");
    }
    let address = board.address().to_string();
    let (seeds, first) = (format!("{BROADCAST},{FOREIGN}"), format!("-Dseen=first {ALONE}"));
    let variables = [
        ("CASSANDRA_CLUSTER_NAME", "a rack: \"one\""),
        ("CASSANDRA_SEEDS", seeds.as_str()),
        ("CASSANDRA_LISTEN_ADDRESS", LISTEN),
        ("CASSANDRA_BROADCAST_ADDRESS", BROADCAST),
        ("CASSANDRA_RPC_ADDRESS", address.as_str()),
        ("CASSANDRA_BROADCAST_RPC_ADDRESS", BROADCAST_RPC),
        ("CASSANDRA_DC", "desk"),
        ("CASSANDRA_RACK", "shelf"),
        ("CASSANDRA_NUM_TOKENS", "5"),
        ("CASSANDRA_START_RPC", "true"),
        ("MAX_HEAP_SIZE", "400M"),
        ("HEAP_NEWSIZE", "80M"),
        ("JVM_OPTS", &first),
        (
            "JVM_EXTRA_OPTS",
            "-javaagent:/opt/exporter/jmx_prometheus_javaagent.jar=9103:/opt/exporter/cassandra.yaml \
            -Dseen=second",
        ),
        ("JMX_PORT", "7299"),
    ];
    let shown: BTreeSet<&str> = variables.iter().map(|(name, _)| *name).chain([SNITCH]).collect();
    let mut listed = contract("cassandra/CONTRACT.md");
    assert!(listed.contains("CASSANDRA_RACK") && listed.contains("JVM_EXTRA_OPTS"), "{listed:?}");
    listed.retain(|name| !shown.contains(name.as_str()));
    assert_eq!(listed, BTreeSet::new(), "listed and not shown");

    let before = listening(board);
    let run = Run { image: &image, variables: &variables, memory: 1280, volume: None };
    let cassandra = Container::start(board, &run);
    let first = cassandra.check();
    assert_ne!(first.status, 0, "healthy before it could be: {}", first.text);
    cassandra.healthy(LIMIT);
    let line = cassandra.command_line();
    for part in ["-Xms400M -Xmx400M", "-Dseen=first", "-Dseen=second"] {
        assert!(line.contains(part), "{part} is not in {line}");
    }
    // CMS has a young part of a fixed size, G1 sizes it by its pauses.
    assert_eq!(line.contains("-Xmn80M"), name == "cassandra-4.0", "{line}");
    assert_eq!(line.contains("+UseG1GC"), name == "cassandra-5.0", "{line}");
    assert_eq!(line.matches("jmx_prometheus").count(), 1, "{line}");
    only_its_ports(board, "cassandra", &before, &[(7199, 7299)]);
    let doors = doors(board);
    for door in [format!("{LISTEN}:7000"), format!("{address}:9042"), "127.0.0.1:7299".to_owned()] {
        assert!(doors.contains(&door), "{door} is not among {doors:?}");
    }
    let metrics = get(board, 9103, "/metrics");
    for part in ["cassandra_nodes_up 1.0", "cassandra_compactions_pending 0.0", "cassandra_requests_total{"] {
        assert!(metrics.contains(part), "{part} is not in {metrics}");
    }
    // What the node itself says of what it was told.
    let own = own_line(&cassandra, BROADCAST);
    let words: Vec<&str> = own.split_whitespace().collect();
    assert!(words.contains(&"5") && words.contains(&"shelf"), "{own}");
    let cluster = nodetool(&cassandra, "describecluster");
    for part in ["Name: a rack: \"one\"", "GossipingPropertyFileSnitch", "desk"] {
        assert!(cluster.contains(part), "{part} is not in {cluster}");
    }
    let gossip = nodetool(&cassandra, "gossipinfo");
    assert!(gossip.contains(&format!("{BROADCAST_RPC}:9042")), "{gossip}");
    let seeds = nodetool(&cassandra, "getseeds");
    assert!(seeds.contains(FOREIGN), "{seeds}");
    assert_eq!(cassandra.exec(&["id", "-u"]).text.trim(), "999");

    let status = cassandra.stop(120);
    let log = cassandra.logs();
    assert_eq!(status, 143, "{log}");
    assert!(!log.contains("UnsatisfiedLinkError") && !log.contains("ERROR"), "{log}");
    assert!(log.contains("Paused hints dispatch"), "{log}");
    Ok(())
}

const SNITCH: &str = "CASSANDRA_ENDPOINT_SNITCH";

/// With a snitch that knows of no place, which both series take from the same script; and with what is left unsaid:
/// its own address, and itself for a seed.
pub fn snitch(board: &Board) -> Outcome {
    let image = images::reference("cassandra-5.0")?;
    let variables = [
        (SNITCH, "SimpleSnitch"),
        ("CASSANDRA_DC", "desk"),
        ("CASSANDRA_LISTEN_ADDRESS", "auto"),
        ("JVM_EXTRA_OPTS", ALONE),
    ];
    let run = Run { image: &image, variables: &variables, memory: 1280, volume: None };
    let cassandra = Container::start(board, &run);
    cassandra.healthy(LIMIT);
    let own = own_line(&cassandra, &board.address().to_string());
    assert!(own.contains("rack1"), "{own}");
    let cluster = nodetool(&cassandra, "describecluster");
    assert!(cluster.contains("SimpleSnitch") && cluster.contains("datacenter1"), "{cluster}");
    assert!(!cluster.contains("desk"), "{cluster}");
    Ok(())
}

fn nodetool(cassandra: &Container, word: &str) -> String {
    let said = cassandra.exec(&["nodetool", word]);
    assert_eq!(said.status, 0, "nodetool {word}: {}", said.text);
    said.text
}

/// What the ring has of the one node that is up.
fn own_line(cassandra: &Container, address: &str) -> String {
    let status = nodetool(cassandra, "status");
    let own = status.lines().find(|line| line.starts_with("UN")).unwrap_or_else(|| panic!("{status}"));
    assert_eq!(own.split_whitespace().nth(1), Some(address), "{status}");
    own.to_owned()
}
