//! The configuration file as it is written: every key optional, every value with its place.
//!
//! The manager writes this type for every board; [`super::check`] turns it into values that cannot be
//! wrong. `agent.example.toml` documents each key, and a test holds the two together.

use serde::{Deserialize, Serialize};
use toml::Spanned;

/// A value and where it was written; absent when it was not.
pub type Written<T> = Option<Spanned<T>>;

macro_rules! written {
    ($($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $field:ident: $type:ty,)* })*) => {$(
        $(#[$meta])*
        #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct $name {
            $($(#[$doc])* #[serde(skip_serializing_if = "is_default")] pub $field: $type,)*
        }

        impl $name {
            /// The keys this section knows.
            pub const KEYS: &'static [&'static str] = &[$(stringify!($field)),*];
        }
    )*};
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

written! {
    /// The whole file.
    File {
        /// The board's name; its host name when absent.
        board: Written<String>,
        /// Seconds between two reads of a source.
        interval_seconds: Written<f64>,
        /// What is logged: an EnvFilter directive.
        log: Written<String>,
        /// The durable queue.
        queue: QueueSection,
        /// The Kafka sink.
        kafka: Option<KafkaSection>,
        /// The Cassandra sink.
        cassandra: Option<CassandraSection>,
        /// The agent's own metrics.
        metrics: MetricsSection,
        /// The board's own health.
        host: HostSection,
        /// The chips, one table each.
        sensor: Vec<SensorSection>,
    }
    /// The durable queue on disk.
    QueueSection {
        /// Its folder.
        directory: Written<String>,
        /// The most bytes it may take on disk.
        max_bytes: Written<i64>,
    }
    /// Where records are published.
    KafkaSection {
        /// Brokers to begin with, each `host:port`.
        bootstrap: Option<Vec<Spanned<String>>>,
        /// How the connection is protected: "plaintext".
        security: Written<String>,
        /// As whom; nobody in particular when absent.
        user: Written<String>,
        /// The file that holds the user's password.
        password_file: Written<String>,
        /// The most records in a second.
        records_per_second: Written<i64>,
    }
    /// Where records are stored.
    CassandraSection {
        /// Nodes to begin with, each `host` or `host:port`.
        contact_points: Option<Vec<Spanned<String>>>,
        /// The keyspace that holds the rack's tables.
        keyspace: Written<String>,
        /// The datacenter whose nodes are asked; any when absent.
        datacenter: Written<String>,
        /// As whom; nobody in particular when absent.
        user: Written<String>,
        /// The file that holds the user's password.
        password_file: Written<String>,
        /// The most records in a second.
        records_per_second: Written<i64>,
    }
    /// The agent's own metrics.
    MetricsSection {
        /// The address they are served on; none when "" or "off".
        listen: Written<String>,
    }
    /// What is read of the board itself.
    HostSection {
        /// A path on the data disk; absent where there is none.
        data_disk: Written<String>,
        /// Docker's socket; root-equivalent, off when absent.
        docker_socket: Written<String>,
    }
    /// One chip.
    SensorSection {
        /// Its name in every reading.
        name: Written<String>,
        /// Which chip.
        chip: Written<String>,
        /// The bus device.
        bus: Written<String>,
        /// Its address on the bus.
        address: Written<i64>,
        /// Seconds between two reads, where it is not the rack's.
        interval_seconds: Written<f64>,
        /// The shunt of a current sensor.
        shunt_ohms: Written<f64>,
        /// Whether it measures the board's own supply.
        supply: Written<bool>,
    }
}
