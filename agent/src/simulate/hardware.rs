//! What simulated boards are made of, and what they do.

/// What a board does in its rack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// The board that people log in to.
    Admin,
    /// Keeps the swarm's state.
    Manager,
    /// Carries Cassandra and Kafka; the busiest.
    Worker,
    /// Carries people's own programs.
    App,
}

impl Role {
    /// Its name: "worker".
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Manager => "manager",
            Self::Worker => "worker",
            Self::App => "app",
        }
    }

    /// How many containers run on such a board.
    #[must_use]
    pub fn containers(self) -> u32 {
        match self {
            Self::Admin => 3,
            Self::Manager => 2,
            Self::Worker => 5,
            Self::App => 4,
        }
    }

    pub(super) fn mean_load(self) -> f64 {
        match self {
            Self::Admin => 0.08,
            Self::Manager => 0.14,
            Self::Worker => 0.42,
            Self::App => 0.27,
        }
    }

    pub(super) fn mean_memory(self) -> f64 {
        match self {
            Self::Admin => 0.18,
            Self::Manager => 0.26,
            Self::Worker => 0.62,
            Self::App => 0.41,
        }
    }

    pub(super) fn burst_every_seconds(self) -> f64 {
        match self {
            Self::Admin => 600.0,
            Self::Manager => 300.0,
            Self::Worker => 90.0,
            Self::App => 150.0,
        }
    }

    /// Bytes a second in either direction, at half load.
    pub(super) fn network_bytes(self) -> f64 {
        match self {
            Self::Admin => 12e3,
            Self::Manager => 45e3,
            Self::Worker => 900e3,
            Self::App => 220e3,
        }
    }
}

/// What a board is made of.
#[derive(Clone, Debug, PartialEq)]
pub struct Hardware {
    /// The kernel's release on it.
    pub kernel: &'static str,
    /// The operating system's pretty name.
    pub os: &'static str,
    /// The processor's thermal zone, as the kernel calls its type.
    pub thermal_zone: &'static str,
    pub(super) cores: f64,
    pub(super) cpu_count: u32,
    pub(super) memory_bytes: f64,
    pub(super) root_bytes: f64,
    /// Zero where there is no data disk.
    pub(super) data_bytes: f64,
    pub(super) idle_watts: f64,
    pub(super) full_watts: f64,
    pub(super) sink_kelvin_per_watt: f64,
    pub(super) die_kelvin_per_watt: f64,
    pub(super) open_volts: f64,
    pub(super) cable_ohms: f64,
    /// Whether the firmware tells of under-voltage and throttling.
    pub(super) tells_throttling: bool,
}

const GIB: f64 = 1_073_741_824.0;

impl Hardware {
    /// A Raspberry Pi 4 Model B with this much memory, starting from a 32 GB card.
    #[must_use]
    pub fn raspberry_pi_4(memory_gib: u32, data_disk: bool) -> Self {
        Self {
            kernel: "6.12.47+rpt-rpi-v8",
            os: "Debian GNU/Linux 13 (trixie)",
            thermal_zone: "cpu-thermal",
            cores: 4.0,
            cpu_count: 4,
            // The firmware keeps some for itself.
            memory_bytes: (f64::from(memory_gib) - 0.2) * GIB,
            root_bytes: 28.5 * GIB,
            data_bytes: if data_disk { 233.0 * GIB } else { 0.0 },
            idle_watts: 2.7,
            full_watts: 6.6,
            sink_kelvin_per_watt: 4.6,
            die_kelvin_per_watt: 1.9,
            open_volts: 5.15,
            cable_ohms: 0.06,
            tells_throttling: true,
        }
    }

    /// An Orange Pi 5 with 8 GB, starting from eMMC.
    #[must_use]
    pub fn orange_pi_5(data_disk: bool) -> Self {
        Self {
            kernel: "6.1.115-vendor-rk35xx",
            os: "Armbian 25.8.1 bookworm",
            thermal_zone: "soc-thermal",
            cores: 8.0,
            cpu_count: 8,
            memory_bytes: 7.75 * GIB,
            root_bytes: 57.3 * GIB,
            data_bytes: if data_disk { 465.0 * GIB } else { 0.0 },
            idle_watts: 2.3,
            full_watts: 9.8,
            sink_kelvin_per_watt: 2.9,
            die_kelvin_per_watt: 1.3,
            open_volts: 5.2,
            cable_ohms: 0.05,
            tells_throttling: false,
        }
    }
}

impl Hardware {
    /// Memory in all.
    #[must_use]
    pub fn memory_bytes(&self) -> u64 {
        whole(self.memory_bytes)
    }

    /// The root file system's size.
    #[must_use]
    pub fn root_bytes(&self) -> u64 {
        whole(self.root_bytes)
    }

    /// The data disk's size; zero where there is none.
    #[must_use]
    pub fn data_bytes(&self) -> u64 {
        whole(self.data_bytes)
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a disk's size, far below 2^53")]
fn whole(bytes: f64) -> u64 {
    bytes.max(0.0) as u64
}
