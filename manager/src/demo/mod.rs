//! A whole rack on one machine: no Docker, no Java, no root, no network.
//!
//! One board is real, this machine; the others are simulated down to their chips' registers, and every
//! one runs the agent that real boards run. Between them and the history stand a real queue on disk and
//! Kafka's real protocol. The faces are those of any rack; this room only composes them.
//!
//! ```text
//! agents ─ Kafka's protocol ─▶ broker ─▶ watch ─▶ history, live ─▶ api + web, tui or plain lines
//! ```
//! It ends in the order of that line, so that what is on its way arrives, each step with a deadline:
//!
//! 1. The faces: the table gives the terminal back at its next look (250 ms), the server takes no new
//!    connection and ends those it has within 2 s, beside all that follows.
//! 2. The levers: locked, then put back, so that no queue is held from draining.
//! 3. The agents, all at once: sources stop, queues are written, then shipped for up to [`DRAIN`]; one
//!    whose disk hangs is left behind 35 s later and counts with what it had counted.
//! 4. The watching: the topics to their ends and every event confirmed, for up to [`DRAIN`] after anything
//!    last moved.
//! 5. The reckoning, from what agents left behind and what the history holds.
//! 6. The broker and the folder, dropped; the runtime waits 1 s more for threads that hang in a disk.
//!
//! What goes wrong in one step is kept and told after the summary; the next step comes all the same.

mod broker;
mod leaving;
mod rack;
mod scratch;
mod show;
mod summary;

use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::{Duration, Instant};

use pirack_agent::run::{Clock, SystemClock};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinError;

pub use broker::BrokerError;
pub use rack::RackError;
pub use scratch::{Scratch, ScratchError};
pub use summary::Summary;

use crate::api::{self, ApiState, Door};
use crate::watch::{
    Charts, Ended, Happening, History, HistoryError, Live, Ranges, Settings, WatchError, Watcher,
};
use crate::web;
use broker::Broker;
use leaving::Leaving;
use rack::{Ground, Rack};
use show::{Places, show};

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

/// What a demonstration came to.
#[derive(Debug)]
pub struct Outcome {
    /// The numbers.
    pub summary: Summary,
    /// What did not end well, in the order in which it happened.
    pub faults: Vec<DemoError>,
}

/// Why a demonstration cannot start, or did not end well.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
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
    /// The history was not read to its end.
    #[error(
        "the topics could not be read to their ends in time: records that count as lost may lie there still; show fewer boards, or a longer --interval"
    )]
    Undrained,
    /// Events are in the history and not all on their topic.
    #[error("the broker did not confirm every event in time: the last ones are in the history only")]
    Untold,
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
/// When it cannot start: whatever had started by then was stopped again. Or when the history cannot be
/// read at the end, for then there is nothing to reckon by. All else that goes wrong is in the outcome.
pub async fn run(options: &Options, listener: TcpListener, scratch: &Scratch) -> Result<Outcome, DemoError> {
    let mut interruption = Interruption::expected()?;
    let demo = Demo::start(options, scratch).await?;
    let places = Places {
        dashboard: format!("http://{}", served(&listener)?),
        kafka: demo.rack.bootstrap().to_owned(),
        history: scratch.history(),
    };
    let (stop, stopped) = watch::channel(false);
    let server = tokio::spawn(api::serve(listener, demo.api(), web::router(), stopped.clone()));
    let gauging = tokio::spawn(gauge(Arc::clone(&demo.rack)));
    let shown = show(options.face, places, Arc::clone(&demo.live), Arc::clone(&demo.rack), stopped);
    let mut showing = tokio::spawn(shown);

    let mut shown = None;
    tokio::select! {
        outcome = &mut showing => shown = Some(outcome),
        () = interruption.comes() => {}
        () = elapsed(options.duration) => {}
    }

    let seconds = demo.started.elapsed().as_secs_f64();
    stop.send_replace(true);
    // The table has to give the terminal back before anything else is written to it.
    let shown = match shown {
        Some(outcome) => outcome,
        None => showing.await,
    };
    gauging.abort();
    let outcome = demo.end(seconds, terminal_fault(shown)).await;
    server.abort();
    outcome
}

