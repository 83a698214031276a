//! One call to an engine: its deadline, and its answer as one of ours.

use std::future::Future;
use std::time::Duration;

use bollard::errors::Error;

use super::{DockerEngine, refusal};
use crate::engine::EngineError;
use crate::object::Object;

/// The deadline passed.
#[derive(Debug, thiserror::Error)]
#[error("no answer within {} s", .0.as_secs_f64())]
pub(super) struct Late(Duration);

pub(super) async fn within<T>(deadline: Duration, call: impl Future<Output = T>) -> Result<T, Late> {
    tokio::time::timeout(deadline, call).await.map_err(|_| Late(deadline))
}

pub(super) fn unreachable(
    about: String,
    source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> EngineError {
    EngineError::Unreachable { about, source: source.into() }
}

/// What came of a call that the engine answered, or did not.
pub(super) enum Failure {
    /// It refused: the HTTP status and its words.
    Refused(u16, String),
    /// No answer that can be understood.
    NoAnswer(Box<dyn std::error::Error + Send + Sync>),
}

impl DockerEngine {
    /// A call with the common deadline.
    pub(super) async fn call<T>(&self, call: impl Future<Output = Result<T, Error>>) -> Result<T, Failure> {
        call_within(self.deadlines.call, call).await
    }

    /// A question about many objects.
    pub(super) async fn ask<T>(
        &self,
        about: &str,
        call: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, EngineError> {
        self.call(call).await.map_err(|failure| match failure {
            Failure::Refused(status, words) => refusal::of_question(about, status, &words),
            Failure::NoAnswer(source) => unreachable(about.to_owned(), source),
        })
    }

    /// A question about one object, or a change of it.
    pub(super) async fn about<T>(
        &self,
        object: &Object,
        call: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, EngineError> {
        self.call(call).await.map_err(|failure| match failure {
            Failure::Refused(status, words) => refusal::of_object(object, status, &words),
            Failure::NoAnswer(source) => unreachable(object.to_string(), source),
        })
    }
}

pub(super) async fn call_within<T>(
    deadline: Duration,
    call: impl Future<Output = Result<T, Error>>,
) -> Result<T, Failure> {
    match within(deadline, call).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(Error::DockerResponseServerError { status_code, message })) => {
            Err(Failure::Refused(status_code, message))
        }
        Ok(Err(source)) => Err(Failure::NoAnswer(source.into())),
        Err(late) => Err(Failure::NoAnswer(late.into())),
    }
}
