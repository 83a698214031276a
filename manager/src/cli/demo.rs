//! `pirack demo`: a whole rack on this machine.

use std::io::IsTerminal;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use pirack::api;
use pirack::demo::{self, Face, Options, Scratch};
use tracing_subscriber::EnvFilter;

use super::global::{self, Output};
use super::say;
use super::span::span;

/// The command's options.
#[derive(Args)]
#[command(after_help = "Examples:
  pirack demo                            a live table, and a dashboard
  pirack demo --for 30s -o json          thirty seconds, and the summary as JSON
  pirack demo --boards 40 --interval 2   more boards, less often
  pirack demo --scratch rack             queues and history stay in ./rack

While it runs: u unplugs a board, b stops the broker for 20 s, q ends; the dashboard, at the address it \
prints, has buttons for the same. A script may POST to /api/boards/w3/unplug, /api/boards/w3/plug and, with \
{\"seconds\": 20}, /api/broker/stop.

With -o json the lines go to standard error.

Exit status: 0 nothing was lost, 1 something was or it could not run, 2 wrong command line.")]
pub(crate) struct Demo {
    /// Simulated boards, besides this machine.
    #[arg(long, default_value_t = 12, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=500))]
    boards: u16,
    /// Seconds between two reads of a source.
    #[arg(long, default_value_t = 1.0, value_name = "SECONDS", value_parser = interval)]
    interval: f64,
    /// How long to run, for example 30s or 5m; until Ctrl-C where it is not given.
    #[arg(long = "for", value_name = "DURATION", value_parser = duration)]
    duration: Option<Duration>,
    /// Where the dashboard is served, for this machine only; port 0 takes a free one. From another
    /// machine: ssh -L 8088:127.0.0.1:8088 HOST, for there is no password yet.
    #[arg(long, default_value = "127.0.0.1:8088", value_name = "ADDRESS", value_parser = address)]
    listen: SocketAddr,
    /// An empty or new folder for queues and history, kept at the end; else one of our own, taken away.
    #[arg(long, value_name = "DIR")]
    scratch: Option<PathBuf>,
    /// Plain lines instead of the live table, as in a pipe.
    #[arg(long)]
    headless: bool,
}

fn duration(text: &str) -> Result<Duration, String> {
    let sensible = Duration::from_millis(100)..=Duration::from_secs(30 * 86_400);
    let asked = span(text).filter(|span| sensible.contains(span));
    asked.ok_or_else(|| "give a time such as 30s, 5m or 1h, of at most 30 days".to_owned())
}

/// An address, or a name with a port; of a name's addresses, one of this machine's own where there is one.
fn address(text: &str) -> Result<SocketAddr, String> {
    let found: Vec<_> =
        text.to_socket_addrs().map_err(|_| "give ADDRESS:PORT, for example 127.0.0.1:8088")?.collect();
    let own = found.iter().find(|address| address.ip().is_loopback());
    own.or(found.first()).copied().ok_or_else(|| "the name has no address".to_owned())
}

fn interval(text: &str) -> Result<f64, String> {
    let seconds = text.parse::<f64>().ok().filter(|seconds| (0.1..=60.0).contains(seconds));
    seconds.ok_or_else(|| "give 0.1 to 60 seconds".to_owned())
}

/// Runs it to its end.
pub(crate) fn run(demo: &Demo, output: Output) -> anyhow::Result<ExitCode> {
    let json = output == Output::Json;
    let face = match (json, demo.headless || !std::io::stdout().is_terminal()) {
        (true, _) => Face::LinesAside,
        (false, true) => Face::Lines,
        (false, false) => Face::Table,
    };
    // The port first: a refusal then finds nothing to clean up.
    let listener = api::bind(demo.listen)?;
    let scratch = Scratch::prepare(demo.scratch.as_deref())?;
    log_beside(face, &scratch)?;
    let options = Options {
        boards: demo.boards.into(),
        interval: Duration::from_secs_f64(demo.interval),
        duration: demo.duration,
        face,
    };
    // One thread turns the rack. What blocks (buses, disks, producers that close) has up to 32 more: a
    // mount that hangs keeps one for good, and 500 boards that end at once still take turns quickly. They
    // are made as they are needed, and each costs about 20 KB.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(32)
        .thread_stack_size(512 * 1024)
        .build()
        .context("cannot start the runtime")?;
    let outcome = runtime.block_on(demo::run(&options, listener, &scratch));
    runtime.shutdown_timeout(Duration::from_secs(1));
    let demo::Outcome { summary, faults } = outcome?;
    let mut said = String::new();
    if let Some(folder) = scratch.kept().filter(|_| !json) {
        said = format!("queues and history stay in {}\n", folder.display());
    }
    said += &if json { serde_json::to_string(&summary)? } else { summary.sentence() };
    say(&said);
    let well = summary.lost == 0 && faults.is_empty();
    for fault in faults {
        eprintln!("pirack: {:#}", anyhow::Error::from(fault));
    }
    Ok(if well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What an audience does to the rack is told by its events, so only faults are logged unless PIRACK_LOG
/// asks for more. Logs go to standard error, or, while the table has the terminal, into the scratch folder.
fn log_beside(face: Face, scratch: &Scratch) -> anyhow::Result<()> {
    let filter = EnvFilter::try_from_env("PIRACK_LOG").unwrap_or_else(|_| EnvFilter::new("error"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter);
    if face == Face::Table {
        let path = scratch.log();
        let file =
            std::fs::File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
        builder.with_ansi(false).with_writer(file).init();
    } else {
        builder.with_ansi(global::colour(&std::io::stderr())).with_writer(std::io::stderr).init();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::{Args as _, FromArgMatches as _};

    use super::*;

    #[test]
    fn the_dashboard_is_on_the_port_that_no_service_of_a_rack_has() {
        let demo = Demo::augment_args(clap::Command::new("demo")).get_matches_from(["demo"]);
        let port = Demo::from_arg_matches(&demo).unwrap().listen.port();
        let ports = include_str!("../../../images/PORTS.md");
        let rows: Vec<_> = ports.lines().filter(|line| line.contains(&format!("| {port} "))).collect();
        assert!(matches!(rows[..], [row] if row.starts_with("| manager ")), "{port}: {rows:?}");
    }
}
