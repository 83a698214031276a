//! `pirack serve`: the service on the admin board.

use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::Args;
use pirack::api::{self, Grade};
use pirack::operation::apply;
use pirack::operation::dispatch::Runner;
use pirack::operation::journal::place::{StateFolder, Surroundings};
use pirack::operation::lock::{Lock, Verdict};
use pirack::reach::{Boards, Deadlines};
use pirack::serve::{self, Look, Looked, Planner, Watched};
use pirack_agent::memory::keep_small;
use sd_notify::NotifyState;
use uuid::Uuid;

use super::global::Global;
use super::span::deadline;
use super::work::Work;
use super::{log, rack, say};

/// The command's options.
#[derive(Args)]
#[command(after_help = "Examples:
  pirack serve                           for this machine alone
  pirack serve --new-token operator --tokens /etc/pirack/tokens  makes a token
  pirack serve --listen 0.0.0.0:8088 --tokens /etc/pirack/tokens --name desk.lan
  ssh -L 8088:127.0.0.1:8088 admin       from another machine, without tokens

While it runs, pirack apply and pirack destroy on this machine hand their work to it and follow. \
It never mends anything by itself. docs/serve.md tells of all this, and has a unit for systemd.

Exit status: 0 it was ended (SIGTERM, Ctrl-C), 1 it could not run.")]
pub(crate) struct Serve {
    /// Where the dashboard is served; port 0 takes a free one. Other machines' addresses want --tokens.
    #[arg(long, default_value = "127.0.0.1:8088", value_name = "ADDRESS", value_parser = address)]
    listen: SocketAddr,
    /// A name that this is served by, besides addresses: rack.local, or NAME:PORT behind a proxy. May be repeated.
    #[arg(long = "name", value_name = "NAME")]
    names: Vec<String>,
    /// The file of tokens, readable by its owner alone. With one, nothing is free.
    #[arg(long, value_name = "FILE")]
    tokens: Option<PathBuf>,
    /// Makes a token for a viewer or an operator, adds it to --tokens, prints it, and ends.
    #[arg(long, value_name = "GRADE", requires = "tokens")]
    new_token: Option<Grade>,
    /// How often the rack is held against its file.
    #[arg(long, default_value = "60s", value_name = "DURATION", value_parser = deadline)]
    look_every: Duration,
    /// Where its state lies, where it is not the usual folder.
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
}

fn address(text: &str) -> Result<SocketAddr, String> {
    let found = text.to_socket_addrs().ok().and_then(|mut found| found.next());
    found.ok_or_else(|| "give ADDRESS:PORT, for example 127.0.0.1:8088".to_owned())
}

/// Runs it to its end.
pub(crate) fn run(options: &Serve, global: &Global) -> anyhow::Result<ExitCode> {
    if let (Some(grade), Some(path)) = (options.new_token, &options.tokens) {
        let token = api::new_token().context("the kernel gives no randomness")?;
        api::keep(path, grade, &token)?;
        eprintln!("added to {}; this is the only time that it is shown:", path.display());
        say(&token);
        return Ok(ExitCode::SUCCESS);
    }
    log::to_stderr("info,scylla=off");
    // What one look at the rack takes for a moment goes back.
    keep_small(256);
    let declared = pirack::rack::read(&global.file)?;
    let watched = Watched::from(&declared);
    let state = match &options.state {
        Some(path) => StateFolder::at(path),
        None => StateFolder::of(&watched.rack, &Surroundings::here())?,
    };
    let service = serve::Options {
        state,
        tokens: options.tokens.clone(),
        names: options.names.clone(),
        look_every: options.look_every,
    };
    let listener = api::bind_guarded(options.listen)?;
    let work = Work::at(&global.file, &watched.rack)?;
    let eyes = Eyes { file: work.file().to_owned(), lock: Mutex::default(), boards: Mutex::default() };
    let work: (Arc<dyn Runner>, Arc<dyn Planner>) = (Arc::new(work), Arc::new(eyes));
    // One thread turns all. What blocks (SQLite) has a few more, made as they are needed.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .max_blocking_threads(8)
        .thread_stack_size(1 << 20)
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    let outcome = runtime.block_on(async {
        let (stop, stopped) = tokio::sync::watch::channel(false);
        let signals = tokio::spawn(async move {
            rack::ended_by_user().await;
            notify(NotifyState::Stopping);
            stop.send_replace(true);
        });
        let alive = tokio::spawn(keep_alive());
        let ready = |served: SocketAddr| {
            say(&format!("dashboard  http://{served}"));
            notify(NotifyState::Ready);
        };
        let outcome = serve::run(&watched, &service, listener, work, stopped, ready).await;
        signals.abort();
        alive.abort();
        outcome
    });
    // A question to a broker that does not answer has a thread of its own.
    runtime.shutdown_timeout(Duration::from_secs(1));
    outcome?;
    Ok(ExitCode::SUCCESS)
}

