//! What the agent tells Prometheus: `GET /metrics`, and nothing else.
//!
//! Invariants: no request changes anything; connections, their age and what they may send are bounded
//! (see [`door`]); nothing is kept for a scrape: the counters are the tally's, the newest health and
//! readings are the recorder's, and the text is made when somebody asks and thrown away. An address that
//! is taken is said once and tried again, and never ends the agent.
//!
//! [`families`] says what is told, [`exposition`] in which of two formats; [`ask`](ask()) is the other side, for
//! health checks.

mod ask;
mod door;
mod exposition;
mod families;
mod health;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::{ACCEPT, CACHE_CONTROL, CONNECTION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use jiff::Timestamp;
use tokio::sync::{mpsc, oneshot};

use self::door::Door;
use self::exposition::Format;
use crate::clock::Clock;
use crate::record::BoardName;
use crate::recorder::{Ask, Newest};
use crate::tally::{Snapshot, Tally};

pub use self::ask::{AskError, HEALTHY_WITHIN, ask, fetch};

/// How long the recorder may take to say what is newest; it may be waiting for a disk.
const PATIENCE: Duration = Duration::from_secs(1);
/// The first wait after an address that is taken, doubled at each further one.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Where everything that is told comes from.
#[derive(Clone)]
pub(crate) struct Teller {
    pub(crate) board: BoardName,
    /// The queue's bound on disk.
    pub(crate) queue_max_bytes: u64,
    pub(crate) tally: Arc<Tally>,
    pub(crate) clock: Arc<dyn Clock>,
    /// The recorder.
    pub(crate) newest: mpsc::Sender<Ask>,
}

/// Everything that is told, at one instant.
#[derive(Debug)]
struct Facts {
    board: BoardName,
    queue_max_bytes: u64,
    now: Timestamp,
    counts: Snapshot,
    newest: Newest,
}

/// Serves for ever; dropping it stops it.
pub(crate) async fn serve(listen: SocketAddr, teller: Teller) {
    let mut pause = FIRST_PAUSE;
    let mut told = false;
    loop {
        match Door::open(listen) {
            Ok(door) => {
                if told {
                    tracing::info!(%listen, "metrics are served now");
                }
                // It returns only when it cannot go on, and never does so today.
                if axum::serve(door, router(teller.clone())).await.is_ok() {
                    return;
                }
            }
            Err(error) if !told => {
                told = true;
                tracing::warn!(
                    %listen,
                    %error,
                    "no metrics: the address cannot be listened on; set [metrics] listen to another, or end what has it. Trying on"
                );
            }
            Err(_) => {}
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

fn router(teller: Teller) -> Router {
    Router::new().route("/metrics", get(metrics)).with_state(teller)
}

async fn metrics(State(teller): State<Teller>, headers: HeaderMap) -> Response {
    let accepted = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let format = Format::negotiated(accepted);
    let text = exposition::text(teller.facts().await, format);
    // A scraper comes every 15 s or so: a connection kept for it would cost more than a new one.
    let told = [(CONTENT_TYPE, format.content_type()), (CACHE_CONTROL, "no-store"), (CONNECTION, "close")];
    (told, text).into_response()
}

impl Teller {
    async fn facts(&self) -> Facts {
        Facts {
            board: self.board.clone(),
            queue_max_bytes: self.queue_max_bytes,
            now: self.clock.now().time,
            counts: self.tally.snapshot(),
            newest: self.newest().await,
        }
    }

    /// What the recorder saw last; nothing while it is busy, for absent is better than late.
    async fn newest(&self) -> Newest {
        let asking = async {
            let (answer, answered) = oneshot::channel();
            self.newest.send(answer).await.ok()?;
            answered.await.ok()
        };
        tokio::time::timeout(PATIENCE, asking).await.ok().flatten().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
