//! The manager over HTTP: the rack as JSON, changes as server-sent events, the levers of an embedded rack and the
//! operations of a real one as POST.
//!
//! Invariants: nothing is answered to a request whose `Host` is not the address served, and no lever
//! moves for a page of another origin; what is not free wants a token (see `guard`). Every body, stream and queue is bounded. The rack
//! is serialised once a second, however many look at it.

mod connection;
mod door;
mod error;
mod guard;
mod listen;
mod login;
mod operations;
mod routes;
mod server;
mod stream;
mod throttle;
mod tokens;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware;
use axum::routing::{get, post};
use tokio::sync::{Semaphore, watch};

use crate::operation::dispatch::Dispatcher;
use crate::watch::{Charts, Controls, History, Live};
use connection::Bounded;
pub use door::{Door, Free};
pub use listen::{BindError, bind, bind_guarded};
use server::ASKING;
use stream::Frame;
use throttle::Throttle;
pub use tokens::{Grade, Tokens, TokensError, keep, new_token};

/// Streams served at one time; a further one is asked to come again.
const MOST_STREAMS: usize = 64;
/// A request's body, at most. All but an order are as small as `{"seconds":600}`.
const MOST_BYTES: usize = 4096;
/// An order's body, at most: it may hold a saved plan.
const MOST_ORDER_BYTES: usize = 8 << 20;
/// How long requests under way may take to end.
const GRACE: Duration = Duration::from_secs(2);

/// What the interface shows and moves.
#[derive(Clone)]
pub struct ApiState {
    /// The rack as it is now.
    pub live: Arc<Live>,
    /// What was recorded: events and operations.
    pub history: Arc<History>,
    /// Where a chart's points come from.
    pub charts: Charts,
    /// The levers of an embedded rack.
    pub controls: Option<Arc<dyn Controls>>,
    /// Takes orders, for a real rack.
    pub operations: Option<Arc<Dispatcher>>,
    /// Who may come in.
    pub door: Door,
}

/// What every request sees.
#[derive(Clone)]
struct Shared {
    api: ApiState,
    served: SocketAddr,
    frames: watch::Receiver<Frame>,
    streams: Arc<Semaphore>,
    throttle: Arc<Mutex<Throttle>>,
    stopping: watch::Receiver<bool>,
    /// How long whoever asks may take to do so.
    asking: Duration,
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
    serve_within(listener, state, pages, shutdown, ASKING).await
}

/// The same, where a request may take so long to be asked.
async fn serve_within(
    listener: TcpListener,
    state: ApiState,
    pages: Router,
    shutdown: watch::Receiver<bool>,
    asking: Duration,
) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let streams = Arc::new(Semaphore::new(MOST_STREAMS));
    let (sender, frames) = watch::channel(Frame::default());
    let pulse = stream::pulse(Arc::clone(&state.live), sender, Arc::clone(&streams), shutdown.clone());
    let pulse = tokio::spawn(pulse);
    let served = listener.local_addr()?;
    let (throttle, stopping) = (Arc::default(), shutdown.clone());
    let shared = Shared { api: state, served, frames, streams, throttle, stopping, asking };
    let server = server::run(Bounded::new(listener), router(shared, pages), asking, shutdown.clone());
    tokio::select! {
        () = server => {}
        () = async { told(shutdown).await; tokio::time::sleep(GRACE).await } => {}
    }
    pulse.abort();
    Ok(())
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
        .route(
            "/api/operations",
            get(operations::list)
                .merge(post(operations::order).layer(DefaultBodyLimit::max(MOST_ORDER_BYTES))),
        )
        .route(
            "/api/operations/plan",
            post(operations::foresee).layer(DefaultBodyLimit::max(MOST_ORDER_BYTES)),
        )
        .route("/api/operations/{id}", get(operations::one))
        .route("/api/operations/{id}/progress", get(operations::progress))
        .route("/api/operations/{id}/interrupt", post(operations::interrupt))
        .route("/login", get(login::page).post(login::enter))
        .route("/logout", post(login::leave))
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
