//! `pirack demo` as an outsider sees it: its topics, its history, its summary, and what it makes of a
//! board that is unplugged and a broker that stops.
//!
//! One run of 20 s serves every test here; each then holds one promise against what was seen.

#![expect(clippy::unwrap_used, clippy::panic, reason = "what fails, fails the test")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;
use std::time::Duration;

use pirack_tests::demo::{Demo, STEP, board, is_well};
use pirack_tests::program::Ended;
use pirack_tests::schema::Schemas;
use pirack_tests::topics::{Seen, Topics};
use pirack_tests::{http, skip};
use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};

/// This machine, and the simulated ones.
const BOARDS: usize = 13;
const TOPICS: [&str; 3] = ["rack.readings", "rack.health", "rack.events"];

/// A record's name in the world: board, queue, sequence.
type Identity = (String, String, u64);

/// What one run left behind.
struct Run {
    /// What the consumer of this test saw, in the order it arrived.
    seen: Vec<Seen>,
    /// What kcat printed, where there is a kcat.
    kcat: Option<String>,
    /// The dashboard's events, newest first.
    events: Vec<Value>,
    /// The last line of standard output.
    summary: Value,
    /// The identities in the history, as its own library reads them, and their number as `sqlite3` counts.
    stored: BTreeSet<Identity>,
    sqlite3: Option<u64>,
    ended: Ended,
}

static RUN: LazyLock<Run> = LazyLock::new(|| {
    let scratch = tempfile::tempdir().unwrap();
    let demo = Demo::start(scratch.path(), &["--for", "20s", "--boards", "12"]);
    demo.when_well(BOARDS);
    let mut topics = Topics::follow(&demo.bootstrap, &TOPICS);
    unplug_and_stop(&demo);
    let seen = topics.read_to_end(STEP);
    let kcat = kcat(&demo.bootstrap);
    let events = http::get(&demo.dashboard, "/api/events?limit=500").unwrap().json();
    let history = demo.history.clone();
    let (summary, ended) = demo.end(Duration::from_secs(90));
    let (stored, sqlite3) = (identities(&history), count_with_sqlite3(&history));
    Run { seen, kcat, events: events.as_array().unwrap().clone(), summary, stored, sqlite3, ended }
});

/// Unplugs w2 until it is silent, stops the broker meanwhile, and waits until all of it has healed.
fn unplug_and_stop(demo: &Demo) {
    demo.post("/api/boards/w2/unplug", None);
    demo.when("w2 silent", STEP, |rack| board(rack, "w2")["state"] == "silent");
    demo.stop_broker(4);
    demo.post("/api/boards/w2/plug", None);
    demo.when("w2 back, and every queue drained", STEP, |rack| {
        // A record is always under way somewhere; a backlog is more than one pass over a board's sources.
        let drained = rack["totals"]["queued"].as_u64() < Some(100);
        is_well(board(rack, "w2")) && drained && rack["broker"]["state"] == "running"
    });
}

/// Everything on the topics, as the client that people have at hand prints it.
fn kcat(bootstrap: &str) -> Option<String> {
    skip::has("kcat").then(|| {
        let arguments =
            ["-b", bootstrap, "-C", "-t", "rack.health", "-o", "beginning", "-e", "-q", "-f", "%k %s\n"];
        let output = Command::new("timeout").args(["10", "kcat"]).args(arguments).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    })
}

fn identities(history: &Path) -> BTreeSet<Identity> {
    let database = Connection::open_with_flags(history, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let mut rows = database.prepare("SELECT DISTINCT board, queue, sequence FROM records").unwrap();
    let found = rows
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get::<_, i64>(2)?.cast_unsigned())))
        .unwrap();
    found.collect::<Result<_, _>>().unwrap()
}

fn count_with_sqlite3(history: &Path) -> Option<u64> {
    let query = "SELECT count(*) FROM (SELECT DISTINCT board, queue, sequence FROM records)";
    skip::has("sqlite3").then(|| {
        let output = Command::new("sqlite3").arg("-readonly").arg(history).arg(query).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().parse().unwrap()
    })
}

fn records() -> impl Iterator<Item = &'static Seen> {
    RUN.seen.iter().filter(|seen| seen.topic != "rack.events")
}

fn identity(record: &Value) -> Identity {
    let text = |field: &str| record[field].as_str().unwrap().to_owned();
    (text("board"), text("queue"), record["sequence"].as_u64().unwrap())
}

fn number(field: &str) -> u64 {
    RUN.summary[field].as_u64().unwrap_or_else(|| panic!("no {field}: {}", RUN.summary))
}

#[test]
fn everything_on_the_topics_is_what_the_schemas_say() {
    let schemas = Schemas::load();
    for seen in &RUN.seen {
        assert_eq!(schemas.faults(&seen.document), Vec::<String>::new(), "{}", seen.document);
    }
    assert!(!RUN.events.is_empty());
    for event in &RUN.events {
        assert_eq!(schemas.faults(event), Vec::<String>::new(), "{event}");
    }
}

