//! Takes a rack away, or a part of it.
//!
//! What is kept:
//! - Only what is the rack's own goes: services, networks, configs and secrets by their owner's label, volumes by
//!   the names that the stacks give them, folders on data disks by their place, nodes of the swarm that says it is
//!   this rack's. A board that nobody shows to be such a node leaves what it is in only where that is allowed.
//! - Data stay unless volumes were asked for. What goes while the rest stays goes as it would in an apply: a
//!   Cassandra node hands its data over first, and whatever loses data or quorum is refused.
//! - What the rack remembers follows its data: a node that left its ring, or lost its data, comes back as a new one.
//! - Workers leave before managers, managers one by one with a majority left, the last by force.
//! - Every step may be the last: the next one goes on from what it sees, and one with nothing left does nothing.

mod memory;
mod scope;
mod show;
mod steps;
mod take;
mod whose;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};

use serde::{Deserialize, Serialize};

pub use scope::{Parts, Scope};
pub use steps::plan;
pub use take::{Take, TakeError};

use super::plan::{Left, Plan};
use super::run::{self, Job, Look};
use super::saved::Moved;
use super::seen::{Kept, Seen, Volumes};
use super::world::World;
use super::{Conductor, OperationError};
use crate::rack::{BoardName, Rack};
use crate::stack::StackError;

/// What a destroy is asked to do.
pub struct Request<'a> {
    /// The rack, as its file says.
    pub rack: &'a Rack,
    /// What of it.
    pub scope: &'a Scope,
    /// Codes of what may be done although it loses data.
    pub allowed: &'a BTreeSet<String>,
    /// Takes the lock from whoever has it.
    pub break_lock: bool,
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Destroyed {
    /// Steps that were taken.
    pub steps: usize,
    /// What could not be done now.
    pub undone: Vec<Left>,
    /// What is still there.
    pub stays: Stays,
}

/// Plans without doing anything.
pub async fn look<W: World>(request: &Request<'_>, world: &W) -> (Plan, Stays) {
    let Look { plan, rest, .. } = seen(request, world, true).await;
    (plan, rest)
}

/// Destroys.
///
/// # Errors
/// As [`OperationError`] says; whatever was done by then is done.
pub async fn destroy<W: World>(
    request: &Request<'_>,
    world: &W,
    conductor: &Conductor,
) -> Result<Destroyed, OperationError> {
    let taking = Taking { request, begun: AtomicBool::new(false) };
    let ended = run::run(&taking, world, conductor).await?;
    Ok(Destroyed { steps: ended.steps, undone: ended.undone, stays: ended.rest })
}

/// At the `first` look whatever is named must be there; later it may have gone, and is to.
async fn seen<W: World>(request: &Request<'_>, world: &W, first: bool) -> Look<Stays> {
    let Request { rack, scope, allowed, .. } = request;
    let asked = scope.asks(rack);
    let (seen, kept) = tokio::join!(world.see(&asked), world.kept(rack));
    let mut plan = plan(rack, scope, allowed, &seen, &kept);
    if first {
        whose::refuse_unknown(rack, scope, &seen, &mut plan);
    }
    let rest = Stays::of(rack, &seen, &kept);
    Look { seen, plan, well: vec![], behind: vec![], rest }
}

/// A destroy that runs.
struct Taking<'a> {
    request: &'a Request<'a>,
    /// Whether it has looked.
    begun: AtomicBool,
}

impl<W: World> Job<W> for Taking<'_> {
    type Rest = Stays;

    fn rack(&self) -> &Rack {
        self.request.rack
    }

    fn breaks_lock(&self) -> bool {
        self.request.break_lock
    }

    async fn look(&self, world: &W) -> Result<Look<Stays>, StackError> {
        let first = !self.begun.swap(true, Ordering::Relaxed);
        Ok(seen(self.request, world, first).await)
    }

    /// Data are the boards' own, and asked for each time.
    async fn look_again(&self, world: &W, _: Seen) -> Result<Look<Stays>, StackError> {
        self.look(world).await
    }

    fn agreed(&self, _: &Plan) -> Result<(), Moved> {
        Ok(())
    }
}

/// What a destroy leaves where it was.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stays {
    /// Volumes of the rack's stacks.
    pub volumes: Volumes,
    /// The services' folders on data disks.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub folders: BTreeMap<BoardName, BTreeSet<String>>,
    /// Boards whose agent is installed.
    pub agents: BTreeSet<BoardName>,
    /// Boards that did not answer: what they have nobody knows.
    pub silent: BTreeSet<BoardName>,
}

impl Stays {
    fn of(rack: &Rack, seen: &Seen, kept: &Kept) -> Self {
        let agents =
            seen.reached().filter(|(_, board)| board.agent.as_ref().is_some_and(|a| a.version.is_some()));
        let silent = rack.boards.iter().filter(|board| !seen.reached().any(|(name, _)| *name == board.name));
        Self {
            volumes: scope::ours(&kept.volumes),
            folders: (kept.folders.iter())
                .map(|(board, paths)| (board.clone(), paths.iter().map(ToString::to_string).collect()))
                .collect(),
            agents: agents.map(|(name, _)| name.clone()).collect(),
            silent: silent.map(|board| board.name.clone()).collect(),
        }
    }
}
