//! The difference between what should be and what is, as steps in an order that is safe to run.
//!
//! [`plan`] is pure: it reads two values, asks nobody and changes nothing. What it keeps:
//! - Running its steps on the world that was observed leaves nothing to plan but what is forbidden.
//! - A step comes after all that it needs: nodes and their labels, networks, configs and secrets before the services
//!   that need them; services out of the way before what they used; a demotion before a node is forgotten, and promotions before demotions.
//! - Old services end before new ones begin, so that a volume or a port never has two owners.
//! - What another owns is never touched; where it stands in the way, a step says `forbidden` and who must act.
//! - A default that Docker fills in is no difference.

mod difference;
mod files;
mod networks;
mod nodes;
mod render;
mod services;
mod show;

use std::collections::BTreeSet;

use serde::Serialize;

use crate::desired::Desired;
use crate::object::{Id, Kind, Object, Version};
use crate::observed::{Held, Observed};
use crate::spec::{ConfigSpec, NetworkSpec, NodeSpec, SecretSpec, SecretValue, ServiceSpec};

/// What a step does to its object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Move {
    /// It is not there, and will be.
    Add,
    /// It changes in place.
    Change,
    /// Docker cannot change it in place: one step removes it, a later one adds it again.
    Replace,
    /// It is there, and will not be.
    Remove,
    /// It should change, and this plan must not do it: [`Step::obstacle`] and the reasons say who can.
    Forbidden,
}

/// Why a step is forbidden: a stable code, for people to allow or look up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Obstacle {
    /// The board has not joined the swarm.
    NotJoined,
    /// The board is to go, and has not left the swarm yet.
    NotLeft,
    /// Two nodes that could be meant share the name.
    Ambiguous,
    /// Another owns it, or nobody says whose it is.
    NotOurs,
    /// What it needs is itself forbidden.
    Blocked,
    /// Somebody that this plan must not touch still uses it.
    InUse,
    /// It exists under the name that its content gives, with other content.
    OtherContent,
    /// The managers would lose their majority.
    Quorum,
}

/// One call to an engine. What it names by id was observed; versions are those observed too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is the method of the same name of crate::engine::Engine")]
pub enum Action {
    UpdateNode { id: Id, version: Version, spec: NodeSpec },
    RemoveNode { id: Id },
    CreateNetwork { spec: NetworkSpec },
    RemoveNetwork { id: Id },
    CreateConfig { spec: ConfigSpec },
    UpdateConfig { id: Id, version: Version, spec: ConfigSpec },
    RemoveConfig { id: Id },
    CreateSecret { spec: SecretSpec, value: SecretValue },
    UpdateSecret { id: Id, version: Version, spec: SecretSpec },
    RemoveSecret { id: Id },
    CreateService { spec: Box<ServiceSpec> },
    UpdateService { id: Id, version: Version, spec: Box<ServiceSpec> },
    RemoveService { id: Id },
}

/// One move, with its reasons.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    /// What it does.
    pub r#move: Move,
    /// To what.
    pub object: Object,
    /// Why, for people; at least one.
    pub reasons: Vec<String>,
    /// Why not; there exactly where the move is forbidden.
    pub obstacle: Option<Obstacle>,
    /// How; absent exactly where the move is forbidden.
    pub action: Option<Action>,
}

/// Steps, in the order in which they are safe. It serialises, without secrets' values, so that one made later
/// can be compared with one that was shown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// The steps.
    pub steps: Vec<Step>,
}

impl Plan {
    /// Whether there is nothing to do and nothing forbidden.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Steps that somebody else must make possible.
    pub fn forbidden(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(|step| step.r#move == Move::Forbidden)
    }

    /// Steps that would change something.
    pub fn moves(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(|step| step.r#move != Move::Forbidden)
    }

    /// How many objects make this move.
    #[must_use]
    pub fn count(&self, r#move: Move) -> usize {
        let objects = self.steps.iter().filter(|step| step.r#move == r#move).map(|step| &step.object);
        objects.collect::<BTreeSet<_>>().len()
    }
}

/// When a step runs. The order of the variants is the order of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Forbidden,
    NodesUp,
    ServicesRemoved,
    NetworksReplaced,
    NetworksAdded,
    FilesAdded,
    ServicesChanged,
    ServicesAdded,
    FilesRemoved,
    NetworksRemoved,
    NodesDown,
    NodesForgotten,
}

/// Steps as they are found, each with its phase.
#[derive(Default)]
struct Steps(Vec<(Phase, Step)>);

impl Steps {
    fn run(&mut self, phase: Phase, r#move: Move, object: Object, reasons: Vec<String>, action: Action) {
        self.0.push((phase, Step { r#move, object, reasons, obstacle: None, action: Some(action) }));
    }

    fn forbid(&mut self, object: Object, obstacle: Obstacle, reason: impl Into<String>) {
        let reasons = vec![reason.into()];
        let step = Step { r#move: Move::Forbidden, object, reasons, obstacle: Some(obstacle), action: None };
        self.0.push((Phase::Forbidden, step));
    }

    /// Within a phase, steps keep the order in which they were found, which is by name.
    fn in_order(mut self) -> Plan {
        self.0.sort_by_key(|(phase, _)| *phase);
        Plan { steps: self.0.into_iter().map(|(_, step)| step).collect() }
    }
}

/// The steps that lead from `observed` to `desired`.
#[must_use]
pub fn plan(desired: &Desired, observed: &Observed) -> Plan {
    let owner = desired.owner.as_str();
    let mut steps = Steps::default();
    nodes::decide(desired, observed, &mut steps);
    let wanted = render::render(desired);
    let blocked = services::blocked(&wanted, observed, owner);
    let stays = Stays::of(observed, owner, &blocked);
    let replaced = networks::decide(&wanted, observed, owner, &stays, &mut steps);
    files::decide(&wanted, observed, owner, &stays, &mut steps);
    services::decide(&wanted, observed, owner, &blocked, &replaced, &mut steps);
    steps.in_order()
}

/// The services that no step touches: others', and those of ours that are blocked. What they use must stay.
struct Stays<'a>(Vec<&'a ServiceSpec>);

impl<'a> Stays<'a> {
    fn of(observed: &'a Observed, owner: &str, blocked: &services::Blocked) -> Self {
        let stays = |held: &&Held<ServiceSpec>| {
            !is_ours(&held.spec.labels, owner) || blocked.contains_key(&held.spec.name)
        };
        Self(observed.services.iter().filter(stays).map(|held| &held.spec).collect())
    }

    /// One that uses it, if there is one.
    fn user(&self, object: &Object) -> Option<&'a str> {
        let name = &object.name;
        let uses = |service: &&&ServiceSpec| match object.kind {
            Kind::Network => service.networks.contains(name),
            Kind::Config => service.configs.values().any(|file| file.source == *name),
            Kind::Secret => service.secrets.values().any(|file| file.source == *name),
            Kind::Swarm | Kind::Node | Kind::Service => false,
        };
        self.0.iter().find(uses).map(|service| service.name.as_str())
    }
}

fn is_ours(labels: &std::collections::BTreeMap<String, String>, owner: &str) -> bool {
    crate::owned::owner(labels) == Some(owner)
}

/// Whose it is, for a reason's text.
fn whose(labels: &std::collections::BTreeMap<String, String>) -> String {
    crate::owned::owner(labels).map_or("nobody says whose it is".into(), |owner| format!("it is {owner}'s"))
}
