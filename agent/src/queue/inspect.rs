//! Looking at a queue without touching it, also while an agent is at work: what lies there
//! ([`inspect`]), and whether every byte of it still holds ([`verify`]).
//!
//! Neither takes the lock. A segment may be released while it is looked at, and the last one may grow
//! in the middle of a write: the former is passed over, the latter shows as an unfinished end.

use std::io;

use serde::Serialize;
use uuid::Uuid;

use super::cursor_file::Stored;
use super::format::{TAG_VOID, cursor_name, segment_base, segment_name};
use super::open::LOCK;
use super::refused::{self, RefusedBySink};
use super::segment::{Bound, Step, Walk};
use super::set_aside::FOLDER;
use super::storage::Storage;
use super::survey::Facts;
use super::{CursorStatus, Entry, QueueError};
use crate::record::Identity;

/// What lies in a queue's folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Inspection {
    /// The queue of the last segment; none where there is no segment.
    pub queue: Option<Uuid>,
    /// The first sequence that is kept.
    pub oldest: u64,
    /// The sequence after the last record.
    pub next: u64,
    /// Bytes in segments.
    pub bytes: u64,
    /// Bytes at the end that are no whole record: a write cut short, or still going on.
    pub unfinished_bytes: u64,
    /// Whether the queue was closed cleanly, with nothing after it.
    pub sealed: bool,
    /// Every segment, oldest first.
    pub segments: Vec<SegmentInspection>,
    /// Every cursor's file.
    pub cursors: Vec<CursorStatus>,
    /// Cursor files in which no position can be read.
    pub unreadable_cursors: Vec<String>,
    /// Files set aside.
    pub set_aside: Vec<String>,
    /// What sinks refused for good.
    pub refused: Vec<RefusedStatus>,
}

/// What one sink refused, in short; [`refused`](super::refused()) tells all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RefusedStatus {
    /// Which sink.
    pub sink: String,
    /// Records that are kept.
    pub records: usize,
    /// Records that were kept and had to go.
    pub gone: u64,
    /// The sequence of the last.
    pub last: Option<u64>,
    /// When that was, by the board's clock: RFC 3339, UTC.
    pub time: Option<String>,
    /// Why the last was refused.
    pub reason: Option<String>,
}

/// One segment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SegmentInspection {
    /// Its file.
    pub file: String,
    /// The queue it belongs to; none when neither its header nor its neighbours tell.
    pub queue: Option<Uuid>,
    /// Its first sequence.
    pub from: u64,
    /// The sequence after its last.
    pub end: u64,
    /// Its length.
    pub bytes: u64,
}

/// What a check of every byte found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Verification {
    /// Segments read.
    pub segments: usize,
    /// Records that hold.
    pub records: u64,
    /// Their payloads' bytes.
    pub payload_bytes: u64,
    /// Everything that does not hold.
    pub damage: Vec<Damage>,
    /// Bytes at the end that are no whole record: a write cut short, or still going on. No damage.
    pub unfinished_bytes: u64,
}

/// A range of records that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Damage {
    /// The file.
    pub file: String,
    /// First sequence.
    pub from: u64,
    /// Last sequence; none where nothing tells how many there were.
    pub to: Option<u64>,
    /// What is wrong.
    pub kind: DamageKind,
}

/// What is wrong with a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DamageKind {
    /// The segment's header cannot be read, so its records have no name.
    Header,
    /// The same, but its neighbours tell the name: the records themselves hold.
    HeaderOnly,
    /// Frames that do not hold.
    Frames,
    /// The file is shorter than it was.
    Short,
}

/// Whether anything in the folder says that a queue lies here: a segment, a cursor or its lock.
///
/// # Errors
/// When the folder cannot be read.
pub fn lies_in(storage: &dyn Storage) -> Result<bool, QueueError> {
    let files = storage.list("").map_err(QueueError::storage("list", "the files", storage.place()))?;
    let ours = |name: &str| name == LOCK || segment_base(name).is_some() || cursor_name(name).is_some();
    Ok(files.iter().any(|file| ours(&file.name)))
}

