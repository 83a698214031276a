//! The rack's file as it is written: every key optional, every value with its place.
//!
//! [`super::check`] turns it into a rack that cannot be wrong. docs/rack.md documents each key, and a test
//! holds the two together.

use std::collections::BTreeMap;

use pirack_agent::config::{SensorSection, Written};
use serde::Deserialize;
use toml::{Spanned, Value};

use crate::stack::kafka::defaults::Settings;

/// A list and the places of its items; absent when it was not written.
pub(super) type List = Option<Spanned<Vec<Spanned<String>>>>;
/// Values by names that the file makes up.
pub(super) type Table = BTreeMap<Spanned<String>, Spanned<Value>>;

macro_rules! written {
    ($($(#[$meta:meta])* $name:ident at $path:literal { $($(#[$doc:meta])* $field:ident: $type:ty,)* })*) => {
        $(
            $(#[$meta])*
            #[derive(Clone, Debug, Default, Deserialize)]
            #[serde(default, deny_unknown_fields)]
            pub(super) struct $name {
                $($(#[$doc])* pub(super) $field: $type,)*
            }
        )*

        /// Every section of the file by its header, with the keys that it knows.
        #[cfg(test)]
        pub(super) const SECTIONS: &[(&str, &[&str])] = &[$(($path, &[$(stringify!($field)),*])),*];
    };
}

written! {
    /// The whole file.
    File at "" {
        /// The format's version.
        version: Written<i64>,
        /// The rack's name.
        name: Written<String>,
        /// How boards are reached.
        ssh: Option<Spanned<SshSection>>,
        /// The boards, one table each.
        board: Vec<Spanned<BoardSection>>,
        /// What holds for all boards.
        network: NetworkSection,
        /// The agents.
        agent: AgentSection,
        /// Kafka.
        kafka: Option<Spanned<KafkaSection>>,
        /// Cassandra.
        cassandra: Option<Spanned<CassandraSection>>,
        /// Stargate.
        stargate: Option<Spanned<StargateSection>>,
        /// Other services, one table each.
        app: Vec<Spanned<AppSection>>,
    }
    /// How boards are reached, where a board does not say otherwise.
    SshSection at "ssh" {
        /// As whom.
        user: Written<String>,
        /// The port.
        port: Written<i64>,
        /// The private key's file.
        identity: Written<String>,
        /// A file of known host keys.
        known_hosts: Written<String>,
    }
    /// One board.
    BoardSection at "board" {
        /// Its name.
        name: Written<String>,
        /// Its address.
        address: Written<String>,
        /// What it is for.
        roles: List,
        /// Which boards share a plug or a switch.
        place: Written<String>,
        /// Its memory.
        memory: Written<String>,
        /// Whether it is this machine itself.
        local: Written<bool>,
        /// How it is reached, where that is not as the other boards.
        ssh: Option<Spanned<BoardSshSection>>,
        /// Its engine's TLS door, in place of a shell.
        tls: Option<Spanned<TlsSection>>,
        /// The disk for data.
        data_disk: Option<Spanned<DataDiskSection>>,
        /// Labels of its node.
        labels: Table,
        /// Its chips.
        sensor: Vec<SensorSection>,
    }
    /// How one board is reached.
    BoardSshSection at "board.ssh" {
        /// As whom.
        user: Written<String>,
        /// The port.
        port: Written<i64>,
        /// The private key's file.
        identity: Written<String>,
        /// A file of known host keys.
        known_hosts: Written<String>,
        /// The keys that it may show.
        host_keys: List,
    }
    /// An engine's TLS door.
    TlsSection at "board.tls" {
        /// The port.
        port: Written<i64>,
        /// The file of who signed the engine's certificate.
        authority: Written<String>,
        /// The file of ours.
        certificate: Written<String>,
        /// The file of its key.
        key: Written<String>,
    }
    /// A disk for data.
    DataDiskSection at "board.data_disk" {
        /// The UUID of its file system.
        uuid: Written<String>,
        /// Where it is mounted.
        mount: Written<String>,
        /// The device that may be formatted.
        device: Written<String>,
    }
    /// What holds for all boards.
    NetworkSection at "network" {
        /// The greatest packet in bytes.
        mtu: Written<i64>,
        /// How far a clock may be off.
        clock_offset: Written<String>,
        /// Whether leases are for ever.
        addresses_reserved: Written<bool>,
        /// Registries without TLS.
        insecure_registries: List,
    }
    /// What every agent is told.
    AgentSection at "agent" {
        /// Whether there are any.
        enabled: Written<bool>,
        /// The folder of their packages.
        packages: Written<String>,
        /// Between two readings.
        interval: Written<String>,
        /// The most bytes of a board's queue.
        queue: Written<String>,
    }
    /// Kafka.
    KafkaSection at "kafka" {
        /// What runs.
        image: Written<String>,
        /// Boards with a broker.
        brokers: List,
        /// Boards whose controllers vote.
        voters: List,
        /// The heap of each.
        heap: Written<String>,
        /// The limit of each.
        limit: Written<String>,
        /// How long the rack's own topics keep.
        retention: Written<String>,
        /// More options of the JVM.
        jvm_options: Written<String>,
        /// Settings of every broker.
        settings: Option<Spanned<Settings>>,
    }
    /// Cassandra.
    CassandraSection at "cassandra" {
        /// Which version.
        version: Written<String>,
        /// What runs.
        image: Written<String>,
        /// The ring's name.
        cluster_name: Written<String>,
        /// Its data centre.
        datacenter: Written<String>,
        /// Boards with a node.
        nodes: List,
        /// Where nodes begin.
        seeds: List,
        /// Copies of each row.
        replication: Written<i64>,
        /// The heap of each.
        heap: Written<String>,
        /// Its young part.
        young: Written<String>,
        /// The limit of each.
        limit: Written<String>,
        /// More options of the JVM.
        jvm_options: Written<String>,
    }
    /// Stargate.
    StargateSection at "stargate" {
        /// The coordinator's image.
        coordinator: Written<String>,
        /// The GraphQL door's.
        graphql: Written<String>,
        /// Its boards.
        boards: List,
    }
    /// A service that is none of the rack's own.
    AppSection at "app" {
        /// Its name.
        name: Written<String>,
        /// What runs.
        image: Written<String>,
        /// In place of the image's command.
        command: List,
        /// How many tasks.
        replicas: Written<i64>,
        /// Boards it may run on.
        boards: List,
        /// Variables.
        env: Table,
        /// Ports of its boards.
        ports: List,
        /// Overlays that it shares.
        networks: List,
        /// The most memory of a task.
        limit: Written<String>,
        /// Secrets, by reference.
        secrets: Table,
    }
}
