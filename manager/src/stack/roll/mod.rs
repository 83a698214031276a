//! In which order a plan's steps are safe for the data, what each must wait for, and what it must be done with.
//!
//! Pure: a plan, what the swarm holds and how the stacks are, to [`Turn`]s. Whoever runs them waits until each
//! [`Part`] before a step holds or is done, takes the step, and goes on with the parts after it. What it keeps:
//! - The gates before a step are enough by themselves: a run that was killed after a step and begins anew finds
//!   them closed until the cluster is whole again.
//! - At most one data service of an engine is stopped at a time, and none that others cannot do without.
//! - A service that does not run is mended first and waits for nobody, else a mistake in the file could never be
//!   taken back.
//! - The first start of a cluster waits for nothing that only its other members can bring.
//! - Nothing begins as it was when it is to change: a board's label comes after that (`placing`).
//!
//! Around each step, by engine (its own `order` says in which order they come):
//!
//! | | before it | after it |
//! |---|---|---|
//! | Kafka: begins | | |
//! | Kafka: changes | others can do without it | runs; back, in sync, voting |
//! | Kafka: goes | others can do without it and take over; what lies on it is moved; nothing lies on it | its broker is away; then struck off (`left`) |
//! | Cassandra: begins | all on their way are in, the ring is whole | up and normal |
//! | Cassandra: changes | the others are whole; drained | runs; up and normal |
//! | Cassandra: goes, up | the others are whole; decommissioned; the ring is without it | |
//! | Cassandra: goes, dead | somebody allowed it (`allow`) | given up by the others; the ring is without it |
//! | Stargate | the ring is whole; its door: the coordinator runs | runs; its door: answers a query |

mod act;
mod allow;
mod gate;
mod left;
mod placing;
#[cfg(test)]
mod tests;
mod unit;
mod upright;

pub use act::{Act, Due};
pub use allow::{Code, Refusal};
pub use gate::{Gate, Waiting};
pub use left::{Leftover, leftovers};
pub use unit::Unit;

use std::collections::BTreeSet;

use pirack_swarm::object::Id;
use pirack_swarm::observed::Observed;
use pirack_swarm::plan::{Action, Move, Plan, Step};
use pirack_swarm::spec::{Availability, NodeSpec, Role};

use super::cassandra::order as cassandra;
use super::health::StackHealth;
use super::kafka::order as kafka;
use super::service::Engine;
use crate::rack::{BoardName, Rack};

/// As many partitions or nodes are named in one sentence; the rest is counted.
const NAMED: usize = 3;

/// Something around a step.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Wait until this holds.
    Wait(Gate),
    /// Wait until this holds, and plan anew what was planned in ignorance of it.
    Learn(Gate),
    /// Do this.
    Do(Act),
}

/// One step of the plan, with what must come before and after it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Turn {
    /// Before the step, in this order.
    pub before: Vec<Part>,
    /// The step.
    pub step: Step,
    /// After it, in this order.
    pub after: Vec<Part>,
}

impl Turn {
    /// A step that nothing has to be waited for.
    #[must_use]
    pub fn plain(step: Step) -> Self {
        Self { before: vec![], step, after: vec![] }
    }
}

/// A step of a data service, and which.
pub(super) struct Change<'a> {
    pub(super) unit: Unit,
    pub(super) kind: Kind,
    step: &'a Step,
}

/// What becomes of a data service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// It stops, changes and starts again.
    Change,
    /// It begins.
    Add,
    /// It goes.
    Remove,
}

impl Change<'_> {
    pub(super) fn turn(&self, before: Vec<Part>, after: Vec<Part>) -> Turn {
        Turn { before, step: self.step.clone(), after }
    }

    /// Its new task runs: until the old one has ended, the cluster that is asked may find everything as it was.
    pub(super) fn runs(&self) -> Part {
        Part::Wait(Gate::Running { service: self.unit.service() })
    }
}

/// What is done about a plan now, and what of that somebody must allow first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Round {
    /// In this order.
    pub turns: Vec<Turn>,
    /// Nothing is done while there is any that nobody allowed.
    pub refusals: Vec<Refusal>,
}

/// What is done about a plan now: all of it, or as much as must be before a data service that is to go can be judged.
#[must_use]
pub fn round(rack: &Rack, plan: &Plan, observed: &Observed, health: &StackHealth) -> Round {
    let upright = upright::turns(plan, observed, health);
    if upright.is_empty() {
        let turns = turns(plan, observed, health);
        return Round { turns, refusals: allow::refusals(rack, plan, observed, health) };
    }
    Round { turns: upright, refusals: vec![] }
}

