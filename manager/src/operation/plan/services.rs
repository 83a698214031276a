//! The swarm's own plan, in the order and behind the gates that the stacks ask for; then topics and tables.

use std::time::Duration;

use pirack_swarm::desired::Desired;
use pirack_swarm::object::{Id, Version};
use pirack_swarm::observed::{Held, NodeState, Observed, ObservedNode};
use pirack_swarm::plan::{Action, Move, Obstacle};
use pirack_swarm::spec::{Availability, NodeSpec, Role};

use super::{Act, Plan, Stage, Step, Wanted};
use crate::operation::seen::{BoardSeen, Seen};
use crate::rack::Rack;
use crate::stack::roll::{self, Part, Round, Turn};

pub(super) fn decide(wanted: &Wanted<'_>, desired: &Desired, seen: &Seen, plan: &mut Plan) {
    let observed = as_if_joined(desired, seen, plan);
    let moves = pirack_swarm::plan::plan(desired, &observed);
    let Round { turns, refusals } = roll::round(wanted.rack, &moves, &observed, &seen.health);
    for refusal in refusals {
        plan.refuse_until(wanted.allowed, refusal);
    }
    for step in moves.forbidden() {
        let (subject, reason) = (step.object.to_string(), step.reasons.join("; "));
        match step.obstacle {
            // The membership's own steps tell of it, and those of boards that leave.
            Some(Obstacle::NotJoined | Obstacle::NotLeft) => {}
            Some(Obstacle::Quorum) => plan.refuse(subject, reason),
            _ => plan.undone(subject, reason),
        }
    }
    for turn in turns {
        plan.steps.push(Step {
            stage: Stage::Services,
            r#move: turn.step.r#move,
            subject: turn.step.object.to_string(),
            reasons: reasons(&turn),
            expected: expected(&turn),
            act: Act::Swarm { turn: Box::new(turn) },
        });
    }
}

/// Why, and of what goes what is done for its data first.
fn reasons(turn: &Turn) -> Vec<String> {
    let mut reasons = turn.step.reasons.clone();
    if turn.step.r#move == Move::Remove {
        let parts = turn.before.iter().chain(&turn.after);
        reasons.extend(parts.filter_map(|part| match part {
            Part::Do(act) => Some(format!("with it: {act}")),
            Part::Learn(gate) => Some(format!("with it: what is found once it is heard whether {gate}")),
            Part::Wait(_) => None,
        }));
    }
    reasons
}

/// A guess, for the time that is told ahead: what starts a JVM takes its time, and whatever must be whole again
/// before the next takes more.
fn expected(turn: &Turn) -> Duration {
    let waits = turn.before.len() + turn.after.len();
    let seconds = match &turn.step.action {
        Some(Action::CreateService { .. } | Action::UpdateService { .. }) if waits > 0 => 30,
        Some(Action::CreateService { .. } | Action::UpdateService { .. }) => 3,
        _ => 1,
    };
    Duration::from_secs(seconds)
}

/// What was observed, with the nodes that the membership's steps will bring: so that a plan made on bare
/// boards shows all that will be done. It is made again when they have joined, and only then run.
fn as_if_joined(desired: &Desired, seen: &Seen, plan: &Plan) -> Observed {
    let mut observed = seen.swarm.as_ref().map(|swarm| swarm.observed.clone()).unwrap_or_default();
    for step in &plan.steps {
        let board = match &step.act {
            Act::Begin { board, .. } | Act::Join { board, .. } => board,
            _ => continue,
        };
        let Some(node) = desired.nodes().find(|node| node.name == *board) else { continue };
        let spec =
            NodeSpec { role: node.role, availability: Availability::Active, labels: Default::default() };
        // Whatever it was before stays behind, and is forgotten.
        for known in observed.nodes.iter_mut().filter(|known| known.name == board.as_str()) {
            (known.state, known.reachable_manager) = (NodeState::Down, false);
        }
        observed.nodes.push(ObservedNode {
            held: Held { id: Id(format!("(joins: {board})")), version: Version(0), spec },
            name: board.to_string(),
            state: NodeState::Ready,
            words: String::new(),
            reachable_manager: node.role == Role::Manager,
            manager: None,
            address: None,
            machine: None,
        });
    }
    observed
}

/// Topics and tables: their own plans say what they want once somebody can be asked, which on a rack that
/// begins is after its services.
pub(super) fn data(rack: &Rack, seen: &Seen, plan: &mut Plan) {
    let begins = plan.steps.iter().any(|step| step.stage == Stage::Services);
    let told = [
        (rack.kafka.is_some(), "topics", &seen.data.topics, Act::Topics),
        (rack.cassandra.is_some(), "tables", &seen.data.schema, Act::Schema),
    ];
    let fewer = fewer_brokers(rack, seen);
    for (has, subject, changes, act) in told {
        let subject = subject.to_owned();
        match changes {
            _ if !has => {}
            Some(changes) if changes.is_empty() => {}
            Some(_) if act == Act::Topics && fewer.is_some() => {
                plan.undone(subject, fewer.as_deref().unwrap_or_default());
            }
            Some(changes) => plan.step(Stage::Data, Move::Change, subject, changes.clone(), act, 5),
            None if begins => {
                let reasons = vec!["what is missing is seen once the service answers".to_owned()];
                plan.step(Stage::Data, Move::Change, subject, reasons, act, 5);
            }
            None => {
                plan.unknown(subject, "nobody can be asked what is missing: no node of the service answers")
            }
        }
    }
}

/// Why no topic is made yet: the number of brokers fixes a topic's replicas for good, so those of the file's that
/// only their board keeps away are waited for. What was remembered of the start is no measure: brokers come and go.
fn fewer_brokers(rack: &Rack, seen: &Seen) -> Option<String> {
    let kafka = rack.kafka.as_ref()?;
    let wanted = kafka.defaults.replication().replicas(kafka.brokers.len());
    let there = seen.health.kafka()?.brokers.len();
    let away: Vec<&str> = (kafka.brokers.iter())
        .filter(|name| matches!(seen.boards.get(*name), Some(BoardSeen::Unreached(_))))
        .map(|name| name.as_str())
        .collect();
    (there < wanted && !away.is_empty()).then(|| {
        format!(
            "{there} of {wanted} brokers are there, and a topic made now would have too few replicas for good: bring back {}",
            away.join(", ")
        )
    })
}
