//! `check`: the configuration's problems, all at once.

use std::path::PathBuf;
use std::process::ExitCode;

use pirack_agent::config::strangers;
use pirack_agent::run::{CassandraSettings, Destination};

pub(crate) fn check(config: Option<PathBuf>) -> anyhow::Result<ExitCode> {
    let path = super::path(config.clone());
    for stranger in strangers() {
        eprintln!("pirack-agent: {stranger}");
    }
    match super::load(config) {
        Ok(config) => {
            let sensors = config.sensors.len();
            for warning in &config.warnings {
                eprintln!("pirack-agent: {warning}");
            }
            let kafka =
                config.kafka.iter().map(|to| format!("Kafka at {}", to.settings.bootstrap.join(", ")));
            let points = |to: &Destination<CassandraSettings>| to.settings.contact_points.join(", ");
            let cassandra = config.cassandra.iter().map(|to| format!("Cassandra at {}", points(to)));
            let sinks: Vec<String> = kafka.chain(cassandra).collect();
            super::print(&format!(
                "{} is well: board {}, {sensors} sensors, {}\n",
                path.display(),
                config.board,
                sinks.join("; ")
            ))?;
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => Err(error.into()),
    }
}
