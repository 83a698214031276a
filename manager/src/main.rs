//! pirack: the manager's command line.

mod cli;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use cli::global::Output;

/// Turns one file into a running rack of boards, and watches it.
#[derive(Parser)]
#[command(
    version,
    after_help = "Examples:
  pirack demo                         see a rack, without any boards
  pirack init                         write a rack.toml
  pirack check                        every problem of it at once
  pirack check --help                 a command's own examples and exit status

NO_COLOR=1 takes the colours out. With -o json standard output is one document also where a command \
fails: its own answer, or {\"error\": \"...\"} with what standard error says.

Exit status: 0 well, 1 something is wrong (standard error says what), 2 wrong command line; a command \
that has more says so in its help."
)]
struct Arguments {
    #[command(flatten)]
    global: cli::global::Global,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make the rack what its file says.
    Apply(cli::apply::ApplyOptions),
    /// Read a rack's file and tell everything that is wrong with it.
    Check(cli::check::Check),
    /// Print a completion script for a shell.
    Completions(cli::manual::Completions),
    /// Show a whole rack on this machine: no Docker, no Java, no root, no network.
    Demo(cli::demo::Demo),
    /// Take the rack away, or a part of it.
    Destroy(cli::destroy::Destroy),
    /// Send a load to a topic: a file's lines or made-up readings, a chunk every so often.
    Inject(cli::inject::Inject),
    /// Write a commented rack.toml from a few questions.
    Init(cli::init::Init),
    /// Read compose files, and name what in them does not work on a swarm or forms no cluster.
    Lint(cli::lint::Lint),
    /// Show what a service's tasks have logged, with the names of their boards.
    Logs(cli::logs::Logs),
    /// Print the manual page, or write one for each command.
    Man(cli::manual::Man),
    /// Look at what was done to the rack, and follow what is being done.
    #[command(subcommand)]
    Operations(cli::operations::Operations),
    /// Tell what apply would do, and why.
    Plan(cli::apply::PlanOptions),
    /// Look at the rack's boards for what would keep it from working; change nothing.
    Preflight(cli::preflight::Preflight),
    /// Look after the rack's tables in Cassandra.
    #[command(subcommand)]
    Schema(cli::schema::Schema),
    /// Tell how the rack is: what is wrong and what to do, then everything that is.
    Status(cli::status::Status),
    /// Gather everything that helps whoever helps, without secrets.
    Support(cli::support::Support),
    /// Watch a rack, show it, and take orders: the service on the admin board.
    Serve(cli::serve::Serve),
    /// Show what Kafka's topics hold, and look after them.
    Topics(cli::topics::Topics),
    /// Confirm a board's host key, once, by its fingerprint.
    Trust(cli::trust::Trust),
}

/// The command line; else what is to be said of it, how, and the exit status.
fn arguments() -> Result<Arguments, (clap::Error, Output, ExitCode)> {
    let given: Vec<OsString> = std::env::args_os().collect();
    Arguments::try_parse_from(&given).map_err(|error| {
        // Read roughly: which command it is.
        let roughly = || Arguments::command().ignore_errors(true).try_get_matches_from(&given);
        let is_plan = || roughly().is_ok_and(|roughly| roughly.subcommand_name() == Some("plan"));
        let status = match error.exit_code() {
            0 => ExitCode::SUCCESS,
            // Of a plan, 2 says that there is something to do.
            _ if is_plan() => ExitCode::FAILURE,
            _ => ExitCode::from(2),
        };
        (error, Output::asked(&given), status)
    })
}

fn main() -> ExitCode {
    let Arguments { global, command } = match arguments() {
        Ok(arguments) => arguments,
        Err((error, output, status)) => {
            cli::answer::refused(&error, output);
            return ended(status);
        }
    };
    let output = global.output;
    let outcome = match command {
        Command::Apply(options) => cli::apply::apply(&options, &global),
        Command::Check(check) => cli::check::run(&check, &global),
        Command::Completions(shell) => cli::manual::completions(&shell, Arguments::command()),
        Command::Demo(demo) => cli::demo::run(&demo, global.output),
        Command::Init(init) => cli::init::run(&init, &global),
        Command::Inject(inject) => cli::inject::run(&inject, &global),
        Command::Lint(lint) => cli::lint::run(&lint, global.output),
        Command::Logs(options) => cli::logs::run(&options, &global),
        Command::Man(man) => cli::manual::man(&man, Arguments::command(), global.output),
        Command::Operations(operations) => cli::operations::run(&operations, &global),
        Command::Plan(options) => cli::apply::plan(&options, &global),
        Command::Preflight(preflight) => cli::preflight::run(&preflight, &global),
        Command::Schema(schema) => cli::schema::run(&schema, &global),
        Command::Destroy(options) => cli::destroy::run(&options, &global),
        Command::Support(options) => cli::support::run(&options, &global),
        Command::Status(status) => cli::status::run(&status, &global),
        Command::Serve(serve) => cli::serve::run(&serve, &global),
        Command::Topics(topics) => cli::topics::run(topics, &global),
        Command::Trust(trust) => cli::trust::run(&trust, &global),
    };
    ended(outcome.unwrap_or_else(|error| {
        cli::answer::failed(&format!("{error:#}"), output);
        ExitCode::FAILURE
    }))
}

/// With this status, unless the answer did not come to where it was sent.
fn ended(status: ExitCode) -> ExitCode {
    cli::answer::written().map_or_else(
        |letter| {
            eprintln!("pirack: {letter}");
            ExitCode::FAILURE
        },
        |()| status,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every command, those that only hold others too, with its way from `pirack`.
    fn commands(way: &str, command: &clap::Command) -> Vec<(String, clap::Command)> {
        let way = format!("{way} {}", command.get_name()).trim().to_owned();
        let below: Vec<_> = command.get_subcommands().flat_map(|below| commands(&way, below)).collect();
        std::iter::once((way, command.clone())).chain(below).collect()
    }

    #[test]
    fn every_command_shows_examples_and_tells_its_exit_status_in_lines_that_fit() {
        Arguments::command().debug_assert();
        let mut wrong = vec![];
        for (way, command) in commands("", &Arguments::command()) {
            let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            let (examples, rest) = after.split_once("\n\n").unwrap_or_default();
            if !examples.starts_with("Examples:\n  ") || !examples.contains(&way) {
                wrong.push(format!("{way} has no examples"));
            }
            if !rest.contains("Exit status: 0 ") {
                wrong.push(format!("{way} does not tell its exit status"));
            }
            // Whatever is told besides is wrapped where it is shown, and so has no lines of its own.
            let wide = examples.lines().find(|line| line.chars().count() > 80);
            wrong.extend(wide.map(|line| format!("{way} has too wide an example: {line}")));
            let broken = rest.split("\n\n").find(|paragraph| paragraph.contains('\n'));
            wrong.extend(broken.map(|paragraph| format!("{way} has a broken paragraph: {paragraph}")));
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}
