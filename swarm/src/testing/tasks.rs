//! The life of tasks: placed, pulled, started, ended, started again. One tick moves each one state on.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::board::{Board, Fate};
use super::placement;
use super::registry::{Registry, is_among};
use super::swarm::Swarm;
use crate::object::Id;
use crate::observed::{NodeState, ObservedTask, TaskNode, TaskState};
use crate::spec::{RestartCondition, Scale, ServiceSpec};

#[derive(Clone, Debug)]
pub(super) struct FakeTask {
    pub(super) id: Id,
    pub(super) service: Id,
    pub(super) slot: Slot,
    pub(super) node: Option<Id>,
    /// The service as it was when the task was made.
    pub(super) spec: ServiceSpec,
    pub(super) desired: TaskState,
    pub(super) state: TaskState,
    pub(super) message: String,
    pub(super) error: String,
    pub(super) exit_code: Option<i64>,
    since: u64,
    created: u64,
}

/// Which of a service's tasks it stands for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Slot {
    Number(u64),
    Node(Id),
}

/// The world around the managers: what decides how a task fares.
pub(super) struct Ground<'a> {
    pub(super) boards: &'a mut BTreeMap<String, Board>,
    pub(super) registry: &'a Registry,
    pub(super) fates: &'a BTreeMap<String, Fate>,
}

impl FakeTask {
    pub(super) fn is_wanted(&self) -> bool {
        self.desired <= TaskState::Running
    }

    pub(super) fn lives_on(&self, node: &Id) -> bool {
        self.node.as_ref() == Some(node) && !self.state.has_ended()
    }

    pub(super) fn runs(&self) -> bool {
        self.is_wanted() && self.state == TaskState::Running
    }

    /// Whether a change of its service makes another task necessary.
    pub(super) fn is_dirty(&self, spec: &ServiceSpec) -> bool {
        !self.is_present(spec) || (&self.spec.ports, self.spec.endpoint) != (&spec.ports, spec.endpoint)
    }

    /// Whether it is made as the service says; where it may run, how many there are and how they roll is no part of it.
    fn is_present(&self, spec: &ServiceSpec) -> bool {
        let own = ServiceSpec {
            name: spec.name.clone(),
            labels: spec.labels.clone(),
            constraints: spec.constraints.clone(),
            scale: spec.scale,
            endpoint: spec.endpoint,
            ports: spec.ports.clone(),
            update: spec.update,
            ..self.spec.clone()
        };
        own == *spec
    }

    fn becomes(&mut self, state: TaskState, message: &str, now: u64) {
        self.state = state;
        message.clone_into(&mut self.message);
        self.error.clear();
        self.since = now;
    }
}

fn time(ticks: u64) -> Option<Timestamp> {
    Timestamp::from_second(i64::try_from(ticks).ok()?).ok()
}

impl Swarm {
    pub(super) fn observed_tasks(&self) -> Vec<ObservedTask> {
        let name = |id: &Id| self.nodes.get(id).map_or(id.0.clone(), |node| node.name.clone());
        let one = |task: &FakeTask| {
            let service = self.services.get(&task.service);
            ObservedTask {
                id: task.id.clone(),
                service_id: task.service.clone(),
                service: task.spec.name.clone(),
                slot: if let Slot::Number(slot) = task.slot { Some(slot) } else { None },
                node: task.node.as_ref().map(|id| TaskNode { id: id.clone(), name: name(id) }),
                desired: task.desired,
                state: task.state,
                since: time(task.since),
                created: time(task.created),
                message: task.message.clone(),
                error: task.error.clone(),
                container: (task.state >= TaskState::Starting).then(|| format!("container-of-{}", task.id)),
                exit_code: task.exit_code,
                present: service.is_some_and(|held| task.is_present(&held.spec)),
            }
        };
        self.tasks.iter().map(one).collect()
    }

    pub(super) fn kill_task(&mut self, service: &str, exit_code: i64) {
        let now = self.ticks;
        let victim = self.tasks.iter_mut().find(|task| task.spec.name == service && task.runs());
        if let Some(task) = victim {
            exit(task, exit_code, now);
        }
    }

