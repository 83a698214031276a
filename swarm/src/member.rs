//! One engine as a member of a swarm: what it is, and how it begins, joins and leaves.
//!
//! What every engine keeps, and the fake in `testing` shows:
//! - An engine is in one swarm at most. Whoever is in one must leave it before it begins or joins another.
//! - A node that left stays in its swarm's list, down, until it is forgotten; the board that joins again is another node.
//! - Only a manager knows its swarm's id and its join tokens.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use crate::engine::Answer;
use crate::object::Id;
use crate::spec::Role;

/// Docker's port among managers.
pub const PORT: u16 = 2377;

/// What an engine is to a swarm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Membership {
    /// In none.
    Inactive,
    /// On its way in: it waits for a manager to let it in, or, after its start, for its swarm to hear it again.
    Pending {
        /// Its node's identity; nothing for one that was never let in.
        node: Option<Id>,
        /// The managers that it knows.
        managers: Vec<SocketAddr>,
    },
    /// In one.
    Active(Active),
    /// It is in one whose managers ask for a key after each start. Rack engines never are set so.
    Locked,
    /// It is in one and cannot take part.
    Failed {
        /// Docker's own words.
        words: String,
    },
}

impl Membership {
    /// Its node's identity, where it is in a swarm or comes back to one.
    #[must_use]
    pub fn node(&self) -> Option<&Id> {
        match self {
            Self::Active(active) => Some(&active.node),
            Self::Pending { node, .. } => node.as_ref(),
            Self::Inactive | Self::Locked | Self::Failed { .. } => None,
        }
    }

    /// The managers of its swarm that it knows; none where it does not tell.
    #[must_use]
    pub fn managers(&self) -> &[SocketAddr] {
        match self {
            Self::Active(Active { managers, .. }) | Self::Pending { managers, .. } => managers,
            Self::Inactive | Self::Locked | Self::Failed { .. } => &[],
        }
    }
}

/// A member of a swarm, as its own engine tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Active {
    /// Its node's identity in the swarm.
    pub node: Id,
    /// The swarm's identity; only a manager that has a leader knows it.
    pub swarm: Option<Id>,
    /// The address that it tells the others.
    pub address: Option<IpAddr>,
    /// Whether it is one of the managers.
    pub is_manager: bool,
    /// Whether the swarm can be asked through it.
    pub control_available: bool,
    /// The managers that it knows.
    pub managers: Vec<SocketAddr>,
    /// What is wrong, in Docker's own words: no leader, for one.
    pub words: String,
}

/// What lets a board in. It leaves by [`JoinToken::reveal`] alone: nothing shows, logs or serialises it.
#[derive(Clone, PartialEq, Eq)]
pub struct JoinToken(String);

impl JoinToken {
    /// Takes the token.
    #[must_use]
    pub fn new(token: String) -> Self {
        Self(token)
    }

    /// The token itself, for an engine.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for JoinToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[join token]")
    }
}

/// How a swarm begins. Managers never ask for a key at their start (no autolock): nobody is there to type it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Birth {
    /// The first manager's address, as all others will reach it.
    pub advertise: IpAddr,
    /// Where it listens; by default every address, port 2377.
    pub listen: SocketAddr,
    /// The address for overlays' traffic, where it is another.
    pub data_path: Option<IpAddr>,
    /// The swarm's labels from its first moment.
    pub labels: BTreeMap<String, String>,
    /// How many ended tasks of a slot are remembered: each costs managers memory.
    pub task_history: u32,
}

impl Birth {
    /// A swarm whose first manager has this address, with little history and no labels.
    #[must_use]
    pub fn new(advertise: IpAddr) -> Self {
        Self { advertise, listen: everywhere(), data_path: None, labels: BTreeMap::new(), task_history: 3 }
    }
}

/// How a board joins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Managers to ask: one that answers is enough.
    pub managers: Vec<SocketAddr>,
    /// What lets it in, and tells its role.
    pub token: JoinToken,
    /// Its own address, as all others will reach it.
    pub advertise: IpAddr,
    /// Where it listens should it be a manager; by default every address, port 2377.
    pub listen: SocketAddr,
    /// The address for overlays' traffic, where it is another.
    pub data_path: Option<IpAddr>,
}

impl Entry {
    /// A board of this address joins by way of these managers.
    #[must_use]
    pub fn new(managers: Vec<SocketAddr>, token: JoinToken, advertise: IpAddr) -> Self {
        Self { managers, token, advertise, listen: everywhere(), data_path: None }
    }
}

fn everywhere() -> SocketAddr {
    (Ipv4Addr::UNSPECIFIED, PORT).into()
}

/// Why an engine did not begin, join or leave.
#[derive(Debug, thiserror::Error)]
pub enum MemberError {
    /// It is in a swarm already.
    #[error("{engine} is in a swarm already: let it leave that first")]
    AlreadyMember {
        /// Which engine.
        engine: String,
    },
    /// It is in none.
    #[error("{engine} is in no swarm")]
    NotMember {
        /// Which engine.
        engine: String,
    },
    /// It is no manager, and only those know.
    #[error("{engine} is no manager, and only managers know the join tokens: ask one")]
    NotManager {
        /// Which engine.
        engine: String,
    },
    /// A manager leaves only when it must.
    #[error(
        "{engine} is a manager of its swarm: demote it first, or the swarm may lose its majority ({words})"
    )]
    StillManager {
        /// Which engine.
        engine: String,
        /// Docker's own words.
        words: String,
    },
    /// The token is not one of that swarm.
    #[error(
        "{engine} was not let in: the join token is not one of that swarm; ask a manager for it anew ({words})"
    )]
    BadToken {
        /// Which engine.
        engine: String,
        /// Docker's own words.
        words: String,
    },
    /// No manager answered in time. An engine that reached none of them has given up; one that waited for an answer
    /// goes on trying by itself, and is a member already when it is asked again.
    #[error(
        "{engine} found no manager that answers in time: see that port 2377 of {managers} can be reached from it"
    )]
    NoManager {
        /// Which engine.
        engine: String,
        /// The managers that it was given.
        managers: String,
    },
    /// Any other refusal.
    #[error("{engine} refused: {words}")]
    Refused {
        /// Which engine.
        engine: String,
        /// Docker's own words.
        words: String,
    },
    /// No answer came; what was asked may have been done or not.
    #[error("no answer from {engine} about {about}: see that it runs and can be reached, then look again")]
    Unreachable {
        /// Which engine.
        engine: String,
        /// What was asked.
        about: &'static str,
        /// What came of it.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// One engine; one of the edges of the world.
///
/// # Errors
/// Every method as [`MemberError`] says.
pub trait Member: Send + Sync {
    /// What it is to a swarm.
    fn membership(&self) -> impl Answer<Membership, MemberError>;
    /// Begins a swarm with this engine as its one manager, and tells its node's identity.
    fn init(&self, birth: &Birth) -> impl Answer<Id, MemberError>;
    /// Joins a swarm. The token decides the role.
    fn join(&self, entry: &Entry) -> impl Answer<(), MemberError>;
    /// Leaves its swarm, with all tasks. A manager leaves only with `force`, and takes its vote with it: the last one
    /// takes the swarm.
    fn leave(&self, force: bool) -> impl Answer<(), MemberError>;
    /// The token that lets boards in as this role.
    fn join_token(&self, role: Role) -> impl Answer<JoinToken, MemberError>;
}
