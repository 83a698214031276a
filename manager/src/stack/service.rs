//! What all of a rack's data services share: one service an identity, pinned to its board, in the board's own
//! network, never two at once.
//!
//! Invariant: of other boards such a service knows only what the rack remembers, so that a board that is added
//! or taken out changes no other board's service.

use std::collections::{BTreeMap, BTreeSet};

use pirack_swarm::desired::{
    Attachment, Constraint, EnvKey, File, HostEntry, Image, Log, LogForm, Mount, NameError, Service,
    ServiceName, Source, Subject,
};
use pirack_swarm::spec::{
    FailureAction, HealthCheck, Probe, ProbeTest, Restart, RestartCondition, Span, Update, UpdateOrder,
};

use super::StackError;
use super::memory::Share;
use super::place;
use crate::rack::{Board, BoardName};

/// The label of a node that says which board it is, and of a service that says where it belongs.
pub const BOARD: &str = "board";
/// The label of a node that says which boards share a plug or a switch with it.
pub const PLACE: &str = "rack.place";
/// The label of a service that says which engine it is a part of.
pub const STACK: &str = "rack.stack";

/// What a container may write besides its data, where its root is read-only: what is made at a start.
const SCRATCH_BYTES: u64 = 64 << 20;
/// A log's files, of 10 MiB each: a card fills up.
const LOG: Log = Log { form: LogForm::Local, file_bytes: 10 << 20, files: 3 };

/// The engines of a rack, each with services of its own on some boards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Engine {
    /// A broker, a controller, or both.
    Kafka,
    /// A node of the ring.
    Cassandra,
    /// Stargate's coordinator.
    Stargate,
    /// Stargate's GraphQL door.
    Graphql,
}

impl Engine {
    /// Its word: the first part of its services' names.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Kafka => "kafka",
            Self::Cassandra => "cassandra",
            Self::Stargate => "stargate",
            Self::Graphql => "graphql",
        }
    }

    /// Its service on a board, by name.
    #[must_use]
    pub fn on(self, board: &str) -> String {
        format!("{}-{board}", self.as_str())
    }

    /// The engine of this word.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        [Self::Kafka, Self::Cassandra, Self::Stargate, Self::Graphql].into_iter().find(|e| e.as_str() == word)
    }

    /// The name of its service on a board.
    ///
    /// # Errors
    /// When the board's name is none that a service's may end in.
    pub fn service(self, board: &BoardName) -> Result<ServiceName, NameError> {
        self.on(board.as_str()).parse()
    }
}

/// One service of an engine on one board.
pub(super) struct Pinned<'a> {
    pub(super) engine: Engine,
    pub(super) board: &'a Board,
    pub(super) image: &'a Image,
    pub(super) share: Share,
    /// From the stop signal to the kill.
    pub(super) grace: Span,
}

impl Pinned<'_> {
    /// The service, but for what only its engine knows.
    pub(super) fn service(&self) -> Result<Service, StackError> {
        let Pinned { engine, board, image, share, grace } = self;
        let name = engine.service(&board.name)?;
        if !share.fits() {
            let Share { heap, limit } = *share;
            let (service, board) = (name.to_string(), board.name.to_string());
            return Err(StackError::Heap { service, board, heap, limit });
        }
        let mut service = Service::new(name, (*image).clone());
        service.network = Attachment::Host;
        // In the board's own network a container has the board's name, which must lead to an address.
        let own = HostEntry { address: board.address.into(), name: board.name.clone() };
        service.hosts = BTreeSet::from([own]);
        service.placement = BTreeSet::from([at(&board.name)?]);
        service.limits.memory_bytes = Some(share.limit.0);
        service.restart = restart();
        // Its data and its ports have one owner at a time. When an update is good is asked of the engine itself,
        // by whoever makes it: an update that Docker pauses would only stand in the way of the next.
        service.update = Update {
            order: Some(UpdateOrder::StopFirst),
            failure_action: Some(FailureAction::Continue),
            ..Update::default()
        };
        service.stop_grace = Some(*grace);
        service.log = Some(LOG);
        // No limits of the kernel's: a JVM raises its open files to the engine's own by itself, and to ask for more
        // than the engine has would keep every task from starting.
        service.labels = [(BOARD, board.name.to_string()), (STACK, engine.as_str().to_owned())]
            .into_iter()
            .map(|(key, value)| Ok((key.parse()?, value)))
            .collect::<Result<_, NameError>>()?;
        Ok(service)
    }

    /// Where its data lie, in the container at `target`.
    pub(super) fn data(&self, target: &str) -> Result<Mount, StackError> {
        let source: Source = place::data(self.engine, self.board)?;
        Ok(Mount { source, target: target.parse()?, read_only: false })
    }
}

/// Asks every 10 s whether it is well, by a program in the container. Until it first was, it may take `start`:
/// Docker ends a task that is not well, and a node that takes its data over, or looks through its log after a
/// power cut, must never be ended for it. Nor must one that a slow card holds up for a minute.
pub(super) fn healthy(program: &str, start: Span) -> HealthCheck {
    HealthCheck::Probe(Probe {
        test: ProbeTest::Command(vec![program.to_owned()]),
        interval: Some(Span::seconds(10)),
        timeout: Some(Span::seconds(10)),
        start_period: Some(start),
        retries: Some(12),
    })
}

/// The root of this project's own images is never written to: what they make at a start is in memory.
pub(super) fn sealed(service: &mut Service) -> Result<(), NameError> {
    service.read_only_root = true;
    let source = Source::Tmpfs { size_bytes: SCRATCH_BYTES };
    service.mounts.push(Mount { source, target: "/tmp".parse()?, read_only: false });
    Ok(())
}

/// Again and again, and never given up: a board may have to wait for the others longer than anybody counts.
pub(super) fn restart() -> Restart {
    Restart {
        condition: Some(RestartCondition::Any),
        delay: Some(Span::seconds(10)),
        max_attempts: Some(0),
        window: None,
    }
}

/// On this board alone.
pub(super) fn at(board: &BoardName) -> Result<Constraint, NameError> {
    Constraint::equal(Subject::NodeLabel(BOARD.parse()?), board.as_str())
}

/// Variables, by names that are ours or an image's contract.
pub(super) fn env<N: AsRef<str>>(
    variables: impl IntoIterator<Item = (N, String)>,
) -> Result<BTreeMap<EnvKey, String>, NameError> {
    variables.into_iter().map(|(name, value)| Ok((name.as_ref().parse()?, value))).collect()
}

/// Whether an image is this project's own: it brings its health check, and its root may be read-only.
pub(super) fn is_own(image: &Image) -> bool {
    let text = image.as_str();
    let path = text.split_once('@').map_or(text, |(path, _)| path);
    path.rsplit('/').nth(1) == Some("pirack")
}

/// A program that the manager brings to an image which has none like it: a config that anybody may run.
pub(super) fn program<N: Clone>(source: &N, target: &str) -> Result<File<N>, NameError> {
    Ok(File { mode: Some(0o555), ..File::new(source.clone(), target.parse()?) })
}