#[test]
fn a_record_lies_on_its_kinds_topic_under_its_boards_name() {
    let mut boards = BTreeSet::new();
    for seen in records() {
        let topic = if seen.document["kind"] == "reading" { "rack.readings" } else { "rack.health" };
        assert_eq!((seen.topic.as_str(), &seen.document["board"]), (topic, &json!(seen.key)));
        boards.insert(&seen.key);
    }
    assert_eq!(boards.len(), BOARDS, "{boards:?}");
}

#[test]
fn a_boards_records_arrive_in_order_and_again_only_if_the_summary_says_so() {
    let mut seen = BTreeSet::new();
    let mut newest: BTreeMap<(&str, String, String), u64> = BTreeMap::new();
    let mut again = 0;
    for record in records() {
        let name = identity(&record.document);
        let (board, queue, sequence) = name.clone();
        if !seen.insert(name) {
            again += 1;
        } else if let Some(before) = newest.insert((&record.topic, board, queue), sequence) {
            assert!(before < sequence, "{sequence} first arrived after {before}: {}", record.document);
        }
    }
    assert!(again <= number("redelivered"), "{again} arrived again, and {}", RUN.summary);
}

#[test]
fn what_arrived_outside_is_in_the_history() {
    for record in records() {
        assert!(RUN.stored.contains(&identity(&record.document)), "not stored: {}", record.document);
    }
}

#[test]
fn what_was_produced_is_delivered_and_stored_and_nothing_is_lost() {
    assert_eq!(RUN.ended.code, Some(0), "{:?}", RUN.ended.err);
    assert_eq!(number("boards"), BOARDS as u64);
    for nothing in ["queued", "dropped", "lost"] {
        assert_eq!(number(nothing), 0, "{nothing}: {}", RUN.summary);
    }
    // 13 boards, each of them with a health every second, for most of 20 s.
    assert!(number("produced") > 13 * 15, "{}", RUN.summary);
    assert_eq!(number("produced"), number("stored"), "{}", RUN.summary);
    assert!(number("delivered") >= number("stored"), "{}", RUN.summary);
    let seconds = RUN.summary["seconds"].as_f64().unwrap();
    assert!((20.0..30.0).contains(&seconds), "{}", RUN.summary);
}

#[test]
fn the_history_holds_as_many_as_the_summary_says_without_a_hole() {
    assert_eq!(RUN.stored.len() as u64, number("stored"));
    let mut queues: BTreeMap<(&str, &str), Vec<u64>> = BTreeMap::new();
    for (board, queue, sequence) in &RUN.stored {
        queues.entry((board, queue)).or_default().push(*sequence);
    }
    assert_eq!(queues.len(), BOARDS, "one queue a board");
    for (queue, sequences) in queues {
        let span = sequences.last().unwrap() - sequences.first().unwrap() + 1;
        assert!(sequences.first() <= Some(&1), "{queue:?} begins at {:?}", sequences.first());
        assert_eq!(span, sequences.len() as u64, "{queue:?} has holes");
    }
}

#[test]
fn kcat_reads_the_topics_as_anyone_could() {
    let Some(text) = &RUN.kcat else {
        return skip::lacking("kcat_reads_the_topics_as_anyone_could", "kcat is not installed");
    };
    let schemas = Schemas::load();
    let mut boards = BTreeSet::new();
    for line in text.lines() {
        let (key, document) = line.split_once(' ').unwrap();
        let document: Value = serde_json::from_str(document).unwrap();
        assert_eq!(schemas.faults(&document), Vec::<String>::new(), "{document}");
        boards.insert(key);
    }
    assert_eq!(boards.len(), BOARDS, "{boards:?}");
}

#[test]
fn sqlite3_counts_the_history_as_anyone_could() {
    match RUN.sqlite3 {
        Some(count) => assert_eq!(count, number("stored")),
        None => skip::lacking("sqlite3_counts_the_history_as_anyone_could", "sqlite3 is not installed"),
    }
}

#[test]
fn an_unplugged_board_and_a_stopped_broker_become_events() {
    let happened = |kind: &str, subject: Option<&str>| {
        RUN.events.iter().any(|event| {
            event["type"] == format!("dev.pirack.{kind}")
                && subject.is_none_or(|name| event["subject"] == name)
        })
    };
    for (kind, subject) in [
        ("board.unplugged", Some("w2")),
        ("board.state_changed", Some("w2")),
        ("board.plugged", Some("w2")),
        ("broker.stopped", None),
        ("broker.started", None),
    ] {
        assert!(happened(kind, subject), "no {kind} of {subject:?}: {:#?}", RUN.events);
    }
    let states: Vec<_> = RUN.events.iter().filter(|event| event["subject"] == "w2").collect();
    assert!(states.iter().any(|event| event["data"]["to"] == "silent"), "{states:#?}");
}

#[test]
fn events_travel_on_a_topic_of_their_own() {
    let kinds: Vec<_> = RUN
        .seen
        .iter()
        .filter(|seen| seen.topic == "rack.events")
        .map(|seen| &seen.document["type"])
        .collect();
    assert!(kinds.contains(&&json!("dev.pirack.board.unplugged")), "{kinds:?}");
}
