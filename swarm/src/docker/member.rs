//! The real engine as a [`Member`].

use std::future::Future;

use bollard::errors::Error;
use bollard::models;
use bollard::query_parameters::LeaveSwarmOptionsBuilder;

use super::DockerEngine;
use super::call::{Failure, call_within};
use super::write::unsorted;
use crate::member::{Active, Birth, Entry, JoinToken, Member, MemberError, Membership};
use crate::object::Id;
use crate::spec::Role;

impl DockerEngine {
    async fn as_member<T>(
        &self,
        about: &'static str,
        call: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, MemberError> {
        call_within(self.deadlines.membership, call).await.map_err(|failure| match failure {
            Failure::Refused(_, words) => refused(&self.name, words.trim()),
            Failure::NoAnswer(source) => {
                MemberError::Unreachable { engine: self.name.clone(), about, source }
            }
        })
    }
}

/// Docker's refusals, by its words (moby `daemon/cluster`, swarmkit `ca`).
fn refused(engine: &str, words: &str) -> MemberError {
    let engine = engine.to_owned();
    let has = |part: &str| words.contains(part);
    let told = || words.to_owned();
    if has("already part of a swarm") {
        MemberError::AlreadyMember { engine }
    } else if has("not part of a swarm") {
        MemberError::NotMember { engine }
    } else if has("attempting to leave the swarm on a node that is participating as a manager") {
        MemberError::StillManager { engine, words: told() }
    } else if has("not a swarm manager") {
        MemberError::NotManager { engine }
    } else if has("join token") || has("remote CA does not match fingerprint") {
        MemberError::BadToken { engine, words: told() }
    } else {
        MemberError::Refused { engine, words: told() }
    }
}

impl Member for DockerEngine {
    async fn membership(&self) -> Result<Membership, MemberError> {
        let info = self.as_member("its swarm", self.docker.info()).await?;
        Ok(membership(info.swarm.unwrap_or_default()))
    }

    async fn init(&self, birth: &Birth) -> Result<Id, MemberError> {
        let request = models::SwarmInitRequest {
            listen_addr: Some(birth.listen.to_string()),
            advertise_addr: Some(birth.advertise.to_string()),
            data_path_addr: birth.data_path.map(|address| address.to_string()),
            spec: Some(models::SwarmSpec {
                labels: Some(unsorted(&birth.labels)),
                orchestration: Some(models::SwarmSpecOrchestration {
                    task_history_retention_limit: Some(i64::from(birth.task_history)),
                }),
                encryption_config: Some(models::SwarmSpecEncryptionConfig {
                    auto_lock_managers: Some(false),
                }),
                ..models::SwarmSpec::default()
            }),
            ..models::SwarmInitRequest::default()
        };
        self.as_member("beginning a swarm", self.docker.init_swarm(request)).await.map(Id)
    }

    async fn join(&self, entry: &Entry) -> Result<(), MemberError> {
        let request = models::SwarmJoinRequest {
            listen_addr: Some(entry.listen.to_string()),
            advertise_addr: Some(entry.advertise.to_string()),
            data_path_addr: entry.data_path.map(|address| address.to_string()),
            remote_addrs: Some(entry.managers.iter().map(ToString::to_string).collect()),
            join_token: Some(entry.token.reveal().to_owned()),
        };
        let joined = self.as_member("joining a swarm", self.docker.join_swarm(request)).await;
        joined.map_err(|error| match error {
            MemberError::Refused { engine, words }
                if words.contains("Timeout was reached") || words.contains("connection refused") =>
            {
                let managers: Vec<String> = entry.managers.iter().map(ToString::to_string).collect();
                MemberError::NoManager { engine, managers: managers.join(", ") }
            }
            other => other,
        })
    }

    async fn leave(&self, force: bool) -> Result<(), MemberError> {
        let options = LeaveSwarmOptionsBuilder::new().force(force).build();
        self.as_member("leaving its swarm", self.docker.leave_swarm(Some(options))).await
    }

    async fn join_token(&self, role: Role) -> Result<JoinToken, MemberError> {
        let swarm = self.as_member("its join tokens", self.docker.inspect_swarm()).await?;
        let tokens = swarm.join_tokens.unwrap_or_default();
        let token = match role {
            Role::Manager => tokens.manager,
            Role::Worker => tokens.worker,
        };
        token.map(JoinToken::new).ok_or_else(|| MemberError::NotManager { engine: self.name.clone() })
    }
}

fn membership(info: models::SwarmInfo) -> Membership {
    let words = info.error.unwrap_or_default();
    let peers = info.remote_managers.unwrap_or_default();
    let managers = peers.iter().filter_map(|peer| peer.addr.as_ref()?.parse().ok()).collect();
    match info.local_node_state {
        Some(models::LocalNodeState::ACTIVE) => {}
        Some(models::LocalNodeState::PENDING) => {
            let node = info.node_id.filter(|id| !id.is_empty()).map(Id);
            return Membership::Pending { node, managers };
        }
        Some(models::LocalNodeState::LOCKED) => return Membership::Locked,
        Some(models::LocalNodeState::ERROR) => return Membership::Failed { words },
        Some(models::LocalNodeState::INACTIVE | models::LocalNodeState::EMPTY) | None => {
            return Membership::Inactive;
        }
    }
    let node = info.node_id.unwrap_or_default();
    let control_available = info.control_available.unwrap_or(false);
    // A manager without a leader has no control, but knows itself for one.
    let is_listed = peers.iter().any(|peer| peer.node_id.as_deref() == Some(node.as_str()));
    Membership::Active(Active {
        swarm: info.cluster.and_then(|cluster| cluster.id).filter(|id| !id.is_empty()).map(Id),
        address: info.node_addr.and_then(|address| address.parse().ok()),
        is_manager: control_available || is_listed,
        control_available,
        managers,
        words,
        node: Id(node),
    })
}
