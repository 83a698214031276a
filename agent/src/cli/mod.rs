//! The commands, one file each: what they print, and with which status they end.

pub(crate) mod buffer;
pub(crate) mod check;
pub(crate) mod healthy;
pub(crate) mod metrics;
pub(crate) mod read;
pub(crate) mod scan;
pub(crate) mod service;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use pirack_agent::config::{Config, ConfigError, DEFAULT_PATH};

/// `EX_UNAVAILABLE` of sysexits.h: the command is known and not yet there.
const UNAVAILABLE: u8 = 69;

/// Says that a command is not yet whole, and what serves until it is.
pub(crate) fn unavailable(command: &str, instead: &str) -> ExitCode {
    eprintln!("pirack-agent: {command} is not built yet; until it is, {instead}");
    ExitCode::from(UNAVAILABLE)
}

/// The configuration's path, where somebody named one.
fn path(config: Option<PathBuf>) -> PathBuf {
    config.unwrap_or_else(|| PathBuf::from(DEFAULT_PATH))
}

fn load(config: Option<PathBuf>) -> Result<Config, ConfigError> {
    Config::load(&path(config))
}

/// The configuration where there is one; commands that only look do without.
fn load_if_there(config: Option<PathBuf>) -> Result<Option<Config>, ConfigError> {
    if config.is_none() && !Path::new(DEFAULT_PATH).exists() {
        return Ok(None);
    }
    load(config).map(Some)
}

/// Writes a command's output; a reader that has gone away (`| head`) is no error.
fn print(text: &str) -> io::Result<()> {
    match io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        outcome => outcome,
    }
}

/// Rows as columns, the first row as their heads.
fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let width =
        |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..columns).filter_map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        format!("{}\n", cells.collect::<Vec<_>>().join("  ").trim_end())
    };
    rows.iter().map(line).collect()
}
