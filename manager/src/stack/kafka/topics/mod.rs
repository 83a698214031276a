//! The topics of a rack: what `images/kafka/topics.toml` declares, made so at a running cluster.
//!
//! Invariants: a topic is created with everything declared or not at all; a partition count never
//! changes and a replica is never taken away, whatever is declared; what others set at a topic stays.
//! A second [`apply`] finds nothing to do.
//!
//! [`declared`] parses, [`plan`] decides, [`admin`] asks and acts, [`apply`] runs the two until nothing
//! is left to do and every partition has a leader.
//!
//! Beside that, for whoever works with a cluster: [`table`] says what topics hold, [`single`] makes, changes and
//! deletes one topic.

mod admin;
mod apply;
mod cluster;
mod declared;
mod name;
mod plan;
mod show;
mod single;
mod table;

pub use apply::{Report, Request, TopicsError, apply, pending};
pub use cluster::{Cluster, TopicError};
pub use declared::{Declared, DeclaredError, Topic};
pub use name::Name;
pub use plan::{Change, Left, Observed, ObservedTopic, Partition, Plan, Refusal, Step, leaderless, plan};
pub use single::{Altered, Created, Deleted, NewTopic, TopicChange, alter, create, delete, partitions};
pub use table::{PartitionRow, Selection, Table, TopicRow, table};

#[cfg(test)]
mod tests;
