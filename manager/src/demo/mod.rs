//! A whole rack on one machine: no Docker, no Java, no root, no network.
//!
//! One board is real, this machine; the others are simulated down to their chips' registers, and every
//! one runs the agent that real boards run. Between them and the history stand a real queue on disk and
//! Kafka's real protocol. The faces are those of any rack; this room only composes them.
//!
//! ```text
//! agents ─ Kafka's protocol ─▶ broker ─▶ watch ─▶ history, live ─▶ api + web, tui or plain lines
//! ```
//! It ends in the order of that line, so that what is on its way arrives, and then reckons what was lost.

mod broker;
mod rack;
mod scratch;
mod summary;

use std::io::{ErrorKind, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use pirack_agent::run::{Clock, SystemClock};
use tokio::sync::{broadcast, watch};

pub use broker::BrokerError;
pub use rack::RackError;
pub use scratch::{Scratch, ScratchError};
pub use summary::Summary;

use crate::api::{self, ApiState, BindError};
use crate::tui;
use crate::watch::{Event, Happening, History, HistoryError, Live, Settings, WatchError, Watcher};
use crate::web;
use broker::Broker;
use rack::{Ground, Rack};

/// How long the end may take to bring in what is on its way, each of twice.
const DRAIN: Duration = Duration::from_secs(5);
/// How often the agents' counters are taken over.
const GAUGE: Duration = Duration::from_millis(500);

/// What a demonstration is to be.
#[derive(Clone, Debug)]
pub struct Options {
    /// Simulated boards, besides this machine.
    pub boards: usize,
    /// Between two reads of a source.
    pub interval: Duration,
    /// How long it runs; until it is ended, where that is not given.
    pub duration: Option<Duration>,
    /// Where the dashboard is served.
    pub listen: SocketAddr,
    /// What is shown here.
    pub face: Face,
}

/// What a demonstration shows where it was started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Face {
    /// A live table on the terminal.
    Table,
    /// Lines on standard output.
    Lines,
    /// Lines on standard error, so that standard output holds the summary alone.
    LinesAside,
}

