//! The agent of one board: it reads the board's sensors and health, keeps every record in a durable
//! queue on disk, and ships the queue to its sinks.
//!
//! A reading's whole journey, room by room: [`schedule`] reads a [`source`] on its beat, which turns
//! registers into a reading; the recorder gives it its name and its moment and appends it to the
//! [`queue`], which makes it durable; [`ship`] takes it from there to a [`sink`], and moves that sink's
//! cursor once the sink has said that the record is safe. What travels is described once, in [`record`];
//! [`run`] wires the rooms together, and [`metrics`] tells Prometheus how they are.

pub mod clock;
pub mod config;
pub mod letter;
pub mod memory;
pub mod metrics;
pub mod queue;
pub mod record;
mod recorder;
pub mod run;
pub mod schedule;
pub mod ship;
pub mod simulate;
pub mod sink;
pub mod source;
pub mod tally;
