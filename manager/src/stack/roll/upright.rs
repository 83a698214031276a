//! Who is to go hands over what it has, and for that it must run, and so must those who take it. What somebody took
//! from them by hand, in the swarm itself (a board's label, its tasks, a service's one replica), is given back first;
//! all else of the plan waits for that, and is planned anew.

use std::collections::BTreeMap;

use pirack_swarm::object::{Kind as Is, Object};
use pirack_swarm::observed::{Held, Observed, ObservedNode};
use pirack_swarm::plan::{Action, Move, Plan, Step};
use pirack_swarm::spec::{Availability, NodeSpec, Scale, ServiceSpec};

use super::{Gate, Kind, Part, Turn, Unit, change, placing};
use crate::stack::health::StackHealth;
use crate::stack::service::{BOARD, Engine};

/// Whether it has anything to hand over.
fn keeps_data(unit: &Unit) -> bool {
    matches!(unit.engine, Engine::Kafka | Engine::Cassandra)
}

/// The turns that make data services run, where one is to go and any cannot; none where all can.
pub(super) fn turns(plan: &Plan, observed: &Observed, health: &StackHealth) -> Vec<Turn> {
    let goes =
        |step| change(step, observed).is_some_and(|it| it.kind == Kind::Remove && keeps_data(&it.unit));
    if !plan.moves().any(goes) {
        return vec![];
    }
    let changes = placing::before_labels(plan, observed, health);
    let (mut nodes, mut services, mut after) = (BTreeMap::new(), vec![], vec![]);
    for held in &observed.services {
        let Some(unit) = Unit::of(&held.spec).filter(keeps_data) else { continue };
        let Some(node) = placing::node_of(observed, &unit) else { continue };
        let (takes, runs) = (placing::takes(node, &unit), held.spec.scale == Scale::Replicas(1));
        if !takes {
            nodes.insert(&node.held.id, (node, unit.clone()));
        }
        if !runs && !changes.iter().any(|step| step.object.name == held.spec.name) {
            services.push(held);
        }
        if !takes || !runs {
            after.push(Part::Wait(Gate::Running { service: unit.service() }));
            after.push(Part::Wait(back(unit)));
        }
    }
    let steps = nodes.into_values().map(|(node, unit)| placed(node, &unit));
    let steps = changes.into_iter().cloned().chain(steps).chain(services.into_iter().map(scaled));
    let mut turns: Vec<Turn> = steps.map(Turn::plain).collect();
    // All of them are given what they lack before any is waited for: they may need each other.
    if let Some(last) = turns.last_mut() {
        last.after = after;
    }
    turns
}

fn back(unit: Unit) -> Gate {
    let Unit { engine, board, broker, votes, .. } = unit;
    match engine {
        Engine::Kafka => Gate::KafkaBack { board, broker, votes },
        _ => Gate::RingHas { nodes: [board].into() },
    }
}

fn placed(node: &ObservedNode, unit: &Unit) -> Step {
    let Held { id, version, spec } = &node.held;
    let mut spec = NodeSpec { availability: Availability::Active, ..spec.clone() };
    spec.labels.insert(BOARD.to_owned(), unit.board.clone());
    let action = Action::UpdateNode { id: id.clone(), version: *version, spec };
    let what = format!("its board takes no task of {}", unit.service());
    step(Object::new(Is::Node, &node.name), &what, action)
}

fn scaled(held: &Held<ServiceSpec>) -> Step {
    let Held { id, version, spec } = held;
    let spec = Box::new(ServiceSpec { scale: Scale::Replicas(1), ..spec.clone() });
    let object = Object::new(Is::Service, &spec.name);
    let action = Action::UpdateService { id: id.clone(), version: *version, spec };
    step(object, "it was scaled by hand", action)
}

fn step(object: Object, what: &str, action: Action) -> Step {
    let why = format!("{what}, and every data service must run before one can hand over what it has and go");
    Step { r#move: Move::Change, object, reasons: vec![why], obstacle: None, action: Some(action) }
}
