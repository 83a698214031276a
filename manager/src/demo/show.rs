//! What a demonstration shows where it was started: the table, or lines.

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::{broadcast, oneshot, watch};

use super::Face;
use super::rack::Rack;
use crate::tui;
use crate::watch::{Event, Live};

/// Where an audience may look.
pub(super) struct Places {
    pub(super) dashboard: String,
    pub(super) kafka: String,
    pub(super) history: PathBuf,
}

/// Shows the rack until a person has seen enough or `stopped` says true.
pub(super) async fn show(
    face: Face,
    places: Places,
    live: Arc<Live>,
    rack: Arc<Rack>,
    stopped: watch::Receiver<bool>,
) -> io::Result<()> {
    let events = live.subscribe();
    match face {
        Face::Table => table(places.dashboard, live, rack, events, stopped).await,
        Face::Lines => lines(&places, io::stdout(), &live, events, stopped).await,
        Face::LinesAside => lines(&places, io::stderr(), &live, events, stopped).await,
    }
}

/// The table waits for keys for as long as the rack runs, so it has a thread of its own and takes none
/// from the buses and disks.
async fn table(
    dashboard: String,
    live: Arc<Live>,
    rack: Arc<Rack>,
    events: broadcast::Receiver<Arc<Event>>,
    stopped: watch::Receiver<bool>,
) -> io::Result<()> {
    let (done, ended) = oneshot::channel();
    std::thread::Builder::new().name("table".into()).spawn(move || {
        let outcome = tui::run(&live, rack.as_ref(), events, &dashboard, &stopped);
        // Nobody waiting means that the demonstration is over anyway.
        drop(done.send(outcome));
    })?;
    // A table that panicked has given the terminal back and said why.
    ended.await.unwrap_or(Ok(()))
}

async fn lines(
    places: &Places,
    mut out: impl Write,
    live: &Live,
    events: broadcast::Receiver<Arc<Event>>,
    stopped: watch::Receiver<bool>,
) -> io::Result<()> {
    writeln!(out, "dashboard  {}", places.dashboard)?;
    writeln!(out, "kafka      {}", places.kafka)?;
    writeln!(out, "history    {}", places.history.display())?;
    tui::plain::run(live, events, stopped, out).await
}
