//! What a destroy does to real boards: volumes and membership by their engines, folders by
//! its shell, the agent's package by apt.

use std::time::Duration;

use bollard::errors::Error;
use bollard::query_parameters::{ListContainersOptions, ListVolumesOptions, RemoveVolumeOptions};
use futures_util::future::join_all;
use pirack_swarm::desired::AbsolutePath;
use tokio::time::timeout;

use super::{RealWorld, declared, disk};
use crate::bootstrap::link::Script;
use crate::look::{self, DiskSeen};
use crate::operation::leave;
use crate::operation::seen::Kept;
use crate::operation::world::{World as _, WorldError, failed};
use crate::rack::{BoardName, Rack};

/// How long an engine may take to answer.
const ANSWER: Duration = Duration::from_secs(30);
/// Time for dpkg on a slow card.
const PURGING: Duration = Duration::from_secs(300);
/// Docker's answer where something is in use.
const IN_USE: u16 = 409;
const ABSENT: u16 = 404;

/// The package's own purge takes its configuration and its queue along, and stops it first.
const PURGE: &str = r#"set -eu
export DEBIAN_FRONTEND=noninteractive
dpkg --purge pirack-agent >&2"#;

impl RealWorld {
    pub(super) async fn kept_on(&self, rack: &Rack) -> Kept {
        let round = self.boards.round();
        let each = rack.boards.iter().map(async |board| {
            let reached = round.get(&board.name).await.ok()?;
            let engine = reached.engine.ok()?;
            let volumes = async {
                let asked = engine.client().list_volumes(None::<ListVolumesOptions>);
                timeout(ANSWER, asked).await.ok()?.ok().map(|told| told.volumes.unwrap_or_default())
            };
            let (volumes, disk) = tokio::join!(volumes, look::disk::look(&reached.link, rack, board, ANSWER));
            Some((&board.name, volumes, disk))
        });
        let mut kept = Kept::default();
        for (name, volumes, disk) in join_all(each).await.into_iter().flatten() {
            if let Some(volumes) = volumes {
                kept.volumes.insert(name.clone(), volumes.into_iter().map(|volume| volume.name).collect());
            }
            match disk {
                Ok(Some(DiskSeen { astray: None, folders })) if !folders.is_empty() => {
                    kept.folders.insert(name.clone(), folders.into_keys().collect());
                }
                Ok(Some(DiskSeen { astray: Some(words), .. })) | Err(words) => {
                    kept.astray.insert(name.clone(), words);
                }
                Ok(_) => {}
            }
        }
        kept
    }

    pub(super) async fn clear(
        &self,
        rack: &Rack,
        board: &BoardName,
        folder: &AbsolutePath,
    ) -> Result<(), WorldError> {
        let what = format!("removing the folder {folder}");
        let asked = self.engine_of(board).await?;
        // Docker refuses to remove a volume that is in use; a folder it does not look after.
        let asked = asked.client().list_containers(None::<ListContainersOptions>);
        let running = match timeout(ANSWER, asked).await {
            Ok(running) => running.map_err(|error| failed(board, &what, error))?,
            Err(_) => return Err(failed(board, &what, format!("no answer within {} s", ANSWER.as_secs()))),
        };
        let mut mounts = running.into_iter().flat_map(|container| container.mounts.unwrap_or_default());
        if mounts.any(|mount| mount.source.as_deref() == Some(folder.as_str())) {
            let why = "a container still has it".to_owned();
            return Err(WorldError::Busy { board: board.clone(), what, why });
        }
        disk::clear(&*self.link(board).await?, rack, declared(rack, board)?, folder).await
    }

    pub(super) async fn remove_volume(&self, board: &BoardName, volume: &str) -> Result<(), WorldError> {
        let what = format!("removing volume {volume}");
        let engine = self.engine_of(board).await?;
        let asked = engine.client().remove_volume(volume, None::<RemoveVolumeOptions>);
        match timeout(ANSWER, asked).await {
            Ok(Ok(()) | Err(Error::DockerResponseServerError { status_code: ABSENT, .. })) => Ok(()),
            Ok(Err(Error::DockerResponseServerError { status_code: IN_USE, .. })) => {
                let why = "a container still has it".to_owned();
                Err(WorldError::Busy { board: board.clone(), what, why })
            }
            Ok(Err(error)) => Err(failed(board, &what, error)),
            Err(_) => Err(failed(board, &what, format!("no answer within {} s", ANSWER.as_secs()))),
        }
    }

    pub(super) async fn purge_agent(&self, board: &BoardName) -> Result<(), WorldError> {
        let what = "purging the agent";
        let script = Script::new(what, PURGE).within(PURGING);
        self.link(board).await?.ask(&script).await.map(drop).map_err(|error| failed(board, what, error))
    }

    pub(super) async fn leave_swarm(&self, board: &BoardName, force: bool) -> Result<(), WorldError> {
        let own = self.engine_of(board).await?;
        if force {
            leave::at_once(&own, board).await
        } else {
            leave::leave(&own, self.engine().await?, board).await
        }
    }
}
