//! Topics by hand and a load for them, on real brokers: what `pirack topics` shows is what `pirack inject` sent, and
//! what brokers refuse is said so that a person can go on.

use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::UNIX_EPOCH;

use pirack_lab::Signal;
use pirack_tests::program::{self, Ended, Program};
use pirack_tests::schema::Schemas;
use pirack_tests::topics::Topics;
use serde_json::Value;

use crate::rack::{NOTICE, Promise, RECOVERY, Rack, pirack};

pub(crate) const PROMISES: &[Promise] = &[
    ("load::a_topic_is_made_changed_and_deleted_and_what_was_not_named_stays", by_hand),
    ("load::what_brokers_refuse_is_said_with_what_to_do", refused),
    ("load::the_racks_own_topics_are_left_alone_unless_it_is_allowed", guarded),
];

/// What takes its time, for `make test-long`.
pub(crate) const LONG: &[Promise] = &[
    ("load::a_file_goes_out_in_chunks_on_time_and_the_table_counts_them", a_file),
    ("load::readings_that_are_made_up_are_valid_and_end_with_ctrl_c", made_up),
    ("load::a_broker_that_dies_under_a_load_costs_no_message", a_broker_dies),
];

/// A name that no other test has.
fn name(what: &str) -> String {
    format!("{what}-{}", UNIX_EPOCH.elapsed().unwrap().as_nanos())
}

fn run(rack: &Rack, arguments: &[&str]) -> Ended {
    let bootstrap = rack.bootstrap();
    let all = [arguments, &["--kafka", &bootstrap]].concat();
    Program::start(&program::pirack(), all).end(RECOVERY)
}

/// What it answers as JSON.
fn asked(rack: &Rack, arguments: &[&str]) -> Value {
    let bootstrap = rack.bootstrap();
    pirack(&[arguments, &["--kafka", &bootstrap, "-o", "json"]].concat())
}

/// Its letter, where it does not do it.
fn letter(rack: &Rack, arguments: &[&str]) -> String {
    let ended = run(rack, arguments);
    assert_eq!(ended.code, Some(1), "{arguments:?}: {ended:?}");
    ended.err.join("\n")
}

fn delete(rack: &Rack, topic: &str) -> Value {
    asked(rack, &["topics", "delete", topic, "--yes", topic])
}

fn by_hand(rack: &mut Rack) {
    let topic = name("guest");
    let set = ["--set", "retention.ms=3600000", "--set", "preallocate=true"];
    let created = asked(rack, &[&["topics", "create", &topic, "--partitions", "4"], &set[..]].concat());
    assert_eq!(created, serde_json::json!({ "topic": topic, "partitions": 4, "replicas": 3 }));
    let alter = ["topics", "alter", &topic, "--set", "retention.ms=7200000", "--partitions", "6"];
    let altered = asked(rack, &alter);
    assert_eq!(altered["partitions"], serde_json::json!([4, 6]), "{altered}");
    let change = serde_json::json!([{ "setting": "retention.ms", "from": "3600000", "to": "7200000" }]);
    assert_eq!(altered["changes"], change, "what was not named is no change");
    let again = asked(rack, &alter);
    assert_eq!((&again["partitions"], &again["changes"]), (&Value::Null, &Value::Array(Vec::new())));
    let unset = asked(rack, &["topics", "alter", &topic, "--unset", "preallocate"]);
    assert_eq!(unset["unset"], serde_json::json!(["preallocate"]), "it had stayed until now");
    let table = asked(rack, &["topics", &topic]);
    assert_eq!(table["topics"][0]["partitions"].as_array().unwrap().len(), 6);
    assert_eq!((&table["messages"], &table["silent"]), (&0.into(), &0.into()), "{table}");
    assert_eq!(delete(rack, &topic), serde_json::json!({ "topic": topic, "messages": 0 }));
    assert!(letter(rack, &["topics", &topic]).contains("there is no topic"));
}

fn refused(rack: &mut Rack) {
    let topic = name("refused");
    let said = letter(rack, &["topics", "create", &topic, "--replicas", "4"]);
    assert!(said.contains("cannot be more replicas than brokers"), "{said}");
    let said = letter(rack, &["topics", "create", &topic, "--set", "retention.ms=soon"]);
    assert!(said.contains("see that every setting"), "{said}");
    asked(rack, &["topics", "create", &topic, "--partitions", "2"]);
    let said = letter(rack, &["topics", "create", &topic]);
    assert!(said.contains("is there already"), "{said}");
    let said = letter(rack, &["topics", "alter", &topic, "--partitions", "1"]);
    assert!(said.contains("cannot have 1"), "{said}");
    // Both or neither: the settings are wrong, so no partition came either.
    let both = ["topics", "alter", &topic, "--partitions", "8", "--set", "retention.ms=soon"];
    assert!(letter(rack, &both).contains("see that every setting"));
    let both = ["topics", "alter", &topic, "--partitions", "8", "--set", "retention.mss=1000"];
    assert!(letter(rack, &both).contains("did you mean retention.ms?"));
    let said = letter(rack, &["topics", "create", &name("other"), "--set", "no.such.setting=1"]);
    assert!(said.contains("no.such.setting is no setting of a topic"), "{said}");
    let table = asked(rack, &["topics", &topic]);
    assert_eq!(table["topics"][0]["partitions"].as_array().unwrap().len(), 2);
    let near = format!("{topic}x");
    let said = letter(rack, &["inject", &near, "--chunks", "1"]);
    assert!(said.contains(&format!("did you mean {topic}?")), "{said}");
    let said = letter(rack, &["topics", "delete", &topic, "--yes", "something"]);
    assert!(said.contains("was not deleted"), "{said}");
    delete(rack, &topic);
}

