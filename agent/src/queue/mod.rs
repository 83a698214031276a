//! The durable queue: every record a board ever makes passes through these files on its disk.
//!
//! Invariants:
//! - Nothing is readable before it is durable: a reader sees only what an `fsync` has confirmed.
//! - `(queue id, sequence)` names one record for ever. Sequences in one folder only grow, by one a
//!   record; when an opening cannot prove that the files end where the last writer ended, a new queue
//!   id begins (see `recovery`).
//! - The queue is bounded on disk. When it is full the oldest segment goes, and what some sink had never
//!   had is told as a [`Loss`], never forgotten.
//! - A cursor only moves forward, and only [`crate::ship`] moves it; but the first opening in a new boot sets
//!   it back to what was settled, for sinks may lose their power as boards do (see `settling`).
//! - What a cursor has passed is kept until it is settled, as long as there is room.
//!
//! The format is described in `format`, that of what sinks refused in `refused`; payloads are opaque here.
//!
//! ```text
//! Writer::append ─ Writer::commit (fsync) ─▶ segments ─▶ Reader::read ─▶ sink ─▶ Cursor::advance
//! ```

mod cursor;
mod cursor_file;
mod error;
mod format;
mod inspect;
mod loss;
mod open;
mod reader;
mod recovery;
mod refused;
mod segment;
mod set_aside;
mod settling;
mod state;
mod storage;
mod survey;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod writer;

#[cfg(test)]
mod tests;

pub use cursor::Cursor;
pub use error::QueueError;
pub use inspect::{
    Damage, DamageKind, Inspection, RefusedStatus, SegmentInspection, Verification, inspect, lies_in, verify,
};
pub use loss::Loss;
pub(crate) use loss::Losses;
pub use open::{Opened, open};
pub use reader::{Batch, Reader};
pub use recovery::{Recovery, Start};
pub use refused::{Refusals, RefusedBySink, RefusedRecord, refused};
pub use settling::SETTLED_AFTER;
pub use state::{CursorStatus, Status};
pub use storage::{Directory, Listed, Lock, Storage, StoredFile};
pub use writer::{Closed, Commit, Writer};

pub use crate::record::Entry;

/// A queue's bounds on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The most that segments, and what is set aside, may take. Beyond it the oldest segment goes.
    pub max_bytes: u64,
    /// The size at which a new segment is begun: what is given up, or released, at once. More than a
    /// quarter of `max_bytes`, or of the room that the disk really has, counts as a quarter.
    pub segment_bytes: u64,
}

impl Settings {
    /// These bytes in all, in segments of the usual size.
    #[must_use]
    pub fn bounded(max_bytes: u64) -> Self {
        Self { max_bytes, ..Self::default() }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self { max_bytes: 1 << 30, segment_bytes: 8 << 20 }
    }
}

/// Bounds that hold a queue.
#[derive(Clone, Copy, Debug)]
struct Limits {
    max_bytes: u64,
    segment_bytes: u64,
}

impl Limits {
    /// The least segment: a header, and a small record or two.
    const LEAST: u64 = 256;

    fn new(settings: Settings) -> Result<Self, QueueError> {
        let Settings { max_bytes, segment_bytes } = settings;
        let limits = Self { max_bytes, segment_bytes: segment_bytes.min(max_bytes / 4) };
        if limits.segment_bytes < Self::LEAST {
            return Err(QueueError::Settings { max_bytes, segment_bytes, least: Self::LEAST * 4 });
        }
        Ok(limits)
    }

    /// Where a segment ends that is begun on a disk with this much room for the queue in all. On a disk far
    /// smaller than the bound, too, the oldest segment must not be all there is.
    fn segment_within(&self, room: u64) -> u64 {
        /// Files take whole blocks: smaller segments would waste what little room there is.
        const BLOCK: u64 = 4096;
        self.segment_bytes.min((room / 4).max(BLOCK))
    }

    /// The largest frame that fits into a segment.
    fn frame_bytes(&self) -> usize {
        let bytes = self.segment_bytes - format::HEADER_LEN as u64;
        usize::try_from(bytes).unwrap_or(usize::MAX)
    }
}
