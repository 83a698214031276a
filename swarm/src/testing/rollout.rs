//! How a change goes through a service's tasks (swarmkit `manager/orchestrator/update`).

use std::collections::BTreeSet;

use super::swarm::Swarm;
use super::tasks::{FakeTask, Slot};
use crate::object::Id;
use crate::observed::{Rollout, RolloutState, TaskState};
use crate::spec::{FailureAction, ServiceSpec, UpdateOrder};

impl Swarm {
    /// A service is what it was not: its tasks follow, one after another.
    pub(super) fn begin_rollout(&mut self, id: &Id, before: ServiceSpec) {
        let Some(spec) = self.services.get(id).map(|held| held.spec.clone()) else { return };
        if self.tasks.iter().any(|task| task.service == *id && task.is_wanted() && task.is_dirty(&spec)) {
            self.set_rollout(id, &spec.name, RolloutState::Updating, "update in progress");
        }
        self.previous.insert(id.clone(), before);
    }

    fn set_rollout(&mut self, id: &Id, service: &str, state: RolloutState, words: &str) {
        let rollout = Rollout { service: service.to_owned(), state, words: words.to_owned() };
        self.rollouts.insert(id.clone(), rollout);
    }

    /// A task that ended by itself, while its service is changing, may end the change.
    pub(super) fn note_failure(&mut self, task: &FakeTask) {
        let Some(held) = self.services.get(&task.service) else { return };
        let (name, spec) = (held.spec.name.clone(), held.spec.clone());
        let state = self.rollouts.get(&task.service).map(|rollout| rollout.state);
        if task.is_dirty(&spec) || task.state == TaskState::Complete {
            return;
        }
        let words = |what: &str| format!("{what} due to failure or early termination of task {}", task.id);
        match (state, spec.update.filled().failure_action) {
            (Some(RolloutState::Updating), Some(FailureAction::Rollback)) => {
                self.set_rollout(
                    &task.service,
                    &name,
                    RolloutState::RollbackStarted,
                    &words("update rolled back"),
                );
                if let Some(previous) = self.previous.get(&task.service).cloned() {
                    let version = self.next();
                    if let Some(held) = self.services.get_mut(&task.service) {
                        held.spec = previous;
                        held.version = version;
                    }
                }
            }
            (Some(RolloutState::Updating), Some(FailureAction::Pause) | None) => {
                self.set_rollout(&task.service, &name, RolloutState::Paused, &words("update paused"));
            }
            (Some(RolloutState::RollbackStarted), _) => {
                self.set_rollout(
                    &task.service,
                    &name,
                    RolloutState::RollbackPaused,
                    &words("rollback paused"),
                );
            }
            _ => {}
        }
    }

    /// Replaces what is not of the present spec, as many at a time as the service allows.
    pub(super) fn roll(&mut self) {
        if self.ticks < self.rolls_from {
            return;
        }
        let services: Vec<(Id, ServiceSpec)> =
            self.services.values().map(|held| (held.id.clone(), held.spec.clone())).collect();
        for (id, spec) in services {
            let state = self.rollouts.get(&id).map(|rollout| rollout.state);
            if !matches!(state, Some(RolloutState::Paused | RolloutState::RollbackPaused)) {
                self.replace_some(&id, &spec);
            }
            let of_it = || self.tasks.iter().filter(|task| task.service == id && task.is_wanted());
            if of_it().all(|task| !task.is_dirty(&spec) && task.runs()) && of_it().next().is_some() {
                match state {
                    Some(RolloutState::Updating) => {
                        self.set_rollout(&id, &spec.name, RolloutState::Completed, "update completed");
                    }
                    Some(RolloutState::RollbackStarted) => {
                        self.set_rollout(
                            &id,
                            &spec.name,
                            RolloutState::RollbackCompleted,
                            "rollback completed",
                        );
                    }
                    _ => {}
                }
            }
        }
    }

    fn replace_some(&mut self, id: &Id, spec: &ServiceSpec) {
        let update = spec.update.filled();
        let starts_first = update.order == Some(UpdateOrder::StartFirst);
        let of_it = |task: &&FakeTask| task.service == *id && task.is_wanted();
        let renewed: BTreeSet<Slot> = (self.tasks.iter().filter(of_it))
            .filter(|task| !task.is_dirty(spec) && task.runs())
            .map(|task| task.slot.clone())
            .collect();
        let mut dirty: Vec<(Id, Slot)> = (self.tasks.iter().filter(of_it))
            .filter(|task| task.is_dirty(spec))
            .map(|task| (task.id.clone(), task.slot.clone()))
            .collect();
        // Start first: the old one goes once the new one runs.
        for (task, slot) in &dirty {
            if renewed.contains(slot) {
                self.stop(task);
            }
        }
        let begun = |slot: &Slot| {
            self.tasks.iter().any(|task| {
                task.service == *id && task.slot == *slot && task.is_wanted() && !task.is_dirty(spec)
            })
        };
        dirty.retain(|(_, slot)| !begun(slot));
        let slots: BTreeSet<&Slot> =
            self.tasks.iter().filter(|task| task.service == *id).map(|task| &task.slot).collect();
        let waiting: BTreeSet<&Slot> = dirty.iter().map(|(_, slot)| slot).collect();
        let on_the_way =
            slots.into_iter().filter(|slot| !renewed.contains(slot) && !waiting.contains(slot)).count();
        let at_once = match update.parallelism {
            Some(0) => usize::MAX,
            most => most.and_then(|most| usize::try_from(most).ok()).unwrap_or(1),
        };
        for (task, slot) in dirty.into_iter().take(at_once.saturating_sub(on_the_way)) {
            if starts_first {
                self.make(id, slot);
            } else {
                self.stop(&task);
            }
        }
    }

    fn stop(&mut self, task: &Id) {
        for task in self.tasks.iter_mut().filter(|other| other.id == *task) {
            task.desired = TaskState::Shutdown;
        }
    }
}
