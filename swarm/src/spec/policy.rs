//! What the swarm does when a task ends, and when a service changes.

use std::fmt;
use std::time::Duration;

use serde::{Serialize, Serializer};

/// A length of time, serialised as people write it: `10s`, `1500ms`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(pub Duration);

impl Span {
    /// So many seconds.
    #[must_use]
    pub const fn seconds(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(span) = self;
        match span.subsec_nanos() {
            0 => write!(f, "{}s", span.as_secs()),
            nanos if nanos % 1_000_000 == 0 => write!(f, "{}ms", span.as_millis()),
            _ => write!(f, "{}ns", span.as_nanos()),
        }
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(self)
    }
}

/// When a task that ended is started again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RestartCondition {
    /// Never.
    None,
    /// When it failed.
    OnFailure,
    /// Always. Docker's default.
    Any,
}

/// What happens when a task ends. Whatever is not said, Docker fills in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Restart {
    /// When it is started again; by default always.
    pub condition: Option<RestartCondition>,
    /// How long after; by default 5 s.
    pub delay: Option<Span>,
    /// After how many attempts Docker gives up; 0, the default, is never.
    pub max_attempts: Option<u64>,
    /// The window in which attempts are counted; 0, the default, is for ever.
    pub window: Option<Span>,
}

impl Restart {
    /// With Docker's defaults (moby `daemon/cluster/convert`, swarmkit `api/defaults`).
    #[must_use]
    pub fn filled(self) -> Self {
        Self {
            condition: self.condition.or(Some(RestartCondition::Any)),
            delay: self.delay.or(Some(Span::seconds(5))),
            max_attempts: self.max_attempts.or(Some(0)),
            window: self.window.or(Some(Span::seconds(0))),
        }
    }
}

/// Whether a task's successor waits for its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum UpdateOrder {
    /// The old task ends, then the new one starts: for whatever owns data. Docker's default.
    StopFirst,
    /// The new task runs before the old one ends.
    StartFirst,
}

/// What an update that fails does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureAction {
    /// It stops where it is. Docker's default.
    Pause,
    /// It goes on.
    Continue,
    /// It goes back to the service before it.
    Rollback,
}

/// How a change to a service rolls over its tasks. Whatever is not said, Docker fills in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Update {
    /// How many tasks at once; 0 is all; by default 1.
    pub parallelism: Option<u64>,
    /// The pause between two of them; by default none.
    pub delay: Option<Span>,
    /// How long a new task is watched for failure; by default 5 s.
    pub monitor: Option<Span>,
    /// What a failure does; by default it pauses.
    pub failure_action: Option<FailureAction>,
    /// Which comes first; by default the stop.
    pub order: Option<UpdateOrder>,
}

impl Update {
    /// With Docker's defaults (swarmkit `api/defaults/service.go`).
    #[must_use]
    pub fn filled(self) -> Self {
        Self {
            parallelism: self.parallelism.or(Some(1)),
            delay: self.delay.or(Some(Span::seconds(0))),
            monitor: self.monitor.or(Some(Span::seconds(5))),
            failure_action: self.failure_action.or(Some(FailureAction::Pause)),
            order: self.order.or(Some(UpdateOrder::StopFirst)),
        }
    }
}
