//! The narrow trait over Docker: list, create, update under a version, remove. Nothing else passes.
//!
//! What every engine keeps, and the fake in `testing` shows:
//! - Versions only grow. An update names the version that it saw, and is refused when that is not the last.
//! - Objects refer to each other by name here; an engine translates to ids where Docker wants them.
//! - What is listed is whole: whatever of a service has no field of its own stands in `unmodelled`.
//! - `NotFound` on removal says that somebody was quicker.
//! - An answer says that the swarm has taken the change, not that tasks or roles have followed: whoever needs
//!   that waits for it. Docker still holds a network for its last tasks for a moment after their service is gone.

use std::collections::BTreeMap;
use std::future::Future;

use crate::object::{Id, Object, Version};
use crate::observed::{Held, Observed, ObservedNode, ObservedSwarm, ObservedTask, Rollout};
use crate::spec::{ConfigSpec, NetworkSpec, NodeSpec, SecretSpec, SecretValue, ServiceSpec};

/// Why an engine did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// Somebody changed the object after it was read.
    #[error("{object} has changed since version {named} was read: plan again")]
    VersionConflict {
        /// Which.
        object: Object,
        /// The version that the update named.
        named: Version,
    },
    /// The name is taken.
    #[error("cannot create {object}: there is one of that name already: remove it, or choose another name")]
    NameClash {
        /// Which.
        object: Object,
    },
    /// There is no such object any more.
    #[error("{object} is not there any more: plan again")]
    NotFound {
        /// Which.
        object: Object,
    },
    /// Docker lets this part never change.
    #[error("cannot change {field} of {object}: Docker never lets it change; create another in its place")]
    Immutable {
        /// Which.
        object: Object,
        /// Which part of it.
        field: String,
    },
    /// Something needs it still.
    #[error("cannot remove {object}: {by} still needs it; remove or change that first")]
    InUse {
        /// Which.
        object: Object,
        /// Who needs it.
        by: Object,
    },
    /// It refers to something that is not there.
    #[error("{object} needs {needs}, which is not there: create that first")]
    UnknownReference {
        /// Who refers.
        object: Object,
        /// To what.
        needs: Object,
    },
    /// The managers would have no majority without this one.
    #[error(
        "cannot demote {object}: {reachable} of {managers} managers would answer, which is no majority; bring a manager back or promote one first"
    )]
    QuorumLost {
        /// Which manager was to go.
        object: Object,
        /// Managers that would answer.
        reachable: usize,
        /// Managers that there would be.
        managers: usize,
    },
    /// The managers choose a leader, or have no majority for it: nothing can be read or changed.
    #[error(
        "no answer about {about}: the swarm has no leader; its managers choose one within seconds, unless half of them or more do not answer: then bring some back"
    )]
    NoLeader {
        /// What was asked.
        about: String,
    },
    /// The engine is no manager of a swarm, and so cannot speak for one.
    #[error("no answer about {about}: the engine is not a manager of a swarm; ask one that is ({words})")]
    NotManager {
        /// What was asked.
        about: String,
        /// Its words.
        words: String,
    },
    /// Any other refusal, in the engine's own words.
    #[error("the engine refused {object}: {reason}")]
    Refused {
        /// Which.
        object: Object,
        /// Its words.
        reason: String,
    },
    /// No answer came; what was asked may have been done or not.
    #[error("no answer from the engine about {about}: see that it runs and can be reached, then plan again")]
    Unreachable {
        /// What was asked.
        about: String,
        /// What came of it.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl EngineError {
    /// Whether planning again on what is observed then may well go through: the world had moved.
    #[must_use]
    pub fn is_stale(&self) -> bool {
        matches!(self, Self::VersionConflict { .. } | Self::NotFound { .. } | Self::NameClash { .. })
    }

    /// Whether the same question may well be answered a moment later, with nothing done in between.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::NoLeader { .. })
    }
}

/// A future of an engine's answer.
pub trait Answer<T, E = EngineError>: Future<Output = Result<T, E>> + Send {}
impl<T, E, F: Future<Output = Result<T, E>> + Send> Answer<T, E> for F {}

