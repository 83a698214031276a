//! Kafka as a whole: its services, what the rack sets on every broker, how the cluster is, and the topics that
//! the rack needs for itself.

pub mod defaults;
mod health;
pub mod inject;
mod observe;
pub(super) mod order;
mod replication;
pub(super) mod service;
pub mod topics;
mod vacate;
mod wire;

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

pub use health::{KafkaHealth, Partition, Partitions, Quorum, Voter};
pub use observe::{Where, health};
pub use replication::Replication;
pub(super) use vacate::{unregister, vacate};

/// Brokers to begin with, each `host:port`; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bootstrap(Vec<String>);

/// Why a text names no brokers.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{0}\" is not host:port; name each broker with its port and a comma between, for example w1:9092,w2:9092"
)]
pub struct BootstrapError(String);

impl Bootstrap {
    /// How many brokers are named.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.len()
    }
}

impl FromStr for Bootstrap {
    type Err = BootstrapError;

    fn from_str(text: &str) -> Result<Self, BootstrapError> {
        let mut brokers: Vec<String> = Vec::new();
        for broker in text.split(',').map(str::trim) {
            if !is_address(broker) {
                return Err(BootstrapError(broker.to_owned()));
            }
            if !brokers.iter().any(|known| known == broker) {
                brokers.push(broker.to_owned());
            }
        }
        Ok(Self(brokers))
    }
}

impl fmt::Display for Bootstrap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(","))
    }
}

fn is_address(text: &str) -> bool {
    text.parse::<SocketAddr>().is_ok()
        || text.rsplit_once(':').is_some_and(|(host, port)| {
            let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
            !host.is_empty() && host.chars().all(allowed) && port.parse::<u16>().is_ok_and(|port| port > 0)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brokers_are_named_once_each_with_their_ports() {
        let both: Bootstrap = "w1:9092, 10.77.0.12:9092,w1:9092".parse().unwrap();
        assert_eq!((both.count(), both.to_string().as_str()), (2, "w1:9092,10.77.0.12:9092"));
        for bad in ["", "w1", "w1:", "w1:0", "w1:70000", ":9092", "w1:9092,", "http://w1:9092"] {
            assert!(bad.parse::<Bootstrap>().is_err(), "{bad:?} passed");
        }
    }
}