/// Why a demonstration cannot start, or cannot end well.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The dashboard's address cannot be had.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// The broker.
    #[error(transparent)]
    Broker(#[from] BrokerError),
    /// An agent.
    #[error(transparent)]
    Rack(#[from] RackError),
    /// The history.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// The watching.
    #[error(transparent)]
    Watch(#[from] WatchError),
    /// The clock, the signals, the terminal.
    #[error("cannot use {what}")]
    Machine {
        /// Which part of the machine.
        what: &'static str,
        /// What came of it.
        #[source]
        source: std::io::Error,
    },
}

/// Runs a demonstration to its end and says what it came to.
///
/// # Errors
/// When it cannot start, and then nothing was started; or when a queue or the history cannot be read at
/// the end.
pub async fn run(options: &Options, scratch: &Scratch) -> Result<Summary, DemoError> {
    let listener = api::bind(options.listen)?;
    let clock: Arc<dyn Clock> = Arc::new(
        SystemClock::new().map_err(|source| DemoError::Machine { what: "the kernel's clock", source })?,
    );
    let broker = Broker::start()?;
    let history = Arc::new(History::open(&scratch.history())?);
    let live = Arc::new(Live::new("demo", options.interval));
    let watcher = Watcher::start(&Settings::new(broker.address()), Arc::clone(&live), Arc::clone(&history))?;
    let herald = watcher.herald();
    let ground = Ground {
        boards: options.boards,
        interval: options.interval,
        scratch,
        clock,
        seed: u64::from(std::process::id()),
    };
    let started = Instant::now();
    let rack = Rack::start(&ground, broker, Arc::clone(&live), herald.clone())?;
    let places = Places {
        dashboard: format!("http://{}", listener.local_addr().unwrap_or(options.listen)),
        kafka: rack.bootstrap().to_owned(),
        history: scratch.history(),
    };
    let (stop, stopped) = watch::channel(false);
    let state =
        ApiState { live: Arc::clone(&live), history: Arc::clone(&history), controls: Arc::clone(&rack) as _ };
    let server = tokio::spawn(api::serve(listener, state, web::router(), stopped.clone()));
    let gauging = tokio::spawn(gauge(Arc::clone(&rack)));
    let mut showing = tokio::spawn(show(options.face, places, Arc::clone(&live), Arc::clone(&rack), stopped));

    let mut shown = None;
    tokio::select! {
        outcome = &mut showing => shown = Some(outcome),
        outcome = interrupted() => outcome?,
        () = elapsed(options.duration) => {}
    }

    let seconds = started.elapsed().as_secs_f64();
    stop.send_replace(true);
    // The table has to give the terminal back before anything else is written to it.
    let shown = match shown {
        Some(outcome) => outcome,
        None => showing.await,
    };
    gauging.abort();
    let farewells = rack.stop(DRAIN).await.map_err(RackError::from)?;
    herald.announce("rack", Happening::RackStopped { seconds });
    let ended = tokio::task::spawn_blocking(move || watcher.stop_after_drain(DRAIN)).await;
    server.abort();
    let counters = ended.map(|ended| ended.counters).unwrap_or_default();
    let mut parts = Vec::with_capacity(farewells.len());
    for (counts, farewell) in farewells {
        let stored = history.stored(farewell.board.as_str(), farewell.queue)?;
        parts.push(summary::Part { counts, farewell, stored });
    }
    match shown {
        // A reader that has seen enough (`| head`) ended the demonstration, and well.
        Ok(Err(source)) if source.kind() != ErrorKind::BrokenPipe => {
            return Err(DemoError::Machine { what: "the terminal", source });
        }
        _ => {}
    }
    Ok(summary::reckon(&parts, seconds, history.count()?, counters.redelivered))
}

/// Where an audience may look.
struct Places {
    dashboard: String,
    kafka: String,
    history: PathBuf,
}

async fn show(
    face: Face,
    places: Places,
    live: Arc<Live>,
    rack: Arc<Rack>,
    stopped: watch::Receiver<bool>,
) -> std::io::Result<()> {
    let events = live.subscribe();
    match face {
        Face::Table => {
            let table = move || tui::run(&live, rack.as_ref(), events, &places.dashboard, &stopped);
            tokio::task::spawn_blocking(table).await.unwrap_or(Ok(()))
        }
        Face::Lines => lines(&places, std::io::stdout(), &live, events, stopped).await,
        Face::LinesAside => lines(&places, std::io::stderr(), &live, events, stopped).await,
    }
}

async fn lines(
    places: &Places,
    mut out: impl Write,
    live: &Live,
    events: broadcast::Receiver<Arc<Event>>,
    stopped: watch::Receiver<bool>,
) -> std::io::Result<()> {
    writeln!(out, "dashboard  {}", places.dashboard)?;
    writeln!(out, "kafka      {}", places.kafka)?;
    writeln!(out, "history    {}", places.history.display())?;
    tui::plain::run(live, events, stopped, out).await
}

async fn gauge(rack: Arc<Rack>) {
    let mut beat = tokio::time::interval(GAUGE);
    loop {
        beat.tick().await;
        rack.gauge();
    }
}

async fn elapsed(duration: Option<Duration>) {
    match duration {
        Some(duration) => tokio::time::sleep(duration).await,
        None => std::future::pending().await,
    }
}

async fn interrupted() -> Result<(), DemoError> {
    use tokio::signal::unix::{SignalKind, signal};
    let signals = |source| DemoError::Machine { what: "signals", source };
    let mut terminate = signal(SignalKind::terminate()).map_err(signals)?;
    tokio::select! {
        outcome = tokio::signal::ctrl_c() => outcome.map_err(signals),
        _ = terminate.recv() => Ok(()),
    }
}
