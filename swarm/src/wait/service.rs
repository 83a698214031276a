//! The condition that a service runs as it says, and goes on running.

use std::time::Duration;

use tokio::time::Instant;

use super::{Condition, Look, Settlement, settlement};
use crate::engine::{Engine, EngineError};
use crate::object::Id;

/// All tasks of this service are of its present spec and have run, the same ones, for at least `hold`.
///
/// It is never true of a service whose last change Docker has given up.
#[must_use]
pub fn service_settled(name: &str, hold: Duration) -> ServiceSettled {
    ServiceSettled { name: name.to_owned(), hold, since: None }
}

/// See [`service_settled`].
#[derive(Clone, Debug)]
pub struct ServiceSettled {
    name: String,
    hold: Duration,
    /// The tasks that ran at the last look, and the first look at which they did.
    since: Option<(Vec<Id>, Instant)>,
}

impl Condition for ServiceSettled {
    /// The tasks.
    type Found = Vec<Id>;

    fn reason(&self) -> String {
        format!("service {} to settle", self.name)
    }

    async fn look(&mut self, engine: &impl Engine) -> Result<Look<Vec<Id>>, EngineError> {
        // The service last: tasks that are told as present must be so of the spec that is looked at.
        let rollouts = engine.rollouts().await?;
        let tasks = engine.tasks().await?;
        let services = engine.services().await?;
        let Some(held) = services.into_iter().find(|held| held.spec.name == self.name) else {
            return Ok(Look::Never("there is no such service".to_owned()));
        };
        Ok(self.decide(settlement(&held.spec, &tasks, &rollouts), Instant::now()))
    }
}

impl ServiceSettled {
    fn decide(&mut self, found: Settlement, now: Instant) -> Look<Vec<Id>> {
        let mut tasks = match found {
            Settlement::Stuck(words) => return Look::Never(words),
            Settlement::Moving(words) => {
                self.since = None;
                return Look::NotYet(words);
            }
            Settlement::Settled(tasks) => tasks,
        };
        tasks.sort();
        let since = match self.since.take() {
            Some((before, since)) if before == tasks => since,
            _ => now,
        };
        self.since = Some((tasks.clone(), since));
        let held = now.saturating_duration_since(since);
        if held >= self.hold {
            Look::Holds(tasks)
        } else {
            Look::NotYet(format!(
                "it runs since {} s, and {} s are asked",
                held.as_secs(),
                self.hold.as_secs()
            ))
        }
    }
}
