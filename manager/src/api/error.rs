//! What a request gets when it cannot be served: a status and `{"error":"..."}`.

use std::time::Duration;

use axum::Json;
use axum::http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::operation::dispatch::Refused;
use crate::watch::{ControlError, HistoryError};

/// Why a request was not served.
#[derive(Debug, thiserror::Error)]
pub(super) enum ApiError {
    /// The check at the door.
    #[error("{0}")]
    Forbidden(String),
    /// A token is wanted.
    #[error("{0}")]
    Unauthorized(String),
    /// Too many wrong tokens.
    #[error("too many wrong tokens: wait {} s", .0.as_secs() + 1)]
    Throttled(Duration),
    /// An operation that cannot be now.
    #[error(transparent)]
    Order(#[from] Refused),
    /// Nothing is there.
    #[error("{0}")]
    NotFound(String),
    /// The request says something that cannot be.
    #[error("{0}")]
    Bad(String),
    /// A method that the path has not got.
    #[error("this path does not take {0}")]
    Method(axum::http::Method),
    /// A lever that cannot be moved now.
    #[error(transparent)]
    Control(#[from] ControlError),
    /// The history.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// As many as there may be are being served.
    #[error("{0}")]
    Busy(&'static str),
    /// The program is ending.
    #[error("the manager is stopping")]
    Stopping,
}

impl ApiError {
    fn status(&self) -> StatusCode {
        match self {
            Self::Forbidden(_) => StatusCode::FORBIDDEN,
            Self::NotFound(_) | Self::Control(ControlError::UnknownBoard { .. }) => StatusCode::NOT_FOUND,
            Self::Unauthorized(_) => StatusCode::UNAUTHORIZED,
            Self::Throttled(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Order(Refused::Busy(_) | Refused::Looking | Refused::NotRunning(_)) => StatusCode::CONFLICT,
            Self::Order(Refused::Unfit(_)) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Order(Refused::Stopping) => StatusCode::SERVICE_UNAVAILABLE,
            Self::History(HistoryError::Archive { .. }) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Bad(_) | Self::History(HistoryError::UnknownField(_)) => StatusCode::BAD_REQUEST,
            Self::Method(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::Control(ControlError::Refused(_)) => StatusCode::CONFLICT,
            Self::History(_) => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Busy(_) | Self::Stopping => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        // What keeps the records says once that it is away; every chart would say it again.
        let said = matches!(self, Self::History(HistoryError::Archive { .. }));
        if self.status().is_server_error() && !said {
            tracing::warn!(error = &self as &dyn std::error::Error, "a request was not served");
        }
        let mut body = json!({ "error": self.to_string() });
        if let Self::Order(Refused::Busy(operation)) = &self {
            body["operation"] = json!(operation);
        }
        let mut response = (self.status(), Json(body)).into_response();
        match &self {
            Self::Unauthorized(_) => {
                response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            Self::Throttled(wait) => {
                response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(wait.as_secs() + 1));
            }
            _ => {}
        }
        response
    }
}
