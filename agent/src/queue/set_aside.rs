//! Segments in which something could not be read: kept for people to look at, within a bound.

use std::collections::VecDeque;
use std::io;

use super::storage::{Listed, Storage};

/// The folder that damaged segments are moved to.
pub(super) const FOLDER: &str = "set-aside";
/// How many are kept, and no more than this share of the queue's bound.
const MOST: usize = 4;
const SHARE: u64 = 4;

/// What is set aside, oldest first.
#[derive(Debug)]
pub(super) struct SetAside {
    files: VecDeque<Listed>,
    max_bytes: u64,
}

impl SetAside {
    pub(super) fn open(storage: &dyn Storage, queue_bytes: u64) -> io::Result<Self> {
        let mut files = storage.list(FOLDER)?;
        files.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(Self { files: files.into(), max_bytes: queue_bytes / SHARE })
    }

    pub(super) fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }

    /// Moves `name` here, and lets the oldest go if there are too many.
    pub(super) fn take(&mut self, storage: &dyn Storage, name: &str, bytes: u64) -> io::Result<()> {
        storage.rename(name, &format!("{FOLDER}/{name}"))?;
        self.files.retain(|file| file.name != name);
        self.files.push_back(Listed { name: name.to_owned(), bytes });
        while self.files.len() > MOST || self.bytes() > self.max_bytes {
            let Some(oldest) = self.files.pop_front() else { break };
            storage.remove(&format!("{FOLDER}/{}", oldest.name))?;
        }
        Ok(())
    }
}