fn guarded(rack: &mut Rack) {
    asked(rack, &["topics", "apply"]);
    for own in ["rack.events", "__consumer_offsets"] {
        for action in [&["delete", own, "--yes", own][..], &["alter", own, "--set", "retention.ms=1000"]] {
            let said = letter(rack, &[&["topics"], action].concat());
            assert!(said.contains("--allow"), "{said}");
        }
    }
    let said = letter(rack, &["topics", "alter", "rack.events", "--partitions", "2", "--allow"]);
    assert!(said.contains("for ever"), "{said}");
    let named = |table: &Value, name: &str| {
        table["topics"].as_array().unwrap().iter().any(|topic| topic["topic"] == *name)
    };
    let (guests, all) = (asked(rack, &["topics"]), asked(rack, &["topics", "--all"]));
    assert!(named(&guests, "rack.events"), "{guests}");
    assert!(named(&all, "rack.events"), "{all}");
    assert!(!guests.to_string().contains("\"__"), "Kafka's own are shown when they are asked for: {guests}");
}

fn a_file(rack: &mut Rack) {
    let topic = name("alerts");
    asked(rack, &["topics", "create", &topic, "--partitions", "4"]);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("alerts.txt");
    let lines: String = (0..25_000).map(|number| format!("{{\"alert\":{number}}}\n")).collect();
    fs::write(&file, &lines).unwrap();
    let load = ["inject", &topic, "--every", "2s", "--count", "10000", "--file", file.to_str().unwrap()];
    let ended = run(rack, &load);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let chunks: Vec<&String> = ended.out.iter().filter(|line| line.contains("  chunk ")).collect();
    assert_eq!(chunks.len(), 3, "{:?}", ended.out);
    assert!(chunks[0].contains("10000 of 10000 acknowledged in"), "{}", chunks[0]);
    assert!(chunks[2].contains("5000 of 5000 acknowledged in"), "{}", chunks[2]);
    let total = ended.out.iter().find(|line| line.starts_with(&topic) && line.ends_with("25000"));
    assert!(total.is_some(), "{:?}", ended.out);
    assert_eq!(ended.out.last().unwrap(), "3 chunks, 25000 of 25000 messages acknowledged");
    let seen = Topics::follow(&rack.bootstrap(), &[&topic]).read_to_end(RECOVERY);
    assert_eq!(seen.len(), 25_000);
    // Standard input, as one JSON document.
    let mut child = Command::new(program::pirack())
        .args(["inject", &topic, "--every", "1s", "--file", "-", "-o", "json", "--kafka", &rack.bootstrap()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"1\n\n2\n").unwrap();
    let output = child.wait_with_output().unwrap();
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&said["messages"], &said["acknowledged"]), (&2.into(), &2.into()), "{said}");
    assert_eq!(said["table"]["messages"], 25_002, "{said}");
    assert_eq!(delete(rack, &topic)["messages"], 25_002);
}

fn made_up(rack: &mut Rack) {
    let topic = name("readings");
    asked(rack, &["topics", "create", &topic, "--partitions", "4"]);
    let load = ["inject", &topic, "--every", "500ms", "--count", "200", "--kafka", &rack.bootstrap()];
    let mut running = Program::start(&program::pirack(), load);
    running.when_said("chunk 3: 200 of 200 acknowledged", NOTICE);
    running.signal(Signal::INT);
    let ended = running.end(NOTICE);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.out.last().unwrap().contains("ended before its time"), "{ended:?}");
    let schemas = Schemas::load();
    let seen = Topics::follow(&rack.bootstrap(), &[&topic]).read_to_end(RECOVERY);
    assert!(seen.len() >= 600, "{}", seen.len());
    for message in &seen {
        assert_eq!(schemas.faults(&message.document), Vec::<String>::new(), "{message:?}");
    }
    delete(rack, &topic);
}

fn a_broker_dies(rack: &mut Rack) {
    let topic = name("through");
    asked(rack, &["topics", "create", &topic, "--partitions", "6"]);
    let bootstrap = rack.bootstrap();
    let load = ["inject", &topic, "--every", "1s", "--count", "500", "--chunks", "20", "--kafka", &bootstrap];
    let running = Program::start(&program::pirack(), load);
    running.when_said("chunk 3: ", NOTICE);
    rack.kafka.brokers[0].stop();
    let ended = running.end(RECOVERY);
    rack.kafka.brokers[0].revive();
    rack.kafka.when_well();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.out.last().unwrap().contains("10000 of 10000 messages acknowledged"), "{ended:?}");
    let seen = Topics::follow(&rack.bootstrap(), &[&topic]).read_to_end(RECOVERY);
    assert_eq!(seen.len(), 10_000, "none is missing and none is there twice");
    delete(rack, &topic);
}
