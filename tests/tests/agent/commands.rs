//! Commands that only look: what they say, and with which status they end.

use std::fs;
use std::path::Path;

use pirack_tests::program::root;
use pirack_tests::skip;
use serde_json::json;

use super::{Board, agent, json, number};

#[test]
fn doctor_says_that_it_is_not_there_yet_and_what_is_and_exits_with_69() {
    let ended = agent(&["doctor"]);
    assert_eq!((ended.code, ended.out.len()), (Some(69), 0), "{ended:?}");
    let letter = ended.err.join("\n");
    for word in ["doctor is not built yet", "check", "read", "scan"] {
        assert!(letter.contains(word), "\"{word}\" is not in: {letter}");
    }
}

#[test]
fn a_command_that_nobody_knows_exits_with_2_and_names_it() {
    let ended = agent(&["frobnicate"]);
    assert_eq!((ended.code, ended.out.len()), (Some(2), 0), "{ended:?}");
    assert!(ended.err.join("\n").contains("frobnicate"), "{ended:?}");
}

#[test]
fn a_machine_without_a_bus_is_told_how_to_get_one_and_scans_to_nothing() {
    let buses = || fs::read_dir("/dev").unwrap().flatten().map(|entry| entry.file_name());
    if buses().any(|name| name.to_string_lossy().starts_with("i2c-")) {
        let name = "a_machine_without_a_bus_is_told_how_to_get_one_and_scans_to_nothing";
        return skip::impossible(name, "this machine has an I2C bus");
    }
    let ended = agent(&["scan"]);
    assert_eq!((ended.code, ended.out.len()), (Some(0), 0), "{ended:?}");
    let letter = ended.err.join("\n");
    assert!(letter.contains("no I2C bus") && letter.contains("dtparam=i2c_arm=on"), "{letter}");
    let ended = agent(&["scan", "--json"]);
    assert_eq!((ended.code, json(&ended)), (Some(0), json!([])), "{ended:?}");
}

#[test]
fn every_source_is_read_once_into_a_table_or_one_json_object() {
    let board = Board::new();
    let table = board.ask(&["read"]);
    assert_eq!(table.code, Some(0), "{table:?}");
    let row =
        |name: &str| table.out.iter().find_map(|line| line.strip_prefix(name)).unwrap_or_default().trim();
    assert_eq!(row("HEALTH"), "VALUE");
    assert!(row("memory_total_bytes").parse::<u64>().is_ok_and(|bytes| bytes > 0), "{table:?}");

    let ended = board.ask(&["read", "--json"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let read = json(&ended);
    assert!(number(&read["health"], "memory_total_bytes") > 0, "{read}");
    assert_eq!(read["errors"], json!([]));
    assert!(read["readings"].is_array(), "{read}");
    assert!(!board.queue().exists(), "a command that looks has made a queue");
}

#[test]
fn the_commented_example_is_well() {
    let example = root().join("agent/agent.example.toml");
    let ended = agent(&["check", "--config", example.to_str().unwrap()]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.out.join("\n").contains("is well: board w3, 2 sensors"), "{ended:?}");
}

#[test]
fn each_mistake_in_a_configuration_is_named_by_file_and_line() {
    const KAFKA: &str = "[kafka]\nbootstrap = [\"10.0.0.11:9092\"]\n";
    for (line, mistake, word) in [
        (1, "board = \"w3\n", "w3"),
        (1, "bord = \"w3\"\n", "did you mean \"board\""),
        (2, "# slower\ninterval_seconds = \"often\"\n", "interval_seconds"),
        (1, "interval_seconds = 0.01\n", "0.01"),
        (2, "[queue]\ndirectory = \"queue\"\n", "absolute"),
        (3, "\n[queue]\nmax_bytes = 1000\n", "1000"),
        (3, "[[sensor]]\nname = \"inlet\"\nchip = \"bme680\"\nbus = \"/dev/i2c-1\"\n", "bme680"),
        (5, "[[sensor]]\nname = \"a\"\nchip = \"tmp102\"\nbus = \"/dev/i2c-1\"\naddress = 0x76\n", "0x76"),
    ] {
        checked(&format!("{mistake}{KAFKA}"), &[(line, word)]);
    }
    checked("board = \"w3\"\n[kafka]\nbootstrap = [\"w1\"]\n", &[(3, "host:port")]);
}

#[test]
fn every_mistake_of_one_file_is_told_at_once() {
    let text = "board = \"No Name\"\ninterval_seconds = 0\ncolour = \"red\"\n[kafka]\nbootstrap = [\"w1\"]\n";
    checked(text, &[(1, "No Name"), (2, "interval_seconds"), (3, "colour"), (5, "w1")]);
}

#[test]
fn a_configuration_that_is_not_there_is_named() {
    let ended = agent(&["check", "--config", "/nowhere/agent.toml"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.err.join("\n").contains("/nowhere/agent.toml"), "{ended:?}");
}

/// That `check` refuses this text, and says `FILE:LINE` and the word of each mistake.
fn checked(text: &str, mistakes: &[(usize, &str)]) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("agent.toml");
    fs::write(&file, text).unwrap();
    let ended = agent(&["check", "--config", file.to_str().unwrap()]);
    assert_eq!((ended.code, ended.out.len()), (Some(1), 0), "{text}\n{ended:?}");
    let letter = ended.err.join("\n");
    for (line, word) in mistakes {
        let place = format!("{}:{line}: ", Path::new(&file).display());
        assert!(letter.contains(&place), "\"{place}\" is not in:\n{letter}\nfor:\n{text}");
        assert!(letter.contains(word), "\"{word}\" is not in:\n{letter}\nfor:\n{text}");
    }
}
