//! `pirack support`: everything that helps whoever helps, without secrets.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use jiff::Timestamp;
use pirack::bootstrap::link::Doors;
use pirack::bootstrap::preflight;
use pirack::operation::journal::place::{StateFolder, Surroundings};
use pirack::rack::{self, Rack};
use pirack::report::support::{Bundle, Redactor, Text, gather};
use pirack::stack::cassandra::Question;
use serde_json::json;

use super::global::{Global, Output};
use super::status::Asked;
use super::{log, say};

/// How long preflight may take; boards that do not answer have their own bound.
const PREFLIGHT: Duration = Duration::from_secs(60);
/// So many operations of the past are told.
const OPERATIONS: u32 = 50;

/// The options of `pirack support`.
#[derive(Args)]
#[command(after_help = "Examples:
  pirack support                       a folder pirack-support-RACK-TIME here
  pirack support --out /tmp/desk       this folder, which must not be there yet
  pirack support && tar czf desk.tar.gz pirack-support-desk-*

It holds the rack's file, status, plan, preflight, each service as the swarm holds it and its last \
500 lines, the boards' own state, operations of the past. It also works when half of the rack is down.

Passwords, tokens, keys and the rack's secrets are taken out of every text. Look through it before you \
send it all the same: a password that nothing tells from other words stays there, one in a comment of the \
rack's file, say.

Exit status: 0 the bundle is there, 1 it is not.")]
pub(crate) struct Support {
    /// The folder to make.
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
}

/// Runs it.
pub(crate) fn run(options: &Support, global: &Global) -> anyhow::Result<ExitCode> {
    // Clients say at every try what the report says once.
    log::to_stderr("error,scylla=off,rdkafka=off,librdkafka=off");
    let asked = Asked::of(&global.file)?;
    let rack = &asked.rack;
    let stamp = Timestamp::now().strftime("%Y%m%dT%H%M%SZ").to_string();
    let folder =
        options.out.clone().unwrap_or_else(|| format!("pirack-support-{}-{stamp}", rack.name).into());
    let mut bundle = Bundle::begin(&folder, Redactor::knowing(asked.secrets())?)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    let texts = runtime.block_on(async {
        let found = async {
            let (look, plan) = asked.look(Question::Shares).await;
            let report = asked.report_of(&look, &plan);
            let mut texts = gather(rack, &asked.boards, &look, &report).await;
            texts
                .push(Text::new("plan.txt", plan.map_or_else(|words| words, |plan| plan.to_string()) + "\n"));
            texts
        };
        let (mut found, preflight) = tokio::join!(found, preflight(rack, &global.file));
        found.push(preflight);
        found
    });
    runtime.shutdown_timeout(Duration::from_millis(100));
    for text in own(rack, &global.file).iter().chain(&texts) {
        bundle.put(text)?;
    }
    tell(&bundle, global.output);
    Ok(ExitCode::SUCCESS)
}

/// What this machine has of the rack.
fn own(rack: &Rack, file: &Path) -> Vec<Text> {
    let (_, problems) = rack::examine(file);
    let check =
        if problems.is_empty() { "the file is well\n".to_owned() } else { problems.render(100, false) };
    let version = format!("pirack {}\nreport of rack {}\n", env!("CARGO_PKG_VERSION"), rack.name);
    vec![
        // As `check` shows it: it knows the file's own secrets by where they stand.
        Text::new("rack.toml", problems.text()),
        Text::new("check.txt", check),
        Text::new("version.txt", version),
        Text::new("operations.txt", operations(rack)),
    ]
}

/// The operations that this machine remembers.
fn operations(rack: &Rack) -> String {
    let told = || -> anyhow::Result<String> {
        let place = StateFolder::of(rack.name.as_str(), &Surroundings::here())?;
        if !place.path().exists() {
            return Ok("this machine remembers none\n".to_owned());
        }
        let operations = place.open()?.operations(OPERATIONS)?;
        Ok(serde_json::to_string_pretty(&operations)? + "\n")
    };
    told().unwrap_or_else(|error| format!("cannot be told: {error:#}\n"))
}

async fn preflight(rack: &Rack, file: &Path) -> Text {
    let doors = Doors::of(file);
    let boards: Vec<_> = rack.boards.iter().collect();
    let content = match tokio::time::timeout(PREFLIGHT, preflight::run(rack, &doors, &boards)).await {
        Ok(report) => {
            let finding = |finding: &preflight::Finding| {
                let board = finding.board.as_ref().map_or("rack", |board| board.as_str());
                format!("{board}: {} {}: {}\n", finding.check, finding.check.finds(), finding.seen)
            };
            let findings: String = report.findings.iter().map(finding).collect();
            let facts = report.boards.iter().map(|(board, seen)| format!("\n== {board}\n{seen:#?}\n"));
            findings + &facts.collect::<String>()
        }
        Err(_) => format!("it did not end within {} s\n", PREFLIGHT.as_secs()),
    };
    Text::new("preflight.txt", content)
}

fn tell(bundle: &Bundle, output: Output) {
    let entries = bundle.entries();
    let bytes: usize = entries.iter().map(|entry| entry.bytes).sum();
    let redacted: usize = entries.iter().map(|entry| entry.redacted).sum();
    let folder = bundle.folder().display().to_string();
    match output {
        Output::Json => {
            say(&json!({ "folder": folder, "bytes": bytes, "redacted": redacted, "texts": entries })
                .to_string())
        }
        Output::Table => {
            for entry in entries {
                let redacted = if entry.redacted > 0 {
                    format!("  ({} redacted)", entry.redacted)
                } else {
                    String::new()
                };
                say(&format!("{:>9}  {}{redacted}", entry.bytes, entry.name));
            }
            say(&format!(
                "{folder}: {} texts, {} kB, {redacted} places redacted",
                entries.len(),
                bytes.div_ceil(1000)
            ));
            say("look through it before you send it; pack it with: tar czf FILE.tar.gz FOLDER");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_check_blots_out_of_the_racks_file_gets_into_the_bundle_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("rack.toml");
        let text = "version = 1\nname = \"desk\"\n[[board]]\nname = \"b1\"\naddress = \"10.0.0.11\"\n\
                    [[app]]\nname = \"web\"\nimage = \"nginx:1.29.3\"\n\
                    command = [\"run\", \"--token\", \"hunter21\",\n  \"--db-password\",\n  \"hunter22\"]\n\
                    [app.env]\nDB_PWD = \"hunter23\"\nENCRYPTION_KEY = \"\"\"\nhunter24\"\"\"\nMASTERKEY = 'hunter25'\n\
                    DATABASE_URL = \"postgres://ada:hunter26@db/x\"\nMODE = \"kept\"\n";
        std::fs::write(&file, text).unwrap();
        let rack = rack::read(&file).unwrap();
        let redactor = Redactor::knowing([]).unwrap();
        let texts = own(&rack, &file);
        assert!(texts[1].content.contains("RF062"), "{texts:#?}");
        for text in &texts {
            let (cleaned, _) = redactor.clean(&text.content);
            assert!(!cleaned.contains("hunter2"), "{}:\n{cleaned}", text.name);
        }
        let (cleaned, taken) = redactor.clean(&texts[0].content);
        assert!(cleaned.contains("MODE = \"kept\"") && taken > 0, "{cleaned}");
    }
}
