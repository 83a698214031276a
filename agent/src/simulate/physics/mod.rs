//! What happens inside and around one simulated board: load, heat, power, air, memory, disks, network.
//!
//! One cause runs through everything: load makes power, power makes heat in the processor, from there in
//! its heat sink, and warms the case and the air that leaves it; a higher current lets the supply
//! sag. Time is passed in, never read, and moves in steps of a fixed length, so that a seed and a sum of
//! seconds give the same board however the seconds were portioned.

mod seen;

use super::hardware::{Hardware, Role};
use super::random::Random;

const STEP_SECONDS: f64 = 0.25;
/// So often a board runs hot for some minutes: of twelve, one mostly does.
const HOT_EVERY_SECONDS: f64 = 2400.0;

/// One board's physical state.
#[derive(Clone, Debug)]
pub struct BoardModel {
    hardware: Hardware,
    role: Role,
    random: Random,
    /// Seconds that have not made a whole step yet.
    pending: f64,
    /// Seconds since this board's boot, and since the model's own beginning, which a rack's boards share.
    uptime: f64,
    age: f64,
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
            age: 0.0,
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
        self.age += STEP_SECONDS;
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
        if self.hot <= 0.0 && self.random.happens(HOT_EVERY_SECONDS, STEP_SECONDS) {
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

    /// The room's own slow waves, the same for all boards.
    fn room(&self, period: f64, amplitude: f64) -> f64 {
        amplitude * (std::f64::consts::TAU * (self.age / period + self.room_phase)).sin()
    }
}

/// One step of a first-order lag, taken implicitly: it never overshoots, however short the time constant.
fn towards(value: f64, target: f64, time_constant: f64) -> f64 {
    value + (target - value) * (STEP_SECONDS / (STEP_SECONDS + time_constant))
}

#[cfg(test)]
mod tests;
