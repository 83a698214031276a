//! The real engine as an [`Engine`]: each method is one call, its translation, and for an update the look back.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{MutexGuard, PoisonError};
use std::time::Duration;

use bollard::errors::Error;
use bollard::query_parameters::{
    UpdateConfigOptionsBuilder, UpdateNodeOptionsBuilder, UpdateSecretOptionsBuilder,
    UpdateServiceOptionsBuilder, UpdateSwarmOptionsBuilder,
};
use tokio::time::Instant;

use super::call::{self, Failure};
use super::{DockerEngine, files, network, node, read, refusal, task, write};
use crate::engine::{Engine, EngineError};
use crate::object::{Id, Kind, Object, Version};
use crate::observed::{Held, ObservedNode, ObservedSwarm, ObservedTask, Rollout};
use crate::spec::{ConfigSpec, NetworkSpec, NodeSpec, Role, SecretSpec, SecretValue, ServiceSpec};

/// Between two tries to remove what ending tasks hold.
const RELEASE_PAUSE: Duration = Duration::from_millis(250);

/// How often a node's version may move under an update before it is told as a conflict.
const NODE_TRIES: u8 = 4;

/// Docker's version parameters are signed.
fn signed(version: Version) -> i64 {
    i64::try_from(version.0).unwrap_or(i64::MAX)
}

fn created(object: &Object, id: Option<String>) -> Result<Id, EngineError> {
    id.filter(|id| !id.is_empty()).map(Id).ok_or_else(|| EngineError::Refused {
        object: object.clone(),
        reason: "it told no id of what it made".to_owned(),
    })
}

/// The version after an update, if the object still is what was asked.
fn still<T: PartialEq>(
    held: Option<Held<T>>,
    asked: &T,
    object: &Object,
    named: Version,
) -> Result<Version, EngineError> {
    match held {
        Some(held) if held.spec == *asked => Ok(held.version),
        Some(_) => Err(EngineError::VersionConflict { object: object.clone(), named }),
        None => Err(EngineError::NotFound { object: object.clone() }),
    }
}

impl DockerEngine {
    async fn update(
        &self,
        object: &Object,
        named: Version,
        call: impl Future<Output = Result<(), Error>>,
    ) -> Result<(), EngineError> {
        self.call(call).await.map_err(|failure| match failure {
            Failure::Refused(status, words) => refusal::of_update(object, named, status, &words),
            Failure::NoAnswer(source) => call::unreachable(object.to_string(), source),
        })
    }

    fn told_nodes(&self) -> MutexGuard<'_, BTreeMap<Id, Held<NodeSpec>>> {
        self.nodes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a node is still what it was when it was told with this version.
    fn is_as_told(&self, is: &Held<NodeSpec>, named: Version) -> bool {
        let told = self.told_nodes().get(&is.id).cloned();
        is.version == named || told.is_some_and(|told| told.version == named && told.spec == is.spec)
    }

    async fn try_update_node(
        &self,
        id: &Id,
        named: Version,
        spec: &NodeSpec,
    ) -> Result<Version, EngineError> {
        let by_id = Object::new(Kind::Node, &id.0);
        let found = self.about(&by_id, self.docker.inspect_node(&id.0)).await?;
        let name = found.description.as_ref().and_then(|description| description.hostname.clone());
        let object = Object::new(Kind::Node, name.unwrap_or_else(|| id.0.clone()));
        let version = node::version(found.version.as_ref());
        let is = Held { id: id.clone(), version, spec: node::spec(found.spec.as_ref()) };
        if !self.is_as_told(&is, named) {
            return Err(EngineError::VersionConflict { object, named });
        }
        let options = UpdateNodeOptionsBuilder::new().version(signed(version)).build();
        let body = node::with(spec, found.spec);
        if let Err(refused) = self.update(&object, named, self.docker.update_node(&id.0, body, options)).await
        {
            return Err(self.quorum(object, id, refused).await);
        }
        let now = self.look_at_node(id, &object).await?;
        self.told_nodes().insert(id.clone(), now.clone());
        // No further try: it was done, and somebody came after.
        still(Some(now), spec, &object, named)
    }

    async fn look_at_node(&self, id: &Id, object: &Object) -> Result<Held<NodeSpec>, EngineError> {
        let found = self.about(object, self.docker.inspect_node(&id.0)).await?;
        let version = node::version(found.version.as_ref());
        Ok(Held { id: id.clone(), version, spec: node::spec(found.spec.as_ref()) })
    }

    /// A refusal to demote, with the managers counted: Docker does not count them for us.
    async fn quorum(&self, object: Object, id: &Id, refused: EngineError) -> EngineError {
        let EngineError::Refused { reason, .. } = &refused else { return refused };
        if !refusal::is_quorum(reason) {
            return refused;
        }
        let Ok(nodes) = self.nodes().await else { return refused };
        let rest = nodes.iter().filter(|node| node.held.spec.role == Role::Manager && node.held.id != *id);
        let reachable = rest.clone().filter(|node| node.reachable_manager).count();
        EngineError::QuorumLost { object, reachable, managers: rest.count() }
    }

