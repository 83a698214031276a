//! Names and ids: specs here name what they need, Docker's have ids.

use std::collections::{BTreeMap, BTreeSet};

use bollard::models;
use bollard::query_parameters::{InspectNetworkOptionsBuilder, ListNetworksOptionsBuilder};

use super::DockerEngine;
use crate::engine::EngineError;
use crate::object::{Kind, Object};
use crate::spec::ServiceSpec;

/// What the swarm's scope is called in a question.
const SWARM_SCOPE: &str = "swarm";

/// The ids of what one service needs.
#[derive(Debug, Default)]
pub(super) struct Ids {
    pub(super) configs: BTreeMap<String, String>,
    pub(super) secrets: BTreeMap<String, String>,
}

impl DockerEngine {
    /// The networks that services share.
    pub(super) async fn swarm_networks(&self) -> Result<Vec<models::Network>, EngineError> {
        let filters = [("scope", vec![SWARM_SCOPE])].into();
        let options = ListNetworksOptionsBuilder::new().filters(&filters).build();
        self.ask("networks", self.docker.list_networks(Some(options))).await
    }

    /// Names of the networks that these services are on, by id. Docker's own (`host`) are in no list, and are asked
    /// for one by one.
    pub(super) async fn network_names(
        &self,
        services: &[models::Service],
    ) -> Result<BTreeMap<String, String>, EngineError> {
        let targets: BTreeSet<&str> = (services.iter())
            .filter_map(|service| service.spec.as_ref()?.task_template.as_ref()?.networks.as_ref())
            .flatten()
            .filter_map(|network| network.target.as_deref())
            .collect();
        if targets.is_empty() {
            return Ok(BTreeMap::new());
        }
        let mut names: BTreeMap<String, String> = (self.swarm_networks().await?.into_iter())
            .filter_map(|network| Some((network.id?, network.name?)))
            .collect();
        for id in targets {
            if !names.contains_key(id) {
                let object = Object::new(Kind::Network, id);
                let options = InspectNetworkOptionsBuilder::new().scope(SWARM_SCOPE).build();
                match self.about(&object, self.docker.inspect_network(id, Some(options))).await {
                    Ok(network) => {
                        names.insert(id.to_owned(), network.name.unwrap_or_else(|| id.to_owned()));
                    }
                    // It went between the two questions; its id still tells that there was one.
                    Err(EngineError::NotFound { .. }) => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(names)
    }

    /// The ids of the configs and secrets that a service names.
    pub(super) async fn ids_for(&self, spec: &ServiceSpec) -> Result<Ids, EngineError> {
        let object = Object::new(Kind::Service, &spec.name);
        let mut ids = Ids::default();
        if !spec.configs.is_empty() {
            let held = self.ask("configs", self.docker.list_configs(None)).await?;
            ids.configs =
                held.into_iter().filter_map(|config| Some((config.spec?.name?, config.id?))).collect();
        }
        if !spec.secrets.is_empty() {
            let held = self.ask("secrets", self.docker.list_secrets(None)).await?;
            ids.secrets =
                held.into_iter().filter_map(|secret| Some((secret.spec?.name?, secret.id?))).collect();
        }
        let wanted = (spec.configs.values().map(|file| (Kind::Config, &file.source)))
            .chain(spec.secrets.values().map(|file| (Kind::Secret, &file.source)));
        for (kind, name) in wanted {
            let known = if kind == Kind::Config { &ids.configs } else { &ids.secrets };
            if !known.contains_key(name) {
                return Err(EngineError::UnknownReference { object, needs: Object::new(kind, name) });
            }
        }
        Ok(ids)
    }
}
