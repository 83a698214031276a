//! A board's own state at one moment, with flat fields named in base units.
//!
//! What a board has not got is absent, never zero. Each host source knows a few of the fields;
//! [`Health::merge`] puts them together.

use serde::{Deserialize, Serialize};

/// What systemd says of Docker's engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DockerState {
    /// The engine runs.
    Active,
    /// It is installed and does not run.
    Inactive,
    /// It ended in a failure.
    Failed,
}

macro_rules! health {
    ($($(#[$doc:meta])* $field:ident: $type:ty,)*) => {
        /// The board as a whole. Every field is absent where the board cannot tell.
        #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
        #[serde(default)]
        pub struct Health {
            $($(#[$doc])* #[serde(skip_serializing_if = "Option::is_none")] pub $field: Option<$type>,)*
        }

        impl Health {
            /// Takes over every field that `newer` has.
            pub fn merge(&mut self, newer: Self) {
                $(if newer.$field.is_some() { self.$field = newer.$field; })*
            }
        }
    };
}

health! {
    /// Share of all processors' time not spent idle or waiting, since the previous health; 0 to 1.
    cpu_ratio: f64,
    /// Number of processors online.
    cpu_count: u32,
    /// Runnable and uninterruptible tasks, averaged over 1 minute (`/proc/loadavg`).
    load_1m: f64,
    /// The same over 5 minutes.
    load_5m: f64,
    /// The same over 15 minutes.
    load_15m: f64,
    /// Memory in use: total less what the kernel says could be made available.
    memory_used_bytes: u64,
    /// Memory in all.
    memory_total_bytes: u64,
    /// Swap in use; absent where there is no swap.
    swap_used_bytes: u64,
    /// Swap in all; absent where there is none.
    swap_total_bytes: u64,
    /// The processor's temperature.
    cpu_temperature_celsius: f64,
    /// Free on the root file system, for a user without privilege.
    storage_free_bytes: u64,
    /// The root file system's size.
    storage_total_bytes: u64,
    /// Free on the data disk; absent where there is no disk of its own for data.
    data_free_bytes: u64,
    /// The data disk's size.
    data_total_bytes: u64,
    /// Bytes received by all physical interfaces since boot.
    network_receive_bytes_total: u64,
    /// Bytes sent by all physical interfaces since boot.
    network_transmit_bytes_total: u64,
    /// Seconds since boot.
    uptime_seconds: f64,
    /// Supply voltage, where a sensor measures the board's supply.
    supply_volts: f64,
    /// Supply current.
    supply_amperes: f64,
    /// Supply power.
    supply_watts: f64,
    /// The supply is too low right now (the Raspberry Pi's firmware or hwmon tells).
    under_voltage: bool,
    /// The processor is slowed down right now, for heat or for want of power.
    throttled: bool,
    /// Docker's engine; absent where it is not installed.
    docker: DockerState,
    /// Number of running containers.
    containers: u32,
    /// The host's name.
    hostname: String,
    /// The address by which the board reaches the world, or its first global one.
    address: String,
    /// The operating system's own pretty name.
    os: String,
    /// The kernel's release.
    kernel: String,
}
