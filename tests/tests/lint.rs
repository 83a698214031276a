//! `pirack lint` as a person starts it: what it prints, and with which status it ends. Its rules are held in its own room.

use std::path::Path;
use std::time::Duration;

use pirack_tests::program::{self, Ended, Program};
use serde_json::Value;

const LIMIT: Duration = Duration::from_secs(60);

fn lint(arguments: &[&str]) -> Ended {
    let all = [&["lint"], arguments].concat();
    Program::start(&program::pirack(), all).end(LIMIT)
}

fn fixture(name: &str) -> String {
    program::root().join("manager/src/lint/fixtures").join(name).display().to_string()
}

#[test]
fn a_file_that_is_well_prints_nothing() {
    let ended = lint(&[&fixture("clean.yaml")]);
    assert_eq!((ended.code, ended.out, ended.err), (Some(0), Vec::new(), Vec::new()));
}

#[test]
fn what_is_found_is_an_error_with_its_line_and_advice_alone_is_none() {
    let ended = lint(&[&fixture("SL102.yaml")]);
    assert_eq!(ended.code, Some(1));
    let said = ended.out.join("\n");
    assert!(said.contains("SL102") && said.contains("SL102.yaml:52:22"), "{said}");
    assert_eq!(lint(&[&fixture("SL010.yaml")]).code, Some(0));
}

#[test]
fn several_files_are_one_json_document_and_one_that_is_no_yaml_says_where() {
    let folder = tempfile::tempdir().unwrap();
    let broken = folder.path().join("broken.yaml");
    std::fs::write(&broken, "services:\n  a: {image: x\n  b: 2\n").unwrap();
    let ended = lint(&[&fixture("SL041.yaml"), broken.to_str().unwrap(), "/nowhere.yaml", "-o", "json"]);
    assert_eq!(ended.code, Some(1));
    let said: Value = serde_json::from_str(&ended.out.concat()).unwrap();
    assert_eq!(said[0]["findings"][0]["code"], "SL041");
    assert_eq!(said[1]["unreadable"]["line"], 3, "{said}");
    assert!(
        said[2]["unreadable"]["what"].as_str().unwrap().contains("there is no file /nowhere.yaml"),
        "{said}"
    );
}

#[test]
fn what_docker_stack_config_writes_of_a_file_that_is_well_is_well_on_standard_input_too() {
    let line = format!("{} lint - < {}", program::pirack().display(), fixture("clean-stack-config.yaml"));
    let ended = Program::start(Path::new("sh"), ["-c", &line]).end(LIMIT);
    assert_eq!((ended.code, ended.out, ended.err), (Some(0), Vec::new(), Vec::new()));
}

#[test]
fn a_volume_beside_the_folder_that_kafka_writes_to_is_no_volume() {
    let ended = lint(&[&fixture("SL071-default-folder.yaml")]);
    assert_eq!(ended.code, Some(1));
    let said = ended.out.join("\n");
    assert!(said.contains("SL071") && said.contains("/tmp/kafka-logs"), "{said}");
}
