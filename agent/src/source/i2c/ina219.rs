//! Texas Instruments INA219: a voltage, and a current by the voltage across a shunt (datasheet SBOS448).
//!
//! Current and power are computed here from the two voltages. The chip could do that by its calibration
//! register, with rounding twice, an overflow to watch, and a register that a dip of the supply clears.
//! Each register is read in a transaction of its own: the crate's combined read puts a read before
//! a write, which a Raspberry Pi's adapter refuses.

use ::ina219::SyncIna219;
use ::ina219::address::Address;
use ::ina219::calibration::UnCalibrated;
use ::ina219::configuration::{Configuration, Resolution};
use ::ina219::errors::{
    BusVoltageReadError, ConfigurationReadError, InitializationErrorReason, ShuntVoltageReadError,
};
use embedded_hal::delay::DelayNs;
use embedded_hal::i2c::I2c;

use super::sensor::{ChipFault, Driver, Value};
use super::{BusError, SharedBus};
use crate::record::{Quality, Quantity};

/// The shunt that breakout boards carry.
pub(super) const BREAKOUT_SHUNT_OHMS: f64 = 0.1;

/// "Absolute Maximum Ratings": above 26 V the chip may be harmed, below 0 it does not measure.
const VOLTS: std::ops::RangeInclusive<f64> = 0.0..=26.0;
/// At the gain of 1/8 that a reset leaves, the converter ends at +-320 mV ("PG Bit Settings").
const SHUNT_LIMIT_VOLTS: f64 = 0.32;

pub(super) struct Ina219<B, D> {
    bus: SharedBus<B>,
    address: u8,
    delay: D,
    shunt_ohms: f64,
}

impl<B: I2c<Error = BusError>, D: DelayNs> Ina219<B, D> {
    pub(super) fn new(bus: SharedBus<B>, address: u8, delay: D, shunt_ohms: f64) -> Self {
        Self { bus, address, delay, shunt_ohms }
    }
}

/// 16 samples averaged for each voltage: a board's current is all spikes. One round takes 17 to 19 ms.
fn averaging() -> Configuration {
    Configuration {
        bus_resolution: Resolution::Avg16,
        shunt_resolution: Resolution::Avg16,
        ..Configuration::default()
    }
}

impl<B: I2c<Error = BusError> + Send, D: DelayNs + Send> Driver for Ina219<B, D> {
    type Started = SyncIna219<SharedBus<B>, UnCalibrated>;

    /// The chip has no identity register. After a reset its configuration must read 0x399f and its
    /// computed registers 0 ("Register Maps"), which the crate checks.
    fn start(&mut self) -> Result<Self::Started, ChipFault> {
        let address = Address::from_byte(self.address).map_err(|_| ChipFault::Address)?;
        let mut driver = SyncIna219::new(self.bus.clone(), address).map_err(|error| match error.reason {
            InitializationErrorReason::I2cError(error) => ChipFault::Bus(error),
            InitializationErrorReason::ConfigurationNotDefaultAfterReset => {
                ChipFault::WrongChip("after a reset its configuration is not 0x399f".into())
            }
            InitializationErrorReason::RegisterNotZeroAfterReset(register) => {
                ChipFault::WrongChip(format!("after a reset its {register:?} register is not 0"))
            }
            InitializationErrorReason::ShuntVoltageOutOfRange
            | InitializationErrorReason::BusVoltageOutOfRange => {
                ChipFault::WrongChip("after a reset it measures what it cannot measure".into())
            }
        })?;
        driver.set_configuration(averaging()).map_err(ChipFault::Bus)?;
        // The crate knows typical times; the longest are a tenth longer ("ADC Settings").
        self.delay.delay_us(averaging().conversion_time_us().unwrap_or_default() * 6 / 5);
        Ok(driver)
    }

    fn measure(&mut self, driver: &mut Self::Started) -> Result<Vec<Value>, ChipFault> {
        driver.configuration().map_err(|error| match error {
            ConfigurationReadError::I2cError(error) => ChipFault::Bus(error),
            ConfigurationReadError::ConfigurationMismatch { .. } => ChipFault::Restarted,
        })?;
        let bus = match driver.bus_voltage() {
            Ok(voltage) | Err(BusVoltageReadError::BusVoltageOutOfRange { is: voltage, .. }) => voltage,
            Err(BusVoltageReadError::I2cError(error)) => return Err(ChipFault::Bus(error)),
        };
        let shunt = match driver.shunt_voltage() {
            Ok(voltage) | Err(ShuntVoltageReadError::ShuntVoltageOutOfRange { is: voltage, .. }) => voltage,
            Err(ShuntVoltageReadError::I2cError(error)) => return Err(ChipFault::Bus(error)),
        };
        // Reading the power register clears "conversion ready" ("Bus Voltage Register"), so that the next read
        // can tell a new conversion from the old one.
        driver.power_raw().map_err(ChipFault::Bus)?;
        let doubt = !bus.is_conversion_ready() || bus.has_math_overflowed();
        let volts = f64::from(bus.voltage_mv()) / 1e3;
        let shunt_volts = f64::from(shunt.shunt_voltage_uv()) / 1e6;
        Ok(convert(volts, shunt_volts, self.shunt_ohms).map(|value| value.suspect_if(doubt)).to_vec())
    }
}

