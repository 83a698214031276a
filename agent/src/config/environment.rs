//! `PIRACK_*` variables: each overrides one key of the file.

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

/// Lays the variables over the file; `lookup` gives a variable's value where it is set.
pub(super) fn overlay(
    file: &mut File,
    origins: Origins<'_>,
    problems: &mut Vec<Problem>,
    lookup: &dyn Fn(&str) -> Option<String>,
) {
    for name in VARIABLES {
        let Some(text) = lookup(name) else { continue };
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