    /// A network that is refused for the sake of a service: Docker gives the service's id, we its name.
    async fn named_user(&self, refused: EngineError) -> EngineError {
        let EngineError::InUse { object, by } = refused else { return refused };
        let found = self.docker.inspect_service(&by.name, None);
        let name = self.about(&by, found).await.ok().and_then(|service| service.spec?.name);
        EngineError::InUse { object, by: Object::new(Kind::Service, name.unwrap_or(by.name)) }
    }
}

impl Engine for DockerEngine {
    async fn swarm(&self) -> Result<ObservedSwarm, EngineError> {
        let swarm = self.ask("the swarm", self.docker.inspect_swarm()).await?;
        let labels = swarm.spec.and_then(|spec| spec.labels).unwrap_or_default();
        Ok(ObservedSwarm {
            id: Id(swarm.id.unwrap_or_default()),
            version: node::version(swarm.version.as_ref()),
            labels: labels.into_iter().collect(),
        })
    }

    async fn update_swarm(
        &self,
        version: Version,
        labels: &BTreeMap<String, String>,
    ) -> Result<Version, EngineError> {
        let swarm = self.ask("the swarm", self.docker.inspect_swarm()).await?;
        let object = Object::new(Kind::Swarm, swarm.id.unwrap_or_default());
        if node::version(swarm.version.as_ref()) != version {
            return Err(EngineError::VersionConflict { object, named: version });
        }
        let mut spec = swarm.spec.unwrap_or_default();
        spec.labels = Some(write::unsorted(labels));
        let options = UpdateSwarmOptionsBuilder::new().version(signed(version)).build();
        self.update(&object, version, self.docker.update_swarm(spec, options)).await?;
        let now = self.swarm().await?;
        let held = Held { id: now.id, version: now.version, spec: now.labels };
        still(Some(held), labels, &object, version)
    }

    async fn tasks(&self) -> Result<Vec<ObservedTask>, EngineError> {
        let services = self.ask("services", self.docker.list_services(None)).await?;
        let nodes = node::names(&self.ask("nodes", self.docker.list_nodes(None)).await?);
        let services =
            services.into_iter().filter_map(|service| Some((service.id?, service.spec?))).collect();
        let tasks = self.ask("tasks", self.docker.list_tasks(None)).await?;
        Ok(tasks.into_iter().filter_map(|task| task::observed(task, &nodes, &services)).collect())
    }

    async fn rollouts(&self) -> Result<Vec<Rollout>, EngineError> {
        let services = self.ask("services", self.docker.list_services(None)).await?;
        Ok(services.into_iter().filter_map(task::rollout).collect())
    }

    async fn nodes(&self) -> Result<Vec<ObservedNode>, EngineError> {
        let nodes = self.ask("nodes", self.docker.list_nodes(None)).await?;
        let nodes: Vec<ObservedNode> = nodes.into_iter().filter_map(node::observed).collect();
        *self.told_nodes() = nodes.iter().map(|node| (node.held.id.clone(), node.held.clone())).collect();
        Ok(nodes)
    }

    async fn update_node(&self, id: &Id, version: Version, spec: &NodeSpec) -> Result<Version, EngineError> {
        let mut tries = NODE_TRIES;
        loop {
            tries -= 1;
            match self.try_update_node(id, version, spec).await {
                Err(EngineError::VersionConflict { .. }) if tries > 0 => {}
                answer => return answer,
            }
        }
    }

    async fn remove_node(&self, id: &Id) -> Result<(), EngineError> {
        self.about(&Object::new(Kind::Node, &id.0), self.docker.delete_node(&id.0, None)).await
    }

    async fn networks(&self) -> Result<Vec<Held<NetworkSpec>>, EngineError> {
        Ok(self.swarm_networks().await?.into_iter().filter_map(network::observed).collect())
    }

    async fn create_network(&self, spec: &NetworkSpec) -> Result<Id, EngineError> {
        let object = Object::new(Kind::Network, &spec.name);
        let made = self.about(&object, self.docker.create_network(network::request(spec))).await?;
        created(&object, Some(made.id))
    }

    async fn remove_network(&self, id: &Id) -> Result<(), EngineError> {
        let object = Object::new(Kind::Network, &id.0);
        let until = Instant::now() + self.deadlines.release;
        loop {
            match self.about(&object, self.docker.remove_network(&id.0)).await {
                Err(EngineError::Refused { reason, .. })
                    if refusal::is_held_by_tasks(&reason) && Instant::now() < until =>
                {
                    tokio::time::sleep(RELEASE_PAUSE).await;
                }
                Err(refused) => return Err(self.named_user(refused).await),
                Ok(()) => return Ok(()),
            }
        }
    }

