//! `healthy`: whether the agent that runs with this configuration answers, for a container's health check.

use std::path::PathBuf;
use std::process::ExitCode;

use pirack_agent::metrics;

pub(crate) fn healthy(config: Option<PathBuf>) -> anyhow::Result<ExitCode> {
    let Some(address) = super::load(config)?.metrics else {
        // Nothing can be asked; that its process lives, whoever runs this check sees by itself.
        super::print("metrics are off: nothing to ask\n")?;
        return Ok(ExitCode::SUCCESS);
    };
    metrics::ask(address, metrics::HEALTHY_WITHIN)?;
    Ok(ExitCode::SUCCESS)
}
