//! A disk that exists in memory and breaks on request, for tests of what a queue does about it.
//!
//! It keeps the rules of [`storage`](super::Storage), and is as unkind as they allow:
//! - A power cut keeps of each unsynced write all, nothing, or the first part, whatever came later; a file
//!   that was made longer shows zeros where a write is missing. Of the changes to names since the last
//!   directory sync it keeps the first few, in order.
//! - After a failed sync the bytes are in doubt, and the next sync says that all is well.
//! - A disk may lie: every sync succeeds and makes nothing safe.
//! - An open file outlives its name, and so does the room that it takes. A crash ends every handle: it answers with errors from then on.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::storage::{Listed, Lock, Storage, StoredFile};

type Names = BTreeMap<String, usize>;

/// The disk. Clones are the same disk.
#[derive(Clone, Debug, Default)]
pub struct FakeDisk {
    inner: Arc<Mutex<Disk>>,
}

#[derive(Debug, Default)]
struct Disk {
    /// Counts crashes: handles of an earlier life are dead.
    life: u64,
    inodes: Vec<Inode>,
    names: Names,
    safe_names: Names,
    /// The names after each change since the last directory sync.
    name_changes: Vec<Names>,
    capacity: Option<u64>,
    read: u64,
    failing_writes: u32,
    failing_syncs: u32,
    /// After how many more writes and syncs the process is killed.
    last_words: Option<u32>,
    lies: bool,
    bad_blocks: BTreeSet<(usize, u64)>,
    locked: bool,
}

#[derive(Debug, Default)]
struct Inode {
    bytes: Vec<u8>,
    safe: Vec<u8>,
    unsynced: Vec<Change>,
    /// How many handles of this life hold it.
    open: u32,
}

#[derive(Clone, Debug)]
enum Change {
    Write { offset: usize, bytes: Vec<u8> },
    Truncate { bytes: usize },
}

impl Change {
    fn apply(&self, content: &mut Vec<u8>) {
        match self {
            Self::Write { offset, bytes } => {
                let end = offset + bytes.len();
                if content.len() < end {
                    content.resize(end, 0);
                }
                content[*offset..end].copy_from_slice(bytes);
            }
            Self::Truncate { bytes } => content.truncate(*bytes),
        }
    }

    /// What a power cut leaves of it.
    fn after_power_cut(&self, chance: &mut Chance) -> Option<Self> {
        match (chance.below(3), self) {
            (0, _) => None,
            (1, Self::Write { offset, bytes }) => {
                let kept = chance.below(bytes.len() + 1);
                Some(Self::Write { offset: *offset, bytes: bytes[..kept].to_vec() })
            }
            _ => Some(self.clone()),
        }
    }
}

/// A small generator (splitmix64), so that a seed tells the whole story.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % bound.max(1) as u64).unwrap_or(0)
    }
}

