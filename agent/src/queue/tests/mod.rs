//! The queue's promises, over a real folder and over a disk that breaks on request.

mod histories;
mod model;
mod promises;
mod refused;
mod settled;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::testing::FakeDisk;
use super::*;
use crate::record::Identity;

pub(super) const SMALL: Settings = Settings { max_bytes: 8192, segment_bytes: 1024 };
pub(super) const BOOT: Uuid = Uuid::from_u128(0xb007);
pub(super) const NEXT_BOOT: Uuid = Uuid::from_u128(0xb008);

/// A time that passes only when it is told to.
#[derive(Clone)]
pub(super) struct Hand {
    start: Instant,
    seconds: Arc<AtomicU64>,
}

impl Hand {
    pub(super) fn new() -> Self {
        Self { start: Instant::now(), seconds: Arc::default() }
    }

    /// Seconds since its beginning.
    pub(super) fn seconds(&self) -> u64 {
        self.seconds.load(Ordering::Relaxed)
    }

    pub(super) fn pass(&self, seconds: u64) {
        self.seconds.fetch_add(seconds, Ordering::Relaxed);
    }

    /// The cursor goes by it from here on.
    pub(super) fn keep(&self, cursor: &mut Cursor) {
        let hand = self.clone();
        cursor.keep_time(move || hand.start + Duration::from_secs(hand.seconds()));
    }

    /// Time passes until nothing that the cursor has passed can be lost by its sink any more, and that is synced.
    pub(super) fn settle(cursor: &mut Cursor) {
        let hand = Self::new();
        hand.keep(cursor);
        hand.pass(60);
        cursor.sync().unwrap();
    }
}

/// Opens the queue in `path` with one cursor.
pub(super) fn open_at(path: &Path, boot: Uuid) -> (Writer, Reader, Cursor, Recovery) {
    parts(Arc::new(Directory::create(path).unwrap()), boot)
}

/// Opens the queue on a fake disk with one cursor.
pub(super) fn open_on(disk: &FakeDisk, boot: Uuid) -> (Writer, Reader, Cursor, Recovery) {
    parts(Arc::new(disk.clone()), boot)
}

fn parts(storage: Arc<dyn Storage>, boot: Uuid) -> (Writer, Reader, Cursor, Recovery) {
    let mut opened = open(storage, SMALL, boot, &["kafka"]).unwrap();
    let (reader, cursor) = opened.readers.remove(0);
    (opened.writer, reader, cursor, opened.recovery)
}

/// Appends `count` records of 50 bytes, each saying its own sequence, and commits them.
pub(super) fn fill(writer: &mut Writer, count: u64) {
    for _ in 0..count {
        append(writer);
    }
    writer.commit().unwrap();
}

pub(super) fn append(writer: &mut Writer) -> Identity {
    writer.append(1, |identity| format!("{:050}", identity.sequence).into_bytes())
}

/// The sequences that a reader sees from `from` on; each payload must be the record's own.
pub(super) fn sequences(reader: &mut Reader, from: u64) -> Vec<u64> {
    let entries = reader.read(from, usize::MAX, usize::MAX).unwrap().entries;
    for entry in &entries {
        assert_eq!(entry.payload, format!("{:050}", entry.identity.sequence).into_bytes());
    }
    entries.iter().map(|entry| entry.identity.sequence).collect()
}
