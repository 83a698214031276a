//! Runs a plan, step by step. It chooses nothing: what the plan says is done in the plan's order, until
//! the end or the first refusal.
//!
//! After a refusal the world is somewhere between two steps, which is a state like any other: observe it
//! and plan again. So it is after a crash, and so whoever calls this needs no journal.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use crate::engine::{Engine, EngineError};
use crate::object::{Id, Object, Version};
use crate::plan::{Action, Plan, Step};

/// A plan that ran to its end, or to where its caller ended it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// How many steps were run.
    pub done: usize,
    /// What was left undone, since the plan itself forbids it.
    pub forbidden: Vec<Object>,
    /// Whether the caller ended it before the plan's own end.
    pub interrupted: bool,
}

/// A plan that stopped.
#[derive(Debug, thiserror::Error)]
#[error("stopped at {at}, with {done} steps done: observe and plan again")]
pub struct Stopped {
    /// How many steps were run before.
    pub done: usize,
    /// The step that was refused: nothing of it is done, unless the engine did not answer.
    pub at: Object,
    /// Why.
    #[source]
    pub source: EngineError,
}

impl Stopped {
    /// Whether planning again on what is observed then may well go through: the world had moved.
    #[must_use]
    pub fn is_stale(&self) -> bool {
        matches!(
            self.source,
            EngineError::VersionConflict { .. }
                | EngineError::NotFound { .. }
                | EngineError::NameClash { .. }
        )
    }
}

/// Runs every step that is not forbidden. `before` hears of each step that is about to run, and may end the
/// run there: between two steps is the one place where nothing is half done.
///
/// A plan may update one node twice. The version for the second is then the one that the first resolved to, so
/// that somebody else's change in between is a conflict as ever.
///
/// # Errors
/// At the first step that the engine refuses.
pub async fn apply(
    plan: &Plan,
    engine: &impl Engine,
    mut before: impl FnMut(&Step) -> ControlFlow<()> + Send,
) -> Result<Applied, Stopped> {
    let mut applied = Applied::default();
    let mut versions = BTreeMap::new();
    for step in &plan.steps {
        let Some(action) = &step.action else {
            applied.forbidden.push(step.object.clone());
            continue;
        };
        if before(step).is_break() {
            applied.interrupted = true;
            return Ok(applied);
        }
        match run(action, engine, &mut versions).await {
            Ok(()) => applied.done += 1,
            Err(source) => return Err(Stopped { done: applied.done, at: step.object.clone(), source }),
        }
    }
    Ok(applied)
}

async fn run(
    action: &Action,
    engine: &impl Engine,
    versions: &mut BTreeMap<Id, Version>,
) -> Result<(), EngineError> {
    let last = |id: &Id, planned: Version| versions.get(id).copied().unwrap_or(planned);
    match action {
        Action::UpdateNode { id, version, spec } => {
            let version = engine.update_node(id, last(id, *version), spec).await?;
            versions.insert(id.clone(), version);
        }
        Action::RemoveNode { id } => engine.remove_node(id).await?,
        Action::CreateNetwork { spec } => drop(engine.create_network(spec).await?),
        Action::RemoveNetwork { id } => engine.remove_network(id).await?,
        Action::CreateConfig { spec } => drop(engine.create_config(spec).await?),
        Action::UpdateConfig { id, version, spec } => {
            engine.update_config(id, *version, spec).await?;
        }
        Action::RemoveConfig { id } => engine.remove_config(id).await?,
        Action::CreateSecret { spec, value } => drop(engine.create_secret(spec, value).await?),
        Action::UpdateSecret { id, version, spec } => {
            engine.update_secret(id, *version, spec).await?;
        }
        Action::RemoveSecret { id } => engine.remove_secret(id).await?,
        Action::CreateService { spec } => drop(engine.create_service(spec).await?),
        Action::UpdateService { id, version, spec } => {
            engine.update_service(id, *version, spec).await?;
        }
        Action::RemoveService { id } => engine.remove_service(id).await?,
    }
    Ok(())
}