    /// Time passes.
    pub(super) fn tick(&mut self, ground: &mut Ground<'_>) {
        self.ticks += 1;
        self.enforce();
        for index in 0..self.tasks.len() {
            self.advance(index, ground);
        }
        self.restart();
        self.fill();
        self.roll();
        self.forget();
    }

    /// A task stays only where its node answers, takes tasks and is allowed.
    fn enforce(&mut self) {
        for task in self.tasks.iter_mut().filter(|task| task.desired <= TaskState::Running) {
            let Some(service) = self.services.get(&task.service) else {
                task.desired = TaskState::Remove;
                continue;
            };
            let Some(id) = &task.node else { continue };
            let stays = self.nodes.get(id).is_some_and(|node| {
                node.state != NodeState::Down
                    && node.held.spec.availability != crate::spec::Availability::Drain
                    && placement::allowed(&service.spec.constraints, node)
            });
            if !stays {
                task.desired = TaskState::Shutdown;
            }
        }
    }

    fn advance(&mut self, index: usize, ground: &mut Ground<'_>) {
        let now = self.ticks;
        let task = &self.tasks[index];
        let answers = |id: &Id| self.nodes.get(id).is_some_and(|node| node.state == NodeState::Ready);
        if task.state.has_ended() || !task.node.as_ref().is_none_or(answers) {
            return;
        }
        let only = if let Slot::Node(id) = &task.slot { Some(id) } else { None };
        let placed = (task.state == TaskState::Pending && task.is_wanted())
            .then(|| placement::choose(self, &task.spec, only));
        let board = task.node.as_ref().and_then(|id| self.nodes.get(id)).map(|node| node.name.clone());
        let task = &mut self.tasks[index];
        if !task.is_wanted() {
            task.becomes(TaskState::Shutdown, "shutdown", now);
            return;
        }
        match (task.state, placed) {
            (_, Some(Ok(node))) => {
                task.node = Some(node);
                task.becomes(TaskState::Assigned, "scheduler assigned task to node", now);
            }
            (_, Some(Err(words))) => {
                task.becomes(TaskState::Pending, "pending task scheduling", now);
                task.error = words;
            }
            (TaskState::Assigned, _) => task.becomes(TaskState::Preparing, "preparing", now),
            (TaskState::Preparing | TaskState::Starting, _) => {
                start(
                    task,
                    board.and_then(|name| ground.boards.get_mut(&name)),
                    ground.registry,
                    ground.fates,
                    now,
                );
            }
            _ => {}
        }
    }

    /// What ended by itself is begun again, if its service says so.
    fn restart(&mut self) {
        let ended = |task: &FakeTask| task.is_wanted() && task.state.has_ended();
        let ended: Vec<usize> = (0..self.tasks.len()).filter(|index| ended(&self.tasks[*index])).collect();
        for index in ended {
            self.tasks[index].desired = TaskState::Shutdown;
            let task = self.tasks[index].clone();
            self.note_failure(&task);
            if self.starts_again(&task) {
                self.make(&task.service, task.slot);
            }
        }
    }

    fn starts_again(&self, task: &FakeTask) -> bool {
        let restart = task.spec.restart.filled();
        let before = self.tasks.iter().filter(|other| {
            other.service == task.service
                && other.slot == task.slot
                && other.spec == task.spec
                && other.id != task.id
        });
        let attempts = restart.max_attempts.unwrap_or(0);
        let spent = attempts > 0 && u64::try_from(before.count()).is_ok_and(|before| before >= attempts);
        !spent
            && match restart.condition {
                Some(RestartCondition::None) => false,
                Some(RestartCondition::OnFailure) => task.state != TaskState::Complete,
                Some(RestartCondition::Any) | None => true,
            }
    }

