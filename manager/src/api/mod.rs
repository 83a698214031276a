//! The manager over HTTP: the rack as JSON, changes as server-sent events, and the levers of an
//! embedded rack as POST.
//!
//! Invariants: nothing is answered to a request whose `Host` is not the address served, and no lever
//! moves for a page of another origin (see `guard`). Every body, stream and queue is bounded. The rack
//! is serialised once a second, however many look at it.

mod error;
mod guard;
mod listen;
mod routes;
mod stream;

use std::future::IntoFuture;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware;
use axum::routing::{get, post};
use tokio::sync::{Semaphore, watch};

use crate::watch::{Controls, History, Live};
pub use listen::{BindError, bind};
use stream::Frame;

/// Streams served at one time; a further one is asked to come again.
const MOST_STREAMS: usize = 64;
/// A request's body, at most. The largest there is says `{"seconds":600}`.
const MOST_BYTES: usize = 4096;
/// How long requests under way may take to end.
const GRACE: Duration = Duration::from_secs(2);

/// What the interface shows and moves.
#[derive(Clone)]
pub struct ApiState {
    /// The rack as it is now.
    pub live: Arc<Live>,
    /// What was recorded.
    pub history: Arc<History>,
    /// The levers.
    pub controls: Arc<dyn Controls>,
}

/// What every request sees.
#[derive(Clone)]
struct Shared {
    api: ApiState,
    served: SocketAddr,
    frames: watch::Receiver<Frame>,
    streams: Arc<Semaphore>,
}

/// Serves the interface and `pages`, which stand behind the same checks, until `shutdown` says true.
///
/// # Errors
/// When the listener cannot be served: it has no address, or there is no runtime with input and output.
pub async fn serve(
    listener: TcpListener,
    state: ApiState,
    pages: Router,
    shutdown: watch::Receiver<bool>,
) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let streams = Arc::new(Semaphore::new(MOST_STREAMS));
    let (sender, frames) = watch::channel(Frame::default());
    let pulse = stream::pulse(Arc::clone(&state.live), sender, Arc::clone(&streams), shutdown.clone());
    let pulse = tokio::spawn(pulse);
    let shared = Shared { api: state, served: listener.local_addr()?, frames, streams };
    let server = axum::serve(listener, router(shared, pages));
    let server = server.with_graceful_shutdown(told(shutdown.clone())).into_future();
    let outcome = tokio::select! {
        outcome = server => outcome,
        () = async { told(shutdown).await; tokio::time::sleep(GRACE).await } => Ok(()),
    };
    // The pulse ends with the shutdown; a server that failed leaves it running.
    pulse.abort();
    outcome
}

/// The routes, behind the checks.
fn router(shared: Shared, pages: Router) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok" }))
        .route("/api/rack", get(routes::rack))
        .route("/api/boards/{name}", get(routes::board))
        .route("/api/boards/{name}/history", get(routes::history))
        .route("/api/boards/{name}/unplug", post(routes::unplug))
        .route("/api/boards/{name}/plug", post(routes::plug))
        .route("/api/broker/stop", post(routes::stop_broker))
        .route("/api/broker/start", post(routes::start_broker))
        .route("/api/events", get(routes::events))
        .route("/api/stream", get(stream::stream))
        .with_state(shared.clone())
        .merge(pages)
        .fallback(routes::nothing)
        .method_not_allowed_fallback(routes::wrong_method)
        .layer(DefaultBodyLimit::max(MOST_BYTES))
        .layer(middleware::from_fn_with_state(shared, guard::check))
}

/// Resolves once the shutdown is said, or whoever would say it is gone.
async fn told(mut shutdown: watch::Receiver<bool>) {
    drop(shutdown.wait_for(|&ended| ended).await);
}

#[cfg(test)]
mod tests;
