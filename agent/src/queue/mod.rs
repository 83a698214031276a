//! The durable queue: every record a board ever makes passes through these files on its disk.
//!
//! Invariants:
//! - Nothing is readable before it is durable: a reader sees only what an `fsync` has confirmed.
//! - `(queue id, sequence)` names one record for ever. Sequences in one folder only grow, by one a
//!   record; when an opening cannot prove that the files end where the last writer ended, a new queue
//!   id begins (see `recovery`).
//! - The queue is bounded on disk. When it is full the oldest segment goes, and what no cursor had
//!   passed is told as a [`Loss`], never forgotten.
//! - A cursor only moves forward, and only [`crate::ship`] moves it.
//!
//! The format is described in `format`; payloads are opaque here.
//!
//! ```text
//! Writer::append ─ Writer::commit (fsync) ─▶ segments ─▶ Reader::read ─▶ sink ─▶ Cursor::advance
//! ```

use crate::record::{GapReason, Identity};
use uuid::Uuid;

/// One record, as it lies in the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name.
    pub identity: Identity,
    /// What it is, in its owner's numbering; never 0.
    pub tag: u8,
    /// Its bytes.
    pub payload: Vec<u8>,
}

/// Records that no reader will see any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss {
    /// The queue that held them.
    pub queue: Uuid,
    /// First sequence missing.
    pub from: u64,
    /// Last sequence missing.
    pub to: u64,
    /// Why.
    pub reason: GapReason,
    /// How many records.
    pub count: u64,
}
