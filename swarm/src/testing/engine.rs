//! The fake as an [`Engine`]: each call holds the rules against the state, then changes it, or does not.

use std::mem::discriminant;

use super::FakeEngine;
use super::rules::{current, fixed, free, there};
use crate::engine::{Engine, EngineError};
use crate::object::{Id, Kind, Object, Version};
use crate::observed::{Held, NodeState, ObservedNode};
use crate::spec::{ConfigSpec, NetworkSpec, NodeSpec, Role, SecretSpec, SecretValue, ServiceSpec};

/// An object known by id alone.
fn by_id(kind: Kind, id: &Id) -> Object {
    Object::new(kind, &id.0)
}

impl Engine for FakeEngine {
    async fn nodes(&self) -> Result<Vec<ObservedNode>, EngineError> {
        Ok(self.state().nodes.values().cloned().collect())
    }

    async fn update_node(&self, id: &Id, version: Version, spec: &NodeSpec) -> Result<Version, EngineError> {
        let mut state = self.state();
        let node = there(state.nodes.get(id).cloned(), &by_id(Kind::Node, id));
        let object =
            node.as_ref().map_or_else(|_| by_id(Kind::Node, id), |n| Object::new(Kind::Node, &n.name));
        state.change(&object)?;
        let mut node = node?;
        current(&node.held, version, &object)?;
        if node.held.spec.role == Role::Manager && spec.role == Role::Worker {
            state.majority(&object, Some(&id.0))?;
        }
        node.held.spec = spec.clone();
        node.held.version = state.next();
        node.reachable_manager = spec.role == Role::Manager && node.state == NodeState::Ready;
        let version = node.held.version;
        state.nodes.insert(id.clone(), node);
        Ok(version)
    }

    async fn remove_node(&self, id: &Id) -> Result<(), EngineError> {
        let mut state = self.state();
        let object = by_id(Kind::Node, id);
        state.change(&object)?;
        let node = there(state.nodes.get(id), &object)?;
        let object = Object::new(Kind::Node, &node.name);
        let refuse = |reason: &str| Err(EngineError::Refused { object, reason: reason.into() });
        if node.held.spec.role == Role::Manager {
            return refuse("node is a cluster manager and must be demoted to worker first");
        }
        if node.state != NodeState::Down {
            return refuse("node is not down and can't be removed");
        }
        state.nodes.remove(id);
        Ok(())
    }

    async fn networks(&self) -> Result<Vec<Held<NetworkSpec>>, EngineError> {
        Ok(self.state().networks.values().cloned().collect())
    }

    async fn create_network(&self, spec: &NetworkSpec) -> Result<Id, EngineError> {
        let mut state = self.state();
        let object = Object::new(Kind::Network, &spec.name);
        state.change(&object)?;
        free(state.networks.values().map(|held| &held.spec.name), &object)?;
        let spec = state.choose(spec.clone());
        let held = state.held("network", spec);
        let id = held.id.clone();
        state.networks.insert(id.clone(), held);
        Ok(id)
    }

    async fn remove_network(&self, id: &Id) -> Result<(), EngineError> {
        let mut state = self.state();
        state.change(&by_id(Kind::Network, id))?;
        let held = there(state.networks.get(id), &by_id(Kind::Network, id))?;
        state.unused(&Object::new(Kind::Network, &held.spec.name))?;
        state.networks.remove(id);
        Ok(())
    }

    async fn configs(&self) -> Result<Vec<Held<ConfigSpec>>, EngineError> {
        Ok(self.state().configs.values().cloned().collect())
    }

    async fn create_config(&self, spec: &ConfigSpec) -> Result<Id, EngineError> {
        let mut state = self.state();
        let object = Object::new(Kind::Config, &spec.name);
        state.change(&object)?;
        free(state.configs.values().map(|held| &held.spec.name), &object)?;
        let held = state.held("config", spec.clone());
        let id = held.id.clone();
        state.configs.insert(id.clone(), held);
        Ok(id)
    }

