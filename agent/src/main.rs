//! pirack-agent: the command line of a board's agent.

mod cli;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Reads a board's sensors and health, keeps every record on disk, and ships it to Kafka and Cassandra.
#[derive(Parser)]
#[command(
    version,
    after_help = "Examples:
  pirack-agent read                      every source once, as a table
  pirack-agent check --config agent.toml every problem of a configuration at once
  pirack-agent run                       the service itself, with /etc/pirack/agent.toml
  pirack-agent buffer status             what waits in the queue, and for whom
  pirack-agent metrics                   what the running agent counts, for a person
  pirack-agent buffer refused            what a sink would not take, and why

Exit status: 0 well, 1 something is wrong (standard error says what), 2 wrong command line,
69 not yet available."
)]
struct Arguments {
    /// The configuration file.
    #[arg(long, global = true, env = "PIRACK_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the agent until it is told to stop (SIGTERM, Ctrl-C).
    Run,
    /// Check the configuration: every problem at once, with file, line and remedy. Exit 0 or 1.
    Check,
    /// Ask the agent that runs with this configuration for its metrics. Exit 0 when it gives them, else 1.
    Healthy,
    /// Print what the agent that runs with this configuration tells Prometheus.
    Metrics,
    /// Read every source once and show what it says.
    Read {
        /// One JSON object instead of a table.
        #[arg(long)]
        json: bool,
    },
    /// Look for chips on the I2C buses of this board.
    Scan {
        /// One JSON array instead of a table.
        #[arg(long)]
        json: bool,
        /// Only this bus, for example /dev/i2c-1.
        #[arg(value_name = "BUS")]
        bus: Option<PathBuf>,
    },
    /// Say what keeps this board from doing its work.
    Doctor,
    /// Look into the durable queue, also while an agent runs.
    Buffer {
        #[command(subcommand)]
        command: cli::buffer::Command,
        /// The queue's folder; the configuration's where it is not given.
        #[arg(long, global = true, value_name = "DIRECTORY")]
        queue: Option<PathBuf>,
        /// One JSON object instead of text.
        #[arg(long, global = true)]
        json: bool,
    },
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let config = arguments.config;
    let outcome = match arguments.command {
        Command::Run => cli::service::run(config),
        Command::Check => cli::check::check(config),
        Command::Healthy => cli::healthy::healthy(config),
        Command::Metrics => cli::metrics::metrics(config),
        Command::Read { json } => cli::read::read(config, json),
        Command::Scan { json, bus } => cli::scan::scan(bus.as_deref(), json),
        Command::Doctor => Ok(cli::unavailable(
            "doctor",
            "pirack-agent check, read, scan and buffer verify each look at one part",
        )),
        Command::Buffer { command, queue, json } => cli::buffer::buffer(&command, config, queue, json),
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("pirack-agent: {error:#}");
        ExitCode::FAILURE
    })
}
