//! Where records go. A [`Sink`] takes a batch and says which records are safe.
//!
//! "Safe" is the far side's own word: an acknowledgement, never an enqueue. A sink keeps no record
//! past the call: what it did not call safe or refused is offered again from the queue, so a sink can
//! be dropped at any moment, even in the middle of a call, and nothing is lost.

pub mod cassandra;
pub mod kafka;
pub mod login;
pub mod outage;

use std::fmt;
use std::future::Future;

use serde::Serialize;

use crate::record::Entry;

/// The sinks there are. The name is also that of the sink's cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SinkName {
    /// Apache Kafka.
    Kafka,
    /// Apache Cassandra.
    Cassandra,
}

impl SinkName {
    /// The name as text.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Kafka => "kafka",
            Self::Cassandra => "cassandra",
        }
    }
}

impl fmt::Display for SinkName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What came of a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Receipt {
    /// How many records, from the first on, need not be offered again: each is safe, or is in `refused`.
    pub settled: usize,
    /// The records among those that the far side refused for good.
    pub refused: Vec<Refusal>,
    /// What kept the rest from being settled, where not all of it is: told as an outage is, until a whole batch is.
    pub trouble: Option<SinkError>,
}

/// One record that a sink can never take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Its place in the batch.
    pub index: usize,
    /// The far side's reason.
    pub reason: String,
}

/// A place that records go to, one of the edges of the world.
pub trait Sink: Send {
    /// Takes a batch, in order, and resolves when it knows what came of it. While the far side is
    /// away it waits; dropping the future gives up, and whatever was in flight may arrive twice.
    ///
    /// # Errors
    /// When nothing more can come of this attempt and the batch must be offered again.
    fn deliver(&mut self, batch: &[Entry]) -> impl Future<Output = Result<Receipt, SinkError>> + Send;
}

/// Why a batch must be offered again. What it says is the same for as long as the same is wrong; what changes
/// from one try to the next is its [`detail`](Self::detail).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SinkError {
    /// The client cannot go on and is built anew.
    #[error("{sink} at {address} failed, and is connected anew")]
    Failed {
        /// Which sink.
        sink: &'static str,
        /// Where it was.
        address: String,
        /// In the client's own words.
        reason: String,
    },
    /// The far side is not ready for records, or not there; it is asked again.
    #[error("{sink} at {address} {what}: {remedy}")]
    Unready {
        /// Which sink.
        sink: &'static str,
        /// Where it is.
        address: String,
        /// What is not well, as the end of a sentence that begins with the sink.
        what: String,
        /// What to do.
        remedy: String,
        /// What more is known of this try.
        detail: Option<String>,
    },
}

impl SinkError {
    /// What more is known of this one try, mostly in the client's own words.
    #[must_use]
    pub fn detail(&self) -> Option<&str> {
        match self {
            Self::Failed { reason, .. } => Some(reason),
            Self::Unready { detail, .. } => detail.as_deref(),
        }
    }
}
