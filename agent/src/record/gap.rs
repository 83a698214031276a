//! What a queue had to give up: said in the stream itself, so that nothing is missing in silence.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Why records are missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GapReason {
    /// The queue had reached its bound; the oldest went.
    QueueFull,
    /// The disk had no room for new records and nothing older to give.
    DiskFull,
    /// The disk refused to write.
    WriteFailed,
    /// Bytes on disk did not match their checksum and were set aside.
    Corrupt,
    /// Records that were there are there no more: a file vanished, or a disk forgot what it had confirmed.
    Vanished,
    /// A sink refused the record for good.
    Refused,
}

/// Records `from` to `to`, both included, of queue `of`, that no sink will receive any more, or that one sink refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// The queue that held them; not always the queue that says so.
    pub of: Uuid,
    /// First sequence missing.
    pub from: u64,
    /// Last sequence missing.
    pub to: u64,
    /// Why.
    pub reason: GapReason,
    /// How many records.
    pub count: u64,
    /// The sink that refused them; another may well have taken them. Absent where no sink will get them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sink: Option<String>,
}
