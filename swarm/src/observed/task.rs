//! Tasks and rollouts: what became of services, in Docker's own words. Nothing here is decided by us.

use jiff::Timestamp;
use serde::Serialize;

use super::{NodeState, ObservedNode};
use crate::object::Id;

/// Where a task is in its life (swarmkit `api/types.proto`); it only ever moves down this list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is Docker's own word")]
pub enum TaskState {
    New,
    Allocated,
    Pending,
    Assigned,
    Accepted,
    Preparing,
    Ready,
    Starting,
    Running,
    Complete,
    Shutdown,
    Failed,
    Rejected,
    Remove,
    Orphaned,
}

impl TaskState {
    /// Docker's word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Allocated => "allocated",
            Self::Pending => "pending",
            Self::Assigned => "assigned",
            Self::Accepted => "accepted",
            Self::Preparing => "preparing",
            Self::Ready => "ready",
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Complete => "complete",
            Self::Shutdown => "shutdown",
            Self::Failed => "failed",
            Self::Rejected => "rejected",
            Self::Remove => "remove",
            Self::Orphaned => "orphaned",
        }
    }

    /// Whether a task in it will never run again.
    #[must_use]
    pub fn has_ended(self) -> bool {
        self > Self::Running
    }
}

impl std::fmt::Display for TaskState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

/// The node that a task was given to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TaskNode {
    /// Its identity.
    pub id: Id,
    /// Its host name; its id where the node is not known any more.
    pub name: String,
}

/// One task. A task never changes: what a service says anew, another task does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObservedTask {
    /// Its identity.
    pub id: Id,
    /// Its service's identity.
    pub service_id: Id,
    /// Its service's name.
    pub service: String,
    /// Which of the service's replicas it is, from 1; none for a global service.
    pub slot: Option<u64>,
    /// Where it was placed, once it was.
    pub node: Option<TaskNode>,
    /// What the managers want of it: `running` or something later.
    pub desired: TaskState,
    /// What it is.
    pub state: TaskState,
    /// Since when, by the clock of whoever reported it.
    pub since: Option<Timestamp>,
    /// When the managers made it.
    pub created: Option<Timestamp>,
    /// Docker's note on the state: `started`, `preparing`.
    pub message: String,
    /// Docker's reason why it does not run; empty when there is none.
    pub error: String,
    /// The container's id on its node, once there is one.
    pub container: Option<String>,
    /// The container's exit status, once it has ended.
    pub exit_code: Option<i64>,
    /// Whether it is made as its service says now, but for where it may run: a task that stands where a changed
    /// constraint still allows it is left running.
    pub present: bool,
}

impl ObservedTask {
    /// Docker's own words about it: why it does not run, or else how far it is.
    #[must_use]
    pub fn words(&self) -> &str {
        if self.error.is_empty() { &self.message } else { &self.error }
    }

    /// Whether its node is down: it never tells its end then, and stays what it was.
    #[must_use]
    pub fn is_away(&self, nodes: &[ObservedNode]) -> bool {
        let down = |id: &Id| nodes.iter().any(|node| node.held.id == *id && node.state == NodeState::Down);
        self.node.as_ref().is_some_and(|node| down(&node.id))
    }

    /// Whether the managers want it to run.
    #[must_use]
    pub fn is_wanted(&self) -> bool {
        self.desired <= TaskState::Running
    }
}

/// How far the last change of a service is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is Docker's own word")]
pub enum RolloutState {
    Updating,
    Paused,
    Completed,
    RollbackStarted,
    RollbackPaused,
    RollbackCompleted,
}

/// A change of a service on its way through the service's tasks. A service that never changed has none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rollout {
    /// The service's name.
    pub service: String,
    /// How far.
    pub state: RolloutState,
    /// Docker's own words.
    pub words: String,
}
