//! A simulated board's own health, in the shape that the real host sources give.

use super::hardware::Role;
use super::physics::BoardModel;
use super::world::World;
use crate::record::{BoardName, DockerState, Health, Quality, Quantity, Reading};
use crate::source::{Observation, Source, SourceError};

/// Everything that the host sources of a real board would tell, in one source.
#[derive(Debug)]
pub struct SimulatedHost {
    board: BoardName,
    role: Role,
    address: String,
    world: World,
}

impl SimulatedHost {
    /// The host of one board.
    #[must_use]
    pub fn new(board: BoardName, role: Role, address: String, world: World) -> Self {
        Self { board, role, address, world }
    }

    fn health(&self, model: &BoardModel) -> Health {
        let hardware = model.hardware();
        let [load_1m, load_5m, load_15m] = model.loads();
        let [received, sent] = model.network_bytes();
        let tells = hardware.tells_throttling;
        Health {
            cpu_ratio: Some(thousandths(model.cpu_ratio())),
            cpu_count: Some(hardware.cpu_count),
            load_1m: Some(hundredths(load_1m)),
            load_5m: Some(hundredths(load_5m)),
            load_15m: Some(hundredths(load_15m)),
            memory_used_bytes: Some(model.memory_used_bytes()),
            memory_total_bytes: Some(hardware.memory_bytes()),
            cpu_temperature_celsius: Some(thousandths(model.cpu_celsius())),
            storage_free_bytes: Some(model.root_free_bytes()),
            storage_total_bytes: Some(hardware.root_bytes()),
            data_free_bytes: model.data_free_bytes(),
            data_total_bytes: model.data_free_bytes().map(|_| hardware.data_bytes()),
            network_receive_bytes_total: Some(received),
            network_transmit_bytes_total: Some(sent),
            uptime_seconds: Some(hundredths(model.uptime_seconds())),
            under_voltage: tells.then(|| model.under_voltage()),
            throttled: tells.then(|| model.throttled()),
            docker: Some(DockerState::Active),
            containers: Some(self.role.containers()),
            hostname: Some(self.board.to_string()),
            address: Some(self.address.clone()),
            os: Some(hardware.os.to_owned()),
            kernel: Some(hardware.kernel.to_owned()),
            ..Health::default()
        }
    }
}

impl Source for SimulatedHost {
    fn name(&self) -> &'static str {
        "host"
    }

    fn read(&mut self) -> Result<Observation, SourceError> {
        Ok(self.world.observe(|model| Observation { health: self.health(model), readings: readings(model) }))
    }
}

fn readings(model: &BoardModel) -> Vec<Reading> {
    let hardware = model.hardware();
    let [received, sent] = model.network_bytes();
    let mut readings = vec![
        reading("/", "filesystem", Quantity::StorageFree, count(model.root_free_bytes())),
        reading("/", "filesystem", Quantity::StorageTotal, count(hardware.root_bytes())),
    ];
    if let Some(free) = model.data_free_bytes() {
        readings.push(reading("/data", "filesystem", Quantity::StorageFree, count(free)));
        readings.push(reading("/data", "filesystem", Quantity::StorageTotal, count(hardware.data_bytes())));
    }
    let celsius = thousandths(model.cpu_celsius());
    readings.push(reading(hardware.thermal_zone, "thermal_zone", Quantity::Temperature, celsius));
    let network = [
        (Quantity::NetworkReceiveTotal, received),
        (Quantity::NetworkTransmitTotal, sent),
        (Quantity::NetworkReceiveErrorsTotal, model.receive_errors()),
        (Quantity::NetworkTransmitErrorsTotal, 0),
    ];
    readings.extend(
        network.map(|(quantity, total)| reading("eth0", "network_interface", quantity, count(total))),
    );
    readings
}

fn reading(sensor: &str, chip: &str, quantity: Quantity, value: f64) -> Reading {
    Reading { sensor: sensor.to_owned(), chip: chip.to_owned(), quantity, value, quality: Quality::Good }
}

#[expect(clippy::cast_precision_loss, reason = "bytes of one board stay below 2^53")]
fn count(value: u64) -> f64 {
    value as f64
}

/// As fine as `/proc/loadavg` and `/proc/uptime`.
fn hundredths(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

/// As fine as the kernel's thermal zones, and as its counting of processor time.
fn thousandths(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}
