//! One sink's reader: durable records, in order, past whatever cannot be read.

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
    walk: Option<(u64, Walk)>,
    /// How often in a row the disk has failed to read.
    failures: u32,
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
        Self { shared, walk: None, failures: 0 }
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
        let give_up = self.failures >= PATIENCE;
        let Some(walk) = self.walk_to(segment, position)? else { return Ok(segment.end) };
        if give_up && walk.file_answers() {
            walk.pass_bad_blocks();
        }
        let bound = Bound { bytes: segment.bytes, end: segment.end };
        let mut holes = Vec::new();
        let outcome = gather(walk, bound, segment, position, batch, &mut holes);
        let next = walk.next_sequence();
        if next < segment.end && !batch.full() && outcome.is_ok() {
            // The file ends early: cut off at a frame, or broken to its end.
            let clean = walk.offset() == segment.bytes;
            holes.push((next..segment.end, if clean { GapReason::Vanished } else { GapReason::Corrupt }));
            self.walk = None;
        }
        for (hole, reason) in holes {
            self.shared.state().damage(segment.base, hole.start.max(position)..hole.end, reason);
        }
        self.failures = if outcome.is_ok() { 0 } else { self.failures.saturating_add(1) };
        outcome.map_err(|source| self.failed("read", segment, source))?;
        Ok(if batch.full() { next } else { segment.end })
    }

    /// The walk through `segment`, at or before `position`. None when its file has gone: dropped by the
    /// writer a moment ago, or by somebody else, which is told.
    fn walk_to(&mut self, segment: &Segment, position: u64) -> Result<Option<&mut Walk>, QueueError> {
        let kept =
            self.walk.take().filter(|(base, walk)| *base == segment.base && walk.next_sequence() <= position);
        let walk = match kept {
            Some((_, walk)) => walk,
            None => match self.shared.storage.open(&segment_name(segment.base), false) {
                Ok(file) => Walk::new(file, segment.base),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    let gone = position..segment.end;
                    self.shared.state().damage(segment.base, gone, GapReason::Vanished);
                    return Ok(None);
                }
                Err(source) => return Err(self.failed("open", segment, source)),
            },
        };
        Ok(Some(&mut self.walk.insert((segment.base, walk)).1))
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