/// A swarm, through one of its managers; one of the edges of the world.
///
/// An update resolves to the version at which the object is what the caller asked for. An engine whose
/// protocol does not tell reads the object back and answers `VersionConflict` if it is something else by then.
///
/// # Errors
/// Every method as [`EngineError`] says.
pub trait Engine: Send + Sync {
    /// What the swarm remembers of itself.
    fn swarm(&self) -> impl Answer<ObservedSwarm>;
    /// Sets the swarm's labels, all of them; whatever else the swarm is set to stays.
    fn update_swarm(&self, version: Version, labels: &BTreeMap<String, String>) -> impl Answer<Version>;

    /// All tasks that the managers still know of, ended ones among them.
    fn tasks(&self) -> impl Answer<Vec<ObservedTask>>;
    /// How far the last change of each service is.
    fn rollouts(&self) -> impl Answer<Vec<Rollout>>;

    /// All nodes.
    fn nodes(&self) -> impl Answer<Vec<ObservedNode>>;
    /// Sets a node's role, availability and labels. A demotion that would cost the quorum is refused. An engine that demotes
    /// itself does so, and may have only [`EngineError::NotManager`] to say of it.
    fn update_node(&self, id: &Id, version: Version, spec: &NodeSpec) -> impl Answer<Version>;
    /// Forgets a node that is a worker and down.
    fn remove_node(&self, id: &Id) -> impl Answer<()>;

    /// All networks of the swarm's scope.
    fn networks(&self) -> impl Answer<Vec<Held<NetworkSpec>>>;
    /// Creates a network. Nothing of it can change later.
    fn create_network(&self, spec: &NetworkSpec) -> impl Answer<Id>;
    /// Removes a network that no service is on.
    fn remove_network(&self, id: &Id) -> impl Answer<()>;

    /// All configs.
    fn configs(&self) -> impl Answer<Vec<Held<ConfigSpec>>>;
    /// Creates a config.
    fn create_config(&self, spec: &ConfigSpec) -> impl Answer<Id>;
    /// Sets a config's labels; the rest must be as it was.
    fn update_config(&self, id: &Id, version: Version, spec: &ConfigSpec) -> impl Answer<Version>;
    /// Removes a config that no service uses.
    fn remove_config(&self, id: &Id) -> impl Answer<()>;

    /// All secrets, without their values.
    fn secrets(&self) -> impl Answer<Vec<Held<SecretSpec>>>;
    /// Creates a secret.
    fn create_secret(&self, spec: &SecretSpec, value: &SecretValue) -> impl Answer<Id>;
    /// Sets a secret's labels; the rest must be as it was.
    fn update_secret(&self, id: &Id, version: Version, spec: &SecretSpec) -> impl Answer<Version>;
    /// Removes a secret that no service uses.
    fn remove_secret(&self, id: &Id) -> impl Answer<()>;

    /// All services.
    fn services(&self) -> impl Answer<Vec<Held<ServiceSpec>>>;
    /// Creates a service.
    fn create_service(&self, spec: &ServiceSpec) -> impl Answer<Id>;
    /// Makes a service what `spec` says. Its name cannot change, nor can it turn global or back.
    fn update_service(&self, id: &Id, version: Version, spec: &ServiceSpec) -> impl Answer<Version>;
    /// Removes a service and its tasks. Volumes stay.
    fn remove_service(&self, id: &Id) -> impl Answer<()>;
}

/// Everything that a plan looks at, read once. Docker has no snapshot over all of it: what changes in between
/// is caught by the versions when the plan is applied.
///
/// # Errors
/// When the engine does not answer.
pub async fn observe(engine: &impl Engine) -> Result<Observed, EngineError> {
    Ok(Observed {
        nodes: engine.nodes().await?,
        networks: engine.networks().await?,
        configs: engine.configs().await?,
        secrets: engine.secrets().await?,
        services: engine.services().await?,
    })
}
