//! A label brings a board the tasks of its data services, as they are by then: what is to change in one whose board
//! has no label yet changes before. A node of Cassandra's whose card was written anew would else begin beside the
//! lost one whose place it is to take; as the only seed, even with a ring of its own.

use pirack_swarm::observed::{NodeState, Observed, ObservedNode};
use pirack_swarm::plan::{Action, Plan, Step};
use pirack_swarm::spec::{Availability, NodeSpec};

use super::{Change, Kind, Unit, change};
use crate::stack::health::StackHealth;
use crate::stack::service::BOARD;

/// The node of a unit's board; on a board that is away nothing can be made to run.
pub(super) fn node_of<'a>(observed: &'a Observed, unit: &Unit) -> Option<&'a ObservedNode> {
    observed.nodes.iter().find(|node| node.name == unit.board && node.state == NodeState::Ready)
}

/// Whether it takes the unit's task.
pub(super) fn takes(node: &ObservedNode, unit: &Unit) -> bool {
    let NodeSpec { availability, labels, .. } = &node.held.spec;
    *availability == Availability::Active && labels.get(BOARD) == Some(&unit.board)
}

/// Whether it changes a data service that begins once its board has its label.
pub(super) fn is_before_its_label(change: &Change<'_>, observed: &Observed, health: &StackHealth) -> bool {
    let Change { unit, kind, .. } = change;
    *kind == Kind::Change
        && !health.runs(&unit.service())
        && node_of(observed, unit).is_some_and(|node| !takes(node, unit))
}

/// All steps of that kind, after what they refer to.
pub(super) fn before_labels<'a>(plan: &'a Plan, observed: &Observed, health: &StackHealth) -> Vec<&'a Step> {
    let changes = plan.moves().filter_map(|step| change(step, observed));
    let before = changes.filter(|change| is_before_its_label(change, observed, health));
    let before: Vec<&Step> = before.map(|change| change.step).collect();
    if before.is_empty() {
        return before;
    }
    let is_referred_to =
        |step: &&Step| matches!(step.action, Some(Action::CreateConfig { .. } | Action::CreateSecret { .. }));
    plan.moves().filter(is_referred_to).chain(before).collect()
}
