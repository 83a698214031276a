//! Boards that do not exist, for demonstrations and tests.
//!
//! Nothing here imitates the agent: a simulated board is a set of [`Source`]s that the agent reads as it
//! reads any others. Its chips are modelled at register level ([`chips`]) on a bus with the real one's
//! rules ([`bus`]) and are read by the very drivers of [`crate::source::i2c`]; what they sense comes from
//! one physical model a board ([`physics`]), so that heat follows load and power follows both.

pub mod bus;
pub mod chips;
pub mod hardware;
pub mod host;
pub mod physics;
mod random;
pub mod world;

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use crate::record::BoardName;
use crate::source::Source;
use crate::source::i2c::{Chip, ChipSettings, SharedBus, open};
use bus::SimulatedBus;
use chips::{Air, SimulatedBme280, SimulatedIna219, SimulatedSht4x, SimulatedTmp102, Supply};
use hardware::Hardware;
pub use hardware::Role;
use host::SimulatedHost;
use physics::BoardModel;
use world::{ElapsedSeconds, World};

/// A board that does not exist.
pub struct SimulatedBoard {
    /// Its name: admin, m1, w1, a1.
    pub name: BoardName,
    /// What it does in its rack.
    pub role: Role,
    /// What its agent reads: its host, and the four sensors inlet, supply, case and exhaust.
    pub sources: Vec<Box<dyn Source>>,
    /// The bus of its chips, to unplug one or to let the bus fail.
    pub bus: SharedBus<SimulatedBus>,
}

impl fmt::Debug for SimulatedBoard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimulatedBoard")
            .field("name", &self.name)
            .field("role", &self.role)
            .finish_non_exhaustive()
    }
}

/// A rack of so many boards, moving with this machine's clock. The same seed gives the same rack.
#[must_use]
pub fn rack(boards: usize, seed: u64) -> Vec<SimulatedBoard> {
    let start = Instant::now();
    rack_at(boards, seed, &(Arc::new(move || start.elapsed().as_secs_f64()) as ElapsedSeconds))
}

/// The same rack, with a clock of the caller's.
#[must_use]
pub fn rack_at(boards: usize, seed: u64, clock: &ElapsedSeconds) -> Vec<SimulatedBoard> {
    let members = members(boards);
    let named = members.into_iter().zip(0_u32..);
    named.filter_map(|((name, role), index)| board(&name, role, seed, index, clock)).collect()
}

/// Names and roles: one admin first, then one manager, or three once there is something to manage, an
/// app board for each six, and workers.
fn members(boards: usize) -> Vec<(String, Role)> {
    let admins = boards.min(1);
    let managers = match boards {
        0 | 1 => 0,
        2..7 => 1,
        _ => 3,
    };
    let apps = boards / 6;
    let workers = boards - admins - managers - apps;
    let numbered = |letter: &str, count, role| {
        (1..=count).map(move |number| (format!("{letter}{number}"), role)).collect::<Vec<_>>()
    };
    let mut members = vec![("admin".to_owned(), Role::Admin); admins];
    members.extend(numbered("m", managers, Role::Manager));
    members.extend(numbered("w", workers, Role::Worker));
    members.extend(numbered("a", apps, Role::App));
    members
}

fn hardware(role: Role, index: u32) -> Hardware {
    match role {
        Role::Admin => Hardware::raspberry_pi_4(8, false),
        Role::Manager => Hardware::raspberry_pi_4(4, false),
        Role::Worker if index.is_multiple_of(2) => Hardware::orange_pi_5(true),
        Role::Worker => Hardware::raspberry_pi_4(8, true),
        Role::App => Hardware::orange_pi_5(false),
    }
}

fn board(name: &str, role: Role, seed: u64, index: u32, clock: &ElapsedSeconds) -> Option<SimulatedBoard> {
    // Every name made above is one; should that ever change, the board is missing and a test fails.
    let name: BoardName = name.parse().ok()?;
    let model = BoardModel::new(seed, index.into(), role, hardware(role, index));
    let world = World::new(model, Arc::clone(clock));
    let address = format!("10.77.{}.{}", index / 240, index % 240 + 10);
    let bus = SharedBus::new(bus_with_chips(&name, &world, index));
    let host = SimulatedHost::new(name.clone(), role, address, world.clone());
    let mut sources: Vec<Box<dyn Source>> = vec![Box::new(host)];
    sources.extend(sensors().iter().map(|sensor| open(sensor, bus.clone(), world.delay())));
    Some(SimulatedBoard { name, role, sources, bus })
}

/// The sensors that every simulated board has.
#[must_use]
pub fn sensors() -> [ChipSettings; 4] {
    let sensor = |name: &str, chip: Chip| ChipSettings {
        name: name.to_owned(),
        chip,
        address: chip.default_address(),
        shunt_ohms: (chip == Chip::Ina219).then_some(SHUNT_OHMS),
        supply: chip == Chip::Ina219,
    };
    [
        sensor("inlet", Chip::Bme280),
        sensor("supply", Chip::Ina219),
        sensor("case", Chip::Tmp102),
        sensor("exhaust", Chip::Sht4x),
    ]
}

/// 0.1 ohm, as on a breakout board: good for 3.2 A.
const SHUNT_OHMS: f64 = 0.1;

fn bus_with_chips(board: &BoardName, world: &World, index: u32) -> SimulatedBus {
    let inlet = world.probe(|model| Air {
        celsius: model.inlet_celsius(),
        relative_humidity: model.inlet_humidity(),
        pascals: model.pascals(),
    });
    let exhaust = world.probe(|model| Air {
        celsius: model.exhaust_celsius(),
        relative_humidity: model.exhaust_humidity(),
        pascals: model.pascals(),
    });
    let supply = world.probe(|model| Supply { volts: model.supply_volts(), amperes: model.supply_amperes() });
    let case = world.probe(BoardModel::case_celsius);
    let mut bus = SimulatedBus::new(&format!("simulated bus of {board}"));
    bus.attach(Chip::Bme280.default_address(), SimulatedBme280::new(inlet));
    bus.attach(Chip::Ina219.default_address(), SimulatedIna219::new(supply, SHUNT_OHMS));
    bus.attach(Chip::Tmp102.default_address(), SimulatedTmp102::new(case));
    bus.attach(Chip::Sht4x.default_address(), SimulatedSht4x::new(exhaust, 0x0f5a_0001 + index));
    bus
}

#[cfg(test)]
mod tests;
