//! Bosch BME280: temperature, relative humidity and air pressure (datasheet BST-BME280-DS001).
//!
//! The `bme280` crate knows the calibration, the compensation and forced mode. What it does not know is
//! guarded here, with registers read on the side:
//! - it takes a BMP280 for a BME280 and calls its humidity 0 %, so the identity is checked first;
//! - a chip whose supply dipped has its oversampling back at "skipped", and the crate would turn the
//!   placeholder 0x80000 into a plausible temperature, so the configuration is checked before every
//!   measurement;
//! - it never looks whether the conversion has ended, so that bit is read after it;
//! - it clamps values to the chip's range, so a value at an end of the range is out of range.

use ::bme280::i2c::BME280;
use ::bme280::{Configuration, Error, IIRFilter, Oversampling};
use embedded_hal::delay::DelayNs;
use embedded_hal::i2c::I2c;

use super::sensor::{ChipFault, Driver, Value};
use super::{BusError, SharedBus};
use crate::record::{Quality, Quantity};

/// Register `id` (5.4.1), and what it holds.
pub(super) const ID: u8 = 0xd0;
pub(super) const ID_BME280: u8 = 0x60;
const ID_BMP280: u8 = 0x58;
/// Registers `ctrl_hum`, `status`, `ctrl_meas`, `config`, one after the other (5.4.3 to 5.4.6).
const CONTROL: u8 = 0xf2;
const STATUS: u8 = 0xf3;
const STATUS_MEASURING: u8 = 1 << 3;
/// Humidity once.
const CTRL_HUM: u8 = 0b001;
/// Temperature twice, pressure four times, asleep.
const CTRL_MEAS: u8 = (0b010 << 5) | (0b011 << 2);

/// Table 1 and the crate's clamps: whoever reaches an end may be past it.
const CELSIUS: (f64, f64) = (-40.0, 85.0);
const PASCALS: (f64, f64) = (30_000.0, 110_000.0);

pub(super) struct Bme280<B, D> {
    bus: SharedBus<B>,
    address: u8,
    delay: D,
}

impl<B: I2c<Error = BusError>, D: DelayNs> Bme280<B, D> {
    pub(super) fn new(bus: SharedBus<B>, address: u8, delay: D) -> Self {
        Self { bus, address, delay }
    }

    fn registers<const N: usize>(&mut self, first: u8) -> Result<[u8; N], ChipFault> {
        let mut bytes = [0; N];
        self.bus.write_read(self.address, &[first], &mut bytes).map_err(ChipFault::Bus)?;
        Ok(bytes)
    }
}

impl<B: I2c<Error = BusError> + Send, D: DelayNs + Send> Driver for Bme280<B, D> {
    type Started = BME280<SharedBus<B>>;

    fn start(&mut self) -> Result<Self::Started, ChipFault> {
        match self.registers(ID)? {
            [ID_BME280] => {}
            [ID_BMP280] => {
                return Err(ChipFault::WrongChip(
                    "its id 0x58 is a BMP280's, which measures no humidity".into(),
                ));
            }
            [other] => return Err(ChipFault::WrongChip(format!("its id is 0x{other:02x}, not 0x60"))),
        }
        let configuration = Configuration::default()
            .with_temperature_oversampling(Oversampling::Oversampling2X)
            .with_pressure_oversampling(Oversampling::Oversampling4X)
            .with_humidity_oversampling(Oversampling::Oversampling1X)
            .with_iir_filter(IIRFilter::Off);
        let mut driver = BME280::new(self.bus.clone(), self.address);
        driver.init_with_config(&mut self.delay, configuration).map_err(fault)?;
        Ok(driver)
    }

    fn measure(&mut self, driver: &mut Self::Started) -> Result<Vec<Value>, ChipFault> {
        let [hum, _, meas, _] = self.registers::<4>(CONTROL)?;
        if hum & 0b111 != CTRL_HUM || meas != CTRL_MEAS {
            return Err(ChipFault::Restarted);
        }
        let measured = driver.measure(&mut self.delay).map_err(fault)?;
        let [status] = self.registers(STATUS)?;
        let stale = status & STATUS_MEASURING != 0;
        let values = [
            inside(Quantity::Temperature, measured.temperature.into(), CELSIUS),
            // Section 4.2.3 limits the compensated humidity to 0 to 100 % itself.
            Value::within(Quantity::RelativeHumidity, f64::from(measured.humidity) / 100.0, &(0.0..=1.0)),
            inside(Quantity::Pressure, measured.pressure.into(), PASCALS),
        ];
        Ok(values.map(|value| value.suspect_if(stale)).to_vec())
    }
}

/// Good between the ends, and not at them.
fn inside(quantity: Quantity, value: f64, (low, high): (f64, f64)) -> Value {
    let quality = if value > low && value < high { Quality::Good } else { Quality::OutOfRange };
    Value { quantity, value, quality }
}

