//! What the rack says of itself: records back from Kafka, kept as live state and as history.
//!
//! ```text
//! Kafka ─ consumer ─▶ history (SQLite, one transaction a batch) ─▶ live ─ tick ─▶ events ─▶ outbox ─ herald ─▶ Kafka
//! ```
//!
//! Invariants:
//! - A record reaches [`Live`] only after the history holds it, so that what is shown is also kept.
//! - Where the rack's own Cassandra keeps its records this program keeps none: it reads from a few minutes ago,
//!   and charts are read from [`Archive`]. The history then has events and operations alone.
//! - The history holds each `(board, queue, sequence)` once, however often Kafka brings it.
//! - An event is in the history's outbox before anybody hears of it, and leaves the outbox only on the
//!   broker's acknowledgement.

mod archive;
mod charts;
mod consumer;
mod controls;
mod events;
mod herald;
mod history;
mod live;
mod partitions;
mod rack;
mod ranges;
mod seen;
mod snapshot;
pub mod state;
#[cfg(test)]
pub(crate) mod testing;
mod watcher;

pub use archive::Archive;
pub use charts::Charts;
pub use consumer::Counters;
pub use controls::{ControlError, Controls};
pub use events::{Asked, Event, Happening};
pub use herald::{Delivered, Herald, TOPIC_EVENTS, deliver};
pub(crate) use history::Note;
pub use history::{
    History, HistoryError, OperationState, Points, Stored, StoredGap, StoredOperation, StoredProgress,
};
pub use live::{AgentGauge, Live};
pub use rack::{Drift, DriftState, OperationNow};
pub use ranges::Ranges;
pub use snapshot::{Board, Broker, BrokerState, Role, Sensor, Snapshot, Totals};
pub use state::State;
pub use watcher::{Ended, Keeping, Settings, WatchError, Watcher};
