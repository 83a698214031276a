//! What a queue says to the person who must act.

use std::io;

/// Why a queue could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// The bounds cannot hold a queue.
    #[error(
        "a queue of at most {max_bytes} bytes in segments of {segment_bytes} holds nothing: allow at least {least} bytes in all"
    )]
    Settings {
        /// The bound on the whole queue.
        max_bytes: u64,
        /// The bound on a segment.
        segment_bytes: u64,
        /// The least that will do for the whole queue.
        least: u64,
    },
    /// A cursor's name is not a file's name.
    #[error("\"{name}\" is no name for a cursor: use letters, digits, \"-\" and \"_\"")]
    CursorName {
        /// The name given.
        name: String,
    },
    /// Another process has it.
    #[error(
        "the queue in {place} is in use by another process: stop that agent, or give this one another directory"
    )]
    Locked {
        /// The folder.
        place: String,
    },
    /// The folder or a file in it could not be used.
    #[error("cannot {what} {name} of the queue in {place}: check the disk, and who owns the directory")]
    Storage {
        /// What was tried: "list", "read", "create".
        what: &'static str,
        /// On which file.
        name: String,
        /// The folder.
        place: String,
        /// What came of it.
        #[source]
        source: io::Error,
    },
    /// A batch could not be made durable. Its records are lost, and told by
    /// [`Writer::take_losses`](super::Writer::take_losses).
    #[error(
        "cannot write records {from} to {to} to the queue in {place}, they are lost: free the disk, or replace it"
    )]
    Lost {
        /// The first record lost.
        from: u64,
        /// The last.
        to: u64,
        /// The folder.
        place: String,
        /// What the disk said last.
        #[source]
        source: io::Error,
    },
    /// A cursor was asked to pass what is durable: a fault in the caller.
    #[error("cursor {name} cannot go to {to}: the queue is durable to {durable}")]
    Ahead {
        /// The cursor.
        name: String,
        /// Where it was to go.
        to: u64,
        /// The end of what is durable.
        durable: u64,
    },
}

impl QueueError {
    /// For `map_err`: what was tried on which file of `place`.
    pub(super) fn storage(
        what: &'static str,
        name: impl Into<String>,
        place: impl Into<String>,
    ) -> impl FnOnce(io::Error) -> Self {
        let (name, place) = (name.into(), place.into());
        move |source| Self::Storage { what, name, place, source }
    }
}