    async fn update_config(
        &self,
        id: &Id,
        version: Version,
        spec: &ConfigSpec,
    ) -> Result<Version, EngineError> {
        let mut state = self.state();
        let object = Object::new(Kind::Config, &spec.name);
        state.change(&object)?;
        let mut held = there(state.configs.get(id).cloned(), &object)?;
        current(&held, version, &object)?;
        fixed(held.spec.name == spec.name, &object, "the name")?;
        fixed(held.spec.content == spec.content, &object, "the content")?;
        held.spec.labels.clone_from(&spec.labels);
        held.version = state.next();
        let version = held.version;
        state.configs.insert(id.clone(), held);
        Ok(version)
    }

    async fn remove_config(&self, id: &Id) -> Result<(), EngineError> {
        let mut state = self.state();
        state.change(&by_id(Kind::Config, id))?;
        let held = there(state.configs.get(id), &by_id(Kind::Config, id))?;
        state.unused(&Object::new(Kind::Config, &held.spec.name))?;
        state.configs.remove(id);
        Ok(())
    }

    async fn secrets(&self) -> Result<Vec<Held<SecretSpec>>, EngineError> {
        Ok(self.state().secrets.values().map(|(held, _)| held.clone()).collect())
    }

    async fn create_secret(&self, spec: &SecretSpec, value: &SecretValue) -> Result<Id, EngineError> {
        let mut state = self.state();
        let object = Object::new(Kind::Secret, &spec.name);
        state.change(&object)?;
        free(state.secrets.values().map(|(held, _)| &held.spec.name), &object)?;
        let held = state.held("secret", spec.clone());
        let id = held.id.clone();
        state.secrets.insert(id.clone(), (held, value.clone()));
        Ok(id)
    }

    async fn update_secret(
        &self,
        id: &Id,
        version: Version,
        spec: &SecretSpec,
    ) -> Result<Version, EngineError> {
        let mut state = self.state();
        let object = Object::new(Kind::Secret, &spec.name);
        state.change(&object)?;
        let next = state.next();
        let (held, _) = there(state.secrets.get_mut(id), &object)?;
        current(held, version, &object)?;
        fixed(held.spec.name == spec.name, &object, "the name")?;
        held.spec.labels.clone_from(&spec.labels);
        held.version = next;
        Ok(next)
    }

    async fn remove_secret(&self, id: &Id) -> Result<(), EngineError> {
        let mut state = self.state();
        state.change(&by_id(Kind::Secret, id))?;
        let (held, _) = there(state.secrets.get(id), &by_id(Kind::Secret, id))?;
        state.unused(&Object::new(Kind::Secret, &held.spec.name))?;
        state.secrets.remove(id);
        Ok(())
    }

    async fn services(&self) -> Result<Vec<Held<ServiceSpec>>, EngineError> {
        let filled = |held: &Held<ServiceSpec>| Held {
            id: held.id.clone(),
            version: held.version,
            spec: held.spec.clone().filled(),
        };
        Ok(self.state().services.values().map(filled).collect())
    }

    async fn create_service(&self, spec: &ServiceSpec) -> Result<Id, EngineError> {
        let mut state = self.state();
        let object = Object::new(Kind::Service, &spec.name);
        state.change(&object)?;
        free(state.services.values().map(|held| &held.spec.name), &object)?;
        state.references(spec)?;
        let held = state.held("service", spec.clone());
        let id = held.id.clone();
        state.services.insert(id.clone(), held);
        Ok(id)
    }

    async fn update_service(
        &self,
        id: &Id,
        version: Version,
        spec: &ServiceSpec,
    ) -> Result<Version, EngineError> {
        let mut state = self.state();
        let object = Object::new(Kind::Service, &spec.name);
        state.change(&object)?;
        let mut held = there(state.services.get(id).cloned(), &object)?;
        current(&held, version, &object)?;
        fixed(held.spec.name == spec.name, &object, "the name")?;
        fixed(discriminant(&held.spec.scale) == discriminant(&spec.scale), &object, "the mode")?;
        state.references(spec)?;
        held.spec = spec.clone();
        held.version = state.next();
        let version = held.version;
        state.services.insert(id.clone(), held);
        Ok(version)
    }

    async fn remove_service(&self, id: &Id) -> Result<(), EngineError> {
        let mut state = self.state();
        state.change(&by_id(Kind::Service, id))?;
        there(state.services.remove(id), &by_id(Kind::Service, id)).map(drop)
    }
}
