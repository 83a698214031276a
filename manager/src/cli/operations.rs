//! `pirack operations`: what was done to the rack, and what is being done.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use pirack::operation::journal::place::{StateFolder, Surroundings};
use pirack::operation::{Kind, Progress, StepState};
use pirack::serve::client::{Client, Told};
use pirack::watch::{History, StoredOperation};
use uuid::Uuid;

use super::global::{Global, Output};
use super::{log, manager, progress, say};

/// How soon the history is looked at again for what another program writes.
const LOOK: Duration = Duration::from_millis(250);
/// Progresses read at once.
const CHUNK: u32 = 500;

/// What can be asked.
#[derive(Subcommand)]
#[command(after_help = "Examples:
  pirack operations list                what was done, newest first
  pirack operations show 5f0c9e1b       one, with its steps
  pirack operations follow              what is being done now, to its end
  pirack operations list -o json | jq '.[] | select(.state == \"failed\")'

They are asked of pirack serve where it runs or --manager names it; else this machine's own \
history tells. Of an id its beginning is enough.

Exit status: 0 well, 1 not (standard error says why), 2 wrong command line.")]
pub(crate) enum Operations {
    /// The newest operations, newest first.
    #[command(after_help = "Examples:
  pirack operations list                the twenty newest
  pirack operations list --limit 100    more of them
  pirack operations list -o json | jq '.[] | select(.state == \"failed\")'

Exit status: 0 they were read, 1 they were not (standard error says why), 2 wrong command line.")]
    List(List),
    /// One operation, with all that was heard of it.
    #[command(after_help = "Examples:
  pirack operations show                the newest
  pirack operations show 5f0c9e1b       this one; the id's beginning is enough

Exit status: 0 it was read, 1 it was not (standard error says why), 2 wrong command line.")]
    Show(Which),
    /// Tell an operation as it goes, to its end; its end is this command's.
    #[command(after_help = "Examples:
  pirack operations follow              what is being done now
  pirack operations follow 5f0c9e1b     this one

Exit status: 0 it ended well, 1 it did not (standard error says why), 2 wrong command line.")]
    Follow(Which),
}

/// The options of `list`.
#[derive(Args)]
pub(crate) struct List {
    /// So many at most.
    #[arg(long, default_value_t = 20, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=500))]
    limit: u32,
    #[command(flatten)]
    manager: manager::Options,
}

/// The options of `show` and `follow`.
#[derive(Args)]
pub(crate) struct Which {
    /// Its id, or how that begins; the newest where nothing is given.
    #[arg(value_name = "ID")]
    id: Option<String>,
    #[command(flatten)]
    manager: manager::Options,
}

/// Whoever tells.
enum Source {
    There(Client),
    Here(Arc<History>),
}

/// Runs one of them.
pub(crate) fn run(operations: &Operations, global: &Global) -> anyhow::Result<ExitCode> {
    log::to_stderr("warn");
    let rack = pirack::rack::read(&global.file)?;
    let options = match operations {
        Operations::List(list) => &list.manager,
        Operations::Show(which) | Operations::Follow(which) => &which.manager,
    };
    let source = match options.client(rack.name.as_str())? {
        Some(client) => Source::There(client),
        None => Source::Here(StateFolder::of(rack.name.as_str(), &Surroundings::here())?.open()?),
    };
    manager::runtime()?.block_on(async {
        match operations {
            Operations::List(List { limit, .. }) => {
                let found = source.newest(*limit).await?;
                match global.output {
                    Output::Json => say(&serde_json::to_string(&found)?),
                    Output::Table => say(&table(&found)),
                }
                Ok(ExitCode::SUCCESS)
            }
            Operations::Show(which) => {
                let told = source.told(source.chosen(which.id.as_deref()).await?).await?;
                match global.output {
                    Output::Json => {
                        let mut whole = serde_json::to_value(&told.operation)?;
                        whole["progress"] = serde_json::to_value(&told.progress)?;
                        say(&whole.to_string());
                    }
                    Output::Table => page(&told),
                }
                Ok(ExitCode::SUCCESS)
            }
            Operations::Follow(which) => {
                let chosen = source.chosen(which.id.as_deref()).await?;
                let (kind, end) = source.follow(chosen).await?;
                manager::finish(kind, &end, global.output)
            }
        }
    })
}

impl Source {
    async fn newest(&self, most: u32) -> anyhow::Result<Vec<StoredOperation>> {
        match self {
            Self::There(client) => Ok(client.operations(most).await?),
            Self::Here(history) => Ok(history.operations(most)?),
        }
    }

