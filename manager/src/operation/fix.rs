//! Mends on boards what preflight finds there, as far as that is safe.
//!
//! What is kept:
//! - Nobody else changes the rack meanwhile: it is done under the lock, which lies where an apply's would.
//! - Boards are mended beside each other, each by one fix after another. The first that fails is its board's last.
//! - Every fix may be done again: whoever was killed begins anew with a look.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use serde::{Deserialize, Serialize};

use super::held::Held;
use super::plan::Left;
use super::run::{come_up, lock_board};
use super::seen::Seen;
use super::world::World;
use super::{Conductor, OperationError};
use crate::bootstrap::fix::{self, Fix};
use crate::look::SwarmLook;
use crate::rack::{Board, BoardName, Rack};
use crate::reach::chain;

/// What is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mend {
    /// On which boards; on all where none is named.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub boards: BTreeSet<BoardName>,
    /// Formats a data disk that is not there, where the file names its device.
    #[serde(default)]
    pub format: bool,
}

/// What a fix is asked to do.
pub struct Request<'a> {
    /// The rack, as its file says.
    pub rack: &'a Rack,
    /// What of it.
    pub mend: &'a Mend,
    /// Takes the lock from whoever has it.
    pub break_lock: bool,
}

/// What came of a finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mended {
    /// Where it was found.
    pub board: BoardName,
    /// Its code.
    pub code: String,
    /// What was done, in lines.
    pub did: Option<Vec<String>>,
    /// Why it was not.
    pub failed: Option<String>,
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fixed {
    /// Fixes that were done.
    pub steps: usize,
    /// Every finding that there is a way to mend.
    pub mended: Vec<Mended>,
}

impl Fixed {
    /// What is left to be mended, by others or another time.
    pub(super) fn undone(&self) -> Vec<Left> {
        let left = self.mended.iter().filter_map(|mended| {
            Some(Left {
                subject: format!("{} on {}", mended.code, mended.board),
                reason: mended.failed.clone()?,
                code: None,
                unknown: false,
            })
        });
        left.collect()
    }
}

/// Looks, and mends.
///
/// # Errors
/// As [`OperationError`] says; whatever was done by then stays.
pub async fn fix<W: World>(
    request: &Request<'_>,
    world: &W,
    conductor: &Conductor,
) -> Result<Fixed, OperationError> {
    let Request { rack, mend, break_lock } = request;
    conductor.started();
    let is_meant = |board: &&Board| mend.boards.is_empty() || mend.boards.contains(&board.name);
    let boards: Vec<&Board> = rack.boards.iter().filter(is_meant).collect();
    let report = world.inspect(rack, &boards).await;
    let (fixes, left) = fix::plan(rack, &report, mend.format);
    let mended = left.into_iter().map(|left| Mended {
        board: left.board,
        code: left.check.code().to_owned(),
        did: None,
        failed: Some(left.why),
    });
    let mut fixed = Fixed { steps: 0, mended: mended.collect() };
    if fixes.is_empty() {
        return Ok(fixed);
    }
    let file = lock_file(rack, world, conductor).await?;
    let held = Held::take(world, file, *break_lock, conductor).await?;
    let work = async {
        let (of, begun) = (fixes.len(), AtomicUsize::new(0));
        let mut going: Vec<&BoardName> = boards.iter().map(|board| &board.name).collect();
        for fixes in fix::in_turn(rack, fixes) {
            let one = |board: &&BoardName| {
                let own = fixes.iter().filter(|fix| fix.board == **board).collect();
                on_board(world, &held, conductor, own, of, &begun)
            };
            let mut came = vec![];
            for each in join_all(going.iter().map(one)).await {
                came.extend(each?);
            }
            going.retain(|board| came.iter().all(|came| came.board != **board || came.did.is_some()));
            fixed.mended.extend(came);
        }
        fixed.steps = fixed.mended.iter().filter(|mended| mended.did.is_some()).count();
        Ok(fixed)
    };
    held.during(world, work).await
}

/// The board that has the lock as a file: nobody where this rack's swarm has it. While managers choose a leader that cannot
/// be told, and is waited for, as an apply does.
async fn lock_file<W: World>(
    rack: &Rack,
    world: &W,
    conductor: &Conductor,
) -> Result<Option<BoardName>, OperationError> {
    let unled = |look: &Seen| look.coming_up().filter(|_| look.swarm.is_none());
    let look = come_up(conductor, || async { Ok(world.see(rack).await) }, unled).await?;
    let is_ours = |swarm: &SwarmLook| match &swarm.identity {
        Some(identity) => identity.as_ref().is_ok_and(|identity| identity.is_of(&rack.name)),
        None => true,
    };
    if look.swarm.as_ref().is_some_and(is_ours) {
        return Ok(None);
    }
    Ok(lock_board(rack, world).await)
}

/// A board's fixes, one after another.
pub(super) async fn on_board<W: World>(
    world: &W,
    held: &Held,
    conductor: &Conductor,
    fixes: Vec<&Fix>,
    of: usize,
    begun: &AtomicUsize,
) -> Result<Vec<Mended>, OperationError> {
    let mut mended = vec![];
    let mut ahead: Duration = fixes.iter().map(|fix| fix.deed.expected()).sum();
    for fix in fixes {
        held.confirm(world).await?;
        let number = begun.fetch_add(1, Ordering::Relaxed) + 1;
        let what = format!("mend {} on {}: {}", fix.check, fix.board, fix.check.finds());
        let underway = conductor.begin(what, number, of, ahead)?;
        let came = world.mend(fix).await;
        ahead = ahead.saturating_sub(fix.deed.expected());
        let (board, code) = (fix.board.clone(), fix.check.code().to_owned());
        match came {
            Ok(lines) => {
                lines.iter().for_each(|line| conductor.note(&format!("{board}: {line}")));
                underway.done();
                mended.push(Mended { board, code, did: Some(lines), failed: None });
            }
            Err(error) => {
                mended.push(Mended { board, code, did: None, failed: Some(chain(&error)) });
                break;
            }
        }
    }
    Ok(mended)
}
