//! Whether a service runs as it says now, and if not, why not: pure, over what was observed.

use crate::object::Id;
use crate::observed::{ObservedTask, Rollout, RolloutState, TaskState};
use crate::spec::{Scale, ServiceSpec};

/// How a service stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settlement {
    /// All tasks that it should have run, and are of its present spec. These are they.
    Settled(Vec<Id>),
    /// Not yet, and why.
    Moving(String),
    /// Docker has given up on its last change, and why.
    Stuck(String),
}

/// How `service` stands, by its tasks (those of others are passed over) and its last change.
#[must_use]
pub fn settlement(service: &ServiceSpec, tasks: &[ObservedTask], rollouts: &[Rollout]) -> Settlement {
    let rollout = rollouts.iter().find(|rollout| rollout.service == service.name);
    let mine: Vec<&ObservedTask> = tasks.iter().filter(|task| task.service == service.name).collect();
    let words = |rollout: &Rollout| match why_ended(&mine) {
        Some(why) => format!("{}; {why}", rollout.words),
        None => rollout.words.clone(),
    };
    if let Some(rollout) = rollout {
        match rollout.state {
            RolloutState::Paused
            | RolloutState::RollbackStarted
            | RolloutState::RollbackPaused
            | RolloutState::RollbackCompleted => return Settlement::Stuck(words(rollout)),
            RolloutState::Updating | RolloutState::Completed => {}
        }
    }
    let wanted: Vec<&&ObservedTask> = mine.iter().filter(|task| task.is_wanted()).collect();
    let should = match service.scale {
        Scale::Replicas(count) => usize::try_from(count).unwrap_or(usize::MAX),
        // The managers make one a node, and know best which nodes.
        Scale::Global => wanted.len().max(1),
    };
    let running: Vec<Id> = (wanted.iter())
        .filter(|task| task.present && task.state == TaskState::Running)
        .map(|task| task.id.clone())
        .collect();
    let is_updating = rollout.is_some_and(|rollout| rollout.state == RolloutState::Updating);
    if running.len() == should && wanted.len() == should && !is_updating {
        return Settlement::Settled(running);
    }
    let mut told = vec![format!("{} of {should} tasks run as it says", running.len())];
    told.extend(
        wanted.iter().filter(|task| !running.contains(&task.id)).take(3).map(|task| tell(task, &mine)),
    );
    if wanted.is_empty() {
        told.extend(why_ended(&mine));
    }
    if is_updating {
        told.push("an update is in progress".to_owned());
    }
    Settlement::Moving(told.join("; "))
}

/// A task that does not run as it should: what it does, and what became of the one before it.
fn tell(task: &ObservedTask, mine: &[&ObservedTask]) -> String {
    let place = place(task);
    if !task.present && task.state == TaskState::Running {
        return format!("{place} still runs as the service was before");
    }
    let words = if task.words().is_empty() { String::new() } else { format!(": {}", task.words()) };
    let now = format!("{place} is {}{words}", task.state);
    let same = |other: &&&ObservedTask| {
        other.slot == task.slot && (task.slot.is_some() || other.node == task.node) && other.id != task.id
    };
    let before: Vec<&ObservedTask> = mine.iter().filter(same).copied().collect();
    match why_ended(&before) {
        Some(why) => format!("{now}; before that {why}"),
        None => now,
    }
}

fn place(task: &ObservedTask) -> String {
    let what = task.slot.map_or("its task".to_owned(), |slot| format!("task {slot}"));
    match &task.node {
        Some(node) => format!("{what} on {}", node.name),
        None => what,
    }
}

/// How the last task that ended by itself did.
fn why_ended(mine: &[&ObservedTask]) -> Option<String> {
    let ended = mine.iter().filter(|task| {
        let by_itself = matches!(task.state, TaskState::Failed | TaskState::Rejected | TaskState::Complete);
        by_itself && task.present
    });
    let last = ended.max_by_key(|task| (task.since, task.created))?;
    Some(format!("{} {}: {}", place(last), last.state, last.words()))
}
