//! Requests taken off connections and answered, a task a connection.
//!
//! Every request has to come: from a connection's first moment, or from the end of the answer before, its head is
//! waited for so long and no longer, however its bytes trickle. Nobody keeps a place without asking for something.
//! (`axum::serve` gives hyper no clock, and without one hyper waits for ever.) A body that is long in coming, or an
//! answer that never ends, is held only to its connection's own bound (see `connection`).

use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::connection::{Bounded, Connection};
use super::told;

/// How long a request's head may take to come. A browser opens another connection for its next one.
pub(super) const ASKING: Duration = Duration::from_secs(30);

/// Answers with `router` until `shutdown` says true, then lets requests under way end. Whoever drops it ends them.
pub(super) async fn run(
    mut listener: Bounded,
    router: Router,
    asking: Duration,
    shutdown: watch::Receiver<bool>,
) {
    let mut connections = JoinSet::new();
    let mut ended = pin!(told(shutdown.clone()));
    loop {
        tokio::select! {
            (stream, from) = listener.accept() => {
                connections.spawn(answer(stream, from, router.clone(), asking, shutdown.clone()));
            }
            Some(_) = connections.join_next() => {}
            () = &mut ended => break,
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

async fn answer(
    stream: Connection,
    from: SocketAddr,
    router: Router,
    asking: Duration,
    shutdown: watch::Receiver<bool>,
) {
    let routes = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(from));
        routes.call(request)
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(asking);
    let mut serving = pin!(http.serve_connection(TokioIo::new(stream), service));
    let served = tokio::select! {
        served = serving.as_mut() => served,
        () = told(shutdown) => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(error) = served {
        tracing::trace!(%from, %error, "a connection was cut");
    }
}
