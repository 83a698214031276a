//! What happens inside and around one simulated board: load, heat, power, air, memory, disks, network.
//!
//! One cause runs through everything: load makes power, power makes heat in the processor, from there in
//! its heat sink, and warms the case and the air that leaves it; a higher current lets the supply
//! sag. Time is passed in, never read, and moves in steps of a fixed length, so that a seed and a sum of
//! seconds give the same board however the seconds were portioned.

use super::hardware::{Hardware, Role};
use super::random::Random;

const STEP_SECONDS: f64 = 0.25;
/// The Raspberry Pi's firmware slows the processor from here on; so do others near it.
const THROTTLE_CELSIUS: f64 = 80.0;
/// Below this the Raspberry Pi's firmware warns.
const UNDER_VOLTS: f64 = 4.63;

/// One board's physical state.
#[derive(Clone, Debug)]
pub struct BoardModel {
    hardware: Hardware,
    role: Role,
    random: Random,
    /// Seconds that have not made a whole step yet.
    pending: f64,
    /// Seconds since this board's boot.
    uptime: f64,
    /// Where this board is in its slow wave, 0 to 1, and in the room's.
    phase: f64,
    room_phase: f64,
    /// The restless part of the load.
    drift: f64,
    /// Seconds left of a burst, and of a time in which the board runs hot: all cores busy, the fan clogged.
    burst: f64,
    hot: f64,
    cpu: f64,
    loads: [f64; 3],
    die: f64,
    sink: f64,
    case: f64,
    exhaust: f64,
    inlet_drift: f64,
    pressure_drift: f64,
    watts: f64,
    memory: f64,
    root_used: f64,
    data_used: f64,
    received: f64,
    sent: f64,
    receive_errors: f64,
}

impl BoardModel {
    /// Board number `index` of the rack that this seed makes, some time after its start.
    #[must_use]
    pub fn new(seed: u64, index: u64, role: Role, hardware: Hardware) -> Self {
        let mut random = Random::new(seed, index + 1);
        // The room is the same for all boards, so its wave comes from the seed alone.
        let room_phase = Random::new(seed, 0).between(0.0, 1.0);
        let uptime = random.between(2.0, 90.0) * 3600.0;
        let mut model = Self {
            phase: random.between(0.0, 1.0),
            room_phase,
            pending: 0.0,
            uptime,
            drift: 0.0,
            burst: 0.0,
            hot: 0.0,
            cpu: role.mean_load(),
            loads: [role.mean_load() * hardware.cores; 3],
            die: 50.0,
            sink: 45.0,
            case: 28.0,
            exhaust: 27.0,
            inlet_drift: random.between(-0.4, 0.4),
            pressure_drift: random.between(-150.0, 150.0),
            watts: hardware.idle_watts,
            memory: role.mean_memory(),
            root_used: random.between(0.25, 0.45),
            data_used: random.between(0.2, 0.5),
            received: uptime * random.between(0.5, 1.5) * role.network_bytes(),
            sent: uptime * random.between(0.4, 1.2) * role.network_bytes(),
            receive_errors: 0.0,
            hardware,
            role,
            random,
        };
        // Ten minutes of warming up, so that nobody sees a cold board.
        model.advance(600.0);
        model.hot = 0.0;
        model
    }

    /// Lets time pass; nothing happens for no seconds, or fewer.
    pub fn advance(&mut self, seconds: f64) {
        self.pending += seconds.max(0.0);
        while self.pending >= STEP_SECONDS {
            self.pending -= STEP_SECONDS;
            self.step();
        }
    }

    fn step(&mut self) {
        self.uptime += STEP_SECONDS;
        self.step_load();
        self.step_heat();
        self.step_air();
        self.step_storage();
        self.step_network();
    }

