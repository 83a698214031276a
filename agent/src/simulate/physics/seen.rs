//! What chips and the kernel can see of a board.

use super::BoardModel;
use crate::simulate::hardware::Hardware;

/// The Raspberry Pi's firmware slows the processor from here on; so do others near it.
const THROTTLE_CELSIUS: f64 = 80.0;
/// Below this the Raspberry Pi's firmware warns.
const UNDER_VOLTS: f64 = 4.63;

impl BoardModel {
    /// Share of all cores' time in use, 0 to 1.
    #[must_use]
    pub fn cpu_ratio(&self) -> f64 {
        self.cpu
    }

    /// Load averages over 1, 5 and 15 minutes.
    #[must_use]
    pub fn loads(&self) -> [f64; 3] {
        self.loads
    }

    /// Seconds since the board's boot.
    #[must_use]
    pub fn uptime_seconds(&self) -> f64 {
        self.uptime + self.pending
    }

    /// The processor's temperature.
    #[must_use]
    pub fn cpu_celsius(&self) -> f64 {
        self.die
    }

    /// The temperature of the air that comes in.
    #[must_use]
    pub fn inlet_celsius(&self) -> f64 {
        22.5 + self.room(5400.0, 0.8) + self.inlet_drift
    }

    /// The temperature of the air in the case.
    #[must_use]
    pub fn case_celsius(&self) -> f64 {
        self.case
    }

    /// The temperature of the air that leaves.
    #[must_use]
    pub fn exhaust_celsius(&self) -> f64 {
        self.exhaust
    }

    /// Relative humidity of the air that comes in, 0 to 1.
    #[must_use]
    pub fn inlet_humidity(&self) -> f64 {
        (0.43 + self.room(9000.0, 0.04) - 0.01 * self.inlet_drift).clamp(0.05, 0.95)
    }

    /// Relative humidity of the air that leaves: the same water in warmer air.
    #[must_use]
    pub fn exhaust_humidity(&self) -> f64 {
        let ratio = saturation_pascals(self.inlet_celsius()) / saturation_pascals(self.exhaust);
        (self.inlet_humidity() * ratio).clamp(0.02, 0.95)
    }

    /// Air pressure.
    #[must_use]
    pub fn pascals(&self) -> f64 {
        101_180.0 + self.room(21_600.0, 120.0) + self.pressure_drift
    }

    /// Current into the board: what its power needs at the sagging voltage.
    #[must_use]
    pub fn supply_amperes(&self) -> f64 {
        // volts = open - resistance * amperes, and watts = volts * amperes: the smaller root.
        let Hardware { open_volts, cable_ohms, .. } = self.hardware;
        let under_root = open_volts * open_volts - 4.0 * cable_ohms * self.watts;
        (open_volts - under_root.max(0.0).sqrt()) / (2.0 * cable_ohms)
    }

    /// Voltage at the board.
    #[must_use]
    pub fn supply_volts(&self) -> f64 {
        self.hardware.open_volts - self.hardware.cable_ohms * self.supply_amperes()
    }

    /// Whether the supply is too low.
    #[must_use]
    pub fn under_voltage(&self) -> bool {
        self.supply_volts() < UNDER_VOLTS
    }

    /// Whether heat slows the processor down.
    #[must_use]
    pub fn throttled(&self) -> bool {
        self.die >= THROTTLE_CELSIUS
    }

    /// Memory in use.
    #[must_use]
    pub fn memory_used_bytes(&self) -> u64 {
        bytes(self.memory.clamp(0.0, 0.97) * self.hardware.memory_bytes)
    }

    /// Free on the root file system.
    #[must_use]
    pub fn root_free_bytes(&self) -> u64 {
        bytes((1.0 - self.root_used) * self.hardware.root_bytes)
    }

    /// Free on the data disk; absent where there is none.
    #[must_use]
    pub fn data_free_bytes(&self) -> Option<u64> {
        (self.hardware.data_bytes > 0.0).then(|| bytes((1.0 - self.data_used) * self.hardware.data_bytes))
    }

    /// Bytes received and sent since boot.
    #[must_use]
    pub fn network_bytes(&self) -> [u64; 2] {
        [bytes(self.received), bytes(self.sent)]
    }

    /// Packets received with errors since boot.
    #[must_use]
    pub fn receive_errors(&self) -> u64 {
        bytes(self.receive_errors)
    }

    /// What the board is made of.
    #[must_use]
    pub fn hardware(&self) -> &Hardware {
        &self.hardware
    }
}

/// Magnus' formula.
fn saturation_pascals(celsius: f64) -> f64 {
    611.2 * (17.62 * celsius / (243.12 + celsius)).exp()
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped, and far below 2^53")]
fn bytes(value: f64) -> u64 {
    value.max(0.0) as u64
}
