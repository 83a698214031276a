//! `metrics`: all that the agent which runs with this configuration tells Prometheus, for whoever is on its board.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::bail;
use pirack_agent::metrics;

pub(crate) fn metrics(config: Option<PathBuf>) -> anyhow::Result<ExitCode> {
    let Some(address) = super::load(config)?.metrics else {
        bail!("metrics are off: give [metrics] listen an address, such as 127.0.0.1:9477");
    };
    super::print(&metrics::fetch(address, metrics::HEALTHY_WITHIN)?)?;
    Ok(ExitCode::SUCCESS)
}
