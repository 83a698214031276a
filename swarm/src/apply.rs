//! Runs a plan, step by step. It chooses nothing: what the plan says is done in the plan's order, until
//! the end or the first refusal.
//!
//! After a refusal the world is somewhere between two steps, which is a state like any other: observe it
//! and plan again. So it is after a crash, and so whoever calls this needs no journal.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use crate::engine::{Answer, Engine, EngineError};
use crate::object::{Id, Object, Version};
use crate::observed::{Held, Observed};
use crate::plan::{Action, Plan, Step};
use crate::spec::{NodeSpec, ServiceSpec};

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
    /// The step that was refused: nothing of it is done, unless the engine did not answer, or is a manager no more.
    pub at: Object,
    /// Why.
    #[source]
    pub source: EngineError,
}

impl Stopped {
    /// Whether planning again on what is observed then may well go through: the world had moved.
    #[must_use]
    pub fn is_stale(&self) -> bool {
        self.source.is_stale()
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
    let mut known = Known::default();
    for step in &plan.steps {
        let Some(action) = &step.action else {
            applied.forbidden.push(step.object.clone());
            continue;
        };
        if before(step).is_break() {
            applied.interrupted = true;
            return Ok(applied);
        }
        match take(action, engine, &mut known).await {
            Ok(()) => applied.done += 1,
            Err(source) => return Err(Stopped { done: applied.done, at: step.object.clone(), source }),
        }
    }
    Ok(applied)
}

/// What a plan was made from, brought up to date by each of its steps that was taken: which version a node has by
/// now, and whether a version that moved hides somebody's change or only Docker's own bookkeeping.
#[derive(Clone, Debug, Default)]
pub struct Known {
    nodes: BTreeMap<Id, (Version, NodeSpec)>,
    services: BTreeMap<Id, (Version, ServiceSpec)>,
}

impl Known {
    /// What was observed before the plan was made.
    #[must_use]
    pub fn of(observed: &Observed) -> Self {
        let nodes = observed.nodes.iter().map(|node| &node.held);
        Self {
            nodes: nodes.map(|held| (held.id.clone(), (held.version, held.spec.clone()))).collect(),
            services: (observed.services.iter())
                .map(|held| (held.id.clone(), (held.version, held.spec.clone())))
                .collect(),
        }
    }
}

/// So often a version may move under one update by Docker's own doing.
const MOST_MOVES: usize = 10;

/// Takes one step of a plan, for whoever does more than that between two of them. A version that has moved although
/// nobody's wish did (tasks of a service fail, a node reports) is no conflict, where `known` can tell.
///
/// # Errors
/// When the engine refuses.
pub async fn take(action: &Action, engine: &impl Engine, known: &mut Known) -> Result<(), EngineError> {
    match action {
        Action::UpdateNode { id, version, spec } => {
            let write = |at| engine.update_node(id, at, spec);
            let now = || async {
                let nodes = engine.nodes().await?.into_iter();
                Ok(nodes.map(|node| node.held).find(|held| held.id == *id))
            };
            update(&mut known.nodes, id, *version, spec, write, now).await?;
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
            let write = |at| engine.update_service(id, at, spec);
            let now = || async { Ok(engine.services().await?.into_iter().find(|held| held.id == *id)) };
            update(&mut known.services, id, *version, spec.as_ref(), write, now).await?;
        }
        Action::RemoveService { id } => engine.remove_service(id).await?,
    }
    Ok(())
}

/// Writes `spec` at the version that is known by now, or else at `version`; and again, for as long as only the version
/// has moved. Whoever is never in time has not updated it, and hears of the last conflict.
async fn update<T: Clone + PartialEq, W: Answer<Version>, N: Answer<Option<Held<T>>>>(
    known: &mut BTreeMap<Id, (Version, T)>,
    id: &Id,
    version: Version,
    spec: &T,
    write: impl Fn(Version) -> W,
    now: impl Fn() -> N,
) -> Result<(), EngineError> {
    let mut at = known.get(id).map_or(version, |(version, _)| *version);
    let mut moves = 0;
    loop {
        match write(at).await {
            Err(conflict @ EngineError::VersionConflict { .. }) if moves < MOST_MOVES => {
                moves += 1;
                at = unmoved(now().await?, known.get(id), conflict)?;
            }
            outcome => {
                known.insert(id.clone(), (outcome?, spec.clone()));
                return Ok(());
            }
        }
    }
}

/// The version to try again with, if the object is what it was when the plan was made.
fn unmoved<T: PartialEq>(
    now: Option<Held<T>>,
    then: Option<&(Version, T)>,
    conflict: EngineError,
) -> Result<Version, EngineError> {
    match (now, then) {
        (Some(now), Some((_, spec))) if now.spec == *spec => Ok(now.version),
        _ => Err(conflict),
    }
}
