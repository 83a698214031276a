//! `check`: the configuration's problems, all at once.

use std::path::PathBuf;
use std::process::ExitCode;

use pirack_agent::config::strangers;

pub(crate) fn check(config: Option<PathBuf>) -> anyhow::Result<ExitCode> {
    let path = super::path(config.clone());
    for stranger in strangers() {
        eprintln!("pirack-agent: {stranger}");
    }
    match super::load(config) {
        Ok(config) => {
            let sensors = config.sensors.len();
            let brokers = config.kafka_bootstrap.join(", ");
            super::print(&format!(
                "{} is well: board {}, {sensors} sensors, Kafka at {brokers}\n",
                path.display(),
                config.board
            ))?;
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => Err(error.into()),
    }
}