impl FakeDisk {
    fn disk(&self) -> MutexGuard<'_, Disk> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn handle(&self, disk: &mut Disk, inode: usize, writable: bool) -> FakeFile {
        disk.inodes[inode].open += 1;
        FakeFile { disk: self.clone(), life: disk.life, inode, writable }
    }

    /// The process is killed: its handles and its lock go, what it wrote stays in the page cache.
    pub fn kill(&self) {
        self.disk().kill();
    }

    /// The process is killed after so many more writes and syncs of files.
    pub fn kill_after(&self, changes: u32) {
        self.disk().last_words = Some(changes);
    }

    /// The power goes. `seed` decides what is left of what was not safe.
    pub fn cut_power(&self, seed: u64) {
        self.kill();
        let mut chance = Chance(seed);
        let mut disk = self.disk();
        let kept = chance.below(disk.name_changes.len() + 1);
        if kept > 0 {
            disk.safe_names = disk.name_changes[kept - 1].clone();
        }
        disk.names = disk.safe_names.clone();
        disk.name_changes.clear();
        for inode in &mut disk.inodes {
            for change in std::mem::take(&mut inode.unsynced) {
                if let Some(change) = change.after_power_cut(&mut chance) {
                    change.apply(&mut inode.safe);
                }
            }
            inode.bytes = inode.safe.clone();
        }
    }

    /// From now on every sync succeeds and makes nothing safe; or does what it says again.
    pub fn lie(&self, lies: bool) {
        self.disk().lies = lies;
    }

    /// The disk holds no more than this; `None` is without end.
    pub fn set_capacity(&self, bytes: Option<u64>) {
        self.disk().capacity = bytes;
    }

    /// Bytes in files that have a name, or are open.
    #[must_use]
    pub fn used(&self) -> u64 {
        self.disk().used()
    }

    /// The next `count` writes fail half-way.
    pub fn fail_writes(&self, count: u32) {
        self.disk().failing_writes = count;
    }

    /// How many bytes were read in all.
    #[must_use]
    pub fn bytes_read(&self) -> u64 {
        self.disk().read
    }

    /// The next `count` syncs of files fail.
    pub fn fail_syncs(&self, count: u32) {
        self.disk().failing_syncs = count;
    }

    /// The block of 4096 bytes around `offset` cannot be read any more.
    pub fn break_block(&self, name: &str, offset: u64) {
        let mut disk = self.disk();
        if let Some(&inode) = disk.names.get(name) {
            disk.bad_blocks.insert((inode, offset / 4096));
        }
    }

    /// Flips one bit, in the cache and on the medium; false where the file has no such byte.
    #[must_use]
    pub fn flip(&self, name: &str, offset: usize, bit: u8) -> bool {
        let mut disk = self.disk();
        let Some(&inode) = disk.names.get(name) else { return false };
        let inode = &mut disk.inodes[inode];
        for content in [&mut inode.bytes, &mut inode.safe] {
            match content.get_mut(offset) {
                Some(byte) => *byte ^= 1 << (bit % 8),
                None => return false,
            }
        }
        true
    }
}

impl Disk {
    fn kill(&mut self) {
        self.life += 1;
        self.locked = false;
        self.last_words = None;
        for inode in &mut self.inodes {
            inode.open = 0;
        }
    }

    fn used(&self) -> u64 {
        let named: BTreeSet<usize> = self.names.values().copied().collect();
        let held = self.inodes.iter().enumerate();
        let held = held.filter(|(index, inode)| inode.open > 0 || named.contains(index));
        held.map(|(_, inode)| inode.bytes.len() as u64).sum()
    }

    fn rename(&mut self, change: impl FnOnce(&mut Names)) {
        change(&mut self.names);
        self.name_changes.push(self.names.clone());
    }
}

fn gone() -> io::Error {
    io::Error::other("the process that held this file is dead")
}

impl Storage for FakeDisk {
    fn place(&self) -> String {
        "a disk in memory".to_owned()
    }

    fn list(&self, folder: &str) -> io::Result<Vec<Listed>> {
        let disk = self.disk();
        let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let files = disk.names.iter().filter_map(|(name, &inode)| {
            let name = name.strip_prefix(&prefix).filter(|name| !name.contains('/'))?;
            Some(Listed { name: name.to_owned(), bytes: disk.inodes[inode].bytes.len() as u64 })
        });
        Ok(files.collect())
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn StoredFile>> {
        let mut disk = self.disk();
        if disk.names.contains_key(name) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let inode = disk.inodes.len();
        disk.inodes.push(Inode::default());
        disk.rename(|names| {
            names.insert(name.to_owned(), inode);
        });
        Ok(Box::new(self.handle(&mut disk, inode, true)))
    }

    fn open(&self, name: &str, writable: bool) -> io::Result<Box<dyn StoredFile>> {
        let mut disk = self.disk();
        let inode = *disk.names.get(name).ok_or(io::ErrorKind::NotFound)?;
        Ok(Box::new(self.handle(&mut disk, inode, writable)))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut disk = self.disk();
        let inode = *disk.names.get(from).ok_or(io::ErrorKind::NotFound)?;
        disk.rename(|names| {
            names.remove(from);
            names.insert(to.to_owned(), inode);
        });
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut disk = self.disk();
        if !disk.names.contains_key(name) {
            return Err(io::ErrorKind::NotFound.into());
        }
        disk.rename(|names| {
            names.remove(name);
        });
        Ok(())
    }

    fn sync_directory(&self) -> io::Result<()> {
        let mut disk = self.disk();
        if !disk.lies {
            disk.safe_names = disk.names.clone();
            disk.name_changes.clear();
        }
        Ok(())
    }

    fn free(&self) -> io::Result<u64> {
        let disk = self.disk();
        Ok(disk.capacity.map_or(u64::MAX, |capacity| capacity.saturating_sub(disk.used())))
    }

    fn lock(&self, _name: &str) -> io::Result<Box<dyn Lock>> {
        let mut disk = self.disk();
        if disk.locked {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        disk.locked = true;
        Ok(Box::new(FakeLock { disk: self.clone(), life: disk.life }))
    }
}

#[derive(Debug)]
struct FakeLock {
    disk: FakeDisk,
    life: u64,
}

impl Lock for FakeLock {}

impl Drop for FakeLock {
    fn drop(&mut self) {
        let mut disk = self.disk.disk();
        if disk.life == self.life {
            disk.locked = false;
        }
    }
}

#[derive(Debug)]
struct FakeFile {
    disk: FakeDisk,
    life: u64,
    inode: usize,
    writable: bool,
}

impl FakeFile {
    fn alive(&self) -> io::Result<MutexGuard<'_, Disk>> {
        let disk = self.disk.disk();
        if disk.life == self.life { Ok(disk) } else { Err(gone()) }
    }

    /// The disk, for a process that lives long enough to change it once more.
    fn last_words(&self) -> io::Result<MutexGuard<'_, Disk>> {
        let mut disk = self.alive()?;
        if disk.last_words == Some(0) {
            disk.kill();
            return Err(gone());
        }
        disk.last_words = disk.last_words.map(|left| left - 1);
        Ok(disk)
    }

