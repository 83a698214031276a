//! One step: what must hold before it, the step itself, what it must bring.

use std::pin::pin;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use pirack_swarm::apply::{self as swarm, Known};
use pirack_swarm::engine::{Engine, EngineError};
use pirack_swarm::object::Id;
use pirack_swarm::observed::ObservedNode;
use pirack_swarm::plan::Action;
use pirack_swarm::spec::Role;
use tokio::time::{Instant, sleep};

use super::wait::{Begun, ENDED, LOOK};
use super::{OperationError, Run};
use crate::operation::held::LockError;
use crate::operation::plan::{Act, Step};
use crate::operation::world::{World, WorldError};
use crate::operation::{Underway, lock};
use crate::rack::identity;
use crate::stack::StackHealth;
use crate::stack::roll::{self, Due, Part, Turn};

/// How long at the most between two tries of what a board is not ready for.
const SELDOM: Duration = Duration::from_secs(10);
/// How often it is asked how far something is: a node's answer is a JVM's start.
const TELL: Duration = Duration::from_secs(15);
/// What came of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// It is done.
    Done,
    /// It is not: it had to be waited for, and the plan that it is part of is too old by now.
    Aged,
    /// Nobody knows: the swarm moved under it, or has no leader.
    Unanswered,
}

/// What the parts before a step came to.
#[derive(Default)]
struct Passed {
    /// The plan is older than something that was waited for.
    aged: bool,
    /// How the stacks were when it was asked last.
    health: Option<StackHealth>,
}

