//! A real engine behind the traits: bollard over a local socket or TLS, and nothing of the `docker` program.
//!
//! What it keeps:
//! - It speaks the engine's own API version (Docker 20.10 and newer).
//! - Every call has a deadline. What misses it may have been done or not, and is told as [`EngineError::Unreachable`].
//! - A refusal is told by its kind, whatever words Docker has for it; words of no known kind are passed on.
//! - What of a service has no field here stands in its `unmodelled`, and is put back on the way to Docker. Of a node
//!   and of the swarm only what was asked is changed.
//!
//! Docker counts its own bookkeeping as change: a version may move although nobody's wish did. A node's moves with
//! every join, promotion and start of its engine, so there an update goes through as long as what was read is still
//! so. Elsewhere it is refused as with anybody's change, and whoever asked looks again.

mod call;
mod engine;
mod files;
mod health;
mod host;
mod member;
mod names;
mod network;
mod node;
mod read;
mod refusal;
mod task;
mod unmodelled;
mod write;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bollard::{API_DEFAULT_VERSION, Docker};

use crate::engine::EngineError;
use crate::object::Id;
use crate::observed::Held;
use crate::spec::NodeSpec;

/// Deadlines of a [`DockerEngine`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadlines {
    /// Of any question and any change.
    pub call: Duration,
    /// Of beginning, joining or leaving a swarm, which wait for managers on other boards.
    pub membership: Duration,
    /// Between two signs of life of a pull.
    pub pull_silence: Duration,
    /// How long a network is asked to go while tasks that have just lost their service still hold it.
    pub release: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            call: Duration::from_secs(20),
            membership: Duration::from_secs(45),
            pull_silence: Duration::from_secs(90),
            release: Duration::from_secs(60),
        }
    }
}

/// Where TLS finds what it needs, all as PEM files.
#[derive(Clone, Copy, Debug)]
pub struct Tls<'a> {
    /// The client's key.
    pub key: &'a Path,
    /// The client's certificate.
    pub certificate: &'a Path,
    /// Whom to believe.
    pub authority: &'a Path,
}

/// One real engine. Cheap to clone; clones share its connections.
#[derive(Clone, Debug)]
pub struct DockerEngine {
    docker: Docker,
    name: String,
    deadlines: Deadlines,
    /// Nodes as they were last told, by id.
    nodes: Arc<Mutex<BTreeMap<Id, Held<NodeSpec>>>>,
}

/// Beyond any deadline of ours: bollard's own must never be the first to pass.
const LAST_RESORT_SECONDS: u64 = 3600;

impl DockerEngine {
    /// The engine that this client speaks to, in a version of the API that both know already.
    #[must_use]
    pub fn over(name: &str, client: Docker, deadlines: Deadlines) -> Self {
        Self { docker: client, name: name.to_owned(), deadlines, nodes: Arc::default() }
    }

    /// The engine behind this socket. `name` is what errors call it: its board.
    ///
    /// # Errors
    /// When there is no such socket, or nobody answers there.
    pub async fn on_socket(name: &str, socket: &Path, deadlines: Deadlines) -> Result<Self, EngineError> {
        let path = socket.to_string_lossy();
        let docker = Docker::connect_with_unix(&path, LAST_RESORT_SECONDS, API_DEFAULT_VERSION);
        Self::negotiated(name, docker, deadlines).await
    }

    /// The engine at this address (`tcp://10.0.0.11:2376`), over TLS, each side known to the other.
    ///
    /// # Errors
    /// When a file is not there or not PEM, or nobody answers there.
    pub async fn over_tls(
        name: &str,
        address: &str,
        tls: Tls<'_>,
        deadlines: Deadlines,
    ) -> Result<Self, EngineError> {
        let docker = Docker::connect_with_ssl(
            address,
            tls.key,
            tls.certificate,
            tls.authority,
            LAST_RESORT_SECONDS,
            API_DEFAULT_VERSION,
        );
        Self::negotiated(name, docker, deadlines).await
    }

    async fn negotiated(
        name: &str,
        docker: Result<Docker, bollard::errors::Error>,
        deadlines: Deadlines,
    ) -> Result<Self, EngineError> {
        let about = || format!("its version, on {name}");
        let docker = docker.map_err(|source| call::unreachable(about(), source))?;
        let docker = call::within(deadlines.call, docker.negotiate_version()).await;
        let docker = docker.map_err(|late| call::unreachable(about(), late))?;
        let docker = docker.map_err(|source| call::unreachable(about(), source))?;
        Ok(Self { docker, name: name.to_owned(), deadlines, nodes: Arc::default() })
    }

    /// What errors call it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The client itself, with the engine's own version, for what is no business of a swarm: logs, containers.
    #[must_use]
    pub fn client(&self) -> &Docker {
        &self.docker
    }
}
