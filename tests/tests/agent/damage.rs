//! A disk that forgets: bytes in the middle of a segment change, and nothing else is lost for it.

use std::collections::BTreeSet;
use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;
use std::path::Path;

use pirack_tests::schema::Schemas;
use pirack_tests::topics::{Seen, Topics};
use pirack_tests::wait;
use rdkafka::mocking::MockCluster;
use rustix::process::Signal;
use serde_json::{Value, json};

use super::{Board, PATIENCE, STOP, json, number};

const SEGMENT: &str = "00000000000000000000.segment";

/// Turns over sixteen bytes in the middle.
fn flip_the_middle(file: &Path) {
    let file = OpenOptions::new().read(true).write(true).open(file).unwrap();
    let middle = file.metadata().unwrap().len() / 2;
    let mut bytes = [0; 16];
    file.read_exact_at(&mut bytes, middle).unwrap();
    file.write_all_at(&bytes.map(|byte| !byte), middle).unwrap();
}

/// A board that was killed with a backlog, then damaged: its status before, and the damage as `verify` says it.
fn damaged(board: &Board) -> (Value, Value) {
    let status = board.run_and_kill(60);
    flip_the_middle(&board.queue().join(SEGMENT));
    let ended = board.ask(&["buffer", "verify", "--json"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let damage = json(&ended)["damage"].clone();
    assert_eq!(damage.as_array().map(Vec::len), Some(1), "{damage}");
    (status, damage[0].clone())
}

#[test]
fn verify_names_the_file_and_the_records_that_cannot_be_read() {
    let board = Board::new();
    let (status, damage) = damaged(&board);
    let (from, to) = (number(&damage, "from"), number(&damage, "to"));
    assert_eq!(damage["file"], SEGMENT);
    assert!(0 < from && from <= to && to <= from + 1 && to + 1 < number(&status, "next"), "{damage}");
    let text = board.ask(&["buffer", "verify"]);
    assert_eq!(text.code, Some(1), "{text:?}");
    assert!(text.out.join("\n").contains(&format!("{SEGMENT}: records {from} to {to}")), "{text:?}");
}

#[test]
fn damage_is_reported_and_set_aside_and_every_other_record_arrives() {
    let board = Board::new();
    let (status, damage) = damaged(&board);
    let (from, to, end) = (number(&damage, "from"), number(&damage, "to"), number(&status, "next"));
    // The broker's handle may not change threads.
    let broker = MockCluster::new(1).unwrap();
    for topic in ["rack.readings", "rack.health"] {
        broker.create_topic(topic, 1, 1).unwrap();
    }
    board.ships_to(&broker.bootstrap_servers());
    let mut topics = Topics::follow(&broker.bootstrap_servers(), &["rack.readings", "rack.health"]);
    let mut running = board.run();

    // Everything written before the damage but what it hit, and a gap for what it hit.
    let expected: BTreeSet<u64> = (0..end).filter(|sequence| !(from..=to).contains(sequence)).collect();
    let mut arrived: Vec<Seen> = Vec::new();
    wait::until("what was not damaged, and the gap", STOP, || {
        arrived.extend(topics.read_to_end(PATIENCE));
        let all = expected.is_subset(&sequences(&arrived, &status["queue"]));
        (all && gap(&arrived).is_some()).then_some(())
    });
    let told = gap(&arrived).unwrap();
    let says = ["of", "from", "to", "reason", "count"].map(|field| told[field].clone());
    assert_eq!(
        says,
        [status["queue"].clone(), json!(from), json!(to), json!("corrupt"), json!(to - from + 1)]
    );
    let seen = sequences(&arrived, &status["queue"]);
    assert!((from..=to).all(|sequence| !seen.contains(&sequence)), "a damaged record was shipped");
    let schemas = Schemas::load();
    for seen in &arrived {
        assert_eq!(schemas.faults(&seen.document), Vec::<String>::new(), "{}", seen.document);
    }

    // The damaged file goes once everything in it was shipped a minute ago, and is kept for people.
    let aside = board.queue().join("set-aside").join(SEGMENT);
    wait::until("the damaged file to be set aside", STOP, || aside.is_file().then_some(()));
    assert_eq!(board.status().unwrap()["set_aside"], json!([SEGMENT]));
    assert_eq!(board.ask(&["buffer", "verify"]).code, Some(0));

    running.signal(Signal::TERM);
    let ended = running.end(STOP);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let said = ended.err.join("\n");
    assert!(
        said.contains("records are given up") && said.contains(&format!("from={from} to={to}")),
        "{said}"
    );
    assert_eq!(board.status().unwrap()["cursors"][0]["backlog"], 0, "everything was shipped at the stop");
}

/// The sequences of this queue's records that arrived.
fn sequences(arrived: &[Seen], queue: &Value) -> BTreeSet<u64> {
    let ours = arrived.iter().filter(|seen| seen.document["queue"] == *queue);
    ours.map(|seen| number(&seen.document, "sequence")).collect()
}

fn gap(arrived: &[Seen]) -> Option<&Value> {
    arrived.iter().map(|seen| &seen.document).find(|document| document["kind"] == "gap")
}