impl<W: World> Run<'_, W> {
    pub(super) async fn take(
        &self,
        step: &Step,
        known: &mut Known,
        underway: &Underway<'_>,
    ) -> Result<Taken, OperationError> {
        let taken = self.try_take(step, known, underway).await;
        let passing = match &taken {
            Err(OperationError::Step { source, .. }) => source.passing(),
            _ => None,
        };
        match passing {
            Some(words) => {
                underway.waits(words);
                Ok(Taken::Unanswered)
            }
            None => taken,
        }
    }

    async fn try_take(
        &self,
        step: &Step,
        known: &mut Known,
        underway: &Underway<'_>,
    ) -> Result<Taken, OperationError> {
        let Self { rack, world, .. } = self;
        let failed = |source: WorldError| self.failed(&step.title(), source);
        self.held.confirm(*world).await?;
        match &step.act {
            Act::Begin { board, identity } => {
                let lock = (lock::LABEL.to_owned(), self.held.text().await);
                let text = identity.label().map_err(|error| failed(error.into()))?;
                let identity = (identity::LABEL.to_owned(), text);
                world.begin(rack, board, [lock, identity].into()).await.map_err(failed)?;
            }
            Act::Remember { identity } => {
                let written = self.held.remember(*world, identity).await;
                written.map_err(|error| match error {
                    LockError::World(source) => failed(source),
                    lost => lost.into(),
                })?;
            }
            Act::Stack { parts } => {
                let aged = self.parts(parts, &step.title(), underway).await?.aged;
                return Ok(if aged { Taken::Aged } else { Taken::Done });
            }
            Act::Swarm { turn } => return self.turn(turn, &step.title(), known, underway).await,
            act => {
                if act.is_left_to_others() {
                    underway.idles();
                }
                let told = Mutex::new(None);
                let tell = |words: &str| {
                    let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
                    if told.is_none_or(|told: Instant| told.elapsed() >= TELL) {
                        *told = Some(Instant::now());
                        underway.waits(words);
                    }
                };
                let (until, mut pause) = (Instant::now() + ENDED, LOOK);
                while let Err(error) = world.act(rack, act, &tell).await {
                    match &error {
                        WorldError::Busy { why, .. } if Instant::now() < until => underway.waits(why),
                        _ => return Err(failed(error)),
                    }
                    // Each try may stop something that has to start again.
                    self.pause(pause).await?;
                    pause = (pause * 2).min(SELDOM);
                    self.held.confirm(*world).await?;
                }
            }
        }
        Ok(Taken::Done)
    }

    async fn turn(
        &self,
        turn: &Turn,
        step: &str,
        known: &mut Known,
        underway: &Underway<'_>,
    ) -> Result<Taken, OperationError> {
        if self.parts(&turn.before, step, underway).await?.aged {
            return Ok(Taken::Aged);
        }
        if let Some(action) = &turn.step.action {
            if let Action::UpdateService { id, spec, .. } = action
                && !turn.after.is_empty()
            {
                // Scaled to nothing by hand a moment ago: Docker would start the new task beside it, in vain.
                let service = [(id.clone(), spec.name.clone())].into();
                self.tasks_end(&service, |task| !task.is_wanted(), step, underway).await?;
            }
            let engine = self.world.engine().await.map_err(|error| self.failed(step, error))?;
            let promotes = promotes(action, engine).await.map_err(|error| self.failed(step, error.into()))?;
            // Last, for a manager may have been looked for for long.
            self.held.confirm(self.world).await?;
            let taken = swarm::take(action, engine, known).await;
            taken.map_err(|error| self.failed(step, error.into()))?;
            match action {
                Action::UpdateNode { id, .. } if promotes => {
                    self.begun(&Begun::Promoting(id), step, underway).await?;
                }
                Action::UpdateService { id, .. } if !turn.after.is_empty() => {
                    self.begun(&Begun::Replacing(id), step, underway).await?;
                }
                Action::UpdateNode { id, spec, .. } if spec.role == Role::Worker => {
                    self.begun(&Begun::Demoting(id), step, underway).await?;
                }
                _ => {}
            }
        }
        self.parts(&turn.after, step, underway).await?;
        Ok(Taken::Done)
    }

    /// Waits for and does what stands around a step, in its order. Nothing is done on a plan that is older than a
    /// wait; a drain is soon over, and nothing may come between it and the stop.
    async fn parts(
        &self,
        parts: &[Part],
        step: &str,
        underway: &Underway<'_>,
    ) -> Result<Passed, OperationError> {
        let mut passed = Passed::default();
        for part in parts {
            match part {
                Part::Wait(gate) | Part::Learn(gate) => {
                    let (waited, health) = self.pass(gate, step, underway).await?;
                    passed.aged |= waited || matches!(part, Part::Learn(_));
                    passed.health = Some(health);
                }
                Part::Do(_) if passed.aged => return Ok(passed),
                Part::Do(act) => {
                    let health = match passed.health.take() {
                        Some(health) => health,
                        None => self.world.glance(self.rack).await.health,
                    };
                    match act.due(&health) {
                        Due::Needless(why) => self.conductor.note(&format!("{step}: {why}")),
                        Due::Aged(why) => {
                            underway.waits(&why);
                            passed.aged = true;
                            return Ok(passed);
                        }
                        Due::Now => {
                            self.held.confirm(self.world).await?;
                            let done = self.prepared(act, underway).await;
                            done.map_err(|source| self.failed(step, source))?;
                            passed.aged |= act.takes_long();
                        }
                    }
                }
            }
        }
        Ok(passed)
    }

    /// Does something inside a data service, and says meanwhile how far it is.
    async fn prepared(&self, act: &roll::Act, underway: &Underway<'_>) -> Result<(), WorldError> {
        underway.waits(&act.to_string());
        let mut doing = pin!(self.world.prepare(self.rack, act));
        loop {
            tokio::select! {
                done = &mut doing => {
                    underway.goes_on();
                    return done;
                }
                () = sleep(TELL) => {}
            }
            if let Some(words) = self.world.progress(act).await {
                underway.waits(&format!("{act}: {words}"));
            }
        }
    }

    pub(super) fn failed(&self, step: &str, source: WorldError) -> OperationError {
        let kind = self.conductor.operation().kind;
        OperationError::Step { step: step.to_owned(), done: self.done, again: kind.name(), source }
    }
}

/// Whether an action makes a worker a manager.
async fn promotes(action: &Action, engine: &impl Engine) -> Result<bool, EngineError> {
    let Action::UpdateNode { id, spec, .. } = action else { return Ok(false) };
    if spec.role != Role::Manager {
        return Ok(false);
    }
    let works = |node: &ObservedNode| node.held.id == *id && node.held.spec.role == Role::Worker;
    Ok(engine.nodes().await?.iter().any(works))
}

/// The service that a step removes: its identity and its name.
pub(super) fn removed(step: &Step) -> Option<(Id, String)> {
    let Act::Swarm { turn } = &step.act else { return None };
    match turn.step.action.as_ref()? {
        Action::RemoveService { id } => Some((id.clone(), turn.step.object.name.clone())),
        _ => None,
    }
}
