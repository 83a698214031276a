//! The service on the admin board: watches the rack and shows it, takes orders, and says when the rack is no
//! longer what its file says. It never mends anything by itself.
//!
//! ```text
//! agents ─▶ Kafka ─▶ watch ─▶ live ─▶ api + web ◀─ charts ◀─ Cassandra
//! orders ─▶ api ─▶ dispatcher ─▶ runner      drift ─▶ planner
//!                     └ journal ─▶ history, outbox ─▶ herald ─▶ Kafka
//! ```
//! It ends in this order, each step with a deadline: no order is taken and what runs ends between two steps; the
//! server; the drift's watch; the journal writes what was heard; the outbox is published as far as Kafka answers.
//! What is left of it is published at the next start.

pub mod client;
mod drift;
pub mod found;
mod now;
#[cfg(test)]
mod tests;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::api::{self, ApiState, Door, Free, Grade, Tokens};
use crate::look::data::addresses;
use crate::operation::dispatch::{Dispatcher, Runner};
use crate::operation::journal::place::{PlaceError, StateFolder};
use crate::operation::journal::{Journal, JournalError};
use crate::rack::{Cassandra, Kafka, Rack, Role as RackRole};
use crate::stack::cassandra::{CQL, KEYSPACE};
use crate::watch::{
    Archive, BrokerState, Charts, Happening, Keeping, Live, Role, Settings, WatchError, Watcher,
};
use crate::web;
pub use drift::{Look, Looked, Planner};
use found::{FoundError, Place};

/// How long an operation may take to come to the end of its step when the service ends.
const STEP: Duration = Duration::from_secs(60);
/// How long the outbox is published at the end.
const LAST_WORDS: Duration = Duration::from_secs(3);
/// How long records are kept here, where the rack has no Cassandra.
const KEEP: Duration = Duration::from_secs(6 * 3600);

/// What the service knows of its rack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watched {
    /// Its name.
    pub rack: String,
    /// Its boards; each is shown, and missed, before it was ever heard.
    pub boards: Vec<(String, Role)>,
    /// How often a board makes a health record.
    pub interval: Duration,
    /// Kafka's brokers, each `host:port`; none where the rack has no Kafka.
    pub kafka: Vec<String>,
    /// Cassandra's nodes, likewise.
    pub cassandra: Vec<String>,
}

impl From<&Rack> for Watched {
    fn from(rack: &Rack) -> Self {
        let kafka = |kafka: &Kafka| addresses(rack, &kafka.brokers, kafka.defaults.rack().port);
        let cassandra = |ring: &Cassandra| addresses(rack, &ring.nodes, CQL);
        Self {
            rack: rack.name.to_string(),
            boards: rack.boards.iter().map(|board| (board.name.to_string(), shown(&board.roles))).collect(),
            interval: rack.agent.interval,
            kafka: rack.kafka.as_ref().map(kafka).unwrap_or_default(),
            cassandra: rack.cassandra.as_ref().map(cassandra).unwrap_or_default(),
        }
    }
}

/// A board that is several things is shown among those that there are the fewest of.
fn shown(roles: &std::collections::BTreeSet<RackRole>) -> Role {
    match roles.first() {
        Some(RackRole::Admin) => Role::Admin,
        Some(RackRole::Manager) => Role::Manager,
        Some(RackRole::Worker) => Role::Worker,
        Some(RackRole::App) => Role::App,
        None => Role::Unassigned,
    }
}

/// How the service is run.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where its state lies.
    pub state: StateFolder,
    /// The file of tokens; without one nobody but this machine may look.
    pub tokens: Option<PathBuf>,
    /// Names under which it is served besides addresses.
    pub names: Vec<String>,
    /// How often the rack is held against its file.
    pub look_every: Duration,
}

