//! The rack's schema in Cassandra: `images/cassandra/schema.cql` is the one source, and `pirack schema apply`
//! makes a cluster so. Agents only write rows; nobody else changes the schema.
//!
//! Decide, then do: [`desired`] is the file, fitted to the rack at hand; [`observed`] is what the cluster's own
//! `system_schema` says; [`plan`] is the difference, as statements; [`apply`] executes them one after the
//! other, waits for all nodes to agree after each, and looks again at the end. What is there already is left,
//! so a second run changes nothing. Nothing is ever dropped.

pub mod apply;
pub mod cql;
pub mod desired;
pub mod error;
pub mod observed;
pub mod plan;
pub mod table;

pub use apply::{Connection, apply, pending};
pub use desired::Wishes;
pub use error::SchemaError;
pub use plan::{Action, Change, Report};
