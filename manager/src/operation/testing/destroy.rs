//! The fake as boards that are taken away: volumes and folders outlive their tasks, and go only when
//! nobody has them.

use pirack_swarm::desired::AbsolutePath;
use pirack_swarm::engine::Engine as _;
use pirack_swarm::observed::TaskState;
use pirack_swarm::spec::MountKind;

use super::FakeRack;
use super::world::disk_seen;
use crate::look::DiskSeen;
use crate::operation::leave;
use crate::operation::seen::{Kept, Volumes};
use crate::operation::world::WorldError;
use crate::rack::{BoardName, Rack};
use crate::stack::Engine;

impl FakeRack {
    /// The volumes and folders that running tasks have now, by board.
    async fn used(&self, kind: MountKind) -> Volumes {
        let Ok(engine) = self.manager().await else { return Volumes::new() };
        let tasks = engine.tasks().await.unwrap_or_default();
        let services = engine.services().await.unwrap_or_default();
        let mut used = Volumes::new();
        for task in tasks.iter().filter(|task| task.state == TaskState::Running) {
            let Some(held) = services.iter().find(|held| held.id == task.service_id) else { continue };
            let Some(board) = task.node.as_ref().and_then(|node| node.name.parse().ok()) else { continue };
            let mounts = held.spec.mounts.values().filter(|mount| mount.kind == kind);
            used.entry(board).or_default().extend(mounts.map(|mount| mount.source.clone()));
        }
        used
    }

    pub(super) async fn kept_on(&self, rack: &Rack) -> Kept {
        let used = self.used(MountKind::Volume).await;
        let mut state = self.state();
        for (board, volumes) in used {
            state.volumes.entry(board).or_default().extend(volumes);
        }
        let mut kept = Kept::default();
        for board in rack.boards.iter().filter(|board| !state.away.contains(&board.name)) {
            let name = &board.name;
            kept.volumes.insert(name.clone(), state.volumes.get(name).cloned().unwrap_or_default());
            let Some(disk) = &board.data_disk else { continue };
            let DiskSeen { astray, folders } = disk_seen(&state, board, disk);
            if let Some(words) = astray {
                kept.astray.insert(name.clone(), words);
            } else if !folders.is_empty() {
                kept.folders.insert(name.clone(), folders.into_keys().collect());
            }
        }
        kept
    }

    pub(super) async fn remove_volume(&self, board: &BoardName, volume: &str) -> Result<(), WorldError> {
        self.unused(MountKind::Volume, board, volume).await?;
        let mut state = self.state();
        state.volumes.entry(board.clone()).or_default().remove(volume);
        if volume == Engine::Cassandra.on(board.as_str()) {
            state.stacks.is_emptied(board.as_str());
        }
        Ok(())
    }

    pub(super) async fn clear(&self, board: &BoardName, folder: &AbsolutePath) -> Result<(), WorldError> {
        self.unused(MountKind::Bind, board, folder.as_str()).await?;
        self.state().folders.remove(&(board.clone(), folder.clone()));
        Ok(())
    }

    async fn unused(&self, kind: MountKind, board: &BoardName, source: &str) -> Result<(), WorldError> {
        if self.used(kind).await.get(board).is_some_and(|used| used.contains(source)) {
            let (what, why) = (format!("removing {source}"), "a container still has it".to_owned());
            return Err(WorldError::Busy { board: board.clone(), what, why });
        }
        Ok(())
    }

    pub(super) async fn leave_swarm(&self, board: &BoardName, force: bool) -> Result<(), WorldError> {
        let own = self.engine_of(board)?;
        if force {
            leave::at_once(own, board).await
        } else {
            leave::leave(own, self.manager().await?, board).await
        }
    }
}
