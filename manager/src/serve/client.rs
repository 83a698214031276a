//! `pirack serve`, asked from a command: order, list, follow.
//!
//! Plain HTTP: for another machine's service use `ssh -L`, or a network that you trust. The token goes in a header
//! and nowhere else. A stream of progress that breaks is taken up again after the last message that was heard, also
//! where this machine's service was started anew meanwhile and has another address and token.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper::http::uri::{Scheme, Uri};
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};
use uuid::Uuid;

use super::found::{self, Found};
use crate::operation::dispatch::{Foreseen, Order};
use crate::operation::journal::place::StateFolder;
use crate::operation::{Audience, Operation, Progress};
use crate::watch::{StoredOperation, StoredProgress};

/// How long a connection, and an answer, may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long an answer may take for which the boards are looked at: the service gives up before.
const LOOK: Duration = Duration::from_secs(75);
/// How long a stream may be silent: it says that it lives every 15 s.
const SILENCE: Duration = Duration::from_secs(45);
/// How long a service that went may take to come back.
const AWAY: Duration = Duration::from_secs(90);
/// How soon it is asked again.
const AGAIN: Duration = Duration::from_secs(1);
/// An answer, at most.
const LARGEST: usize = 16 << 20;
/// A line of a stream, at most.
const LONGEST: usize = 1 << 20;

type Source = Box<dyn std::error::Error + Send + Sync>;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The address is none.
    #[error(
        "{url} is no address of pirack serve: write http://HOST:PORT, and the token into a file (--token-file)"
    )]
    Address {
        /// As it was given, without what may be secret.
        url: String,
    },
    /// It does not answer.
    #[error("pirack serve at {url} does not answer: see whether it runs, or go without it (--here)")]
    Away {
        /// Where.
        url: String,
        /// What came of it.
        #[source]
        source: Source,
    },
    /// It refused.
    #[error("pirack serve at {url}: {error}")]
    Refused {
        /// Where.
        url: String,
        /// The status.
        status: u16,
        /// In its own words.
        error: String,
        /// The operation that runs instead, where that is why.
        operation: Option<Box<Operation>>,
    },
    /// It answered something else.
    #[error("what answers at {url} is no pirack serve, or one of another version")]
    Odd {
        /// Where.
        url: String,
        /// What came of it.
        #[source]
        source: Source,
    },
}

/// An operation with what was heard of it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Told {
    /// The operation.
    #[serde(flatten)]
    pub operation: StoredOperation,
    /// What was heard, oldest first.
    pub progress: Vec<StoredProgress>,
}

#[derive(Deserialize)]
struct Refusal {
    error: String,
    operation: Option<Box<Operation>>,
}

/// The service.
pub struct Client {
    /// Where this machine's service tells its address; none for one that was named.
    folders: Vec<StateFolder>,
    door: Mutex<Door>,
}

/// Where the service was last, and what opens it.
#[derive(Clone)]
struct Door {
    authority: String,
    token: Option<String>,
}

impl From<Found> for Door {
    fn from(found: Found) -> Self {
        Self { authority: found.url.trim_start_matches("http://").to_owned(), token: Some(found.token) }
    }
}

impl Client {
    /// The one that lives on this machine and tells so in one of these folders, if any.
    #[must_use]
    pub fn found(folders: Vec<StateFolder>) -> Option<Self> {
        let door = found::find(&folders)?.into();
        Some(Self { folders, door: Mutex::new(door) })
    }

    /// The one at this address.
    ///
    /// # Errors
    /// When it is none.
    pub fn at(url: &str, token: Option<String>) -> Result<Self, ClientError> {
        let bare = url.rsplit_once('@').map_or(url, |(_, bare)| bare);
        let odd = || ClientError::Address { url: bare.to_owned() };
        let uri: Uri = url.parse().map_err(|_| odd())?;
        let authority =
            uri.authority().filter(|authority| !authority.as_str().contains('@')).ok_or_else(odd)?;
        if uri.scheme() != Some(&Scheme::HTTP) || !matches!(uri.path(), "" | "/") || uri.query().is_some() {
            return Err(odd());
        }
        let port = authority.port_u16().unwrap_or(80);
        let door = Door { authority: format!("{}:{port}", authority.host()), token };
        Ok(Self { folders: Vec::new(), door: Mutex::new(door) })
    }