    async fn configs(&self) -> Result<Vec<Held<ConfigSpec>>, EngineError> {
        let configs = self.ask("configs", self.docker.list_configs(None)).await?;
        Ok(configs.into_iter().filter_map(files::observed_config).collect())
    }

    async fn create_config(&self, spec: &ConfigSpec) -> Result<Id, EngineError> {
        let object = Object::new(Kind::Config, &spec.name);
        let made = self.about(&object, self.docker.create_config(files::config(spec))).await?;
        created(&object, Some(made.id))
    }

    async fn update_config(
        &self,
        id: &Id,
        version: Version,
        spec: &ConfigSpec,
    ) -> Result<Version, EngineError> {
        let object = Object::new(Kind::Config, &spec.name);
        let options = UpdateConfigOptionsBuilder::new().version(signed(version)).build();
        self.update(&object, version, self.docker.update_config(&id.0, files::config(spec), options)).await?;
        let now = self.about(&object, self.docker.inspect_config(&id.0)).await?;
        still(files::observed_config(now), spec, &object, version)
    }

    async fn remove_config(&self, id: &Id) -> Result<(), EngineError> {
        self.about(&Object::new(Kind::Config, &id.0), self.docker.delete_config(&id.0)).await
    }

    async fn secrets(&self) -> Result<Vec<Held<SecretSpec>>, EngineError> {
        let secrets = self.ask("secrets", self.docker.list_secrets(None)).await?;
        Ok(secrets.into_iter().filter_map(files::observed_secret).collect())
    }

    async fn create_secret(&self, spec: &SecretSpec, value: &SecretValue) -> Result<Id, EngineError> {
        let object = Object::new(Kind::Secret, &spec.name);
        let made = self.about(&object, self.docker.create_secret(files::secret(spec, Some(value)))).await?;
        created(&object, Some(made.id))
    }

    async fn update_secret(
        &self,
        id: &Id,
        version: Version,
        spec: &SecretSpec,
    ) -> Result<Version, EngineError> {
        let object = Object::new(Kind::Secret, &spec.name);
        let options = UpdateSecretOptionsBuilder::new().version(signed(version)).build();
        let body = files::secret(spec, None);
        self.update(&object, version, self.docker.update_secret(&id.0, body, options)).await?;
        let now = self.about(&object, self.docker.inspect_secret(&id.0)).await?;
        still(files::observed_secret(now), spec, &object, version)
    }

    async fn remove_secret(&self, id: &Id) -> Result<(), EngineError> {
        self.about(&Object::new(Kind::Secret, &id.0), self.docker.delete_secret(&id.0)).await
    }

    async fn services(&self) -> Result<Vec<Held<ServiceSpec>>, EngineError> {
        let services = self.ask("services", self.docker.list_services(None)).await?;
        let names = self.network_names(&services).await?;
        let held = services.into_iter().filter_map(|service| {
            let version = node::version(service.version.as_ref());
            Some(Held { id: Id(service.id?), version, spec: read::service(service.spec?, &names).filled() })
        });
        Ok(held.collect())
    }

    async fn create_service(&self, spec: &ServiceSpec) -> Result<Id, EngineError> {
        let object = Object::new(Kind::Service, &spec.name);
        let body = self.service_body(spec, &object).await?;
        let made = self.about(&object, self.docker.create_service(body, None)).await?;
        created(&object, made.id)
    }

    async fn update_service(
        &self,
        id: &Id,
        version: Version,
        spec: &ServiceSpec,
    ) -> Result<Version, EngineError> {
        let object = Object::new(Kind::Service, &spec.name);
        let body = self.service_body(spec, &object).await?;
        // Docker's own parameter has 32 bits here; past it, every update is told as a conflict.
        let named = i32::try_from(version.0).unwrap_or(i32::MAX);
        let options = UpdateServiceOptionsBuilder::new().version(named).build();
        let call = async { self.docker.update_service(&id.0, body, options, None).await.map(drop) };
        self.update(&object, version, call).await?;
        let now = self.about(&object, self.docker.inspect_service(&id.0, None)).await?;
        let names = self.network_names(std::slice::from_ref(&now)).await?;
        let reached = node::version(now.version.as_ref());
        let held = now.spec.map(|now| Held {
            id: id.clone(),
            version: reached,
            spec: read::service(now, &names).filled(),
        });
        still(held, &spec.clone().filled(), &object, version)
    }

    async fn remove_service(&self, id: &Id) -> Result<(), EngineError> {
        self.about(&Object::new(Kind::Service, &id.0), self.docker.delete_service(&id.0)).await
    }
}

impl DockerEngine {
    async fn service_body(
        &self,
        spec: &ServiceSpec,
        object: &Object,
    ) -> Result<bollard::models::ServiceSpec, EngineError> {
        let ids = self.ids_for(spec).await?;
        write::service(spec, &ids).map_err(|error| EngineError::Refused {
            object: object.clone(),
            reason: format!("what is not modelled of it is nothing that Docker has: {error}"),
        })
    }
}