/// Reads headers, cursors and the last segment.
///
/// # Errors
/// When the folder or a file in it cannot be read at all.
pub fn inspect(storage: &dyn Storage) -> Result<Inspection, QueueError> {
    let facts = Facts::gather(storage)?;
    let aside = storage.list(FOLDER).map_err(QueueError::storage("list", FOLDER, storage.place()))?;
    let segments: Vec<_> = facts.segments.iter().enumerate().map(|(i, _)| segment(&facts, i)).collect();
    let (last, furthest) = (facts.last(), facts.furthest());
    let next = segments.last().map_or(0, |segment| segment.end).max(furthest);
    let oldest = segments.first().map_or(next, |segment| segment.from);
    let cursor = |name: &String, Stored { position, settled, .. }: Stored| CursorStatus {
        name: name.clone(),
        position,
        backlog: next.saturating_sub(position.max(oldest)),
        unsettled: position.saturating_sub(settled.unwrap_or(oldest).max(oldest)),
    };
    let known = facts.cursors.iter().filter_map(|(name, stored)| stored.map(|stored| cursor(name, stored)));
    let unknown = facts.cursors.iter().filter(|(_, stored)| stored.is_none()).map(|(name, _)| name.clone());
    Ok(Inspection {
        queue: last.map(|(_, header, _)| header.queue),
        oldest,
        next,
        bytes: segments.iter().map(|segment| segment.bytes).sum(),
        unfinished_bytes: last.map_or(0, |(found, _, tail)| found.bytes.saturating_sub(tail.offset)),
        sealed: last.is_some_and(|(found, _, tail)| tail.sealed && tail.offset == found.bytes),
        cursors: known.collect(),
        unreadable_cursors: unknown.collect(),
        set_aside: aside.into_iter().map(|file| file.name).collect(),
        refused: refused::refused(storage)?.iter().map(in_short).collect(),
        segments,
    })
}

fn in_short(all: &RefusedBySink) -> RefusedStatus {
    let last = all.records.last();
    RefusedStatus {
        sink: all.sink.clone(),
        records: all.records.len(),
        gone: all.gone,
        last: last.map(|last| last.identity.sequence),
        time: last.map(|last| last.time.to_string()),
        reason: last.map(|last| last.reason.clone()),
    }
}

fn segment(facts: &Facts, index: usize) -> SegmentInspection {
    let found = facts.segments[index];
    SegmentInspection {
        file: segment_name(found.base),
        queue: facts.queue_of(index),
        from: found.base,
        end: facts.end_of(index).unwrap_or(found.base),
        bytes: found.bytes,
    }
}

/// Reads every byte of every segment, and hands every record that holds to `visit`, in order.
///
/// # Errors
/// When the folder or a file in it cannot be read at all. Damage is no error.
pub fn verify(storage: &dyn Storage, visit: &mut dyn FnMut(&Entry)) -> Result<Verification, QueueError> {
    let facts = Facts::gather(storage)?;
    let mut found = Verification::default();
    for index in 0..facts.segments.len() {
        let segment = segment(&facts, index);
        let Some(queue) = segment.queue else {
            let to = facts.segments.get(index + 1).map(|next| next.base.saturating_sub(1));
            let (file, from) = (segment.file, segment.from);
            found.damage.push(Damage { file, from, to, kind: DamageKind::Header });
            continue;
        };
        let file = match storage.open(&segment.file, false) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            file => file.map_err(QueueError::storage("open", &segment.file, storage.place()))?,
        };
        if facts.segments[index].header.is_none() {
            let (file, from, to) = (segment.file.clone(), segment.from, segment.end.checked_sub(1));
            found.damage.push(Damage { file, from, to, kind: DamageKind::HeaderOnly });
        }
        let mut walk = Walk::new(file, segment.from);
        walk.pass_bad_blocks();
        walk_through(&mut walk, &segment, queue, &mut found, visit).map_err(QueueError::storage(
            "read",
            &segment.file,
            storage.place(),
        ))?;
        found.segments += 1;
    }
    found.unfinished_bytes = facts.last().map_or(0, |(last, _, tail)| last.bytes.saturating_sub(tail.offset));
    Ok(found)
}

fn walk_through(
    walk: &mut Walk,
    segment: &SegmentInspection,
    queue: Uuid,
    found: &mut Verification,
    visit: &mut dyn FnMut(&Entry),
) -> io::Result<()> {
    let bound = Bound { bytes: segment.bytes, end: segment.end };
    let damage = |from, to, kind| Damage { file: segment.file.clone(), from, to: Some(to), kind };
    loop {
        match walk.step(bound)? {
            Step::Frame { tag: TAG_VOID, .. } | Step::Seal => {}
            Step::Frame { sequence, tag, payload } => {
                found.records += 1;
                found.payload_bytes += payload.len() as u64;
                let identity = Identity { queue, sequence };
                visit(&Entry { identity, tag, payload: payload.to_vec() });
            }
            Step::Hole { from, to } => found.damage.push(damage(from, to, DamageKind::Frames)),
            Step::End => break,
        }
    }
    let next = walk.next_sequence();
    if next < segment.end {
        let kind = if walk.offset() == segment.bytes { DamageKind::Short } else { DamageKind::Frames };
        found.damage.push(damage(next, segment.end - 1, kind));
    }
    Ok(())
}