fn served(listener: &TcpListener) -> Result<SocketAddr, DemoError> {
    listener.local_addr().map_err(|source| DemoError::Machine { what: "the dashboard's socket", source })
}

/// Everything that runs behind the faces.
struct Demo {
    started: Instant,
    history: Arc<History>,
    live: Arc<Live>,
    watcher: Watcher,
    rack: Arc<Rack>,
}

impl Demo {
    async fn start(options: &Options, scratch: &Scratch) -> Result<Self, DemoError> {
        let clock: Arc<dyn Clock> = Arc::new(
            SystemClock::new().map_err(|source| DemoError::Machine { what: "the kernel's clock", source })?,
        );
        let broker = Broker::start()?;
        let history = Arc::new(History::open(&scratch.history())?);
        let live = Arc::new(Live::new("demo", options.interval));
        let watcher =
            Watcher::start(&Settings::new(broker.address()), Arc::clone(&live), Arc::clone(&history))?;
        let ground = Ground {
            boards: options.boards,
            interval: options.interval,
            scratch,
            clock,
            seed: u64::from(std::process::id()),
        };
        let started = Instant::now();
        let rack = Rack::start(&ground, broker, Arc::clone(&live), watcher.herald()).await?;
        Ok(Self { started, history, live, watcher, rack })
    }

    fn api(&self) -> ApiState {
        ApiState {
            live: Arc::clone(&self.live),
            history: Arc::clone(&self.history),
            charts: Charts::History(Arc::clone(&self.history)),
            controls: Some(Arc::clone(&self.rack) as _),
            operations: None,
            door: Door::of_embedded(),
        }
    }

    /// Steps 2 to 5 of the end.
    async fn end(self, seconds: f64, shown: Option<DemoError>) -> Result<Outcome, DemoError> {
        let Self { history, watcher, rack, .. } = self;
        let mut faults: Vec<_> = shown.into_iter().collect();
        let mut leavings = rack.stop(DRAIN).await;
        faults.extend(leavings.iter_mut().filter_map(|leaving| leaving.fault.take()).map(DemoError::from));
        watcher.herald().announce("rack", Happening::RackStopped { seconds });
        let counters = watcher.counters();
        let ended = tokio::task::spawn_blocking(move || watcher.stop_after_drain(DRAIN)).await;
        let ended = ended.unwrap_or(Ended { counters, drained: false, told: false });
        faults.extend((!ended.drained).then_some(DemoError::Undrained));
        faults.extend((!ended.told).then_some(DemoError::Untold));
        let mut parts = Vec::with_capacity(leavings.len());
        for Leaving { board, counts, farewell, .. } in leavings {
            let stored = match &farewell {
                Some(farewell) => history.stored(&board, farewell.queue)?,
                None => stored_of(&history, &board)?,
            };
            parts.push(summary::Part { counts, farewell, stored });
        }
        let summary = summary::reckon(&parts, seconds, ended.counters.redelivered);
        Ok(Outcome { summary, faults })
    }
}

/// What the history holds of a board that could not name its queue. A demonstration's history is new, so
/// a board has one queue in it.
fn stored_of(history: &History, board: &str) -> Result<Ranges, HistoryError> {
    let queue = history.queues()?.into_iter().find(|(of, _)| of == board);
    queue.map_or_else(|| Ok(Ranges::new()), |(board, queue)| history.stored(&board, queue))
}

/// A reader that has seen enough (`| head`) ended the demonstration, and well.
fn terminal_fault(shown: Result<io::Result<()>, JoinError>) -> Option<DemoError> {
    let source = shown.ok()?.err().filter(|source| source.kind() != ErrorKind::BrokenPipe)?;
    Some(DemoError::Machine { what: "the terminal", source })
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

/// Ctrl-C, SIGTERM and a terminal that is closed, heard from before anything is started.
struct Interruption {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
}

impl Interruption {
    fn expected() -> Result<Self, DemoError> {
        let on = |kind| signal(kind).map_err(|source| DemoError::Machine { what: "signals", source });
        Ok(Self {
            interrupt: on(SignalKind::interrupt())?,
            terminate: on(SignalKind::terminate())?,
            hangup: on(SignalKind::hangup())?,
        })
    }

    async fn comes(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = self.hangup.recv() => {}
        }
    }
}