    /// The one whose id begins so, or the newest.
    async fn chosen(&self, id: Option<&str>) -> anyhow::Result<Uuid> {
        let id = id.unwrap_or_default().to_ascii_lowercase();
        if let Ok(whole) = id.parse() {
            return Ok(whole);
        }
        let all = self.newest(if id.is_empty() { 1 } else { 500 }).await?;
        let mut found = all.iter().map(|one| one.operation.id).filter(|one| one.to_string().starts_with(&id));
        match (found.next(), found.next()) {
            (Some(one), None) => Ok(one),
            (Some(_), Some(_)) => bail!("several operations begin with {id}: give more of the id"),
            (None, _) if id.is_empty() => bail!("no operation is known yet: pirack apply makes the first"),
            (None, _) => bail!("no operation begins with {id}: pirack operations list has all"),
        }
    }

    async fn told(&self, id: Uuid) -> anyhow::Result<Told> {
        match self {
            Self::There(client) => Ok(client.operation(id).await?),
            Self::Here(history) => {
                let operation = history.operation(id)?;
                let operation = operation.with_context(|| format!("no operation {id} is known here"))?;
                Ok(Told { operation, progress: history.progress(id, 0, u32::MAX)? })
            }
        }
    }

    async fn follow(&self, id: Uuid) -> anyhow::Result<(Kind, Progress)> {
        let history = match self {
            Self::There(client) => {
                let operation = client.operation(id).await?.operation.operation;
                return Ok((operation.kind, manager::follow(client, &operation).await?));
            }
            Self::Here(history) => history,
        };
        let shown = progress::on_stderr();
        let mut after = 0;
        loop {
            let Some(stored) = history.operation(id)? else { bail!("no operation {id} is known here") };
            for heard in history.progress(id, after, CHUNK)? {
                after = heard.place;
                shown.hear(&stored.operation, &heard.progress);
                if heard.progress.is_end() {
                    return Ok((stored.operation.kind, heard.progress));
                }
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}

fn table(operations: &[StoredOperation]) -> String {
    if operations.is_empty() {
        return "no operation is known yet: pirack apply makes the first".to_owned();
    }
    let mut table = comfy_table::Table::new();
    table.load_preset(comfy_table::presets::NOTHING);
    table.set_header(["ID", "KIND", "STATE", "BY", "WHEN", "TOOK", "OUTCOME"]);
    for stored in operations {
        let took = stored.seconds.map(|seconds| format!("{seconds:.1} s")).unwrap_or_default();
        let outcome = match (&stored.why, stored.steps) {
            (Some(why), _) => why.lines().next().unwrap_or_default().to_owned(),
            (None, Some(steps)) => format!("{steps} steps"),
            (None, None) => String::new(),
        };
        let id = stored.operation.id.to_string();
        table.add_row([
            id.get(..8).unwrap_or_default().to_owned(),
            stored.operation.kind.name().to_owned(),
            stored.state.name().to_owned(),
            stored.operation.by.clone(),
            stored.scheduled.strftime("%Y-%m-%d %H:%M:%SZ").to_string(),
            took,
            outcome,
        ]);
    }
    table.to_string().lines().map(str::trim).collect::<Vec<_>>().join("\n")
}

fn page(told: &Told) {
    let StoredOperation { operation, state, scheduled, why, .. } = &told.operation;
    say(&format!("{} {} for {}: {}", operation.kind.name(), operation.id, operation.by, state.name()));
    say(&format!("asked for at {scheduled:.0}"));
    for heard in &told.progress {
        let time = heard.time.strftime("%H:%M:%S");
        match &heard.progress {
            Progress::Step { number, of, what, state: StepState::Done { seconds } } => {
                say(&format!("{time} [{number}/{of}] {what}: done in {seconds:.1} s"));
            }
            Progress::Step { number, of, what, state: StepState::Waiting { why } } => {
                say(&format!("{time} [{number}/{of}] {what}: {why}"));
            }
            Progress::Note { note } => say(&format!("{time} {note}")),
            Progress::Completed { outcome, took } => {
                let steps = progress::steps(outcome.steps);
                say(&format!("{time} completed: {steps} in {took}"));
            }
            Progress::Failed { took, .. } => say(&format!("{time} failed after {took}")),
            Progress::Scheduled | Progress::Started | Progress::Step { .. } => {}
        }
    }
    why.iter().for_each(|why| say(why));
}
