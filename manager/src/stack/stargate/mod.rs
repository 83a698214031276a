//! Stargate 2: a coordinator, which is a node of Cassandra's ring without data, and a GraphQL door beside it.

mod health;
pub(super) mod service;

pub use health::{StargateHealth, health};

/// GraphQL: 8080 is Kafka's metrics.
pub const GRAPHQL_PORT: u16 = 8180;
/// CQL: 9042 is Cassandra's.
pub const CQL_PORT: u16 = 9043;
/// Where tokens are made.
pub const AUTH_PORT: u16 = 8081;
/// Between the two.
const BRIDGE_PORT: u16 = 8091;
