//! Promises of the configuration.

use std::env::VarError;
use std::path::Path;
use std::time::Duration;

use super::*;

const EXAMPLE: &str = include_str!("../../agent.example.toml");

fn parse(text: &str) -> Result<Config, Problems> {
    Config::parse(Path::new("agent.toml"), text, Some("W3.rack.local".into()), &|_| Err(VarError::NotPresent))
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
    let sections = [
        File::KEYS,
        QueueSection::KEYS,
        KafkaSection::KEYS,
        CassandraSection::KEYS,
        MetricsSection::KEYS,
        HostSection::KEYS,
        SensorSection::KEYS,
    ];
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
    assert_eq!(config.metrics, Some("0.0.0.0:9477".parse().unwrap()));
    assert!(config.cassandra.is_none(), "a sink is there only where its section is");
    assert_eq!(config.kafka.unwrap().rate.records(), 1000);
    let cassandra = parse("[cassandra]\ncontact_points = [\"10.0.0.11\"]\n").unwrap().cassandra.unwrap();
    assert_eq!(cassandra.settings.contact_points, ["10.0.0.11:9042"]);
    assert_eq!((cassandra.settings.keyspace.as_str(), cassandra.rate.records()), ("rack", 200));
}

#[test]
fn every_bad_form_of_a_sink_is_told_with_its_line_and_a_remedy() {
    let text = "[kafka]\nbootstrap = [\"w1\"]\nsecurity = \"tls\"\nuser = \"w3\"\nrecords_per_second = 0\n\
                [cassandra]\ncontact_points = [\"w 1\"]\nkeyspace = \"Rack\"\ndatacenter = \"\"\n\
                password_file = \"/x\"\nrecords_per_second = 2_000_000\n[metrics]\nlisten = \"9477\"\n";
    let told = complaints(text);
    for expected in [
        "agent.toml:2: \"w1\" is not host:port",
        "agent.toml:3: security: \"tls\" is not built",
        "agent.toml:4: [kafka] has a user and no password_file",
        "agent.toml:5: records_per_second: 0 is not between 1 and 1000000",
        "1000 suits boards",
        "agent.toml:7: \"w 1\" is neither host nor host:port",
        "agent.toml:8: keyspace: \"Rack\" is no keyspace's name",
        "agent.toml:9: datacenter:",
        "agent.toml:10: [cassandra] has a password_file and no user",
        "agent.toml:11: records_per_second: 2000000",
        "agent.toml:13: listen: \"9477\" is no address to listen on",
    ] {
        assert!(told.contains(expected), "{expected}\nis missing from\n{told}");
    }
    assert!(complaints("[kafka]\nsecurity = \"none\"\n").contains("\"none\" is no security"));
}

#[test]
fn a_login_is_read_from_its_file_and_never_shown() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("password");
    let text = format!("{LEAST}user = \"w3\"\npassword_file = \"{}\"\n", file.display());
    let told = complaints(&text);
    assert!(told.contains("agent.toml:4: there is no password file") && told.contains("write the"), "{told}");
    std::fs::write(&file, "open sesame\n").unwrap();
    let config = parse(&text).unwrap();
    assert_eq!(config.kafka.as_ref().unwrap().settings.login.as_ref().unwrap().user, "w3");
    assert!(!format!("{config:?}").contains("sesame"));
    assert!(config.warnings.iter().all(|warning| warning.contains("chmod 0600")), "{:?}", config.warnings);
}

