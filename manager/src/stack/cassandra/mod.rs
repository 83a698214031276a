//! Cassandra as a stack of the rack.

pub mod schema;