/// The turns of a plan: its own order, with the data services' steps where the first services change, and those
/// in the order that their engines need.
fn turns(plan: &Plan, observed: &Observed, health: &StackHealth) -> Vec<Turn> {
    let mut changes = vec![];
    let (mut early, mut begins, mut labels, mut late) = (vec![], vec![], vec![], vec![]);
    for step in plan.moves() {
        let among = match change(step, observed) {
            Some(change) if placing::is_before_its_label(&change, observed, health) => &mut begins,
            Some(change) => {
                changes.push(change);
                continue;
            }
            None if !comes_before_services(step, observed) => &mut late,
            None if matches!(step.action, Some(Action::UpdateNode { .. })) => &mut labels,
            None => &mut early,
        };
        among.push(Turn::plain(step.clone()));
    }
    let of = |engines: &[Engine]| -> Vec<&Change<'_>> {
        changes.iter().filter(|change| engines.contains(&change.unit.engine)).collect()
    };
    let mut turns = [early, begins, labels].concat();
    let doors = of(&[Engine::Stargate, Engine::Graphql]);
    let (going, coming): (Vec<_>, Vec<_>) = doors.into_iter().partition(|change| change.kind == Kind::Remove);
    turns.extend(going.into_iter().map(|change| change.turn(vec![], vec![])));
    turns.extend(kafka::turns(&of(&[Engine::Kafka]), observed, health));
    turns.extend(cassandra::turns(&of(&[Engine::Cassandra]), observed, health));
    turns.extend(stargate(coming));
    turns.extend(late);
    turns
}

/// What a plan puts before the first change of a service, and services' removals, which free names and networks.
fn comes_before_services(step: &Step, observed: &Observed) -> bool {
    match &step.action {
        Some(
            Action::CreateNetwork { .. }
            | Action::CreateConfig { .. }
            | Action::UpdateConfig { .. }
            | Action::CreateSecret { .. }
            | Action::UpdateSecret { .. }
            | Action::RemoveService { .. },
        ) => true,
        // A network that is replaced goes before it comes.
        Some(Action::RemoveNetwork { .. }) => step.r#move == Move::Replace,
        // Labels that services are placed by are set first; whoever is to go is let go last: a node that is
        // drained loses its tasks, and with them whatever had to be handed over before.
        Some(Action::UpdateNode { id, spec, .. }) => !takes(observed, id, spec),
        _ => false,
    }
}

/// Whether a node loses something by it: its tasks, its voice among the managers, a label that tasks stand by.
fn takes(observed: &Observed, id: &Id, spec: &NodeSpec) -> bool {
    let Some(node) = observed.nodes.iter().find(|node| node.held.id == *id) else { return false };
    let is = &node.held.spec;
    let less = spec.availability != is.availability && spec.availability != Availability::Active;
    let demoted = is.role == Role::Manager && spec.role == Role::Worker;
    less || demoted || is.labels.keys().any(|key| !spec.labels.contains_key(key))
}

fn change<'a>(step: &'a Step, observed: &Observed) -> Option<Change<'a>> {
    // One that somebody turned into another kind of service goes and comes by the plan's own order.
    if step.r#move == Move::Replace {
        return None;
    }
    let (kind, unit) = match step.action.as_ref()? {
        Action::CreateService { spec } => (Kind::Add, Unit::of(spec)?),
        Action::UpdateService { spec, .. } => (Kind::Change, Unit::of(spec)?),
        Action::RemoveService { id } => {
            let held = observed.services.iter().find(|held| held.id == *id)?;
            (Kind::Remove, Unit::of(&held.spec)?)
        }
        _ => return None,
    };
    Some(Change { unit, kind, step })
}

/// The coordinator joins a whole ring, and the GraphQL door wants its coordinator there.
fn stargate(mut changes: Vec<&Change<'_>>) -> Vec<Turn> {
    changes.sort_by_key(|change| (change.unit.board.clone(), change.unit.engine));
    let turn = |change: &Change<'_>| {
        let board = change.unit.board.clone();
        if change.unit.engine == Engine::Stargate {
            return change.turn(vec![Part::Wait(Gate::RingWhole)], vec![change.runs()]);
        }
        let running = Gate::Running { service: Engine::Stargate.on(&board) };
        let answers = Part::Wait(Gate::StargateAnswers { board });
        change.turn(vec![Part::Wait(running)], vec![change.runs(), answers])
    };
    changes.into_iter().map(turn).collect()
}

/// What holds when the stacks of a rack are well: for the end of an apply. Of a rack without the boards that are
/// away, it asks for nothing that only those could bring.
#[must_use]
pub fn well(rack: &Rack) -> Vec<Gate> {
    let there = |names: &[BoardName]| -> BTreeSet<String> {
        names.iter().filter(|name| rack.board(name).is_some()).map(ToString::to_string).collect()
    };
    // A task that is about to be replaced, or is being stopped, still answers like any other.
    let running = |engine: Engine, boards: BTreeSet<String>| {
        boards.into_iter().map(move |board| Gate::Running { service: engine.on(&board) })
    };
    let mut gates = vec![];
    if let Some(kafka) = &rack.kafka {
        let boards = rack.boards.iter().map(|board| board.name.to_string()).collect();
        gates.push(Gate::KafkaWhole { brokers: there(&kafka.brokers), boards });
        gates.extend(running(Engine::Kafka, &there(&kafka.brokers) | &there(&kafka.voters)));
    }
    if let Some(cassandra) = &rack.cassandra {
        let nodes = there(&cassandra.nodes);
        gates.push(Gate::RingHas { nodes: nodes.clone() });
        gates.extend(running(Engine::Cassandra, nodes));
    }
    if let Some(stargate) = &rack.stargate {
        let boards = there(&stargate.boards);
        gates.extend(running(Engine::Stargate, boards.clone()));
        gates.extend(running(Engine::Graphql, boards.clone()));
        gates.extend(boards.into_iter().map(|board| Gate::StargateAnswers { board }));
    }
    gates
}

fn some(names: &[String]) -> String {
    super::some(names, NAMED)
}
