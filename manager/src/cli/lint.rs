//! `pirack lint FILE...`: what in compose files will not work on a swarm, or forms no cluster.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use miette::{Diagnostic, GraphicalReportHandler};
use pirack::excerpt::{Shown, Source, theme};
use pirack::lint::{Finding, Severity, Unreadable, lint};
use pirack::text::{self, LARGEST};
use serde::Serialize;

use super::global::{self, Output};
use super::say;

/// The options of `lint`.
#[derive(Args)]
#[command(after_help = "Examples:
  pirack lint stack.yaml        what is wrong, with line, reason and remedy
  pirack lint *.yaml -o json | jq '.[].findings[].code'
  docker stack config -c a.yaml -c b.yaml | pirack lint -    several as one

A file that is well prints nothing. Values with variables (${X}) are never guessed, and several \
files are not merged: each is looked at alone. docs/lint.md has all rules.

Exit status: 0 well (advice alone is well), 1 something was found or a file cannot be read, 2 wrong \
command line.")]
pub(crate) struct Lint {
    /// Compose files; - is standard input.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

/// What became of one file.
#[derive(Serialize)]
struct Outcome {
    file: String,
    /// Why it could not be read at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    unreadable: Option<Trouble>,
    findings: Vec<Finding>,
    #[serde(skip)]
    text: String,
    #[serde(skip)]
    place: Option<Unreadable>,
}

/// A file that could not be read, and where that came to light.
#[derive(Serialize)]
struct Trouble {
    what: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
}

/// Runs it.
pub(crate) fn run(options: &Lint, output: Output) -> anyhow::Result<ExitCode> {
    let outcomes: Vec<Outcome> = options.files.iter().map(|path| look(path)).collect();
    match output {
        Output::Json => say(&serde_json::to_string_pretty(&outcomes)?),
        Output::Table => show(outcomes.iter())?,
    }
    let bad = |outcome: &Outcome| {
        outcome.unreadable.is_some() || outcome.findings.iter().any(|found| found.severity > Severity::Advice)
    };
    Ok(if outcomes.iter().any(bad) { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn look(path: &Path) -> Outcome {
    let stdin = path.as_os_str() == "-";
    let file = if stdin { "standard input".to_owned() } else { path.display().to_string() };
    let read =
        if stdin { text::of(std::io::stdin().lock(), &file, LARGEST) } else { text::of_file(path, LARGEST) };
    let mut outcome =
        Outcome { file, unreadable: None, findings: Vec::new(), text: String::new(), place: None };
    match read {
        Err(error) => {
            let error = anyhow::Error::from(error);
            let what =
                format!("{error:#}: name a compose file, which is text of YAML, or - for standard input");
            outcome.unreadable = Some(Trouble { what, line: None });
        }
        Ok(text) => {
            match lint(&text) {
                Ok(findings) => outcome.findings = findings,
                Err(why) => {
                    let line = text.get(..why.span.start).unwrap_or(&text).matches('\n').count() + 1;
                    outcome.unreadable = Some(Trouble { what: why.to_string(), line: Some(line) });
                    outcome.place = Some(why);
                }
            }
            outcome.text = text;
        }
    }
    outcome
}

/// Every finding with its lines of the file, and the count of them; nothing where all is well.
fn show<'a>(outcomes: impl Iterator<Item = &'a Outcome>) -> anyhow::Result<()> {
    let terminal = global::colour(&std::io::stdout());
    let handler = GraphicalReportHandler::new_themed(theme(terminal)).with_width(110).with_links(false);
    for outcome in outcomes {
        if let (Some(trouble), None) = (&outcome.unreadable, &outcome.place) {
            say(&trouble.what);
        }
        let source = Source::new(outcome.file.clone(), &outcome.text);
        if let Some(place) = &outcome.place {
            say(&drawn(&handler, place, &source)?);
        }
        for found in &outcome.findings {
            say(&drawn(&handler, found, &source)?);
        }
        if !outcome.findings.is_empty() {
            let of = |severity| outcome.findings.iter().filter(|found| found.severity == severity).count();
            let counts = [Severity::Error, Severity::Warning, Severity::Advice];
            let some = counts.iter().filter(|severity| of(**severity) > 0).map(|severity| match severity {
                Severity::Advice => format!("{} advice", of(*severity)),
                _ if of(*severity) == 1 => format!("1 {severity}"),
                _ => format!("{} {severity}s", of(*severity)),
            });
            say(&format!("{}: {}", outcome.file, some.collect::<Vec<_>>().join(", ")));
        }
    }
    Ok(())
}

fn drawn(
    handler: &GraphicalReportHandler,
    what: &impl Diagnostic,
    source: &Source<'_>,
) -> Result<String, std::fmt::Error> {
    let mut text = String::new();
    handler.render_report(&mut text, &Shown { what, source })?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_compose_file_is_named_with_what_is_wanted() {
        let folder = tempfile::tempdir().unwrap();
        let binary = folder.path().join("bin.toml");
        std::fs::write(&binary, b"\xff\xfe").unwrap();
        for (path, what) in [
            (binary, "bin.toml is not UTF-8 text"),
            (folder.path().into(), "is a folder"),
            ("/dev/zero".into(), "/dev/zero is no regular file"),
        ] {
            let told = look(&path).unreadable.map(|trouble| trouble.what).unwrap_or_default();
            assert!(told.contains(what) && told.contains("name a compose file"), "{told}");
        }
    }

    #[test]
    fn a_line_without_end_is_shown_near_what_is_wrong_in_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("long.yaml");
        let long = "x".repeat(40_000);
        let handler = GraphicalReportHandler::new_themed(theme(false));
        for text in [
            format!("services: {{ a: {{ image: x:1, container_name: {long}, labels: [{long}] }} }}\n"),
            format!("services: {{ {long}: 1, {long}: 2 }}\n"),
            long.clone(),
        ] {
            std::fs::write(&file, text).unwrap();
            let outcome = look(&file);
            let source = Source::new(outcome.file.clone(), &outcome.text);
            let whys = outcome.place.iter().map(|why| drawn(&handler, why, &source));
            let all = whys.chain(outcome.findings.iter().map(|found| drawn(&handler, found, &source)));
            let told: Vec<String> = all.collect::<Result<_, _>>().unwrap();
            assert!(!told.is_empty() && told.iter().all(|told| told.len() < 4000), "{told:?}");
            let json = serde_json::to_string(&outcome).unwrap();
            assert!(json.len() < 6000 * told.len(), "{json}");
        }
    }
}
