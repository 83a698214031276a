//! What a request gets when it cannot be served: a status and `{"error":"..."}`.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::watch::{ControlError, HistoryError};

/// Why a request was not served.
#[derive(Debug, thiserror::Error)]
pub(super) enum ApiError {
    /// The check at the door.
    #[error("{0}")]
    Forbidden(String),
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
        if self.status().is_server_error() {
            tracing::warn!(error = &self as &dyn std::error::Error, "a request was not served");
        }
        (self.status(), Json(json!({ "error": self.to_string() }))).into_response()
    }
}
