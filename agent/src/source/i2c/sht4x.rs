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

/// Datasheet, "Temperature": the specified range.
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

/// Datasheet, "Conversion of Signal Output", with its advice to crop a humidity that calibration puts beyond what exists.
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

#[cfg(test)]
mod tests {
    use super::super::mocked::{scripted, value};
    use super::super::{Chip, I2cError};
    use super::*;
    use crate::record::Quality;
    use crate::source::SourceError;
    use embedded_hal_mock::eh1::i2c::Transaction;

    const AT: u8 = 0x44;

    fn exchange(command: u8, answer: [u8; 6]) -> Vec<Transaction> {
        vec![Transaction::write(AT, vec![command]), Transaction::read(AT, answer.to_vec())]
    }

    /// 0xbeef with its checksum, the example under "Checksum Calculation", twice.
    fn start() -> Vec<Transaction> {
        exchange(0x89, [0xbe, 0xef, 0x92, 0xbe, 0xef, 0x92])
    }

    #[test]
    fn words_with_their_checksums_become_temperature_and_humidity() {
        // 0x6666 is 0.4 of the whole: -45 + 175 * 0.4 degrees, and -6 + 125 * 0.4 percent.
        let script = [start(), exchange(0xfd, [0x66, 0x66, 0x93, 0x66, 0x66, 0x93])].concat();
        let (mut sensor, mut script) = scripted(Chip::Sht4x, &script);
        let readings = sensor.read().unwrap().readings;
        let (celsius, quality) = value(&readings, Quantity::Temperature);
        assert!((celsius - 25.0).abs() < 1e-9 && quality == Quality::Good, "{celsius}");
        let (ratio, quality) = value(&readings, Quantity::RelativeHumidity);
        assert!((ratio - 0.44).abs() < 1e-9 && quality == Quality::Good, "{ratio}");
        script.done();
    }

    #[test]
    fn the_ends_of_the_raw_numbers_are_cropped_or_out_of_range() {
        let [cold, dry] = convert(0, 0);
        assert!((cold.value + 45.0).abs() < 1e-9 && cold.quality == Quality::OutOfRange);
        assert!(dry.value.abs() < 1e-9 && dry.quality == Quality::Good);
        let [hot, wet] = convert(0xffff, 0xffff);
        assert!((hot.value - 130.0).abs() < 1e-9 && hot.quality == Quality::OutOfRange);
        assert!((wet.value - 1.0).abs() < 1e-9 && wet.quality == Quality::Good);
    }

    #[test]
    fn a_wrong_checksum_is_an_error_and_never_a_value() {
        let script = [start(), exchange(0xfd, [0x66, 0x66, 0x93, 0x66, 0x66, 0x94])].concat();
        let (mut sensor, mut script) = scripted(Chip::Sht4x, &script);
        let error = sensor.read().unwrap_err();
        assert!(matches!(error, SourceError::I2c(I2cError::Checksum { .. })), "{error}");
        script.done();
    }

    #[test]
    fn a_serial_number_of_zeroes_is_no_chips() {
        let (mut sensor, mut script) = scripted(Chip::Sht4x, &exchange(0x89, [0, 0, 0x81, 0, 0, 0x81]));
        let error = sensor.read().unwrap_err();
        assert!(matches!(error, SourceError::I2c(I2cError::WrongChip { .. })), "{error}");
        script.done();
    }
}
