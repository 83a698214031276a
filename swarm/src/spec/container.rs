//! What a container is given besides its image and its command.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Span;

/// How a task tells that it is well, in place of the image's own way. Until it first is, the task is `starting`;
/// when it is no more, it has failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HealthCheck {
    /// Not at all, whatever the image says.
    Off,
    /// By a program's exit status.
    Probe(Probe),
}

/// A program that looks after a container, from inside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Probe {
    /// What is run.
    pub test: ProbeTest,
    /// How often; by default the image's, or every 30 s.
    pub interval: Option<Span>,
    /// How long it may take; by default the image's, or 30 s.
    pub timeout: Option<Span>,
    /// How long after the start a failure counts for nothing; by default the image's, or none.
    pub start_period: Option<Span>,
    /// How many failures in a row are one too many; by default the image's, or 3.
    pub retries: Option<u32>,
}

/// What a probe runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ProbeTest {
    /// A program and its arguments.
    Command(Vec<String>),
    /// A line for the image's shell.
    Shell(String),
}

/// A bound on one of the kernel's resources, for each process of a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Ulimit {
    /// What holds until a process asks for more; -1 is no bound.
    pub soft: i64,
    /// The most that it may ask for; -1 is no bound.
    pub hard: i64,
}

/// Where a container's output goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LogSpec {
    /// The driver's name.
    pub driver: String,
    /// Its options.
    pub options: BTreeMap<String, String>,
}
