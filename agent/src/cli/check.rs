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
            let kafka =
                config.kafka.iter().map(|kafka| format!("Kafka at {}", kafka.settings.bootstrap.join(", ")));
            let sinks: Vec<String> = kafka.collect();
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