    /// Every slot has one task that is wanted, unless its last one was given up.
    fn fill(&mut self) {
        let services: Vec<(Id, ServiceSpec)> =
            self.services.values().map(|held| (held.id.clone(), held.spec.clone())).collect();
        for (id, spec) in services {
            let slots: BTreeSet<Slot> = match spec.scale {
                Scale::Replicas(count) => (1..=count).map(Slot::Number).collect(),
                Scale::Global => (self.nodes.values())
                    .filter(|node| {
                        placement::takes_tasks(node) && placement::allowed(&spec.constraints, node)
                    })
                    .map(|node| Slot::Node(node.held.id.clone()))
                    .collect(),
            };
            for task in self.tasks.iter_mut().filter(|task| task.service == id && task.is_wanted()) {
                if matches!(task.slot, Slot::Number(_)) && !slots.contains(&task.slot) {
                    task.desired = TaskState::Remove;
                }
            }
            for slot in slots {
                let blocked = self.tasks.iter().any(|task| {
                    let stops =
                        !task.state.has_ended() && task.node.as_ref().is_some_and(|id| self.answers(id));
                    task.service == id && task.slot == slot && (task.is_wanted() || stops)
                });
                let last = self.tasks.iter().rev().find(|task| task.service == id && task.slot == slot);
                let by_itself = |task: &&FakeTask| {
                    matches!(task.state, TaskState::Complete | TaskState::Failed | TaskState::Rejected)
                };
                let given_up = last
                    .filter(by_itself)
                    .is_some_and(|task| !task.is_dirty(&spec) && !self.starts_again(task));
                if !blocked && !given_up {
                    self.make(&id, slot);
                }
            }
        }
    }

    pub(super) fn answers(&self, node: &Id) -> bool {
        self.nodes.get(node).is_some_and(|node| node.state == NodeState::Ready)
    }

    /// A new task, after the service as it is now.
    pub(super) fn make(&mut self, service: &Id, slot: Slot) {
        let Some(spec) = self.services.get(service).map(|held| held.spec.clone()) else { return };
        let id = Id(format!("task-{}", self.next()));
        let now = self.ticks;
        self.tasks.push(FakeTask {
            id,
            service: service.clone(),
            slot,
            node: None,
            spec,
            desired: TaskState::Running,
            state: TaskState::Pending,
            message: "pending task scheduling".to_owned(),
            error: String::new(),
            exit_code: None,
            since: now,
            created: now,
        });
    }

    /// Managers remember few of a slot's ended tasks, and none of a service or a node that is gone.
    fn forget(&mut self) {
        let known: BTreeSet<Id> = self.services.keys().cloned().collect();
        let nodes: BTreeSet<Id> = self.nodes.keys().cloned().collect();
        self.tasks.retain(|task| {
            let gone = task.node.as_ref().is_some_and(|node| !nodes.contains(node));
            let unwanted = task.desired == TaskState::Remove || !known.contains(&task.service);
            !(gone || unwanted && task.state.has_ended())
        });
        let mut kept: BTreeMap<(Id, Slot), usize> = BTreeMap::new();
        let most = self.task_history;
        let keep: Vec<bool> = (self.tasks.iter().rev())
            .map(|task| {
                let ended = kept.entry((task.service.clone(), task.slot.clone())).or_default();
                *ended += usize::from(task.state.has_ended());
                !task.state.has_ended() || *ended <= most
            })
            .collect();
        let mut keep = keep.into_iter().rev();
        self.tasks.retain(|_| keep.next().unwrap_or(true));
    }
}

fn exit(task: &mut FakeTask, code: i64, now: u64) {
    if code == 0 {
        task.becomes(TaskState::Complete, "finished", now);
    } else {
        task.becomes(TaskState::Failed, "started", now);
        task.error = format!("task: non-zero exit ({code})");
    }
    task.exit_code = Some(code);
}

fn start(
    task: &mut FakeTask,
    board: Option<&mut Board>,
    registry: &Registry,
    fates: &BTreeMap<String, Fate>,
    now: u64,
) {
    let image = task.spec.image.clone();
    if let Some(board) = board
        && !is_among(&board.images, &image)
    {
        if !registry.gives(&image) {
            task.becomes(TaskState::Rejected, "preparing", now);
            task.error = format!("No such image: {image}");
            return;
        }
        board.images.insert(image.clone());
    }
    match fates.get(&image) {
        None | Some(Fate::Runs) => task.becomes(TaskState::Running, "started", now),
        Some(Fate::Starts) if task.state == TaskState::Starting => {}
        Some(Fate::Starts) => task.becomes(TaskState::Starting, "starting", now),
        Some(Fate::Exits(code)) => exit(task, *code, now),
        Some(Fate::Rejected(words)) => {
            task.becomes(TaskState::Rejected, "preparing", now);
            task.error.clone_from(words);
        }
    }
}
