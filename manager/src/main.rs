//! pirack: the manager's command line.

mod cli;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Turns one file into a running rack of boards, and watches it.
#[derive(Parser)]
#[command(
    version,
    after_help = "Exit status: 0 well, 1 something is wrong (standard error says what), 2 wrong command line."
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Show a whole rack on this machine: no Docker, no Java, no root, no network.
    Demo(cli::demo::Demo),
    /// Look after the rack's tables in Cassandra.
    #[command(subcommand)]
    Schema(cli::schema::Schema),
    /// Look after the rack's topics in Kafka.
    #[command(subcommand)]
    Topics(cli::topics::Topics),
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Demo(demo) => cli::demo::run(&demo),
        Command::Schema(schema) => cli::schema::run(&schema),
        Command::Topics(topics) => cli::topics::run(topics),
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("pirack: {error:#}");
        ExitCode::FAILURE
    })
}