fn fault(error: Error<BusError>) -> ChipFault {
    match error {
        Error::Bus(error) => ChipFault::Bus(error),
        Error::UnsupportedChip => ChipFault::WrongChip("its id changed while it was read".into()),
        Error::CompensationFailed | Error::InvalidData | Error::NoCalibrationData | Error::Delay => {
            ChipFault::Nonsense("its calibration makes no sense".into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::mocked::{scripted, value};
    use super::super::{Chip, I2cError};
    use super::*;
    use crate::source::SourceError;
    use embedded_hal_mock::eh1::i2c::Transaction;

    const AT: u8 = 0x76;

    fn ask(register: u8, answer: &[u8]) -> Transaction {
        Transaction::write_read(AT, vec![register], answer.to_vec())
    }

    fn tell(register: u8, value: u8) -> Transaction {
        Transaction::write(AT, vec![register, value])
    }

    /// Temperature and pressure: the worked example of BST-BMP280-DS001, section 3.12. Humidity: T1 to H6
    /// of a chip whose formula (BST-BME280-DS001, 4.2.3) was worked out by hand: H2 = 65536 / 256, and no
    /// other term, so that the ratio is the raw number / 256 in percent.
    fn start() -> Vec<Transaction> {
        let low = [
            0x70, 0x6b, 0x43, 0x67, 0x18, 0xfc, 0x7d, 0x8e, 0x43, 0xd6, 0xd0, 0x0b, 0x27, 0x0b, 0x8c, 0x00,
            0xf9, 0xff, 0x8c, 0x3c, 0xf8, 0xc6, 0x70, 0x17, 0x00, 0x00,
        ];
        vec![
            ask(0xd0, &[0x60]),
            ask(0xd0, &[0x60]),
            tell(0xe0, 0xb6),
            ask(0x88, &low),
            ask(0xe1, &[0x00, 0x01, 0, 0, 0, 0, 0]),
            ask(0xf4, &[0x00]),
            tell(0xf2, 0x01),
            ask(0xf4, &[0x00]),
            tell(0xf4, 0x4c),
            ask(0xf5, &[0x00]),
            tell(0xf5, 0x00),
        ]
    }

    fn measure(data: &[u8; 8], status: u8) -> Vec<Transaction> {
        vec![
            ask(0xf2, &[0x01, 0x00, 0x4c, 0x00]),
            ask(0xf4, &[0x4c]),
            ask(0xf4, &[0x4c]),
            tell(0xf4, 0x4d),
            ask(0xf7, data),
            ask(0xf3, &[status]),
        ]
    }

    /// 415148 and 519888 in twenty bits each, and a humidity of 12288 / 256 = 48 %.
    const DATA: [u8; 8] = [0x65, 0x5a, 0xc0, 0x7e, 0xed, 0x00, 0x30, 0x00];

    #[test]
    fn the_datasheets_worked_example_comes_out() {
        let (mut sensor, mut script) = scripted(Chip::Bme280, &[start(), measure(&DATA, 0)].concat());
        let readings = sensor.read().unwrap().readings;
        let (celsius, quality) = value(&readings, Quantity::Temperature);
        assert!((celsius - 25.08).abs() < 0.005 && quality == Quality::Good, "{celsius}");
        let (pascals, quality) = value(&readings, Quantity::Pressure);
        assert!((pascals - 100_653.27).abs() < 0.5 && quality == Quality::Good, "{pascals}");
        let (ratio, quality) = value(&readings, Quantity::RelativeHumidity);
        assert!((ratio - 0.48).abs() < 1e-6 && quality == Quality::Good, "{ratio}");
        script.done();
    }

    #[test]
    fn a_conversion_that_has_not_ended_is_suspect_and_an_end_of_the_range_is_out_of_range() {
        let cold = [0x65, 0x5a, 0xc0, 0x10, 0x00, 0x00, 0x30, 0x00];
        let script = [start(), measure(&DATA, 0x08), measure(&cold, 0)].concat();
        let (mut sensor, mut script) = scripted(Chip::Bme280, &script);
        let readings = sensor.read().unwrap().readings;
        assert!(readings.iter().all(|reading| reading.quality == Quality::Suspect), "{readings:?}");
        let readings = sensor.read().unwrap().readings;
        assert_eq!(value(&readings, Quantity::Temperature), (-40.0, Quality::OutOfRange));
        script.done();
    }

    #[test]
    fn a_chip_whose_supply_dipped_is_configured_anew_before_it_is_believed() {
        let dipped = vec![ask(0xf2, &[0, 0, 0, 0])];
        let script = [start(), measure(&DATA, 0), dipped, start(), measure(&DATA, 0)].concat();
        let (mut sensor, mut script) = scripted(Chip::Bme280, &script);
        let before = sensor.read().unwrap();
        assert_eq!(sensor.read().unwrap(), before);
        script.done();
    }

    #[test]
    fn a_bmp280_is_told_from_a_bme280() {
        let (mut sensor, mut script) = scripted(Chip::Bme280, &[ask(0xd0, &[0x58])]);
        let error = sensor.read().unwrap_err();
        assert!(matches!(error, SourceError::I2c(I2cError::WrongChip { .. })), "{error}");
        assert!(error.to_string().contains("BMP280"), "{error}");
        script.done();
    }
}
