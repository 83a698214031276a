//! Tasks and rollouts, from Docker's structures to ours.

use std::collections::BTreeMap;

use bollard::models;
use jiff::Timestamp;

use crate::object::Id;
use crate::observed::{ObservedTask, Rollout, RolloutState, TaskNode, TaskState};

/// `nodes` has host names by id; `services` the services by theirs.
pub(super) fn observed(
    task: models::Task,
    nodes: &BTreeMap<String, String>,
    services: &BTreeMap<String, models::ServiceSpec>,
) -> Option<ObservedTask> {
    let service_id = task.service_id?;
    let service = services.get(&service_id);
    let status = task.status.unwrap_or_default();
    let container = status.container_status.unwrap_or_default();
    let state = state(status.state);
    let node = task
        .node_id
        .filter(|id| !id.is_empty())
        .map(|id| TaskNode { name: nodes.get(&id).cloned().unwrap_or_else(|| id.clone()), id: Id(id) });
    let wanted = service.and_then(|service| service.task_template.as_ref());
    Some(ObservedTask {
        id: Id(task.id?),
        service: service.and_then(|service| service.name.clone()).unwrap_or_else(|| service_id.clone()),
        service_id: Id(service_id),
        slot: task.slot.and_then(|slot| u64::try_from(slot).ok()).filter(|slot| *slot > 0),
        node,
        desired: self::state(task.desired_state),
        state,
        since: status.timestamp.as_deref().and_then(time),
        created: task.created_at.as_deref().and_then(time),
        message: status.message.unwrap_or_default(),
        error: status.err.unwrap_or_default(),
        container: container.container_id.filter(|id| !id.is_empty()),
        exit_code: container.exit_code.filter(|_| state.has_ended()),
        present: wanted.is_some_and(|wanted| is_present(task.spec, wanted)),
    })
}

/// A task is replaced when its own part of the service changes, but not when its place alone does (swarmkit
/// `orchestrator/task.go`).
fn is_present(spec: Option<models::TaskSpec>, wanted: &models::TaskSpec) -> bool {
    let anywhere = |mut spec: models::TaskSpec| {
        if let Some(placement) = &mut spec.placement {
            placement.constraints = None;
        }
        // Docker tells it of services alone.
        spec.runtime = None;
        spec
    };
    spec.is_some_and(|spec| anywhere(spec) == anywhere(wanted.clone()))
}

/// The zero time of Go is no time.
fn time(text: &str) -> Option<Timestamp> {
    text.parse().ok().filter(|time| *time > Timestamp::UNIX_EPOCH)
}

/// What no engine says yet counts as not begun.
fn state(state: Option<models::TaskState>) -> TaskState {
    use models::TaskState as Docker;
    match state {
        Some(Docker::NEW) | None => TaskState::New,
        Some(Docker::ALLOCATED) => TaskState::Allocated,
        Some(Docker::PENDING) => TaskState::Pending,
        Some(Docker::ASSIGNED) => TaskState::Assigned,
        Some(Docker::ACCEPTED) => TaskState::Accepted,
        Some(Docker::PREPARING) => TaskState::Preparing,
        Some(Docker::READY) => TaskState::Ready,
        Some(Docker::STARTING) => TaskState::Starting,
        Some(Docker::RUNNING) => TaskState::Running,
        Some(Docker::COMPLETE) => TaskState::Complete,
        Some(Docker::SHUTDOWN) => TaskState::Shutdown,
        Some(Docker::FAILED) => TaskState::Failed,
        Some(Docker::REJECTED) => TaskState::Rejected,
        Some(Docker::REMOVE) => TaskState::Remove,
        Some(Docker::ORPHANED) => TaskState::Orphaned,
    }
}

pub(super) fn rollout(service: models::Service) -> Option<Rollout> {
    use models::ServiceUpdateStatusStateEnum as Docker;
    let status = service.update_status?;
    let state = match status.state? {
        Docker::UPDATING => RolloutState::Updating,
        Docker::PAUSED => RolloutState::Paused,
        Docker::COMPLETED => RolloutState::Completed,
        Docker::ROLLBACK_STARTED => RolloutState::RollbackStarted,
        Docker::ROLLBACK_PAUSED => RolloutState::RollbackPaused,
        Docker::ROLLBACK_COMPLETED => RolloutState::RollbackCompleted,
        Docker::EMPTY => return None,
    };
    Some(Rollout { service: service.spec?.name?, state, words: status.message.unwrap_or_default() })
}