#[test]
fn metrics_are_off_when_they_are_said_to_be() {
    for off in ["", "off"] {
        let text = format!("{LEAST}[metrics]\nlisten = \"{off}\"\n");
        assert_eq!(parse(&text).unwrap().metrics, None, "{off:?}");
    }
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
        "give a number without quotes",
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
            if asked == name { Ok(value.to_owned()) } else { Err(VarError::NotPresent) }
        })
    };
    assert_eq!(with("PIRACK_BOARD", "m1").unwrap().board.as_str(), "m1");
    assert_eq!(
        with("PIRACK_KAFKA_BOOTSTRAP", "a:1, b:2").unwrap().kafka.unwrap().settings.bootstrap,
        ["a:1", "b:2"]
    );
    assert_eq!(with("PIRACK_QUEUE_MAX_BYTES", "2_000_000").unwrap().queue_max_bytes, 2_000_000);
    for (name, value) in [
        ("PIRACK_INTERVAL_SECONDS", "soon"),
        ("PIRACK_INTERVAL_SECONDS", "0"),
        ("PIRACK_BOARD", "M1"),
        ("PIRACK_QUEUE_DIRECTORY", "queue"),
        ("PIRACK_QUEUE_MAX_BYTES", "much"),
        ("PIRACK_KAFKA_SECURITY", "ssl"),
        ("PIRACK_KAFKA_RECORDS_PER_SECOND", "many"),
        ("PIRACK_CASSANDRA_CONTACT_POINTS", "a b"),
        ("PIRACK_METRICS_LISTEN", "everywhere"),
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
    assert!(complaints("").contains("no sink is named"));
    assert!(complaints("[kafka]\n").contains("no Kafka broker is named"));
    assert!(complaints("[cassandra]\n").contains("no Cassandra node is named"));
}

#[test]
fn problems_are_told_in_the_order_of_the_file() {
    let told = complaints(
        "[queue]\nmax_bytes = 1\n[[sensor]]\nname = \"a/b\"\nchip = \"tmp102\"\nbus = \"i2c-1\"\n\
                           address = -1\nsupply = true\n[kafka]\nbootstrap = [\"x\"]\ncolour = 1\n",
    );
    let lines: Vec<usize> = told
        .lines()
        .filter_map(|line| line.strip_prefix("agent.toml:")?.split(':').next()?.parse().ok())
        .collect();
    assert!(lines.is_sorted() && lines.len() == 7, "{lines:?} in\n{told}");
    for expected in [
        "agent.toml:6: \"i2c-1\" is not an absolute path",
        "never answers at -1",
        "a tmp102 measures no current",
    ] {
        assert!(told.contains(expected), "{expected} is missing from\n{told}");
    }
}

#[test]
fn a_filter_that_would_log_nothing_is_no_filter() {
    for wrong in ["loud", "info,,=", "a=b=c"] {
        assert!(complaints(&format!("log = \"{wrong}\"\n{LEAST}")).contains("is no filter"), "{wrong}");
    }
    assert_eq!(
        parse(&format!("log = \"warn,pirack_agent::ship=debug\"\n{LEAST}")).unwrap().log,
        "warn,pirack_agent::ship=debug"
    );
}

#[test]
fn only_one_sensor_measures_the_supply() {
    let sensor = |address: u8| {
        format!(
            "[[sensor]]\nname = \"s{address}\"\nchip = \"ina219\"\nbus = \"/dev/i2c-1\"\naddress = {address}\nsupply = true\n"
        )
    };
    let told = complaints(&format!("{LEAST}{}{}", sensor(0x40), sensor(0x41)));
    assert!(told.contains("two sensors measure the board's supply"), "{told}");
}

#[test]
fn what_is_no_text_file_is_said_to_be_none() {
    let folder = tempfile::tempdir().unwrap();
    let wrong = |error: ConfigError| error.to_string();
    assert!(wrong(Config::load(folder.path()).unwrap_err()).contains("not a regular file"));
    let file = folder.path().join("agent.toml");
    assert!(wrong(Config::load(&file).unwrap_err()).contains("there is no configuration"));
    std::fs::write(&file, b"board = \"w3\"\nlog = \"\xff\"\n").unwrap();
    assert!(wrong(Config::load(&file).unwrap_err()).contains("line 2 is not UTF-8"));
}

#[test]
fn a_variable_that_is_no_text_is_named() {
    let bytes = std::ffi::OsString::from("w3");
    let lookup = |asked: &str| match asked {
        "PIRACK_BOARD" => Err(VarError::NotUnicode(bytes.clone())),
        _ => Err(VarError::NotPresent),
    };
    let told =
        Config::parse(Path::new("agent.toml"), LEAST, Some("w3".into()), &lookup).unwrap_err().to_string();
    assert!(told.contains("environment variable PIRACK_BOARD") && told.contains("not UTF-8"), "{told}");
}
