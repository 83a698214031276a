//! Promises of the configuration.

use std::path::Path;
use std::time::Duration;

use super::*;

const EXAMPLE: &str = include_str!("../../agent.example.toml");

fn parse(text: &str) -> Result<Config, Problems> {
    Config::parse(Path::new("agent.toml"), text, Some("W3.rack.local".into()), &|_| None)
}

fn complaints(text: &str) -> String {
    parse(text).unwrap_err().to_string()
}

const LEAST: &str = "[kafka]\nbootstrap = [\"10.0.0.11:9092\"]\n";

#[test]
fn the_example_is_a_configuration_and_names_every_key() {
    let config = parse(EXAMPLE).unwrap();
    assert_eq!(config.board.as_str(), "w3");
    assert_eq!(config.sensors.len(), 2);
    assert_eq!(config.sensors[0].interval, Duration::from_secs(5));
    let sections =
        [File::KEYS, QueueSection::KEYS, KafkaSection::KEYS, HostSection::KEYS, SensorSection::KEYS];
    for key in sections.concat() {
        let written = EXAMPLE.lines().any(|line| line.trim_start_matches(['#', '[', ' ']).starts_with(key));
        assert!(written, "agent.example.toml does not tell of {key}");
    }
    for variable in VARIABLES {
        assert!(EXAMPLE.contains(variable), "agent.example.toml does not tell of {variable}");
    }
}

#[test]
fn what_is_not_written_has_the_default_that_the_example_tells() {
    let config = parse(LEAST).unwrap();
    assert_eq!(config.board.as_str(), "w3", "the host name's first label, in lower case");
    assert_eq!(config.interval, Duration::from_secs(10));
    assert_eq!(config.queue_max_bytes, 1_073_741_824);
    assert_eq!(config.queue_directory, Path::new("/var/lib/pirack/queue"));
    assert!(config.host.docker_socket.is_none());
}

#[test]
fn every_problem_is_told_at_once_with_its_line_and_a_remedy() {
    let text = "board = \"W 3\"\nintervall_seconds = 5\ninterval_seconds = \"x\"\n\n[queue]\nmax_bytes = 12\n\
                directory = \"var/queue\"\n\n[kafka]\nbootstrap = [\"10.0.0.11\"]\n\n[[sensor]]\nname = \"inlet\"\n\
                chip = \"bme820\"\nbus = \"/dev/i2c-1\"\n\n[[sensor]]\nname = \"inlet\"\nchip = \"tmp102\"\naddress = 0x20\n";
    let told = complaints(text);
    for expected in [
        "agent.toml:1: board: \"W 3\" is not a board's name",
        "agent.toml:2: \"intervall_seconds\" is not a key here",
        "did you mean \"interval_seconds\"?",
        "agent.toml:3: invalid type",
        "agent.toml:6: max_bytes: 12 is less than",
        "agent.toml:7: \"var/queue\" is not an absolute path",
        "agent.toml:10: \"10.0.0.11\" is not host:port",
        "agent.toml:14: chip:",
        "agent.toml:18: two sensors are named \"inlet\"",
        "agent.toml:18: a sensor has no bus",
        "agent.toml:20: address: a tmp102 never answers at 0x20",
    ] {
        assert!(told.contains(expected), "{expected}\nis missing from\n{told}");
    }
}

#[test]
fn text_that_is_not_toml_is_told_with_its_line() {
    assert!(
        complaints("board = w3\n[kafka\n").contains("agent.toml:1"),
        "{}",
        complaints("board = w3\n[kafka\n")
    );
}

#[test]
fn a_variable_overrides_its_key_and_a_wrong_one_is_named() {
    let with = |name: &'static str, value: &'static str| {
        Config::parse(Path::new("agent.toml"), LEAST, Some("w3".into()), &move |asked| {
            (asked == name).then(|| value.to_owned())
        })
    };
    assert_eq!(with("PIRACK_BOARD", "m1").unwrap().board.as_str(), "m1");
    assert_eq!(with("PIRACK_KAFKA_BOOTSTRAP", "a:1, b:2").unwrap().kafka_bootstrap, ["a:1", "b:2"]);
    assert_eq!(with("PIRACK_QUEUE_MAX_BYTES", "2_000_000").unwrap().queue_max_bytes, 2_000_000);
    for (name, value) in [
        ("PIRACK_INTERVAL_SECONDS", "soon"),
        ("PIRACK_INTERVAL_SECONDS", "0"),
        ("PIRACK_BOARD", "M1"),
        ("PIRACK_QUEUE_DIRECTORY", "queue"),
        ("PIRACK_QUEUE_MAX_BYTES", "much"),
    ] {
        let told = with(name, value).unwrap_err().to_string();
        assert!(told.contains(&format!("environment variable {name}")), "{told}");
        assert!(told.contains(value), "{told}");
    }
}

#[test]
fn a_file_that_the_manager_writes_is_read_back_the_same() {
    let file: File = toml::from_str(EXAMPLE).unwrap();
    let written = toml::to_string(&file).unwrap();
    let again = parse(&written).unwrap();
    let first = parse(EXAMPLE).unwrap();
    assert_eq!(format!("{first:?}"), format!("{again:?}"));
}

#[test]
fn an_empty_file_says_what_is_missing() {
    assert!(complaints("").contains("no Kafka broker is named"));
}
