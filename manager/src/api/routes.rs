//! One function a path: what is asked for, checked, and handed on to the rooms.

use std::time::Duration;

use axum::Json;
use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::{Method, StatusCode, Uri};
use axum::response::IntoResponse;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Shared;
use super::error::ApiError;
use crate::watch::{Board, ControlError, Controls, Event, HistoryError, Points, Snapshot};

type Answer<T> = Result<Json<T>, ApiError>;
type Accepted = Result<(StatusCode, Json<Value>), ApiError>;

/// A week of history, in seconds: more than is ever kept.
const MOST_SECONDS: f64 = 7.0 * 86_400.0;
const MOST_EVENTS: u32 = 1000;
/// How long the broker may be stopped, in seconds.
const STOP_SECONDS: std::ops::RangeInclusive<f64> = 1.0..=600.0;

pub(super) async fn rack(State(shared): State<Shared>) -> Json<Snapshot> {
    Json(shared.api.live.snapshot())
}

/// The board's name in the path.
type Name = Result<Path<String>, PathRejection>;

fn name_in(name: Name) -> Result<String, ApiError> {
    name.map(|Path(name)| name).map_err(|_| ApiError::Bad("the board's name in the path is no text".into()))
}

pub(super) async fn board(State(shared): State<Shared>, name: Name) -> Answer<Board> {
    let name = name_in(name)?;
    shared.api.live.board(&name).map(Json).ok_or_else(|| unknown_board(&shared, name))
}

#[derive(Deserialize)]
pub(super) struct HistoryQuery {
    series: String,
    seconds: Option<f64>,
}

pub(super) async fn history(
    State(shared): State<Shared>,
    name: Name,
    query: Result<Query<HistoryQuery>, QueryRejection>,
) -> Answer<Points> {
    let name = name_in(name)?;
    let Query(query) = query.map_err(|_| {
        ApiError::Bad(
            "say which series: ?series=health.cpu_ratio or ?series=SENSOR/QUANTITY&seconds=300".into(),
        )
    })?;
    let seconds = query.seconds.unwrap_or(300.0);
    if !(1.0..=MOST_SECONDS).contains(&seconds) {
        return Err(ApiError::Bad(format!("seconds is {seconds}; say 1 to {MOST_SECONDS}")));
    }
    if shared.api.live.board(&name).is_none() {
        return Err(unknown_board(&shared, name));
    }
    let now = Timestamp::now();
    let since = now - Duration::from_secs_f64(seconds);
    Ok(Json(shared.api.charts.points(&name, &query.series, since, now).await?))
}

#[derive(Deserialize)]
pub(super) struct EventsQuery {
    limit: Option<u32>,
}

pub(super) async fn events(
    State(shared): State<Shared>,
    query: Result<Query<EventsQuery>, QueryRejection>,
) -> Answer<Vec<Event>> {
    let limit = query.ok().map(|query| query.0.limit.unwrap_or(100));
    let Some(limit) = limit.filter(|limit| (1..=MOST_EVENTS).contains(limit)) else {
        return Err(ApiError::Bad(format!("limit is a number from 1 to {MOST_EVENTS}")));
    };
    let history = shared.api.history;
    blocking(move || history.events(limit)).await.map(Json)
}

pub(super) async fn unplug(State(shared): State<Shared>, name: Name) -> Accepted {
    accepted(levers(&shared)?.unplug(&name_in(name)?))
}

pub(super) async fn plug(State(shared): State<Shared>, name: Name) -> Accepted {
    accepted(levers(&shared)?.plug(&name_in(name)?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StopBody {
    seconds: f64,
}

pub(super) async fn stop_broker(
    State(shared): State<Shared>,
    body: Result<Json<StopBody>, JsonRejection>,
) -> Accepted {
    let seconds = body.ok().map(|body| body.0.seconds).filter(|seconds| STOP_SECONDS.contains(seconds));
    let Some(seconds) = seconds else {
        return Err(ApiError::Bad(
            "post {\"seconds\":20} as application/json, with 1 to 600 seconds".to_owned(),
        ));
    };
    accepted(levers(&shared)?.stop_broker(seconds))
}

pub(super) async fn start_broker(State(shared): State<Shared>) -> Accepted {
    accepted(levers(&shared)?.start_broker())
}

pub(super) async fn nothing(uri: Uri) -> ApiError {
    ApiError::NotFound(format!("nothing is at {}; the rack is at /api/rack", uri.path()))
}

pub(super) async fn wrong_method(method: Method) -> impl IntoResponse {
    ApiError::Method(method)
}

/// The levers, where there are any.
fn levers(shared: &Shared) -> Result<&dyn Controls, ApiError> {
    let none = || ApiError::NotFound("a real rack has no such lever".to_owned());
    shared.api.controls.as_deref().ok_or_else(none)
}

fn accepted(outcome: Result<(), ControlError>) -> Accepted {
    outcome?;
    Ok((StatusCode::ACCEPTED, Json(json!({ "accepted": true }))))
}

fn unknown_board(shared: &Shared, board: String) -> ApiError {
    ControlError::UnknownBoard { board, boards: shared.api.live.names().join(", ") }.into()
}

/// SQLite blocks: it runs beside the requests, not among them.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, HistoryError> + Send + 'static,
) -> Result<T, ApiError> {
    let done = tokio::task::spawn_blocking(work).await.map_err(|_| ApiError::Stopping)?;
    Ok(done?)
}