fn convert(volts: f64, shunt_volts: f64, shunt_ohms: f64) -> [Value; 3] {
    let amperes = shunt_volts / shunt_ohms;
    // One step below the end: at the end itself, the current may be anything beyond.
    let most = (SHUNT_LIMIT_VOLTS - 1e-5) / shunt_ohms;
    let voltage = Value::within(Quantity::Voltage, volts, &VOLTS);
    let current = Value::within(Quantity::Current, amperes, &(-most..=most));
    // A product is as good as the worse of its factors.
    let quality = match voltage.quality {
        Quality::Good => current.quality,
        worse => worse,
    };
    [voltage, current, Value { quantity: Quantity::Power, value: volts * amperes, quality }]
}

#[cfg(test)]
mod tests {
    use super::super::mocked::{scripted, value};
    use super::super::{Chip, I2cError};
    use super::*;
    use crate::source::SourceError;
    use embedded_hal_mock::eh1::i2c::Transaction;

    const AT: u8 = 0x40;

    fn ask(register: u8, word: u16) -> Transaction {
        Transaction::write_read(AT, vec![register], word.to_be_bytes().to_vec())
    }

    fn tell(register: u8, word: u16) -> Transaction {
        let [high, low] = word.to_be_bytes();
        Transaction::write(AT, vec![register, high, low])
    }

    /// Reset, the registers that it must leave, then 16 samples for each voltage.
    fn start() -> Vec<Transaction> {
        vec![
            tell(0, 0xb99f),
            ask(0, 0x399f),
            ask(5, 0),
            ask(4, 0),
            ask(3, 0),
            ask(1, 0),
            ask(2, 0),
            tell(0, 0x3e67),
        ]
    }

    fn measure(bus: u16, shunt: u16) -> Vec<Transaction> {
        vec![ask(0, 0x3e67), ask(2, bus), ask(1, shunt), ask(3, 0)]
    }

    #[test]
    fn the_datasheets_example_comes_out() {
        // SBOS448, the worked example of an 11.98 V supply: 20 mV across 2 milliohms are 10 A, and 11.98 V make 119.8 W of them.
        let [volts, amperes, watts] = convert(11.98, 0.02, 0.002);
        assert!((volts.value - 11.98).abs() < 1e-9 && (amperes.value - 10.0).abs() < 1e-9);
        assert!((watts.value - 119.8).abs() < 1e-9 && watts.quality == Quality::Good);
    }

    #[test]
    fn registers_become_volts_amperes_and_watts_and_the_boards_supply() {
        // The same example's registers, with "conversion ready": across 0.1 ohm the 20 mV are 0.2 A.
        let (mut sensor, mut script) = scripted(Chip::Ina219, &[start(), measure(0x5d9a, 0x07d0)].concat());
        let seen = sensor.read().unwrap();
        let near = |quantity, wanted: f64| {
            let (found, quality) = value(&seen.readings, quantity);
            assert!((found - wanted).abs() < 1e-9 && quality == Quality::Good, "{quantity:?} {found}");
        };
        near(Quantity::Voltage, 11.98);
        near(Quantity::Current, 0.2);
        near(Quantity::Power, 2.396);
        assert_eq!(seen.health.supply_volts, Some(value(&seen.readings, Quantity::Voltage).0));
        assert_eq!(seen.health.supply_watts, Some(value(&seen.readings, Quantity::Power).0));
        script.done();
    }

    #[test]
    fn an_old_conversion_or_an_overflow_is_suspect_and_stays_out_of_the_boards_health() {
        let script = [start(), measure(0x5d98, 0x07d0), measure(0x5d9b, 0x07d0)].concat();
        let (mut sensor, mut script) = scripted(Chip::Ina219, &script);
        for _ in 0..2 {
            let seen = sensor.read().unwrap();
            assert!(seen.readings.iter().all(|reading| reading.quality == Quality::Suspect));
            assert_eq!(seen.health.supply_volts, None);
        }
        script.done();
    }

    #[test]
    fn a_shunt_at_the_converters_end_and_one_beyond_it_are_out_of_range() {
        // "Shunt Voltage Register Format": 0x7d00 is +320 mV, the end; 0x7fff is what no working chip sends.
        let script = [start(), measure(0x5d9a, 0x7d00), measure(0x5d9a, 0x7fff)].concat();
        let (mut sensor, mut script) = scripted(Chip::Ina219, &script);
        for _ in 0..2 {
            let readings = sensor.read().unwrap().readings;
            assert_eq!(value(&readings, Quantity::Current).1, Quality::OutOfRange);
            assert_eq!(value(&readings, Quantity::Power).1, Quality::OutOfRange);
            assert_eq!(value(&readings, Quantity::Voltage).1, Quality::Good);
        }
        script.done();
    }

    #[test]
    fn what_does_not_reset_as_an_ina219_does_is_none() {
        let mut script = vec![tell(0, 0xb99f)];
        script.extend(std::iter::repeat_n(ask(0, 0x4127), 12));
        let (mut sensor, mut script) = scripted(Chip::Ina219, &script);
        let error = sensor.read().unwrap_err();
        assert!(matches!(error, SourceError::I2c(I2cError::WrongChip { .. })), "{error}");
        script.done();
    }
}
