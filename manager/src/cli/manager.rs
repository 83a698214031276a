//! Who does what a command orders: `pirack serve` where it runs, else the same runner in this program, with a journal
//! of its own. What is told and how the command ends is the same.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use pirack::bootstrap::agent::digest;
use pirack::operation::dispatch::{Foreseen, Order, Runner};
use pirack::operation::journal::Journal;
use pirack::operation::journal::place::{StateFolder, Surroundings};
use pirack::operation::{Audience, Conductor, Kind, Operation, Outcome, Progress};
use pirack::rack::Rack;
use pirack::serve::Watched;
use pirack::serve::client::Client;
use pirack::watch::{Delivered, HistoryError};
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio::task::spawn_blocking;

use super::global::{Global, Output};
use super::work::Work;
use super::{answer, progress, rack, say};

/// How long a command that ends tries to publish what it told.
const LAST_WORDS: Duration = Duration::from_secs(3);

/// Where the manager is.
#[derive(Args, Clone, Debug)]
pub(crate) struct Options {
    /// The address of pirack serve, where it is another machine's: http://HOST:PORT.
    #[arg(long, env = "PIRACK_MANAGER", value_name = "URL")]
    manager: Option<String>,
    /// A file that holds an operator's token for --manager, and nothing else.
    #[arg(long, env = "PIRACK_TOKEN_FILE", value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Does not ask pirack serve, though it runs.
    #[arg(long, conflicts_with = "manager")]
    here: bool,
}

impl Options {
    /// The service that was named, or that this machine has for the rack; nothing where there is none.
    pub(crate) fn client(&self, rack: &str) -> anyhow::Result<Option<Client>> {
        if self.here {
            return Ok(None);
        }
        if let Some(url) = &self.manager {
            let token = self.token_file.as_deref().map(token).transpose()?;
            return Ok(Some(Client::at(url, token)?));
        }
        Ok(Client::found(folders(rack)))
    }
}

/// This user's folder, then root's.
fn folders(rack: &str) -> Vec<StateFolder> {
    let own = StateFolder::of(rack, &Surroundings::here()).ok();
    own.into_iter().chain([StateFolder::of_system(rack)]).collect()
}

fn token(path: &Path) -> anyhow::Result<String> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(text.trim().to_owned())
}

/// Whoever does what is ordered.
pub(crate) enum Place {
    /// The service.
    There(Client),
    /// This program.
    Here(Work),
}

impl Place {
    /// The service where it takes orders, else this program.
    pub(crate) fn of(options: &Options, rack: &Rack, global: &Global) -> anyhow::Result<Self> {
        Ok(match options.client(rack.name.as_str())? {
            Some(client) => Self::There(client),
            None => Self::Here(Work::at(&global.file, rack.name.as_str())?),
        })
    }

    /// What a destroy would do.
    pub(crate) async fn foresee(&self, order: &Order) -> anyhow::Result<Foreseen> {
        match self {
            Self::There(client) => Ok(client.foresee(order).await?),
            Self::Here(work) => work.foresee(order).await.map_err(anyhow::Error::msg),
        }
    }

    /// Has it done, tells here how it goes, and ends as it ended.
    pub(crate) async fn perform(
        &self,
        order: &Order,
        rack: &Rack,
        output: Output,
    ) -> anyhow::Result<ExitCode> {
        match self.carry_out(order, rack).await? {
            Some(end) => finish(order.kind, &end, output),
            None => Ok(ExitCode::from(130)),
        }
    }

    /// Has it done, and tells here how it goes. Its end; nothing where it was left to the service.
    pub(crate) async fn carry_out(&self, order: &Order, rack: &Rack) -> anyhow::Result<Option<Progress>> {
        let named = order.mend.iter().map(|mend| mend.boards.len()).find(|named| *named > 0);
        let boards = named.unwrap_or(rack.boards.len());
        match self {
            Self::There(client) => order_and_follow(client, order, boards).await,
            Self::Here(work) => {
                work.admit(order).map_err(anyhow::Error::msg)?;
                let operation = Operation::new(order.kind, rack.name.as_str(), &order.by);
                let journal = Journaled::of(rack);
                let audiences = [progress::on_stderr(boards)].into_iter().chain(journal.audience()).collect();
                let conductor = Conductor::new(operation, audiences, interruption());
                let end = conductor.ended(work.run(order, &conductor).await);
                journal.close(conductor.interruption()).await;
                Ok(Some(end))
            }
        }
    }
}

/// An order that names the rack file that it is made with.
pub(crate) fn with_file(order: Order, global: &Global) -> anyhow::Result<Order> {
    Ok(Order { file_sha256: Some(sha256(&global.file)?), ..order })
}

async fn order_and_follow(client: &Client, order: &Order, boards: usize) -> anyhow::Result<Option<Progress>> {
    let operation = client.submit(order).await?;
    eprintln!("pirack serve at {} does it: operation {}", client.url(), operation.id);
    let interrupting = async {
        rack::ended_by_user().await;
        eprintln!("ends before the next step; once more leaves it to pirack serve");
        if let Err(error) = client.interrupt(operation.id).await {
            eprintln!("pirack: {error}");
        }
        rack::ended_by_user().await;
    };
    let shown = progress::on_stderr(boards);
    tokio::select! {
        end = client.follow(&operation, shown.as_ref()) => Ok(Some(end?)),
        () = interrupting => Ok(None),
    }
}

/// Turns true at the first Ctrl-C or SIGTERM; the second ends the program at once.
fn interruption() -> watch::Receiver<bool> {
    let (sender, receiver) = watch::channel(false);
    tokio::spawn(async move {
        rack::ended_by_user().await;
        sender.send_replace(true);
        eprintln!("ends before the next step; once more ends it at once");
        rack::ended_by_user().await;
        std::process::exit(130);
    });
    receiver
}

