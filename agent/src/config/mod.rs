//! The configuration: a file and `PIRACK_*` variables, checked once, at the door.
//!
//! Behind this door nothing is checked again: a [`Config`] cannot be wrong. All problems are told at
//! once, each with file, line, value and remedy.

mod check;
mod environment;
mod file;
mod parse;
mod problem;
mod recover;
mod sensor;
mod sinks;

use std::env::VarError;
use std::io;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use environment::{VARIABLES, strangers};
pub use file::{
    CassandraSection, File, HostSection, KafkaSection, MetricsSection, QueueSection, SensorSection, Written,
};
pub use problem::{Place, Problem, Problems};
pub use recover::{Misfit, MisfitKind, distance, is_near, recover};

use crate::record::BoardName;
use crate::ship::{Destination, Rate};
use crate::sink::cassandra::CassandraSettings;
use crate::sink::kafka::KafkaSettings;
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
/// How fast Kafka is fed: a day's backlog of a board in two minutes, thirteen boards at once 4 MB/s.
pub const DEFAULT_KAFKA_RATE: Rate = rate(1000);
/// How fast Cassandra is fed: a record is several rows, and each has its replicas.
pub const DEFAULT_CASSANDRA_RATE: Rate = rate(200);
/// The keyspace that `pirack schema apply` makes.
pub const DEFAULT_KEYSPACE: &str = "rack";
/// Where metrics are served.
pub const DEFAULT_METRICS_LISTEN: &str = "0.0.0.0:9477";
/// What is logged.
pub const DEFAULT_LOG: &str = "info";

const fn rate(records: u32) -> Rate {
    match NonZeroU32::new(records) {
        Some(records) => Rate::per_second(records),
        None => Rate::UNBOUNDED,
    }
}

/// No configuration is larger.
const LARGEST: u64 = 1 << 20;

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
    /// The Kafka sink, where it is configured. At least one sink is.
    pub kafka: Option<Destination<KafkaSettings>>,
    /// The Cassandra sink, where it is configured.
    pub cassandra: Option<Destination<CassandraSettings>>,
    /// Where metrics are served, if they are.
    pub metrics: Option<SocketAddr>,
    /// What is no problem, and should be known: a sentence each.
    pub warnings: Vec<String>,
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
    /// There is no such file.
    #[error("there is no configuration {}: write it (agent.example.toml documents every key) or name another with --config", path.display())]
    Missing {
        /// Which file.
        path: PathBuf,
    },
    /// It is there, and is no configuration.
    #[error("{} is no configuration: {what}; name another with --config", path.display())]
    NoText {
        /// Which file.
        path: PathBuf,
        /// What it is instead.
        what: String,
    },
    /// The file cannot be read.
    #[error("cannot read the configuration {}: check who may read it, or name another with --config", path.display())]
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
        let text = text_of(path)?;
        let hostname = rustix::system::uname().nodename().to_string_lossy().into_owned();
        Self::parse(path, &text, Some(hostname), &|name| std::env::var(name)).map_err(ConfigError::Wrong)
    }

    /// Checks a text; `path` only serves to name it, `lookup` gives the environment.
    ///
    /// # Errors
    /// With every problem found.
    pub fn parse(
        path: &Path,
        text: &str,
        hostname: Option<String>,
        lookup: &dyn Fn(&str) -> Result<String, VarError>,
    ) -> Result<Self, Problems> {
        let origins = problem::Origins { file: path, text, variables: VARIABLES };
        let mut problems = Vec::new();
        let Some(mut file) = parse::parse(origins, &mut problems) else {
            return Err(Problems(problems));
        };
        environment::overlay(&mut file, origins, &mut problems, lookup);
        check::Checker { origins, problems, warnings: Vec::new(), hostname }.config(&file)
    }
}

/// What is wrong with sensors' tables that stand in another file's text: the rack's, which has them for every
/// board. Their problems' spans are bytes of that text.
#[must_use]
pub fn check_sensors(sections: &[SensorSection], path: &Path, text: &str) -> Vec<Problem> {
    let origins = problem::Origins { file: path, text, variables: &[] };
    let mut checker = check::Checker { origins, problems: Vec::new(), warnings: Vec::new(), hostname: None };
    for section in sections {
        checker.sensor(section, DEFAULT_INTERVAL);
    }
    checker.twins(sections);
    checker.problems
}

/// The file's text; nothing that could block or fill the memory is read.
fn text_of(path: &Path) -> Result<String, ConfigError> {
    let unreadable = |source: io::Error| match source.kind() {
        io::ErrorKind::NotFound => ConfigError::Missing { path: path.to_owned() },
        _ => ConfigError::Unreadable { path: path.to_owned(), source },
    };
    let no_text = |what: String| ConfigError::NoText { path: path.to_owned(), what };
    let metadata = std::fs::metadata(path).map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(no_text("it is not a regular file".to_owned()));
    }
    if metadata.len() > LARGEST {
        return Err(no_text(format!("it is larger than {LARGEST} bytes")));
    }
    let bytes = std::fs::read(path).map_err(unreadable)?;
    String::from_utf8(bytes).map_err(|error| {
        let before = error.as_bytes().iter().take(error.utf8_error().valid_up_to());
        no_text(format!("line {} is not UTF-8 text", before.filter(|byte| **byte == b'\n').count() + 1))
    })
}

#[cfg(test)]
mod tests;
