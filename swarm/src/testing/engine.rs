//! The fake as an [`Engine`]: each call holds the rules against the state, then changes it, or does not.

use std::collections::BTreeMap;
use std::mem::discriminant;

use super::FakeEngine;
use super::cloud::World;
use super::rules::{current, fixed, free, there};
use super::swarm::Swarm;
use super::tasks::Ground;
use crate::engine::{Engine, EngineError};
use crate::object::{Id, Kind, Object, Version};
use crate::observed::{Held, NodeState, ObservedNode, ObservedSwarm, ObservedTask, Rollout};
use crate::spec::{ConfigSpec, NetworkSpec, NodeSpec, Role, SecretSpec, SecretValue, ServiceSpec};

/// An object known by id alone.
fn by_id(kind: Kind, id: &Id) -> Object {
    Object::new(kind, &id.0)
}

fn all<T: Clone>(held: &BTreeMap<Id, T>) -> Vec<T> {
    held.values().cloned().collect()
}

impl World {
    /// Time passes for the tasks of this swarm.
    fn tick(&mut self, swarm: &Id) {
        let Self { boards, swarms, registry, fates, .. } = self;
        if let Some(swarm) = swarms.get_mut(swarm) {
            swarm.tick(&mut Ground { boards, registry, fates });
        }
    }
}

impl Engine for FakeEngine {
    async fn swarm(&self) -> Result<ObservedSwarm, EngineError> {
        self.ask("the swarm", |_, swarm| Ok(swarm.itself.clone()))
    }

    async fn update_swarm(
        &self,
        version: Version,
        labels: &BTreeMap<String, String>,
    ) -> Result<Version, EngineError> {
        self.change(&Object::new(Kind::Swarm, "itself"), |swarm| {
            if swarm.itself.version != version {
                let object = Object::new(Kind::Swarm, &swarm.itself.id.0);
                return Err(EngineError::VersionConflict { object, named: version });
            }
            swarm.itself.labels.clone_from(labels);
            swarm.itself.version = swarm.next();
            Ok(swarm.itself.version)
        })
    }

    async fn tasks(&self) -> Result<Vec<ObservedTask>, EngineError> {
        let id = self.ask("tasks", |_, swarm| Ok(swarm.itself.id.clone()))?;
        self.world().tick(&id);
        Ok(self.looked_at(|_, swarm| swarm.observed_tasks()).unwrap_or_default())
    }

    async fn rollouts(&self) -> Result<Vec<Rollout>, EngineError> {
        self.ask("rollouts", |_, swarm| Ok(all(&swarm.rollouts)))
    }

    async fn nodes(&self) -> Result<Vec<ObservedNode>, EngineError> {
        self.ask("nodes", |_, swarm| Ok(all(&swarm.nodes)))
    }

    async fn update_node(&self, id: &Id, version: Version, spec: &NodeSpec) -> Result<Version, EngineError> {
        let now = self.change(&by_id(Kind::Node, id), |swarm| {
            let mut node = there(swarm.nodes.get(id).cloned(), &by_id(Kind::Node, id))?;
            let object = Object::new(Kind::Node, &node.name);
            current(&node.held, version, &object)?;
            if node.held.spec.role == Role::Manager && spec.role == Role::Worker {
                swarm.majority_without(&object, id)?;
                if node.manager.is_some_and(|status| status.leader) {
                    swarm.loses_leader();
                }
            }
            node.held.spec = spec.clone();
            node.held.version = swarm.next();
            let version = node.held.version;
            swarm.nodes.insert(id.clone(), node);
            swarm.settle_managers();
            Ok(version)
        })?;
        // Docker lets go of an engine that demotes itself, as a rule before it is asked for the new version.
        self.world().manages(&self.door, &by_id(Kind::Node, id).to_string()).map(|()| now)
    }

    async fn remove_node(&self, id: &Id) -> Result<(), EngineError> {
        self.change(&by_id(Kind::Node, id), |swarm| {
            let node = there(swarm.nodes.get(id), &by_id(Kind::Node, id))?;
            let object = Object::new(Kind::Node, &node.name);
            let refuse = |reason: String| Err(EngineError::Refused { object, reason });
            if node.held.spec.role == Role::Manager {
                return refuse(format!(
                    "node {id} is a cluster manager and is a member of the raft cluster. It must be demoted to worker before removal"
                ));
            }
            if node.state != NodeState::Down {
                return refuse(format!("node {id} is not down and can't be removed"));
            }
            swarm.nodes.remove(id);
            Ok(())
        })
    }

    async fn networks(&self) -> Result<Vec<Held<NetworkSpec>>, EngineError> {
        self.ask("networks", |_, swarm| Ok(all(&swarm.networks)))
    }

    async fn create_network(&self, spec: &NetworkSpec) -> Result<Id, EngineError> {
        let object = Object::new(Kind::Network, &spec.name);
        self.change(&object, |swarm| {
            free(swarm.networks.values().map(|held| &held.spec.name), &object)?;
            let spec = swarm.choose(spec.clone());
            let held = swarm.held("network", spec);
            let id = held.id.clone();
            swarm.networks.insert(id.clone(), held);
            Ok(id)
        })
    }

    async fn remove_network(&self, id: &Id) -> Result<(), EngineError> {
        self.change(&by_id(Kind::Network, id), |swarm| {
            let held = there(swarm.networks.get(id), &by_id(Kind::Network, id))?;
            swarm.unused(&Object::new(Kind::Network, &held.spec.name))?;
            swarm.networks.remove(id);
            Ok(())
        })
    }

