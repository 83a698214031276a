//! Sensirion SHT40, SHT41, SHT43 and SHT45: temperature and relative humidity (datasheet SHT4x).
//!
//! Every word that the chip sends carries a checksum, which the `sht4x` crate checks. The chip has no
//! configuration to lose: each measurement is one command.

use ::sht4x::{Address, Error, Precision};
use embedded_hal::delay::DelayNs;
use embedded_hal::i2c::I2c;

use super::sensor::{ChipFault, Driver, Value};
use super::{BusError, SharedBus};
use crate::record::Quantity;

/// Section 3.2.
const CELSIUS: std::ops::RangeInclusive<f64> = -40.0..=125.0;

pub(super) struct Sht4x<B, D> {
    bus: SharedBus<B>,
    address: u8,
    delay: D,
}

impl<B: I2c<Error = BusError>, D: DelayNs> Sht4x<B, D> {
    pub(super) fn new(bus: SharedBus<B>, address: u8, delay: D) -> Self {
        Self { bus, address, delay }
    }
}

impl<B: I2c<Error = BusError> + Send, D: DelayNs + Send> Driver for Sht4x<B, D> {
    type Started = ::sht4x::Sht4x<SharedBus<B>, D>;

    /// Its serial number is its identity: a stranger hardly sends two right checksums.
    fn start(&mut self) -> Result<Self::Started, ChipFault> {
        let address = match self.address {
            0x44 => Address::Address0x44,
            0x45 => Address::Address0x45,
            0x46 => Address::Address0x46,
            _ => return Err(ChipFault::Address),
        };
        let mut driver = ::sht4x::Sht4x::new_with_address(self.bus.clone(), address);
        match driver.serial_number(&mut self.delay).map_err(fault)? {
            blank @ (0 | u32::MAX) => Err(ChipFault::WrongChip(format!("0x{blank:08x} is no serial number"))),
            _ => Ok(driver),
        }
    }

    fn measure(&mut self, driver: &mut Self::Started) -> Result<Vec<Value>, ChipFault> {
        let raw = driver.measure_raw(Precision::High, &mut self.delay).map_err(fault)?;
        Ok(convert(raw.temperature, raw.humidity).to_vec())
    }
}

/// Section 4.6, with its advice to crop a humidity that calibration puts beyond what exists.
fn convert(temperature: u16, humidity: u16) -> [Value; 2] {
    let share = |raw: u16| f64::from(raw) / f64::from(u16::MAX);
    let celsius = -45.0 + 175.0 * share(temperature);
    let ratio = (-0.06 + 1.25 * share(humidity)).clamp(0.0, 1.0);
    [
        Value::within(Quantity::Temperature, celsius, &CELSIUS),
        Value::within(Quantity::RelativeHumidity, ratio, &(0.0..=1.0)),
    ]
}

fn fault(error: Error<BusError>) -> ChipFault {
    match error {
        Error::I2c(error) => ChipFault::Bus(error),
        Error::Crc => ChipFault::Checksum,
        _ => ChipFault::Nonsense("its driver reports an error that it did not know before".into()),
    }
}
