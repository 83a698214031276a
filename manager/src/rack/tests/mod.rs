//! Promises of the rack's file.

mod codes;
mod defaults;
mod examples;
mod page;
mod ports;
mod secret;
mod wrong;

use std::path::Path;

use super::*;

/// Three boards, Kafka and Cassandra, and nothing else.
pub(crate) const LEAST: &str = r#"version = 1
name = "desk"

[[board]]
name = "b1"
address = "10.0.0.11"

[[board]]
name = "b2"
address = "10.0.0.12"

[[board]]
name = "b3"
address = "10.0.0.13"

[kafka]

[cassandra]
"#;

fn rack(text: &str) -> Rack {
    parse(text, Path::new("/etc/rack/rack.toml")).unwrap_or_else(|problems| panic!("{problems}"))
}

/// The codes of everything that is wrong, and its text.
fn wrong(text: &str) -> (Vec<&'static str>, String) {
    let (_, problems) = read::of_text(text, Path::new("/etc/rack/rack.toml"));
    (problems.iter().map(|problem| problem.code.as_str()).collect(), problems.render(100, false))
}

fn names(boards: &[BoardName]) -> Vec<&str> {
    boards.iter().map(BoardName::as_str).collect()
}
