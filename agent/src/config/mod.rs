//! The configuration: a file and `PIRACK_*` variables, checked once, at the door.
//!
//! Behind this door nothing is checked again: a [`Config`] cannot be wrong. All problems are told at
//! once, each with file, line, value and remedy.

mod check;
mod environment;
mod file;
mod parse;
mod problem;

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use environment::VARIABLES;
pub use file::{File, HostSection, KafkaSection, QueueSection, SensorSection, Written};
pub use problem::{Place, Problem, Problems};

use crate::record::BoardName;
use crate::source::host::HostSettings;
use crate::source::i2c::ChipSettings;

/// Where the configuration lies when nobody says otherwise.
pub const DEFAULT_PATH: &str = "/etc/pirack/agent.toml";
/// Seconds between two reads of a source.
pub const DEFAULT_INTERVAL: Duration = Duration::from_secs(10);
/// Where the queue lies.
pub const DEFAULT_QUEUE_DIRECTORY: &str = "/var/lib/pirack/queue";
/// The queue's bound: about four weeks of a board with ten sensors at one record each 10 s.
pub const DEFAULT_QUEUE_BYTES: u64 = 1 << 30;
/// What is logged.
pub const DEFAULT_LOG: &str = "info";

/// Everything an agent needs to know.
#[derive(Clone, Debug)]
pub struct Config {
    /// The board's name.
    pub board: BoardName,
    /// Between two reads of a source, and between two health records.
    pub interval: Duration,
    /// What is logged: an EnvFilter directive.
    pub log: String,
    /// The queue's folder.
    pub queue_directory: PathBuf,
    /// The most bytes the queue may take on disk.
    pub queue_max_bytes: u64,
    /// Brokers to begin with, each `host:port`; at least one.
    pub kafka_bootstrap: Vec<String>,
    /// What is read of the board itself.
    pub host: HostSettings,
    /// The chips.
    pub sensors: Vec<SensorConfig>,
}

/// One chip on one bus.
#[derive(Clone, Debug)]
pub struct SensorConfig {
    /// The chip itself.
    pub chip: ChipSettings,
    /// The bus device.
    pub bus: PathBuf,
    /// Between two reads.
    pub interval: Duration,
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration {}: write it (agent.example.toml documents every key) or name another with --config", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// What came of it.
        #[source]
        source: io::Error,
    },
    /// It can be read, and is wrong.
    #[error("{0}")]
    Wrong(Problems),
}

impl Config {
    /// Reads and checks the file, with the process's own environment over it.
    ///
    /// # Errors
    /// When the file cannot be read, or with every problem found in it.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
        let hostname = rustix::system::uname().nodename().to_string_lossy().into_owned();
        Self::parse(path, &text, Some(hostname), &|name| std::env::var(name).ok()).map_err(ConfigError::Wrong)
    }

    /// Checks a text; `path` only serves to name it, `lookup` gives the environment.
    ///
    /// # Errors
    /// With every problem found.
    pub fn parse(
        path: &Path,
        text: &str,
        hostname: Option<String>,
        lookup: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, Problems> {
        let origins = problem::Origins { file: path, text, variables: VARIABLES };
        let mut problems = Vec::new();
        let Some(mut file) = parse::parse(origins, &mut problems) else {
            return Err(Problems(problems));
        };
        environment::overlay(&mut file, origins, &mut problems, lookup);
        check::Checker { origins, problems, hostname }.config(&file)
    }
}

#[cfg(test)]
mod tests;
