//! The managers: who leads, how many answer, how many may still fail.

use pirack_swarm::observed::ObservedNode;
use pirack_swarm::spec::Role;
use serde::Serialize;

/// A swarm that has a leader.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Swarm {
    /// How many managers there are.
    pub managers: usize,
    /// How many of them take part in the votes.
    pub reachable: usize,
    /// How many more may fail before nothing can be changed any more.
    pub may_fail: usize,
    /// Who leads.
    pub leader: Option<String>,
}

impl Swarm {
    pub(super) fn of(nodes: &[ObservedNode]) -> Self {
        let managers = nodes.iter().filter(|node| node.held.spec.role == Role::Manager);
        let count = managers.clone().count();
        let reachable = managers.clone().filter(|node| node.reachable_manager).count();
        let leads = |node: &&ObservedNode| node.manager.is_some_and(|manager| manager.leader);
        Self {
            managers: count,
            reachable,
            may_fail: reachable.saturating_sub(count / 2 + 1),
            leader: nodes.iter().find(leads).map(|node| node.name.clone()),
        }
    }

    /// Whether a majority answers.
    #[must_use]
    pub fn has_quorum(&self) -> bool {
        self.reachable > self.managers / 2
    }
}
