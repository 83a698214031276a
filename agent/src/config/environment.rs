//! `PIRACK_*` variables: each overrides one key of the file.

use std::env::VarError;

use toml::Spanned;

use super::file::{File, Written};
use super::problem::{Origins, Place, Problem};

/// Every variable and what it sets. Sensors are a list and have none.
pub const VARIABLES: &[&str] = &[
    "PIRACK_BOARD",
    "PIRACK_INTERVAL_SECONDS",
    "PIRACK_LOG",
    "PIRACK_QUEUE_DIRECTORY",
    "PIRACK_QUEUE_MAX_BYTES",
    "PIRACK_KAFKA_BOOTSTRAP",
    "PIRACK_KAFKA_SECURITY",
    "PIRACK_KAFKA_USER",
    "PIRACK_KAFKA_PASSWORD_FILE",
    "PIRACK_KAFKA_RECORDS_PER_SECOND",
    "PIRACK_CASSANDRA_CONTACT_POINTS",
    "PIRACK_CASSANDRA_KEYSPACE",
    "PIRACK_CASSANDRA_DATACENTER",
    "PIRACK_CASSANDRA_USER",
    "PIRACK_CASSANDRA_PASSWORD_FILE",
    "PIRACK_CASSANDRA_RECORDS_PER_SECOND",
    "PIRACK_METRICS_LISTEN",
    "PIRACK_HOST_DATA_DISK",
    "PIRACK_HOST_DOCKER_SOCKET",
];

/// Lays the variables over the file; `lookup` is [`std::env::var`], or a test's own.
pub(super) fn overlay(
    file: &mut File,
    origins: Origins<'_>,
    problems: &mut Vec<Problem>,
    lookup: &dyn Fn(&str) -> Result<String, VarError>,
) {
    for name in VARIABLES {
        let text = match lookup(name) {
            Ok(text) => text,
            Err(VarError::NotPresent) => continue,
            Err(VarError::NotUnicode(bytes)) => {
                problems.push(Problem {
                    place: Place::Variable(name),
                    span: None,
                    what: format!("{bytes:?} is not UTF-8"),
                    remedy: format!("set {name} to UTF-8 text, or unset it"),
                });
                continue;
            }
        };
        if let Err(expected) = set(file, name, &text, origins.variable(name)) {
            problems.push(Problem {
                place: Place::Variable(name),
                span: None,
                what: format!("\"{text}\" is not {expected}"),
                remedy: format!("set {name} to {expected}, or unset it"),
            });
        }
    }
}

/// What a rate is.
const RECORDS: &str = "a whole number of records";

fn set(file: &mut File, name: &str, text: &str, at: std::ops::Range<usize>) -> Result<(), &'static str> {
    let string = || Some(Spanned::new(at.clone(), text.to_owned()));
    let list = || {
        let one = |one: &str| Spanned::new(at.clone(), one.trim().to_owned());
        Some(text.split(',').map(one).collect())
    };
    let whole = |expected: &'static str| -> Result<Written<i64>, &'static str> {
        let number = text.replace('_', "").parse().map_err(|_| expected)?;
        Ok(Some(Spanned::new(at.clone(), number)))
    };
    match name {
        "PIRACK_BOARD" => file.board = string(),
        "PIRACK_INTERVAL_SECONDS" => {
            file.interval_seconds = Some(Spanned::new(at, text.parse().map_err(|_| "a number of seconds")?));
        }
        "PIRACK_LOG" => file.log = string(),
        "PIRACK_QUEUE_DIRECTORY" => file.queue.directory = string(),
        "PIRACK_QUEUE_MAX_BYTES" => file.queue.max_bytes = whole("a number of bytes")?,
        "PIRACK_METRICS_LISTEN" => file.metrics.listen = string(),
        _ if name.starts_with("PIRACK_KAFKA_") => {
            let kafka = file.kafka.get_or_insert_default();
            match name {
                "PIRACK_KAFKA_BOOTSTRAP" => kafka.bootstrap = list(),
                "PIRACK_KAFKA_SECURITY" => kafka.security = string(),
                "PIRACK_KAFKA_USER" => kafka.user = string(),
                "PIRACK_KAFKA_PASSWORD_FILE" => kafka.password_file = string(),
                "PIRACK_KAFKA_RECORDS_PER_SECOND" => kafka.records_per_second = whole(RECORDS)?,
                _ => {}
            }
        }
        _ if name.starts_with("PIRACK_CASSANDRA_") => {
            let cassandra = file.cassandra.get_or_insert_default();
            match name {
                "PIRACK_CASSANDRA_CONTACT_POINTS" => cassandra.contact_points = list(),
                "PIRACK_CASSANDRA_KEYSPACE" => cassandra.keyspace = string(),
                "PIRACK_CASSANDRA_DATACENTER" => cassandra.datacenter = string(),
                "PIRACK_CASSANDRA_USER" => cassandra.user = string(),
                "PIRACK_CASSANDRA_PASSWORD_FILE" => cassandra.password_file = string(),
                "PIRACK_CASSANDRA_RECORDS_PER_SECOND" => cassandra.records_per_second = whole(RECORDS)?,
                _ => {}
            }
        }
        "PIRACK_HOST_DATA_DISK" => file.host.data_disk = string(),
        "PIRACK_HOST_DOCKER_SOCKET" => file.host.docker_socket = string(),
        _ => {}
    }
    Ok(())
}

/// A sentence for each variable that begins like ours and is none, a likely slip of the pen.
#[must_use]
pub fn strangers() -> Vec<String> {
    let known = |name: &str| VARIABLES.contains(&name) || name == "PIRACK_CONFIG";
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    let strangers = names.filter(|name| name.starts_with("PIRACK_") && !known(name));
    strangers
        .map(|name| format!("{name} is set and is no variable of ours; they are {}", VARIABLES.join(", ")))
        .collect()
}
