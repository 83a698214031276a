//! One sink's reader: durable records, in order, past whatever cannot be read.
//!
//! Between two reads a reader remembers a place and holds no file: a file that is held keeps its room on
//! the disk after its name has gone, and the writer gives segments up because it needs that room.

use std::io;
use std::sync::Arc;

use super::format::{TAG_SEAL, TAG_VOID, segment_name};
use super::segment::{Bound, Step, Walk};
use super::state::{Segment, Shared};
use super::{Entry, QueueError};
use crate::record::{GapReason, Identity};

/// Reads a queue from any sequence on.
#[derive(Debug)]
pub struct Reader {
    shared: Arc<Shared>,
    /// Where the last read ended, so that the next need not begin at a segment's start.
    stood: Option<Stood>,
    /// How often in a row the disk has failed to read.
    failures: u32,
}

/// A place between two frames of a segment.
#[derive(Clone, Copy, Debug)]
struct Stood {
    base: u64,
    offset: u64,
    next: u64,
}

/// After so many failures in a row an unreadable block counts as damage, if the file's beginning can be
/// read: then it is the block, and not the whole disk that is away for a while.
const PATIENCE: u32 = 5;

/// What a read found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// The records, in order.
    pub entries: Vec<Entry>,
    /// Where to read on. Past the last record, and past what could not be read behind it.
    pub next: u64,
}

/// What a read has gathered so far.
struct Gathering {
    entries: Vec<Entry>,
    records_left: usize,
    bytes_left: usize,
}

impl Gathering {
    fn full(&self) -> bool {
        self.records_left == 0 || self.bytes_left == 0
    }

    fn push(&mut self, entry: Entry) {
        self.records_left -= 1;
        self.bytes_left = self.bytes_left.saturating_sub(entry.payload.len());
        self.entries.push(entry);
    }
}

impl Reader {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, stood: None, failures: 0 }
    }

    /// The queues whose records the disk holds, or has held last.
    #[must_use]
    pub fn queues(&self) -> Vec<uuid::Uuid> {
        let mut queues: Vec<_> = self.shared.state().segments.iter().map(|segment| segment.queue).collect();
        queues.dedup();
        queues
    }

    /// The durable records from `from` on: at most `max_records`, and no more once their payloads reach
    /// `max_bytes`. No records, and `next` at `from`, when there
    /// is nothing yet. What cannot be read is passed over and told through
    /// [`Writer::take_losses`](super::Writer::take_losses), so the first record may lie after `from`.
    ///
    /// # Errors
    /// [`QueueError::Storage`] when the disk does not answer. Read again later: nothing is
    /// passed over, until one block has failed several times while its file can be read elsewhere.
    pub fn read(&mut self, from: u64, max_records: usize, max_bytes: usize) -> Result<Batch, QueueError> {
        let mut batch = Gathering { entries: Vec::new(), records_left: max_records, bytes_left: max_bytes };
        let mut position = from;
        while !batch.full() {
            let Some(segment) = self.shared.state().locate(position).cloned() else { break };
            position = self.read_segment(&segment, position.max(segment.base), &mut batch)?;
        }
        Ok(Batch { entries: batch.entries, next: position })
    }

    /// Reads on in one segment; returns where to go on.
    fn read_segment(
        &mut self,
        segment: &Segment,
        position: u64,
        batch: &mut Gathering,
    ) -> Result<u64, QueueError> {
        let Some(mut walk) = self.walk_to(segment, position)? else { return Ok(segment.end) };
        if self.failures >= PATIENCE && walk.file_answers() {
            walk.pass_bad_blocks();
        }
        let bound = Bound { bytes: segment.bytes, end: segment.end };
        let mut holes = Vec::new();
        let outcome = gather(&mut walk, bound, segment, position, batch, &mut holes);
        let next = walk.next_sequence();
        self.stood = Some(Stood { base: segment.base, offset: walk.offset(), next });
        if next < segment.end && !batch.full() && outcome.is_ok() {
            holes.push(walk.missing_to(bound));
            self.stood = None;
        }
        // Also those before `position`: whoever came by before may have been another process.
        for (hole, reason) in holes {
            self.shared.state().damage(segment.base, hole, reason);
        }
        self.failures = if outcome.is_ok() { 0 } else { self.failures.saturating_add(1) };
        outcome.map_err(|source| self.failed("read", segment, source))?;
        Ok(if batch.full() { next } else { segment.end })
    }

    /// A walk through `segment`, at or before `position`. None when its file has gone: dropped by the
    /// writer a moment ago, or by somebody else, which is told.
    fn walk_to(&self, segment: &Segment, position: u64) -> Result<Option<Walk>, QueueError> {
        let file = match self.shared.storage.open(&segment_name(segment.base), false) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let gone = position..segment.end;
                self.shared.state().damage(segment.base, gone, GapReason::Vanished);
                return Ok(None);
            }
            Err(source) => return Err(self.failed("open", segment, source)),
        };
        let here = |stood: &Stood| stood.base == segment.base && stood.next <= position;
        Ok(Some(match self.stood.filter(here) {
            Some(Stood { offset, next, .. }) => Walk::resume(file, offset, next),
            None => Walk::new(file, segment.base),
        }))
    }

    fn failed(&self, what: &'static str, segment: &Segment, source: io::Error) -> QueueError {
        QueueError::storage(what, segment_name(segment.base), self.shared.storage.place())(source)
    }
}

/// Walks until the batch is full or the bound is met.
fn gather(
    walk: &mut Walk,
    bound: Bound,
    segment: &Segment,
    position: u64,
    batch: &mut Gathering,
    holes: &mut Vec<(std::ops::Range<u64>, GapReason)>,
) -> io::Result<()> {
    while !batch.full() {
        match walk.step(bound)? {
            Step::Frame { sequence, tag, payload } => {
                if sequence >= position && tag != TAG_VOID && tag != TAG_SEAL {
                    let identity = Identity { queue: segment.queue, sequence };
                    batch.push(Entry { identity, tag, payload: payload.to_vec() });
                }
            }
            Step::Hole { from, to } => holes.push((from..to + 1, GapReason::Corrupt)),
            Step::Seal => {}
            Step::End => break,
        }
    }
    Ok(())
}
