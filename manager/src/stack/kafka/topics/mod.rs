//! The topics of a rack: what `images/kafka/topics.toml` declares, made so at a running cluster.
//!
//! Invariants: a topic is created with everything declared or not at all; a partition count never
//! changes and a replica is never taken away, whatever is declared; what others set at a topic stays.
//! A second [`apply`] finds nothing to do.
//!
//! [`declared`] parses, [`plan`] decides, [`admin`] asks and acts, [`apply`] runs the two until nothing
//! is left to do and every partition has a leader.

mod admin;
mod apply;
mod declared;
mod plan;
mod show;

pub use apply::{Report, Request, TopicsError, apply};
pub use declared::{Declared, DeclaredError, Topic};
pub use plan::{Change, Left, Observed, ObservedTopic, Partition, Plan, Refusal, Step, leaderless, plan};

#[cfg(test)]
mod tests;
