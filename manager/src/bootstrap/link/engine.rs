//! A board's engine, as bollard speaks to it: its own socket, forwarded to a private one.
//!
//! Forwarded by sshd where the user may open the socket, that is root and the group `docker`. Anybody else
//! with `sudo` gets to it through a program of root's at the far end: see `bridge`.

use std::path::Path;
use std::time::Duration;

use bollard::{API_DEFAULT_VERSION, Docker};
use openssh::{ForwardType, Session};
use tokio::time::timeout;

use super::error::LinkError;
use crate::rack::BoardName;

/// The engine's socket on every board.
pub const SOCKET: &str = "/var/run/docker.sock";
/// How long an answer may take to begin, in seconds.
pub(super) const ANSWER_SECONDS: u64 = 120;
/// How long the first answer may take.
const FIRST: Duration = Duration::from_secs(20);

/// What there is to reach, seen by whoever logged in.
pub(super) const LOOK: &str = "[ -S \"$1\" ] || { echo absent; exit; }
if [ -w \"$1\" ]; then echo open; else echo closed; fi";

/// What was seen of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Socket {
    /// Whoever logged in may open it.
    Open,
    /// Only others may.
    Closed,
    /// It is not there.
    Absent,
}

impl Socket {
    /// From what [`LOOK`] printed.
    pub(super) fn parse(text: &str) -> Self {
        match text.trim() {
            "open" => Self::Open,
            "closed" => Self::Closed,
            _ => Self::Absent,
        }
    }
}

/// Has sshd forward the engine's socket to `local`.
pub(super) async fn forward(session: &Session, local: &Path) -> Result<(), openssh::Error> {
    session.request_port_forward(ForwardType::Local, local, Path::new(SOCKET)).await
}

/// A client of the socket at this path of this machine.
pub(super) async fn over_socket(board: &BoardName, socket: &Path) -> Result<Docker, LinkError> {
    let client = Docker::connect_with_unix(&socket.to_string_lossy(), ANSWER_SECONDS, API_DEFAULT_VERSION);
    agreed(board, client).await
}

/// Agrees on the API's version, and so knows that an engine is there.
pub(super) async fn agreed(
    board: &BoardName,
    client: Result<Docker, bollard::errors::Error>,
) -> Result<Docker, LinkError> {
    let engine = |source| LinkError::Engine { board: board.clone(), source: Box::new(source) };
    match timeout(FIRST, client.map_err(engine)?.negotiate_version()).await {
        Ok(agreed) => agreed.map_err(engine),
        Err(_) => Err(LinkError::Late {
            board: board.clone(),
            what: "the engine's first answer".to_owned(),
            deadline: FIRST,
            hint: "its socket takes connections and does not answer: look at dockerd's log there",
        }),
    }
}
