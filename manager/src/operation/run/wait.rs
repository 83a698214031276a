//! What is waited for around a step: gates, what Docker does by itself once it was told something, tasks that end.

use std::collections::BTreeMap;
use std::time::Duration;

use pirack_swarm::engine::{Engine, EngineError};
use pirack_swarm::object::Id;
use pirack_swarm::observed::{ObservedNode, ObservedTask, TaskState};
use tokio::time::{Instant, sleep};

use super::{OperationError, Run, closed};
use crate::operation::patience::{Patience, Vain};
use crate::operation::seen::Seen;
use crate::operation::world::{World, WorldError};
use crate::operation::{Interrupted, Underway};
use crate::stack::StackHealth;
use crate::stack::roll::Gate;

/// How often something is looked at that is waited for.
pub(super) const LOOK: Duration = Duration::from_secs(1);
/// How long Docker may take to begin with what it was told: tasks of a service that changed, a node's new role.
const BEGUN: Duration = Duration::from_secs(120);
/// How long a task may take to end, and a container to let go of its volume: longer than the longest stop grace
/// of a data service.
pub(super) const ENDED: Duration = Duration::from_secs(300);
/// How long that takes as a rule, for the time that is told ahead.
pub(super) const STOPPING: Duration = Duration::from_secs(10);

/// How long services that begin take until they are well, for the time that is told ahead.
const SETTLING: Duration = Duration::from_secs(30);

/// What is said while no manager answers a question; its leader may just have been demoted.
const SILENT: &str = "no manager answers for the swarm yet";

impl<W: World> Run<'_, W> {
    /// Waits for a gate. Whether it had to, and how the stacks were when it held.
    pub(super) async fn pass(
        &self,
        gate: &Gate,
        step: &str,
        underway: &Underway<'_>,
    ) -> Result<(bool, StackHealth), OperationError> {
        let mut patience = Patience::with(gate, self.rack);
        let mut waited = false;
        loop {
            let asked = Instant::now();
            let health = self.world.glance(self.rack).await.health;
            let Err(waiting) = gate.holds(&health) else {
                underway.goes_on();
                return Ok((waited, health));
            };
            waited = true;
            let (step, gate) = (step.to_owned(), gate.to_string());
            match patience.look(&waiting, &health) {
                Ok(line) => underway.waits(&line),
                Err(Vain::Late { why, seconds }) => {
                    return Err(OperationError::Gate { step, gate, why, seconds });
                }
                Err(Vain::Fails { service, words }) => {
                    return Err(OperationError::Fails { step, gate, service, words });
                }
            }
            // A question costs the boards something, and those that are slow to answer have most to do.
            self.pause(LOOK.max(asked.elapsed())).await?;
        }
    }

    /// Waits until all that runs is well. Whether it was so already, and nothing can have changed meanwhile.
    pub(super) async fn settle(&self, well: &[Gate], seen: &Seen) -> Result<bool, OperationError> {
        let Some(shut) = closed(well, &seen.health) else { return Ok(true) };
        let what = "wait until everything is well".to_owned();
        let underway = self.conductor.begin(what.clone(), self.done + 1, self.done + 1, SETTLING)?;
        // It was looked at just now, and a look costs the boards something.
        underway.waits(&shut);
        self.pause(LOOK).await?;
        let mut last = None;
        for gate in well {
            // The look that opened one gate shows of most of the others that they are open.
            if gate.holds(last.as_ref().unwrap_or(&seen.health)).is_err() {
                last = Some(self.pass(gate, &what, &underway).await?.1);
            }
        }
        underway.done();
        Ok(false)
    }

    pub(super) async fn begun(
        &self,
        begun: &Begun<'_>,
        step: &str,
        underway: &Underway<'_>,
    ) -> Result<(), OperationError> {
        let until = Instant::now() + BEGUN;
        loop {
            let look = async { Ok(begun.is_so(self.world.engine().await?).await?) };
            let (what, mut why) = begun.words();
            match look.await {
                Ok(true) => {
                    underway.goes_on();
                    return Ok(());
                }
                Ok(false) => {}
                Err(error) if WorldError::is_transient(&error) => why = SILENT,
                Err(error) => return Err(self.failed(step, error)),
            }
            if Instant::now() >= until {
                let (step, gate, why) = (step.to_owned(), what.to_owned(), why.to_owned());
                return Err(OperationError::Gate { step, gate, why, seconds: BEGUN.as_secs() });
            }
            underway.waits(why);
            self.pause(LOOK).await?;
        }
    }

    /// Waits for these tasks of services to end. The services have the names that they had: Docker may know them no longer.
    pub(super) async fn tasks_end(
        &self,
        services: &BTreeMap<Id, String>,
        which: impl Fn(&ObservedTask) -> bool,
        step: &str,
        underway: &Underway<'_>,
    ) -> Result<(), OperationError> {
        let until = Instant::now() + ENDED;
        loop {
            let asked = async {
                let engine = self.world.engine().await?;
                Ok(tokio::try_join!(engine.tasks(), engine.nodes())?)
            };
            let (tasks, nodes) = match asked.await {
                Ok(told) => told,
                Err(error) if WorldError::is_transient(&error) && Instant::now() < until => {
                    underway.waits(SILENT);
                    self.pause(LOOK).await?;
                    continue;
                }
                Err(error) => return Err(self.failed(step, error)),
            };
            let lives =
                |task: &&ObservedTask| which(task) && !task.state.has_ended() && !task.is_away(&nodes);
            let left =
                (tasks.iter().filter(lives)).find_map(|task| Some((services.get(&task.service_id)?, task)));
            let Some((name, task)) = left else {
                underway.goes_on();
                return Ok(());
            };
            if Instant::now() >= until {
                underway.goes_on();
                self.conductor.note(&format!("a task of {name} has not told its end: going on"));
                return Ok(());
            }
            let place = task.node.as_ref().map_or("no board", |node| node.name.as_str());
            underway.waits(&format!("{name} on {place} is {}", task.state));
            self.pause(LOOK).await?;
        }
    }

    /// Between two looks of a wait. Nothing that is waited for is half done: whoever goes on after this finds it again.
    pub(super) async fn pause(&self, time: Duration) -> Result<(), Interrupted> {
        tokio::select! {
            biased;
            () = self.conductor.interruption() => Err(Interrupted),
            () = sleep(time) => Ok(()),
        }
    }
}

