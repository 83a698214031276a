//! Kafka and Cassandra on a lab's boards: a container a service, each on its own board's network, with the
//! environment that the images' contract pages give.

mod cassandra;
mod kafka;
mod service;

pub use cassandra::Ring;
pub use kafka::{Cluster, PASSWORD, USER};
pub use service::Service;
