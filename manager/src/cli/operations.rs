//! `pirack operations`: what was done to the rack, and what is being done.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use comfy_table::Table;
use pirack::operation::journal::place::{StateFolder, Surroundings};
use pirack::operation::{Audience, Kind, Progress, StepState};
use pirack::serve::client::{Client, Told};
use pirack::watch::{History, StoredOperation};
use uuid::Uuid;

use super::global::{Global, Output};
use super::{global, log, manager, progress, say};

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

What came of each is cut where the terminal ends: pirack operations show has all of it.

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
                    Output::Table => say(&table(&found, global::terminal_width())),
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
                let shown = progress::on_stderr(rack.boards.len());
                let (kind, end) = source.follow(chosen, shown.as_ref()).await?;
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

    /// Tells an operation as it goes, or went, to its end.
    async fn follow(&self, id: Uuid, shown: &dyn Audience) -> anyhow::Result<(Kind, Progress)> {
        let history = match self {
            Self::There(client) => {
                let operation = client.operation(id).await?.operation.operation;
                return Ok((operation.kind, client.follow(&operation, shown).await?));
            }
            Self::Here(history) => history,
        };
        let mut after = 0;
        loop {
            let Some(stored) = history.operation(id)? else { bail!("no operation {id} is known here") };
            for heard in history.progress(id, after, CHUNK)? {
                after = heard.place;
                shown.hear(&stored.operation, heard.time, &heard.progress);
                if heard.progress.is_end() {
                    return Ok((stored.operation.kind, heard.progress));
                }
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}

/// A line an operation, and no wider than this: what came of it is cut there.
fn table(operations: &[StoredOperation], width: Option<usize>) -> String {
    if operations.is_empty() {
        return "no operation is known yet: pirack apply makes the first".to_owned();
    }
    let mut table = Table::new();
    table.load_preset(comfy_table::presets::NOTHING);
    table.set_header(["ID", "KIND", "STATE", "BY", "WHEN", "TOOK", "OUTCOME"]);
    for stored in operations {
        let took = stored.seconds.map(|seconds| format!("{seconds:.1} s")).unwrap_or_default();
        let id = stored.operation.id.to_string();
        table.add_row([
            id.get(..8).unwrap_or_default().to_owned(),
            stored.operation.kind.name().to_owned(),
            stored.state.name().to_owned(),
            stored.operation.by.clone(),
            stored.scheduled.strftime("%Y-%m-%d %H:%M:%SZ").to_string(),
            took,
            outcome(stored),
        ]);
    }
    let whole = table.to_string();
    let fit = |line: &str| width.map_or_else(|| line.to_owned(), |width| cut(line, width));
    whole.lines().map(|line| fit(line.trim())).collect::<Vec<_>>().join("\n")
}

/// What came of it, in a line: the first that says something.
fn outcome(stored: &StoredOperation) -> String {
    let Some(why) = &stored.why else {
        let steps = stored.steps.map(|steps| usize::try_from(steps).unwrap_or(usize::MAX));
        return steps.map(progress::steps).unwrap_or_default();
    };
    let mut lines = why.lines().map(str::trim);
    match (lines.next().unwrap_or_default(), lines.next()) {
        (head, Some(next)) if head.ends_with(':') => format!("{head} {next}"),
        (head, _) => head.to_owned(),
    }
}

/// As much of a line as fits, and whether there is more.
fn cut(line: &str, width: usize) -> String {
    if line.chars().count() <= width {
        return line.to_owned();
    }
    let fits: String = line.chars().take(width.saturating_sub(1)).collect();
    format!("{}…", fits.trim_end())
}

fn page(told: &Told) {
    let StoredOperation { operation, state, scheduled, why, .. } = &told.operation;
    say(&format!("{} {} for {}: {}", operation.kind.name(), operation.id, operation.by, state.name()));
    say(&format!("asked for at {scheduled:.0}"));
    for heard in &told.progress {
        let time = progress::clock(heard.time);
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

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use jiff::Timestamp;
    use pirack::operation::journal::Journal;
    use pirack::operation::{Ended, Operation, Outcome, Stopped, Took};

    use super::*;

    const ID: &str = "5f0c9e1b-0000-4000-8000-000000000000";

    fn operation() -> Operation {
        Operation { id: ID.parse().unwrap(), ..Operation::new(Kind::Apply, "desk", "ada@desk") }
    }

    /// What the history holds of an apply that took a second and ended so.
    fn told(ended: Ended) -> (tempfile::TempDir, Arc<History>) {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::start(StateFolder::at(folder.path()).open().unwrap(), Box::new(drop)).unwrap();
        let end = Progress::end(ended, Took { seconds: 1.0, ..Took::default() });
        for (at, progress) in [
            ("2026-11-21T08:00:00Z", Progress::Scheduled),
            ("2026-11-21T08:00:00.1Z", Progress::Note { note: "Kafka goes".into() }),
            ("2026-11-21T08:00:01Z", end),
        ] {
            journal.hear(&operation(), at.parse().unwrap(), &progress);
        }
        journal.close();
        (folder, Arc::clone(journal.history()))
    }

    fn listed(ended: Ended, width: Option<usize>) -> String {
        table(&told(ended).1.operations(1).unwrap(), width).lines().last().unwrap().to_owned()
    }

    #[derive(Default)]
    struct Ear(Mutex<Vec<String>>);

    impl Audience for Ear {
        fn hear(&self, _: &Operation, at: Timestamp, _: &Progress) {
            self.0.lock().unwrap().push(progress::clock(at));
        }
    }

    #[tokio::test]
    async fn an_operation_that_is_over_is_followed_with_the_times_that_it_had() {
        let (_folder, history) = told(Ok(Outcome::of(1)));
        let ear = Ear::default();
        let (kind, end) = Source::Here(history).follow(operation().id, &ear).await.unwrap();
        assert!(kind == Kind::Apply && end.is_end());
        assert_eq!(*ear.0.lock().unwrap(), ["08:00:00Z", "08:00:00Z", "08:00:01Z"]);
    }

    #[test]
    fn what_came_of_an_operation_is_one_line_that_fits_and_says_something() {
        let begins = "5f0c9e1b  apply  completed  ada@desk  2026-11-21 08:00:00Z  1.0 s";
        assert_eq!(listed(Ok(Outcome::of(1)), Some(100)), format!("{begins}  1 step"));
        assert_eq!(listed(Ok(Outcome::of(2)), Some(100)), format!("{begins}  2 steps"));
        let begins = begins.replace("completed", "failed   ").replace("failed     ada", "failed  ada");
        let left = "not all could be done now:\nboard b3: it does not answer\nboard b4: no more does this";
        let failed = |why: &str, width| listed(Err(Stopped::Failed(why.to_owned())), width);
        let whole = "not all could be done now: board b3: it does not answer";
        assert_eq!(failed(left, Some(200)), format!("{begins}  {whole}"));
        let why = "no route to host ".repeat(50);
        let long = failed(&why, Some(100));
        assert!(long.chars().count() <= 100 && long.ends_with('…'), "{long}");
        assert!(failed(&why, None).ends_with(why.trim()), "whoever searches a pipe finds it");
        assert_eq!(failed("nothing was done:", Some(200)), format!("{begins}  nothing was done:"));
        assert_eq!(cut("wörter sind breit", 7), "wörter…");
    }
}