    fn change(&self, disk: &mut Disk, change: Change) {
        let inode = &mut disk.inodes[self.inode];
        change.apply(&mut inode.bytes);
        inode.unsynced.push(change);
    }
}

impl Drop for FakeFile {
    fn drop(&mut self) {
        if let Ok(mut disk) = self.alive() {
            disk.inodes[self.inode].open -= 1;
        }
    }
}

impl StoredFile for FakeFile {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let mut disk = self.alive()?;
        let blocks = offset / 4096..=(offset + buffer.len().max(1) as u64 - 1) / 4096;
        let bad = |(inode, block): &(usize, u64)| *inode == self.inode && blocks.contains(block);
        if disk.bad_blocks.iter().any(bad) {
            return Err(io::Error::from_raw_os_error(libc::EIO));
        }
        let offset = usize::try_from(offset).unwrap_or(usize::MAX);
        let content = disk.inodes[self.inode].bytes.get(offset..).unwrap_or_default();
        let read = content.len().min(buffer.len());
        buffer[..read].copy_from_slice(&content[..read]);
        disk.read += read as u64;
        Ok(read)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut disk = self.last_words()?;
        if !self.writable {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        let offset = usize::try_from(offset).unwrap_or(usize::MAX);
        if disk.failing_writes > 0 {
            disk.failing_writes -= 1;
            let half = bytes[..bytes.len() / 2].to_vec();
            self.change(&mut disk, Change::Write { offset, bytes: half });
            return Err(io::Error::from_raw_os_error(libc::EIO));
        }
        let grows = (offset + bytes.len()).saturating_sub(disk.inodes[self.inode].bytes.len());
        let free = disk.capacity.map_or(usize::MAX, |capacity| {
            usize::try_from(capacity.saturating_sub(disk.used())).unwrap_or(usize::MAX)
        });
        let kept = bytes.len() - grows.saturating_sub(free).min(bytes.len());
        self.change(&mut disk, Change::Write { offset, bytes: bytes[..kept].to_vec() });
        if kept < bytes.len() { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    fn truncate(&self, bytes: u64) -> io::Result<()> {
        let mut disk = self.alive()?;
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
        self.change(&mut disk, Change::Truncate { bytes });
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        let mut disk = self.last_words()?;
        let (lies, fails) = (disk.lies, disk.failing_syncs > 0);
        disk.failing_syncs -= u32::from(fails);
        let inode = &mut disk.inodes[self.inode];
        if fails {
            // The kernel marks the pages clean: what was not written stays unwritten, and is not tried again.
            inode.unsynced.clear();
            return Err(io::Error::from_raw_os_error(libc::EIO));
        }
        if !lies {
            for change in std::mem::take(&mut inode.unsynced) {
                change.apply(&mut inode.safe);
            }
        }
        Ok(())
    }
}