/// Why the service cannot run.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Other machines would reach it without a token.
    #[error(
        "will not listen on {0} without tokens, since other machines reach it: pass --tokens FILE, made with pirack serve --new-token operator --tokens FILE"
    )]
    Open(SocketAddr),
    /// The tokens.
    #[error(transparent)]
    Tokens(#[from] api::TokensError),
    /// The state's folder, or the history in it.
    #[error(transparent)]
    Place(#[from] PlaceError),
    /// The journal.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The watching.
    #[error(transparent)]
    Watch(#[from] WatchError),
    /// Another one serves this rack.
    #[error(transparent)]
    Found(#[from] FoundError),
    /// Sockets, randomness.
    #[error("cannot use {what}")]
    Machine {
        /// Which part of the machine.
        what: &'static str,
        /// What came of it.
        #[source]
        source: io::Error,
    },
}

/// Serves until `stop` says true. `ready` is called once it answers.
///
/// # Errors
/// When it cannot start, or its socket breaks; what had started was ended again.
pub async fn run(
    watched: &Watched,
    options: &Options,
    listener: TcpListener,
    work: (Arc<dyn Runner>, Arc<dyn Planner>),
    mut stop: watch::Receiver<bool>,
    ready: impl FnOnce(SocketAddr),
) -> Result<(), ServeError> {
    let machine = |what| move |source| ServeError::Machine { what, source };
    let served = listener.local_addr().map_err(machine("the socket"))?;
    let own = api::new_token().map_err(machine("the kernel's randomness"))?;
    let door = door(options, served, &own)?;
    let history = options.state.open()?;
    // Before anything is written: a second service of this rack ends here.
    let place = Place::take(&options.state, served, &own)?;
    let service = Service::start(watched, history, work.0)?;
    let (over, ended) = watch::channel(false);
    let looking = drift::watch(
        work.1,
        options.look_every,
        Arc::clone(&service.live),
        service.watcher.herald(),
        Arc::clone(&service.dispatcher),
    );
    let looking = tokio::spawn(looking);
    let mut server = tokio::spawn(api::serve(listener, service.api(door), web::router(), ended));
    ready(served);
    let broken = tokio::select! {
        _ = stop.wait_for(|&stop| stop) => None,
        outcome = &mut server => Some(outcome),
    };
    looking.abort();
    service.dispatcher.stop(STEP).await;
    // Who follows an operation hears of its end before the server stops.
    let journal = Arc::clone(&service.journal);
    drop(tokio::task::spawn_blocking(move || journal.close()).await);
    over.send_replace(true);
    drop(place);
    let outcome = match broken {
        Some(outcome) => outcome,
        None => server.await,
    };
    service.end().await;
    outcome.unwrap_or_else(|broken| Err(io::Error::other(broken))).map_err(machine("the socket"))
}

/// Who may come in: this user's own commands by the token of this run, others as the file says.
fn door(options: &Options, served: SocketAddr, own: &str) -> Result<Door, ServeError> {
    let names = options.names.clone();
    let (free, mut tokens) = match &options.tokens {
        Some(path) => (Free::Nothing, Tokens::read(path)?),
        None if served.ip().to_canonical().is_loopback() => (Free::Looking, Tokens::default()),
        None => return Err(ServeError::Open(served)),
    };
    tokens.add(own, Grade::Operator);
    Ok(Door { free, tokens, names })
}

/// Everything that runs behind the server.
struct Service {
    live: Arc<Live>,
    charts: Charts,
    watcher: Watcher,
    journal: Arc<Journal>,
    dispatcher: Arc<Dispatcher>,
    began: std::time::Instant,
}

impl Service {
    fn start(
        watched: &Watched,
        history: Arc<crate::watch::History>,
        runner: Arc<dyn Runner>,
    ) -> Result<Self, ServeError> {
        let live = Arc::new(Live::of_real(&watched.rack, watched.interval));
        for (board, role) in &watched.boards {
            live.declare(board, *role, false);
        }
        let kafka = watched.kafka.join(",");
        live.set_broker(&kafka, BrokerState::Running, None);
        let (charts, keeping) = if watched.cassandra.is_empty() {
            (Charts::History(Arc::clone(&history)), Keeping::Here)
        } else {
            let archive = Arc::new(Archive::new(watched.cassandra.clone(), KEYSPACE));
            (Charts::Cassandra(archive), Keeping::Elsewhere)
        };
        let settings = Settings { keeping, keep: KEEP, ..Settings::new(&kafka) };
        let watcher = Watcher::start(&settings, Arc::clone(&live), Arc::clone(&history))?;
        let (herald, told) = (watcher.herald(), Arc::clone(&live));
        let journal = Journal::start(
            history,
            Box::new(move |event| {
                told.tell(event);
                herald.wake();
            }),
        )?;
        let now = Arc::new(now::Now(Arc::clone(&live)));
        let dispatcher = Dispatcher::new(&watched.rack, runner, Arc::clone(&journal), vec![now]);
        let boards = watched.boards.len() as u64;
        watcher.herald().announce("rack", Happening::RackStarted { boards });
        Ok(Self { live, charts, watcher, journal, dispatcher, began: std::time::Instant::now() })
    }

    fn api(&self, door: Door) -> ApiState {
        ApiState {
            live: Arc::clone(&self.live),
            history: Arc::clone(self.journal.history()),
            charts: self.charts.clone(),
            controls: None,
            operations: Some(Arc::clone(&self.dispatcher)),
            door,
        }
    }

    /// What was heard is written, and what was written is published.
    async fn end(self) {
        let Self { watcher, journal, began, .. } = self;
        let end = move || {
            journal.close();
            watcher
                .herald()
                .announce("rack", Happening::RackStopped { seconds: began.elapsed().as_secs_f64() });
            if !watcher.stop_telling(LAST_WORDS) {
                tracing::info!("events wait in the outbox and are published at the next start");
            }
        };
        if tokio::task::spawn_blocking(end).await.is_err() {
            tracing::error!("the service's end broke off");
        }
    }
}
