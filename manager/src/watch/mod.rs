//! What the rack says of itself: records back from Kafka, kept as live state and as history.
//!
//! ```text
//! Kafka ─ consumer ─▶ history (SQLite, one transaction a batch) ─▶ live ─ tick ─▶ events ─▶ outbox ─ herald ─▶ Kafka
//! ```
//!
//! Invariants:
//! - A record reaches [`Live`] only after the history holds it, so that what is shown is also kept.
//! - The history holds each `(board, queue, sequence)` once, however often Kafka brings it.
//! - An event is in the history's outbox before anybody hears of it, and leaves the outbox only on the
//!   broker's acknowledgement.

mod consumer;
mod controls;
mod events;
mod herald;
mod history;
mod live;
mod partitions;
mod ranges;
mod snapshot;
pub mod state;
#[cfg(test)]
pub(crate) mod testing;
mod watcher;

pub use consumer::Counters;
pub use controls::{ControlError, Controls};
pub use events::{Event, Happening};
pub use herald::{Herald, TOPIC_EVENTS};
pub use history::{History, HistoryError, Points, Stored, StoredGap};
pub use live::{AgentGauge, Live};
pub use ranges::Ranges;
pub use snapshot::{Board, Broker, BrokerState, Role, Sensor, Snapshot, Totals};
pub use state::State;
pub use watcher::{Ended, Settings, WatchError, Watcher};
