//! The images, each run for real on a board of a lab: that every variable of their contracts takes effect, that a
//! stop is clean, that the root can be read-only, that metrics answer where PORTS.md says.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test program without libtest's harness, which is what clippy knows a test by"
)]
#![allow(unreachable_pub, reason = "the modules of a program, told apart by what they offer each other")]

mod agent;
mod cassandra;
mod container;
mod kafka;
mod ports;

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use pirack_lab::images::{self, Architecture, Origin};
use pirack_lab::{Board, Lab, Outcome, Spec, Test, conduct_together};

const IMAGES: [&str; 4] = ["kafka", "cassandra-5.0", "cassandra-4.0", "agent"];

/// The boards: a stack's containers take one after another what its board's network has, beside the other's.
const KAFKA: usize = 1;
const CASSANDRA: usize = 2;
static TURNS: [Mutex<()>; 2] = [const { Mutex::new(()) }; 2];

/// Two run at a time, begun in this order: it keeps both boards at work until the end.
const TESTS: &[Test] = &[
    ("what_is_in_the_registry_is_not_built_again", kept),
    ("every_variable_of_cassandras_contract_takes_effect_in_5_0", |lab| on(lab, CASSANDRA, cassandra::five)),
    ("kafka_alone_needs_no_variable_and_no_writable_root", |lab| on(lab, KAFKA, kafka::alone)),
    ("every_variable_of_kafkas_contract_takes_effect", |lab| on(lab, KAFKA, kafka::variables)),
    ("kafka_reads_its_properties_as_the_official_image_does", |lab| {
        on(lab, KAFKA, kafka::as_the_official_image)
    }),
    ("every_variable_of_cassandras_contract_takes_effect_in_4_0", |lab| on(lab, CASSANDRA, cassandra::four)),
    ("a_volume_of_another_cluster_or_node_is_refused_with_a_letter", |lab| {
        on(lab, KAFKA, kafka::foreign_volume)
    }),
    ("a_controller_that_is_no_broker_is_healthy_too", |lab| on(lab, KAFKA, kafka::controller)),
    ("the_agent_is_healthy_as_long_as_it_answers_where_it_was_told_to_listen", |lab| {
        on(lab, KAFKA, agent::healthy)
    }),
    ("the_agent_needs_no_writable_root_and_ends_its_queue_well", |lab| on(lab, KAFKA, agent::contract)),
    ("cassandra_takes_another_snitch_and_with_it_another_place", |lab| on(lab, CASSANDRA, cassandra::snitch)),
    ("a_heap_follows_the_containers_limit_and_never_the_machines_memory", |lab| on(lab, KAFKA, heap)),
];

/// Runs it on that board, when it is its turn there. What failed before leaves nothing: a container goes with its
/// value.
fn on(lab: &Lab, number: usize, test: fn(&Board) -> Outcome) -> Outcome {
    let _turn = TURNS[number - 1].lock().unwrap_or_else(PoisonError::into_inner);
    test(lab.board(number))
}

fn main() -> ExitCode {
    let spec = Spec::new(TURNS.len()).with_images(&IMAGES).with_agent(&agent::program());
    conduct_together(&spec, TURNS.len(), TESTS)
}

/// The variables of a contract's table.
fn contract(path: &str) -> BTreeSet<String> {
    let text = std::fs::read_to_string(images::folder().join(path)).unwrap();
    let names = text.lines().filter(|line| line.starts_with("| `")).filter_map(|line| line.split('|').nth(1));
    let names = names.flat_map(|cell| cell.split(',')).map(|name| name.trim().trim_matches('`').to_owned());
    names
        .filter(|name| name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_'))
        .collect()
}

fn kept(_: &Lab) -> Outcome {
    let made = images::make(&IMAGES, Architecture::of_this_machine()?, Some(&agent::program()))?;
    assert!(made.iter().all(|made| made.origin == Origin::Kept), "{made:?}");
    assert!(made.iter().all(|made| made.pulled_bytes > 10_000_000), "{made:?}");
    Ok(())
}

fn heap(board: &Board) -> Outcome {
    let image = images::reference("kafka")?;
    for (memory, wanted) in [(0, "512"), (640, "256"), (1280, "512"), (200, "128"), (4096, "1024")] {
        let run = container::Run { image: &image, variables: &[], memory, volume: None };
        let idle = container::Container::start_idle(board, &run);
        assert_eq!(idle.exec(&["heap", "128", "1024", "512"]).text.trim(), wanted, "limit {memory} MiB");
    }
    Ok(())
}

/// One answer of an HTTP server on the board.
fn get(board: &Board, port: u16, path: &str) -> String {
    let address = SocketAddr::from((board.address(), port));
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(5)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(120))).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: b1\r\nConnection: close\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

/// Every address and port that something on the board listens on, as `ss` writes them.
fn doors(board: &Board) -> BTreeSet<String> {
    let output = board.command("ss").args(["-H", "-l", "-t", "-n"]).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().filter_map(|line| line.split_whitespace().nth(3)).map(str::to_owned).collect()
}

/// Every port that something on the board listens on.
fn listening(board: &Board) -> BTreeSet<u16> {
    doors(board).iter().filter_map(|address| address.rsplit(':').next()?.parse().ok()).collect()
}

/// The service listens on its ports of PORTS.md and no other, `moved` being one that a variable moved, and where.
fn only_its_ports(board: &Board, service: &str, before: &BTreeSet<u16>, moved: &[(u16, u16)]) {
    let mut wanted = ports::table()[service].clone();
    for (from, to) in moved {
        assert!(wanted.remove(from), "{service} has no port {from}");
        wanted.insert(*to);
    }
    let opened: BTreeSet<u16> = listening(board).difference(before).copied().collect();
    assert!(!opened.is_empty(), "{service} listens on nothing");
    assert!(opened.is_subset(&wanted), "{service} listens on {opened:?}, PORTS.md has {wanted:?}");
    assert!(
        moved.iter().all(|(_, to)| opened.contains(to)),
        "{service} listens on {opened:?}, not {moved:?}"
    );
}