    fn step_load(&mut self) {
        self.drift += -self.drift * STEP_SECONDS / 20.0 + 0.018 * self.random.bell();
        if self.burst <= 0.0 && self.random.happens(self.role.burst_every_seconds(), STEP_SECONDS) {
            self.burst = self.random.between(5.0, 40.0);
        }
        if self.hot <= 0.0 && self.random.happens(1500.0, STEP_SECONDS) {
            self.hot = self.random.between(120.0, 300.0);
        }
        self.burst -= STEP_SECONDS;
        self.hot -= STEP_SECONDS;
        let wave = 0.10 * (std::f64::consts::TAU * (self.uptime / 420.0 + self.phase)).sin();
        let busy = if self.hot > 0.0 {
            0.7
        } else if self.burst > 0.0 {
            0.4
        } else {
            0.0
        };
        let wanted = (self.role.mean_load() + wave + self.drift + busy).clamp(0.01, 1.0);
        let allowed = if self.throttled() { wanted.min(0.8) } else { wanted };
        self.cpu = towards(self.cpu, allowed, 1.5);
        let runnable = self.cpu * self.hardware.cores + f64::from(u8::from(self.burst > 0.0)) * 0.7;
        for (load, seconds) in self.loads.iter_mut().zip([60.0, 300.0, 900.0]) {
            *load = towards(*load, runnable, seconds);
        }
        self.memory = towards(self.memory, self.role.mean_memory() + 0.15 * self.cpu, 45.0);
    }

    /// Processor to heat sink to air in the case; each a lag, each with its own time constant.
    fn step_heat(&mut self) {
        let span = self.hardware.full_watts - self.hardware.idle_watts;
        self.watts = self.hardware.idle_watts + span * self.cpu;
        let inlet = self.inlet_celsius();
        let clogged = if self.hot > 0.0 { 1.35 } else { 1.0 };
        self.case = towards(self.case, inlet + 0.9 * self.watts, 120.0);
        self.exhaust = towards(self.exhaust, inlet + 1.3 * self.watts, 25.0);
        let sink = self.case + self.hardware.sink_kelvin_per_watt * clogged * self.watts;
        self.sink = towards(self.sink, sink, 70.0);
        self.die = towards(self.die, self.sink + self.hardware.die_kelvin_per_watt * self.watts, 3.0);
    }

    fn step_air(&mut self) {
        self.inlet_drift += -self.inlet_drift * STEP_SECONDS / 600.0 + 0.003 * self.random.bell();
        self.pressure_drift += -self.pressure_drift * STEP_SECONDS / 7200.0 + 0.15 * self.random.bell();
    }

    /// Logs and commit logs grow until something cleans up.
    fn step_storage(&mut self) {
        let written = self.cpu * STEP_SECONDS * 60e3;
        self.root_used += written / self.hardware.root_bytes;
        if self.root_used > 0.6 || self.random.happens(3600.0, STEP_SECONDS) {
            self.root_used = (self.root_used - 0.08).max(0.2);
        }
        self.data_used += 20.0 * written / self.hardware.data_bytes.max(1.0);
        if self.data_used > 0.7 || self.random.happens(900.0, STEP_SECONDS) {
            self.data_used = (self.data_used - 0.05).max(0.15);
        }
    }

    fn step_network(&mut self) {
        let rate = self.role.network_bytes() * (0.2 + 2.0 * self.cpu) * STEP_SECONDS;
        self.received += rate * self.random.between(0.5, 1.5);
        self.sent += rate * self.random.between(0.4, 1.2);
        if self.random.happens(7200.0, STEP_SECONDS) {
            self.receive_errors += 1.0;
        }
    }

    fn room(&self, period: f64, amplitude: f64) -> f64 {
        amplitude * (std::f64::consts::TAU * (self.uptime / period + self.room_phase)).sin()
    }

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

/// One step of a first-order lag: exact for any time constant, so it never overshoots.
fn towards(value: f64, target: f64, time_constant: f64) -> f64 {
    value + (target - value) * (STEP_SECONDS / (STEP_SECONDS + time_constant))
}

/// Magnus' formula.
fn saturation_pascals(celsius: f64) -> f64 {
    611.2 * (17.62 * celsius / (243.12 + celsius)).exp()
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped, and far below 2^53")]
fn bytes(value: f64) -> u64 {
    value.max(0.0) as u64
}