    async fn configs(&self) -> Result<Vec<Held<ConfigSpec>>, EngineError> {
        self.ask("configs", |_, swarm| Ok(all(&swarm.configs)))
    }

    async fn create_config(&self, spec: &ConfigSpec) -> Result<Id, EngineError> {
        let object = Object::new(Kind::Config, &spec.name);
        self.change(&object, |swarm| {
            free(swarm.configs.values().map(|held| &held.spec.name), &object)?;
            let held = swarm.held("config", spec.clone());
            let id = held.id.clone();
            swarm.configs.insert(id.clone(), held);
            Ok(id)
        })
    }

    async fn update_config(
        &self,
        id: &Id,
        version: Version,
        spec: &ConfigSpec,
    ) -> Result<Version, EngineError> {
        let object = Object::new(Kind::Config, &spec.name);
        self.change(&object, |swarm| {
            let mut held = there(swarm.configs.get(id).cloned(), &object)?;
            current(&held, version, &object)?;
            fixed(held.spec.name == spec.name, &object, "the name")?;
            fixed(held.spec.content == spec.content, &object, "the content")?;
            held.spec.labels.clone_from(&spec.labels);
            held.version = swarm.next();
            let version = held.version;
            swarm.configs.insert(id.clone(), held);
            Ok(version)
        })
    }

    async fn remove_config(&self, id: &Id) -> Result<(), EngineError> {
        self.change(&by_id(Kind::Config, id), |swarm| {
            let held = there(swarm.configs.get(id), &by_id(Kind::Config, id))?;
            swarm.unused(&Object::new(Kind::Config, &held.spec.name))?;
            swarm.configs.remove(id);
            Ok(())
        })
    }

    async fn secrets(&self) -> Result<Vec<Held<SecretSpec>>, EngineError> {
        self.ask("secrets", |_, swarm| Ok(swarm.secrets.values().map(|(held, _)| held.clone()).collect()))
    }

    async fn create_secret(&self, spec: &SecretSpec, value: &SecretValue) -> Result<Id, EngineError> {
        let object = Object::new(Kind::Secret, &spec.name);
        self.change(&object, |swarm| {
            free(swarm.secrets.values().map(|(held, _)| &held.spec.name), &object)?;
            let held = swarm.held("secret", spec.clone());
            let id = held.id.clone();
            swarm.secrets.insert(id.clone(), (held, value.clone()));
            Ok(id)
        })
    }

    async fn update_secret(
        &self,
        id: &Id,
        version: Version,
        spec: &SecretSpec,
    ) -> Result<Version, EngineError> {
        let object = Object::new(Kind::Secret, &spec.name);
        self.change(&object, |swarm| {
            let next = swarm.next();
            let (held, _) = there(swarm.secrets.get_mut(id), &object)?;
            current(held, version, &object)?;
            fixed(held.spec.name == spec.name, &object, "the name")?;
            held.spec.labels.clone_from(&spec.labels);
            held.version = next;
            Ok(next)
        })
    }

    async fn remove_secret(&self, id: &Id) -> Result<(), EngineError> {
        self.change(&by_id(Kind::Secret, id), |swarm| {
            let (held, _) = there(swarm.secrets.get(id), &by_id(Kind::Secret, id))?;
            swarm.unused(&Object::new(Kind::Secret, &held.spec.name))?;
            swarm.secrets.remove(id);
            Ok(())
        })
    }

    async fn services(&self) -> Result<Vec<Held<ServiceSpec>>, EngineError> {
        let filled = |held: &Held<ServiceSpec>| Held {
            id: held.id.clone(),
            version: held.version,
            spec: held.spec.clone().filled(),
        };
        self.ask("services", |_, swarm| Ok(swarm.services.values().map(filled).collect()))
    }

    async fn create_service(&self, spec: &ServiceSpec) -> Result<Id, EngineError> {
        let object = Object::new(Kind::Service, &spec.name);
        self.change(&object, |swarm| {
            free(swarm.services.values().map(|held| &held.spec.name), &object)?;
            swarm.references(spec)?;
            let held = swarm.held("service", spec.clone());
            let id = held.id.clone();
            swarm.services.insert(id.clone(), held);
            Ok(id)
        })
    }

    async fn update_service(
        &self,
        id: &Id,
        version: Version,
        spec: &ServiceSpec,
    ) -> Result<Version, EngineError> {
        let object = Object::new(Kind::Service, &spec.name);
        self.change(&object, |swarm| {
            let mut held = there(swarm.services.get(id).cloned(), &object)?;
            current(&held, version, &object)?;
            fixed(held.spec.name == spec.name, &object, "the name")?;
            fixed(discriminant(&held.spec.scale) == discriminant(&spec.scale), &object, "the mode")?;
            swarm.references(spec)?;
            let before = std::mem::replace(&mut held.spec, spec.clone());
            held.version = swarm.next();
            let version = held.version;
            swarm.services.insert(id.clone(), held);
            swarm.begin_rollout(id, before);
            Ok(version)
        })
    }

    async fn remove_service(&self, id: &Id) -> Result<(), EngineError> {
        self.change(&by_id(Kind::Service, id), |swarm: &mut Swarm| {
            swarm.rollouts.remove(id);
            swarm.previous.remove(id);
            there(swarm.services.remove(id), &by_id(Kind::Service, id)).map(drop)
        })
    }
}
