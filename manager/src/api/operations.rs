//! Operations over HTTP: ordered, listed, followed.
//!
//! `GET /api/operations/ID/progress` tells what was heard of one, from its beginning or from after the message
//! that `Last-Event-ID` names, until it is over. It is read from the history, so it also tells of an operation that
//! another program of this machine runs, and nothing is lost to a reader who comes late or is slow, or while the disk
//! is full: what cannot be written yet is told once it is.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use axum::response::sse::{Event as Message, KeepAlive, Sse};
use futures_util::stream;
use serde::{Deserialize, Serialize};
use tokio::sync::{OwnedSemaphorePermit, watch};
use uuid::Uuid;

use super::Shared;
use super::error::ApiError;
use super::routes::blocking;
use crate::operation::dispatch::{Dispatcher, Foreseen, Order};
use crate::operation::journal::Journal;
use crate::watch::{History, StoredOperation, StoredProgress};

/// Operations in one answer, at most.
const MOST: u32 = 500;
/// Progresses in one answer, at most; a stream has all.
const MOST_PROGRESS: u32 = 2000;
/// Progresses that a stream reads at once.
const CHUNK: u32 = 100;
/// How long an order waits for the history to have it.
const WRITTEN: Duration = Duration::from_secs(2);
/// How soon a stream looks again where another program writes.
const LOOK: Duration = Duration::from_millis(500);

type Id = Result<Path<Uuid>, PathRejection>;
type Body = Result<Json<Order>, JsonRejection>;

/// An operation with what was heard of it.
#[derive(Serialize)]
pub(super) struct Told {
    #[serde(flatten)]
    operation: StoredOperation,
    progress: Vec<StoredProgress>,
}

#[derive(Deserialize)]
pub(super) struct ListQuery {
    limit: Option<u32>,
}

/// `POST /api/operations`.
pub(super) async fn order(State(shared): State<Shared>, body: Body) -> Result<impl IntoResponse, ApiError> {
    let dispatcher = dispatcher(&shared)?;
    let order = read(body)?;
    let written = dispatcher.journal().written();
    let operation = dispatcher.submit(order)?;
    known(&shared.api.history, operation.id, written).await;
    let place = format!("/api/operations/{}", operation.id);
    Ok((StatusCode::ACCEPTED, [(LOCATION, place)], Json(operation)))
}

/// `POST /api/operations/plan`: what a destroy would do.
pub(super) async fn foresee(State(shared): State<Shared>, body: Body) -> Result<Json<Foreseen>, ApiError> {
    let dispatcher = dispatcher(&shared)?;
    Ok(Json(dispatcher.foresee(&read(body)?).await?))
}

fn read(body: Body) -> Result<Order, ApiError> {
    let Json(order) = body.map_err(|rejection| {
        let example = r#"{"kind":"apply","by":"ada@desk"}"#;
        ApiError::Bad(format!("post {example} as application/json: {}", rejection.body_text()))
    })?;
    Ok(order)
}

/// Waits until the history has the operation, so that whoever follows it at once finds it; a disk that refuses is
/// not waited for.
async fn known(history: &Arc<History>, id: Uuid, mut written: watch::Receiver<u64>) {
    let wait = async {
        loop {
            let history = Arc::clone(history);
            match blocking(move || history.operation(id)).await {
                Ok(None) if written.changed().await.is_ok() => {}
                _ => return,
            }
        }
    };
    // Too late is no fault: the operation runs, and is told once the disk takes it.
    drop(tokio::time::timeout(WRITTEN, wait).await);
}

/// `POST /api/operations/ID/interrupt`.
pub(super) async fn interrupt(State(shared): State<Shared>, id: Id) -> Result<impl IntoResponse, ApiError> {
    let id = id_in(id)?;
    dispatcher(&shared)?.interrupt(id)?;
    Ok((StatusCode::ACCEPTED, Json(serde_json::json!({ "accepted": true }))))
}

/// `GET /api/operations`.
pub(super) async fn list(
    State(shared): State<Shared>,
    query: Result<Query<ListQuery>, QueryRejection>,
) -> Result<Json<Vec<StoredOperation>>, ApiError> {
    let limit = query.ok().map(|query| query.0.limit.unwrap_or(50));
    let Some(limit) = limit.filter(|limit| (1..=MOST).contains(limit)) else {
        return Err(ApiError::Bad(format!("limit is a number from 1 to {MOST}")));
    };
    let history = shared.api.history;
    blocking(move || history.operations(limit)).await.map(Json)
}

