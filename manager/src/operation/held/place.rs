//! Where the lock lies: a board's file while there is no swarm, and then the swarm's own label, changed under its
//! version.

use std::collections::BTreeMap;
use std::time::Duration;

use pirack_swarm::engine::{Engine, EngineError};
use tokio::time::sleep;

use super::LockError;
use crate::operation::lock::{LABEL, Lock};
use crate::operation::world::{World, WorldError};
use crate::rack::BoardName;

/// How often somebody may be quicker before it is given up.
pub(super) const MOST_CLAIMS: usize = 10;
/// How long whoever was quicker is left alone.
pub(super) const PAUSE: Duration = Duration::from_millis(100);

/// What is there in the lock's place, to the byte: compared before it is written over.
pub(super) async fn look<W: World>(
    world: &W,
    file: Option<&BoardName>,
) -> Result<Option<Vec<u8>>, LockError> {
    match file {
        Some(board) => Ok(world.lock_file(board).await?),
        None => {
            let mut swarm = world.engine().await?.swarm().await.map_err(WorldError::from)?;
            Ok(swarm.labels.remove(LABEL).map(String::into_bytes))
        }
    }
}

/// Writes `ours` where just `over` was. Whether it could.
pub(super) async fn claim<W: World>(
    world: &W,
    file: Option<&BoardName>,
    ours: &Lock,
    over: Option<&[u8]>,
) -> Result<bool, LockError> {
    match file {
        Some(board) => Ok(world.write_lock_file(board, ours, over).await?),
        None => in_label(world, Some(ours), |found| found == over).await,
    }
}

/// Sets the label to `lock`, or takes it away, if what is there is as it must be. Whether it did.
async fn in_label<W: World>(
    world: &W,
    lock: Option<&Lock>,
    lawful: impl Fn(Option<&[u8]>) -> bool,
) -> Result<bool, LockError> {
    let change = |labels: &mut Labels| {
        let found = match lock {
            Some(lock) => labels.insert(LABEL.to_owned(), lock.text()),
            None => labels.remove(LABEL),
        };
        lawful(found.as_deref().map(str::as_bytes))
    };
    change_labels(world, change).await
}

/// The swarm's own.
pub(super) type Labels = BTreeMap<String, String>;

/// Changes the swarm's labels, if `change` finds them as they must be. Whether it did. What else changes of the swarm
/// meanwhile stays, and `change` looks again.
pub(super) async fn change_labels<W: World>(
    world: &W,
    mut change: impl FnMut(&mut Labels) -> bool,
) -> Result<bool, LockError> {
    let engine = world.engine().await?;
    let mut tries = 1;
    loop {
        let swarm = engine.swarm().await.map_err(WorldError::from)?;
        let mut labels = swarm.labels;
        if !change(&mut labels) {
            return Ok(false);
        }
        match engine.update_swarm(swarm.version, &labels).await {
            Ok(_) => return Ok(true),
            Err(EngineError::VersionConflict { .. }) if tries < MOST_CLAIMS => tries += 1,
            Err(error) => return Err(WorldError::from(error).into()),
        }
        sleep(PAUSE).await;
    }
}

/// Takes it away, if what is there is this one.
pub(super) async fn give_back<W: World>(world: &W, file: Option<&BoardName>, lock: &Lock) {
    if let Some(board) = file
        && let Err(error) = world.unlock_file(board, lock).await
    {
        tracing::debug!(error = &error as &dyn std::error::Error, "the lock's file stays, and grows stale");
    }
    let ours = |found: Option<&[u8]>| {
        found.and_then(Lock::parse).is_some_and(|found| found.operation == lock.operation)
    };
    if let Err(error) = in_label(world, None, ours).await {
        tracing::debug!(error = &error as &dyn std::error::Error, "the lock stays, and grows stale");
    }
}