/// Says what came of an operation, and ends as it did.
pub(crate) fn finish(kind: Kind, end: &Progress, output: Output) -> anyhow::Result<ExitCode> {
    match end {
        Progress::Completed { outcome, .. } => {
            show(kind, outcome, output)?;
            Ok(ExitCode::SUCCESS)
        }
        Progress::Failed { outcome: Some(outcome), .. } => {
            show(kind, outcome, output)?;
            Ok(ExitCode::FAILURE)
        }
        Progress::Failed { interrupted: true, why, .. } => {
            answer::failed(why, output);
            Ok(ExitCode::from(130))
        }
        Progress::Failed { why, .. } => anyhow::bail!("{why}"),
        _ => anyhow::bail!("the operation was not told to its end"),
    }
}

/// What came of it, as the command's answer.
pub(crate) fn show(kind: Kind, outcome: &Outcome, output: Output) -> anyhow::Result<()> {
    if output == Output::Json {
        say(&serde_json::to_string(outcome)?);
        return Ok(());
    }
    let Outcome { steps, undone, stays, .. } = outcome;
    let (is, nothing) = match kind {
        Kind::Apply => ("the rack is what its file says", "nothing to do: the rack is what its file says"),
        Kind::Destroy => ("it is gone", "nothing to do: it is not there"),
        Kind::Fix => ("it is mended", "nothing to do: there is nothing that can be mended from here"),
    };
    match steps {
        _ if !undone.is_empty() => say("not all could be done now:"),
        0 => say(nothing),
        &many => say(&format!("{}: {is}", progress::steps(many))),
    }
    undone.iter().for_each(|left| say(&left.to_string()));
    stays.iter().for_each(|stays| say(&stays.to_string()));
    Ok(())
}

/// The SHA-256 of a rack's file, in hexadecimal.
pub(crate) fn sha256(file: &Path) -> anyhow::Result<String> {
    let text = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    Ok(digest(&text))
}

/// A runtime for a command that waits for answers.
pub(crate) fn runtime() -> anyhow::Result<Runtime> {
    let built = tokio::runtime::Builder::new_current_thread().enable_all().build();
    built.context("cannot start the runtime")
}

/// Runs a command to its end.
pub(crate) fn in_runtime(work: impl Future<Output = anyhow::Result<ExitCode>>) -> anyhow::Result<ExitCode> {
    let runtime = runtime()?;
    let outcome = runtime.block_on(work);
    // A question to a broker that does not answer has a thread of its own.
    runtime.shutdown_timeout(Duration::from_secs(1));
    outcome
}

/// The journal of a command that runs its operation by itself. An operation goes on without one.
pub(crate) struct Journaled {
    journal: Option<Arc<Journal>>,
    kafka: String,
}

impl Journaled {
    /// That of this rack.
    pub(crate) fn of(rack: &Rack) -> Self {
        let open = || {
            let history = StateFolder::of(rack.name.as_str(), &Surroundings::here())?.open()?;
            anyhow::Ok(Journal::start(history, Box::new(drop))?)
        };
        let journal = open().inspect_err(|error| tracing::warn!("nothing is written down: {error:#}")).ok();
        Self { journal, kafka: Watched::from(rack).kafka.join(",") }
    }

    pub(crate) fn audience(&self) -> Option<Arc<dyn Audience>> {
        self.journal.as_ref().map(|journal| Arc::clone(journal) as _)
    }

    /// Writes what was heard, and publishes it as far as Kafka answers and until it is `enough`.
    async fn close(&self, enough: impl Future<Output = ()>) {
        match self.published(enough).await {
            None | Some(Ok(Delivered::All | Delivered::Elsewhere)) => {}
            Some(Ok(Delivered::Waiting(events))) if !self.kafka.is_empty() => eprintln!(
                "{events} events wait until Kafka answers; the next command or pirack serve publishes them"
            ),
            Some(Ok(Delivered::Waiting(_))) => {}
            Some(Err(error)) => tracing::warn!(error = &error as &dyn std::error::Error, "events wait"),
        }
    }

    /// The same; what came of it, nothing where nobody waited for that. Each on a thread of its own, so that a signal
    /// is heard meanwhile.
    async fn published(&self, enough: impl Future<Output = ()>) -> Option<Result<Delivered, HistoryError>> {
        let journal = self.journal.as_ref()?;
        let (writing, publishing, kafka) = (Arc::clone(journal), Arc::clone(journal), self.kafka.clone());
        spawn_blocking(move || writing.close()).await.ok()?;
        let published = spawn_blocking(move || publishing.close_and_deliver(&kafka, LAST_WORDS));
        tokio::select! {
            biased;
            () = enough => None,
            published = published => published.ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    #[tokio::test]
    async fn who_wants_an_end_waits_for_what_is_written_and_not_for_kafka() {
        let folder = tempfile::tempdir().unwrap();
        // Nobody answers there.
        for (kafka, waits) in [("127.0.0.1:1", false), ("", true)] {
            let history = StateFolder::at(folder.path()).open().unwrap();
            let journal = Journal::start(Arc::clone(&history), Box::new(drop)).unwrap();
            let operation = Operation::new(Kind::Apply, "desk", "ada@desk");
            journal.hear(&operation, jiff::Timestamp::now(), &Progress::Scheduled);
            let journaled = Journaled { journal: Some(journal), kafka: kafka.to_owned() };
            let published = match waits {
                false => journaled.published(ready(())).await,
                true => journaled.published(pending()).await,
            };
            assert_eq!(published.is_some(), waits, "{published:?}");
            assert!(history.operation(operation.id).unwrap().is_some(), "it was written first");
        }
    }
}
