//! Whole reports, as people and programs see them. `UPDATE_GOLDEN=1` writes them anew.

use std::path::Path;

use pirack_swarm::observed::{NodeState, TaskState};

use super::racks::{BOARDS, Wrong, begun, ended, partition, task, told, well};
use uuid::Uuid;

use crate::look::Look;
use crate::operation::Kind;
use crate::operation::lock::Lock;
use crate::report::show::{WIDTH, fitted, lines};
use crate::stack::StackHealth;

fn golden(name: &str, look: &Look) {
    let report = told(look);
    let text: String = lines(&report).iter().map(|line| format!("{}\n", line.text)).collect();
    let json = serde_json::to_string_pretty(&report).unwrap() + "\n";
    for (content, extension) in [(text, "txt"), (json, "json")] {
        let path =
            Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("src/report/tests/golden/{name}.{extension}"));
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, &content).unwrap();
        }
        let kept = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(content == kept, "{} is another now:\n{content}", path.display());
        let wide =
            content.lines().find(|line| extension == "txt" && line.chars().count() > usize::from(WIDTH));
        assert_eq!(wide, None, "no line is wider than {WIDTH}");
    }
}

#[test]
fn a_healthy_rack() {
    golden("healthy", &well());
}

/// b3 has lost its power; b2's Cassandra keeps ending; b1 has a weak supply, and somebody is at it.
#[test]
fn a_degraded_rack() {
    let mut look = well();
    look.silence("b3", "ssh to pi@10.0.0.13: connect to host 10.0.0.13 port 22: No route to host");
    let node = look.node("b3");
    (node.state, node.reachable_manager) = (NodeState::Down, false);
    node.words = "heartbeat failure".to_owned();
    for (engine, n) in [("kafka", 2), ("cassandra", 2)] {
        let service = format!("{engine}-b3");
        look.stops(&service);
        let mut pending = task(&service, n, TaskState::Pending);
        (pending.node, pending.message) = (None, "pending task scheduling".to_owned());
        pending.error = "no suitable node (scheduling constraints not satisfied on 2 nodes)".to_owned();
        look.swarm.as_mut().unwrap().tasks.push(pending);
    }
    look.stops("cassandra-b2");
    look.swarm.as_mut().unwrap().tasks.push(begun("cassandra-b2", 1, 25));
    for seconds in [40, 100] {
        let ended = ended("cassandra-b2", 1, seconds, "task: non-zero exit (137): OOM killed");
        look.swarm.as_mut().unwrap().tasks.push(ended);
    }
    look.agent("b1").under_voltage = Some(true);
    look.kafka().brokers.remove("b3");
    look.kafka().quorum.as_mut().unwrap().voters.get_mut("b3").unwrap().silent_ms = Some(61_000);
    look.kafka().partitions.0 = (0..6).map(|n| partition("rack.readings", n, &["b1", "b2"])).collect();
    let cassandra = look.cassandra("b3");
    cassandra.gossip.as_mut().unwrap().up = false;
    cassandra.cql = None;
    cassandra.silence = Some("no answer to CQL within 3 s".to_owned());
    let lock = Lock {
        machine: "desk".to_owned(),
        process: 7,
        ..Lock::of(Uuid::from_u128(7), Kind::Apply, "ada@desk")
    };
    look.swarm.as_mut().unwrap().lock = Some(lock);
    golden("degraded", &look);
}

/// Nothing answers but b1, whose swarm has lost its majority.
#[test]
fn a_dead_rack() {
    let mut look = well();
    for board in &BOARDS[1..] {
        look.silence(board, "no answer within 4 s");
    }
    look.swarm =
        Err("b1: The swarm does not have a leader. It's possible that too few managers are online."
            .to_owned());
    look.stacks = StackHealth::default();
    golden("dead", &look);
}

#[test]
fn on_a_small_screen_lines_are_cut_and_what_does_not_fit_is_counted() {
    let all = lines(&told(&well()));
    let shown = fitted(&all, 40, 10);
    assert_eq!(shown.len(), 10);
    assert!(shown.iter().all(|line| line.text.chars().count() <= 40));
    assert_eq!(shown[9].text, format!("... and {} lines more", all.len() - 9));
    assert_eq!(fitted(&all, 100, all.len()), all);
}
