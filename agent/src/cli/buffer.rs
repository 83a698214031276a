//! `buffer`: what lies in the durable queue, and whether its bytes are whole.
use clap::Subcommand;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// What waits, for whom, and how much room it takes.
    Status,
    /// Read every record and check its checksum; changes nothing. Exit 0 when whole, 1 when damaged.
    Verify,
}
pub(crate) fn buffer(
    _: &Command,
    _: Option<PathBuf>,
    _: Option<PathBuf>,
    _: bool,
) -> anyhow::Result<ExitCode> {
    Ok(super::unavailable("buffer", "the queue's files are described in docs/formats.md"))
}