    /// Where it is now, as far as anybody tells.
    fn door(&self) -> Door {
        let mut door = self.door.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = found::find(&self.folders) {
            *door = found.into();
        }
        door.clone()
    }

    /// Where it is.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.door.lock().unwrap_or_else(PoisonError::into_inner).authority)
    }

    /// Orders an operation.
    ///
    /// # Errors
    /// When it is refused, or nobody answers.
    pub async fn submit(&self, order: &Order) -> Result<Operation, ClientError> {
        let body = serde_json::to_string(order).map_err(|source| self.odd(source))?;
        self.ask(Method::POST, "/api/operations", Some(body)).await
    }

    /// What a destroy that is ordered so would do.
    ///
    /// # Errors
    /// When it is refused, or nobody answers.
    pub async fn foresee(&self, order: &Order) -> Result<Foreseen, ClientError> {
        let body = serde_json::to_string(order).map_err(|source| self.odd(source))?;
        self.ask_with(LOOK, Method::POST, "/api/operations/plan", Some(body)).await
    }

    /// Has an operation end between two steps.
    ///
    /// # Errors
    /// When it does not run, or nobody answers.
    pub async fn interrupt(&self, id: Uuid) -> Result<(), ClientError> {
        let path = format!("/api/operations/{id}/interrupt");
        self.ask::<serde_json::Value>(Method::POST, &path, None).await.map(drop)
    }

    /// The newest operations, newest first.
    ///
    /// # Errors
    /// When nobody answers.
    pub async fn operations(&self, most: u32) -> Result<Vec<StoredOperation>, ClientError> {
        self.ask(Method::GET, &format!("/api/operations?limit={most}"), None).await
    }

    /// One operation.
    ///
    /// # Errors
    /// When there is none, or nobody answers.
    pub async fn operation(&self, id: Uuid) -> Result<Told, ClientError> {
        self.ask(Method::GET, &format!("/api/operations/{id}"), None).await
    }

    /// Tells an audience how an operation goes, from its beginning to its end, and returns that.
    ///
    /// # Errors
    /// When there is no such operation, or nobody answers for long.
    pub async fn follow(
        &self,
        operation: &Operation,
        audience: &dyn Audience,
    ) -> Result<Progress, ClientError> {
        let mut after = 0;
        let mut away: Option<Instant> = None;
        loop {
            let heard = after;
            let broken = match self.listen(operation, audience, &mut after).await {
                Ok(Some(end)) => return Ok(end),
                Ok(None) => None,
                Err(error @ ClientError::Away { .. }) => Some(error),
                Err(error) => return Err(error),
            };
            if after > heard {
                away = None;
            }
            let since = *away.get_or_insert_with(Instant::now);
            if since.elapsed() >= AWAY {
                let late = || self.away("the operation was not told to its end");
                return Err(broken.unwrap_or_else(late));
            }
            sleep(AGAIN).await;
        }
    }

    /// One stream: until the end of the operation, or of the stream.
    async fn listen(
        &self,
        operation: &Operation,
        audience: &dyn Audience,
        after: &mut i64,
    ) -> Result<Option<Progress>, ClientError> {
        let path = format!("/api/operations/{}/progress", operation.id);
        let request = request(Method::GET, &path).header("last-event-id", after.to_string());
        let response = self.send(PATIENCE, request, String::new()).await?;
        if !response.status().is_success() {
            return self.answer(response).await.map(|_: serde_json::Value| None);
        }
        let mut body = response.into_body();
        let mut text = Vec::new();
        while let Some(frame) = timeout(SILENCE, body.frame()).await.map_err(|late| self.away(late))? {
            let frame = frame.map_err(|source| self.away(source))?;
            text.extend_from_slice(frame.data_ref().map_or(&[][..], |data| data));
            if text.len() > LONGEST {
                return Err(self.odd("a line without an end"));
            }
            while let Some(end) = text.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = text.drain(..=end).collect();
                let Some(data) = line.strip_prefix(b"data:") else { continue };
                let heard: StoredProgress =
                    serde_json::from_slice(data).map_err(|source| self.odd(source))?;
                *after = heard.place;
                audience.hear(operation, heard.time, &heard.progress);
                if heard.progress.is_end() {
                    return Ok(Some(heard.progress));
                }
            }
        }
        Ok(None)
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<String>,
    ) -> Result<T, ClientError> {
        self.ask_with(PATIENCE, method, path, body).await
    }

    async fn ask_with<T: DeserializeOwned>(
        &self,
        patience: Duration,
        method: Method,
        path: &str,
        body: Option<String>,
    ) -> Result<T, ClientError> {
        let mut request = request(method, path);
        if body.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let response = self.send(patience, request, body.unwrap_or_default()).await?;
        self.answer(response).await
    }

    async fn send(
        &self,
        patience: Duration,
        request: hyper::http::request::Builder,
        body: String,
    ) -> Result<Response<Incoming>, ClientError> {
        let Door { authority, token } = self.door();
        let mut request = request.header(HOST, &authority);
        if let Some(token) = token {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        let request = request.body(Full::new(Bytes::from(body))).map_err(|source| self.odd(source))?;
        let sending = async {
            let stream = TcpStream::connect(&authority).await?;
            let (mut sender, connection) =
                hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
            // It lives as long as the answer is read.
            tokio::spawn(connection);
            Ok::<_, Source>(sender.send_request(request).await?)
        };
        let sent = timeout(patience, sending).await.unwrap_or_else(|late| Err(late.into()));
        sent.map_err(|source| self.away(source))
    }

    async fn answer<T: DeserializeOwned>(&self, response: Response<Incoming>) -> Result<T, ClientError> {
        let status = response.status();
        let body = timeout(PATIENCE, Limited::new(response.into_body(), LARGEST).collect()).await;
        let body = body.map_err(|late| self.away(late))?.map_err(|source| self.away(source))?.to_bytes();
        if status.is_success() {
            return serde_json::from_slice(&body).map_err(|source| self.odd(source));
        }
        let Refusal { error, operation } =
            serde_json::from_slice(&body).map_err(|source| self.odd(source))?;
        Err(ClientError::Refused { url: self.url(), status: status.as_u16(), error, operation })
    }

    fn away(&self, source: impl Into<Source>) -> ClientError {
        ClientError::Away { url: self.url(), source: source.into() }
    }

    fn odd(&self, source: impl Into<Source>) -> ClientError {
        ClientError::Odd { url: self.url(), source: source.into() }
    }
}

fn request(method: Method, path: &str) -> hyper::http::request::Builder {
    Request::builder().method(method).uri(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_host_and_a_port_and_never_holds_a_secret() {
        let url = |text: &str| Client::at(text, None).map(|client| client.url());
        assert_eq!(url("http://127.0.0.1:8088").unwrap(), "http://127.0.0.1:8088");
        assert_eq!(url("http://rack.local/").unwrap(), "http://rack.local:80");
        for odd in
            ["rack.local:8088", "https://rack.local", "http://rack.local/x", "http://rack.local/?t=s", ""]
        {
            assert!(matches!(url(odd), Err(ClientError::Address { .. })), "{odd}");
        }
        let told = url("http://ada:secret@rack.local").unwrap_err().to_string();
        assert!(!told.contains("secret") && told.contains("rack.local"), "{told}");
    }
}
