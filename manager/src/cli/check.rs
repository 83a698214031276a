//! `pirack check [FILE]`: what a rack's file says, or everything that is wrong with it.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use pirack::rack::{self, Problem, Problems, Rack, Role, Severity};
use serde::Serialize;

use super::global::{self, Global, Output};
use super::say;

/// The options of `check`.
#[derive(Args)]
#[command(after_help = "Examples:
  pirack check                                        rack.toml in this folder
  pirack check examples/desk-13.toml                  another file
  ssh admin cat rack.toml | pirack check -            standard input
  pirack check -o json | jq '.problems[] | .code, .line'

It reads the file and nothing else: no board, no secret. docs/rack.md tells of every key and every \
code.

Exit status: 0 the file is a rack (there may be warnings), 1 it is not, 2 wrong command line.")]
pub(crate) struct Check {
    /// The rack's file, where it is not the one that --file names; - for standard input.
    #[arg(value_name = "FILE")]
    rack: Option<PathBuf>,
}

/// The answer for programs.
#[derive(Serialize)]
struct Report<'a> {
    file: String,
    well: bool,
    problems: Vec<Line<'a>>,
}

/// One problem of it: line, column and length in characters, counted from 1; line 0 is the file as a whole.
#[derive(Serialize)]
struct Line<'a> {
    code: &'static str,
    severity: Severity,
    message: &'a str,
    line: usize,
    column: usize,
    length: usize,
    help: &'a str,
}

/// Runs it.
pub(crate) fn run(options: &Check, global: &Global) -> anyhow::Result<ExitCode> {
    let file = options.rack.as_ref().unwrap_or(&global.file);
    let (rack, problems) = if file.as_os_str() == "-" {
        rack::examine_text(std::io::stdin().lock())
    } else {
        rack::examine(file)
    };
    match global.output {
        Output::Json => say(&serde_json::to_string_pretty(&report(rack.is_some(), &problems))?),
        Output::Table => {
            let shown = problems.render(global::width(), global::colour(&std::io::stdout()));
            let summary = summary(rack.as_ref(), &problems);
            say(&format!("{shown}{}: {summary}", problems.file().display()));
        }
    }
    Ok(if rack.is_some() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn report<'a>(well: bool, problems: &'a Problems) -> Report<'a> {
    let line = |problem: &'a Problem| {
        let Problem { code, what, remedy, .. } = problem;
        let rack::Position { line, column, length } = problems.position(problem);
        Line {
            code: code.as_str(),
            severity: code.severity(),
            message: what,
            line,
            column,
            length,
            help: remedy,
        }
    };
    Report {
        file: problems.file().display().to_string(),
        well,
        problems: problems.iter().map(line).collect(),
    }
}

fn summary(rack: Option<&Rack>, problems: &Problems) -> String {
    let (errors, warnings) = (problems.count(Severity::Error), problems.count(Severity::Warning));
    let count = |number: usize, one: &str| format!("{number} {one}{}", if number == 1 { "" } else { "s" });
    let Some(rack) = rack else {
        return format!("{}, {}", count(errors, "error"), count(warnings, "warning"));
    };
    let mut parts = vec![
        format!("rack \"{}\"", rack.name),
        count(rack.boards.len(), "board"),
        count(rack.with_role(Role::Manager).count(), "manager"),
    ];
    if let Some(kafka) = &rack.kafka {
        parts.push(format!("Kafka on {}", kafka.brokers.len()));
    }
    if let Some(cassandra) = &rack.cassandra {
        parts.push(format!("Cassandra on {}", cassandra.nodes.len()));
    }
    if let Some(stargate) = &rack.stargate {
        parts.push(format!("Stargate on {}", stargate.boards.len()));
    }
    if !rack.apps.is_empty() {
        parts.push(count(rack.apps.len(), "app"));
    }
    let told = if warnings == 0 {
        "well".to_owned()
    } else {
        format!("well, but for {}", count(warnings, "warning"))
    };
    format!("{}: {told}", parts.join(", "))
}