/// `GET /api/operations/ID`.
pub(super) async fn one(State(shared): State<Shared>, id: Id) -> Result<Json<Told>, ApiError> {
    let id = id_in(id)?;
    let history = shared.api.history;
    let read = move || match history.operation(id)? {
        Some(operation) => Ok(Some(Told { operation, progress: history.progress(id, 0, MOST_PROGRESS)? })),
        None => Ok(None),
    };
    blocking(read).await?.map(Json).ok_or_else(|| unknown(id))
}

/// `GET /api/operations/ID/progress`.
pub(super) async fn progress(
    State(shared): State<Shared>,
    id: Id,
    headers: HeaderMap,
) -> Result<impl IntoResponse, ApiError> {
    let id = id_in(id)?;
    let place = super::stream::place(&shared)?;
    let history = Arc::clone(&shared.api.history);
    let asked = Arc::clone(&history);
    let journal = shared.api.operations.as_ref().map(|dispatcher| Arc::clone(dispatcher.journal()));
    // Asked first: what is written between the two questions is found by the second.
    let lags = journal.as_ref().is_some_and(|journal| journal.lags());
    if blocking(move || asked.operation(id)).await?.is_none() && !lags {
        return Err(unknown(id));
    }
    let after = headers.get("last-event-id").and_then(|text| text.to_str().ok()?.parse().ok());
    let following = Following {
        history,
        id,
        after: after.unwrap_or(0),
        waiting: Vec::new(),
        written: journal.as_ref().map(|journal| journal.written()),
        journal,
        over: false,
        stopping: shared.stopping.clone(),
        _place: place,
    };
    let messages = stream::unfold(following, |mut following| async move {
        let message = following.next().await?;
        Some((Ok::<_, Infallible>(message), following))
    });
    Ok(Sse::new(messages).keep_alive(KeepAlive::default()))
}

/// One reader's stream.
struct Following {
    history: Arc<History>,
    id: Uuid,
    after: i64,
    /// What was read and not yet told, newest first.
    waiting: Vec<StoredProgress>,
    written: Option<watch::Receiver<u64>>,
    journal: Option<Arc<Journal>>,
    over: bool,
    stopping: watch::Receiver<bool>,
    _place: OwnedSemaphorePermit,
}

impl Following {
    /// The next message; nothing once the operation is over and told, or the program ends.
    async fn next(&mut self) -> Option<Message> {
        loop {
            if let Some(progress) = self.waiting.pop() {
                self.after = progress.place;
                let message = Message::default().event("progress").id(progress.place.to_string());
                return message.json_data(&progress).ok();
            }
            if self.over {
                return None;
            }
            // What runs is told to its end before the program says that it stops: asked before the history is.
            let ending = *self.stopping.borrow();
            let lags = self.journal.as_ref().is_some_and(|journal| journal.lags());
            let (history, id, after) = (Arc::clone(&self.history), self.id, self.after);
            // The operation first: what is written of it later is then read the next time.
            let read = blocking(move || Ok((history.operation(id)?, history.progress(id, after, CHUNK)?)));
            let (operation, mut found) = read.await.ok()?;
            // One that the disk refuses is heard of once it takes it.
            let over = operation.map_or(!lags, |operation| operation.state.is_over());
            if found.is_empty() {
                if over || ending {
                    return None;
                }
                self.pause().await;
            }
            self.over = over && u32::try_from(found.len()).is_ok_and(|many| many < CHUNK);
            found.reverse();
            self.waiting = found;
        }
    }

    async fn pause(&mut self) {
        let Self { written, stopping, .. } = self;
        let written = async {
            if let Some(written) = written
                && written.changed().await.is_ok()
            {
                return;
            }
            std::future::pending().await
        };
        tokio::select! {
            () = written => {}
            _ = stopping.wait_for(|&stopping| stopping) => {}
            () = tokio::time::sleep(LOOK) => {}
        }
    }
}

fn dispatcher(shared: &Shared) -> Result<&Arc<Dispatcher>, ApiError> {
    let none = || ApiError::NotFound("an embedded rack has no operations".to_owned());
    shared.api.operations.as_ref().ok_or_else(none)
}

fn id_in(id: Id) -> Result<Uuid, ApiError> {
    id.map(|Path(id)| id).map_err(|_| ApiError::Bad("an operation's id is a UUID".to_owned()))
}

fn unknown(id: Uuid) -> ApiError {
    ApiError::NotFound(format!("no operation {id} is known here; those there are at /api/operations"))
}
