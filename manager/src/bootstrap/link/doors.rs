//! The way to all boards of a rack: bounded in number, and none waits for another.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use futures_util::future::join_all;
use tokio::sync::Semaphore;

use super::error::LinkError;
use super::folder::Folder;
use super::{Link, host_key};
use crate::rack::{Board, BoardName, Rack};

/// How many boards are being connected to at one time.
const AT_ONCE: usize = 16;

/// What every connection of this process shares.
#[derive(Debug)]
pub struct Doors {
    /// The rack's own file of known hosts.
    trusted: PathBuf,
    gate: Semaphore,
    private: OnceLock<Arc<Folder>>,
    made: AtomicUsize,
}

impl Doors {
    /// For the boards of this rack file: the keys that `pirack trust` confirmed lie beside it.
    #[must_use]
    pub fn of(rack_file: &Path) -> Self {
        Self {
            trusted: host_key::beside(rack_file),
            gate: Semaphore::new(AT_ONCE),
            private: OnceLock::new(),
            made: AtomicUsize::new(0),
        }
    }

    /// Connects to one board.
    ///
    /// # Errors
    /// When it cannot be reached, is not who it should be, or does not let us in.
    pub async fn open(&self, board: &Board) -> Result<Arc<Link>, LinkError> {
        // A semaphore that nobody closes gives a place sooner or later.
        let _place = self.gate.acquire().await.ok();
        Link::open(board, self).await.map(Arc::new)
    }

    pub(super) fn trusted(&self) -> Option<&Path> {
        Some(&self.trusted)
    }

    /// A folder for one connection, and what keeps the one above it.
    pub(super) fn folder_for(&self, board: &BoardName) -> Result<(Arc<Folder>, PathBuf), LinkError> {
        let file = |source| LinkError::File { board: board.clone(), path: std::env::temp_dir(), source };
        let private = match self.private.get() {
            Some(private) => Arc::clone(private),
            None => {
                let made = Arc::new(Folder::make().map_err(file)?);
                Arc::clone(self.private.get_or_init(|| made))
            }
        };
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        let folder = private.below(&number.to_string()).map_err(file)?;
        Ok((private, folder))
    }
}

/// A rack's connections: for every board its link, or why there is none.
#[derive(Debug, Default)]
pub struct Links {
    all: BTreeMap<BoardName, Result<Arc<Link>, LinkError>>,
}

impl Links {
    /// Connects to every board of the rack at once; it takes as long as the slowest, which has its deadline.
    pub async fn open(rack: &Rack, doors: &Doors) -> Self {
        let each = rack.boards.iter().map(async |board| (board.name.clone(), doors.open(board).await));
        Self { all: join_all(each).await.into_iter().collect() }
    }

    /// The link to this board; nothing where there is no such board, or no link.
    #[must_use]
    pub fn get(&self, board: &BoardName) -> Option<&Arc<Link>> {
        self.all.get(board).and_then(|link| link.as_ref().ok())
    }

    /// All boards, by name, each with its link or why not.
    pub fn all(&self) -> impl Iterator<Item = (&BoardName, Result<&Arc<Link>, &LinkError>)> {
        self.all.iter().map(|(board, link)| (board, link.as_ref()))
    }

    /// Why boards were not reached.
    pub fn errors(&self) -> impl Iterator<Item = (&BoardName, &LinkError)> {
        self.all.iter().filter_map(|(board, link)| Some((board, link.as_ref().err()?)))
    }
}
