//! `PIRACK_*` variables: each overrides one key of the file.

use std::env::VarError;

use toml::Spanned;

use super::file::File;
use super::problem::{Origins, Place, Problem};

/// Every variable and what it sets. Sensors are a list and have none.
pub const VARIABLES: &[&str] = &[
    "PIRACK_BOARD",
    "PIRACK_INTERVAL_SECONDS",
    "PIRACK_LOG",
    "PIRACK_QUEUE_DIRECTORY",
    "PIRACK_QUEUE_MAX_BYTES",
    "PIRACK_KAFKA_BOOTSTRAP",
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
                    what: format!("{bytes:?} is not UTF-8"),
                    remedy: format!("set {name} to UTF-8 text, or unset it"),
                });
                continue;
            }
        };
        if let Err(expected) = set(file, name, &text, origins.variable(name)) {
            problems.push(Problem {
                place: Place::Variable(name),
                what: format!("\"{text}\" is not {expected}"),
                remedy: format!("set {name} to {expected}, or unset it"),
            });
        }
    }
}

fn set(file: &mut File, name: &str, text: &str, at: std::ops::Range<usize>) -> Result<(), &'static str> {
    let string = || Some(Spanned::new(at.clone(), text.to_owned()));
    match name {
        "PIRACK_BOARD" => file.board = string(),
        "PIRACK_INTERVAL_SECONDS" => {
            file.interval_seconds = Some(Spanned::new(at, text.parse().map_err(|_| "a number of seconds")?));
        }
        "PIRACK_LOG" => file.log = string(),
        "PIRACK_QUEUE_DIRECTORY" => file.queue.directory = string(),
        "PIRACK_QUEUE_MAX_BYTES" => {
            let bytes = text.replace('_', "").parse().map_err(|_| "a number of bytes")?;
            file.queue.max_bytes = Some(Spanned::new(at, bytes));
        }
        "PIRACK_KAFKA_BOOTSTRAP" => {
            let brokers =
                text.split(',').map(|one| Spanned::new(at.clone(), one.trim().to_owned())).collect();
            file.kafka.get_or_insert_default().bootstrap = Some(brokers);
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