/// Tells systemd's watchdog, where there is one, that the runtime still turns.
async fn keep_alive() {
    let Some(period) = sd_notify::watchdog_enabled() else { return std::future::pending().await };
    let mut beat = tokio::time::interval(period / 3);
    loop {
        beat.tick().await;
        notify(NotifyState::Watchdog);
    }
}

fn notify(state: NotifyState<'_>) {
    // Without systemd there is no socket, and nothing to tell.
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::debug!(%error, "systemd could not be told");
    }
}

/// What is looked at: the rack's file is read anew each time.
struct Eyes {
    file: PathBuf,
    /// Somebody's lock, as it was seen first, and when.
    lock: Mutex<Option<(Lock, Instant)>>,
    /// The rack's boards as they were last asked: their connections stay from one look to the next.
    boards: Mutex<Option<Arc<Boards>>>,
}

impl Planner for Eyes {
    fn look(&self) -> Looked<'_> {
        Box::pin(async move { look(self).await.unwrap_or_else(|error| Look::Unknown(format!("{error:#}"))) })
    }
}

async fn look(eyes: &Eyes) -> anyhow::Result<Look> {
    let opened = eyes.open()?;
    let allowed = std::collections::BTreeSet::new();
    let (seen, plan) = apply::look(&opened.wanted(&allowed, Uuid::new_v4())?, &opened.world).await?;
    if seen.reached().next().is_none() {
        return Ok(Look::Unknown("no board of the rack answers".to_owned()));
    }
    let lock = seen.swarm.as_ref().and_then(|swarm| swarm.lock.clone());
    if eyes.is_held(lock) {
        return Ok(Look::Busy);
    }
    let steps = plan.steps.iter().map(|step| format!("{}: {}", step.title(), step.reasons.join(", ")));
    let refused = plan.refused.iter().map(ToString::to_string);
    let undone = plan.undone.iter().filter(|left| !left.unknown).map(ToString::to_string);
    Ok(Look::Differences(steps.chain(refused).chain(undone).collect()))
}

impl Eyes {
    /// The rack as its file is now, over the boards that are connected to already where they are the same.
    fn open(&self) -> anyhow::Result<rack::Opened> {
        rack::open_over(&self.file, |rack| {
            let mut kept = self.boards.lock().unwrap_or_else(PoisonError::into_inner);
            match &*kept {
                Some(boards) if boards.are_of(rack) => Arc::clone(boards),
                _ => Arc::clone(kept.insert(Arc::new(Boards::of(rack, &self.file, Deadlines::OPERATION)))),
            }
        })
    }

    /// Whether somebody who lives has the lock: one that does not beat between two looks is nobody's, by and by.
    fn is_held(&self, lock: Option<Lock>) -> bool {
        let mut known = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(lock) = lock else {
            *known = None;
            return false;
        };
        let since = match &*known {
            Some((before, since)) if *before == lock => *since,
            _ => Instant::now(),
        };
        let held = matches!(lock.judge(Uuid::nil(), since.elapsed()), Verdict::Held(_));
        *known = Some((lock, since));
        held
    }
}

#[cfg(test)]
mod tests {
    use pirack::operation::Kind;

    use super::*;

    #[test]
    fn somebodys_lock_keeps_us_quiet_until_it_no_longer_beats() {
        let eyes = Eyes { file: PathBuf::new(), lock: Mutex::default(), boards: Mutex::default() };
        let lock =
            Lock { machine: "elsewhere".into(), ..Lock::of(Uuid::from_u128(1), Kind::Apply, "ada@desk") };
        assert!(!eyes.is_held(None));
        assert!(eyes.is_held(Some(lock.clone())));
        let stale = Instant::now().checked_sub(pirack::operation::lock::STALE).unwrap();
        *eyes.lock.lock().unwrap() = Some((lock.clone(), stale));
        assert!(!eyes.is_held(Some(lock.clone())));
        assert!(eyes.is_held(Some(lock.next())), "it beats again");
    }
}