/// What Docker does by itself once it was told something.
pub(super) enum Begun<'a> {
    /// The tasks of a service that changed are replaced: a moment longer the old ones run, and whoever asks them
    /// finds everything well.
    Replacing(&'a Id),
    /// A worker becomes a manager: until then the majority is counted without it, and its engine may say that it is
    /// in no swarm that works.
    Promoting(&'a Id),
    /// A manager becomes a worker: until then its engine does not leave, and the majority is counted with it.
    Demoting(&'a Id),
}

impl Begun<'_> {
    async fn is_so(&self, engine: &impl Engine) -> Result<bool, EngineError> {
        Ok(match self {
            Self::Replacing(service) => {
                let old = |task: &&ObservedTask| {
                    task.service_id == **service && !task.present && task.state == TaskState::Running
                };
                engine.tasks().await?.iter().filter(old).all(|task| !task.is_wanted())
            }
            Self::Promoting(node) => {
                let manages = |known: &ObservedNode| known.held.id == **node && known.reachable_manager;
                engine.nodes().await?.iter().any(manages)
            }
            Self::Demoting(node) => {
                let manages = |known: &ObservedNode| known.held.id == **node && known.manager.is_some();
                !engine.nodes().await?.iter().any(manages)
            }
        })
    }

    fn words(&self) -> (&'static str, &'static str) {
        match self {
            Self::Replacing(_) => {
                ("its new task", "its old task still runs: Docker has not begun to replace it")
            }
            Self::Promoting(_) => ("its role as a manager", "the other managers do not reach it yet"),
            Self::Demoting(_) => ("its role as a worker", "its role has not followed yet"),
        }
    }
}
