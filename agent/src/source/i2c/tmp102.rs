//! Texas Instruments TMP102 and TMP112: temperature in steps of 1/16 degree (datasheet SBOS397).
//!
//! The chip has no identity register. Its configuration register has two bits that always read 1 and
//! four that always read 0, and its temperature register as many zeroes: that is what is checked.

use embedded_hal::delay::DelayNs;
use embedded_hal::i2c::I2c;
use tmp1x2::marker::mode::Continuous;
use tmp1x2::{ConversionRate, Error, SlaveAddr, Tmp1x2};

use super::sensor::{ChipFault, Driver, Value};
use super::{BusError, Chip, SharedBus};
use crate::record::Quantity;

pub(super) const CONFIGURATION: u8 = 0x01;
/// Eight conversions a second. Deliberately not the four that the chip wakes with: so a chip that lost
/// its supply, and reads 0 degrees until its first conversion, is recognised.
const CONFIGURED: u16 = 0x60c0;
/// The alert bit, which follows the temperature.
const ALERT: u16 = 0x0020;
/// "Electrical Characteristics": a conversion takes at most 35 ms.
const CONVERSION_MS: u32 = 36;
/// "Recommended Operating Conditions".
const CELSIUS: std::ops::RangeInclusive<f64> = -40.0..=125.0;

pub(super) struct Tmp102<B, D> {
    bus: SharedBus<B>,
    address: u8,
    delay: D,
}

impl<B: I2c<Error = BusError>, D: DelayNs> Tmp102<B, D> {
    pub(super) fn new(bus: SharedBus<B>, address: u8, delay: D) -> Self {
        Self { bus, address, delay }
    }

    fn configuration(&mut self) -> Result<u16, ChipFault> {
        let mut bytes = [0; 2];
        self.bus.write_read(self.address, &[CONFIGURATION], &mut bytes).map_err(ChipFault::Bus)?;
        Ok(u16::from_be_bytes(bytes))
    }
}

/// Whether this can be the configuration register of a TMP102: R1 and R0 read 1, the last four bits 0
/// ("Configuration and Power-Up/Reset Format").
pub(super) fn plausible(configuration: u16) -> bool {
    configuration & 0x6000 == 0x6000 && configuration & 0x000f == 0
}

impl<B: I2c<Error = BusError> + Send, D: DelayNs + Send> Driver for Tmp102<B, D> {
    type Started = Tmp1x2<SharedBus<B>, Continuous>;

    fn start(&mut self) -> Result<Self::Started, ChipFault> {
        if !Chip::Tmp102.addresses().contains(&self.address) {
            return Err(ChipFault::Address);
        }
        let found = self.configuration()?;
        if !plausible(found) {
            return Err(ChipFault::WrongChip(format!("0x{found:04x} cannot be its configuration register")));
        }
        let address = SlaveAddr::Alternative(self.address & 0b10 != 0, self.address & 0b01 != 0);
        let mut driver = Tmp1x2::new(self.bus.clone(), address);
        // Writes the whole register, and so ends a shutdown or an extended mode that somebody left.
        driver.set_conversion_rate(ConversionRate::_8Hz).map_err(fault)?;
        self.delay.delay_ms(CONVERSION_MS);
        Ok(driver)
    }

    fn measure(&mut self, driver: &mut Self::Started) -> Result<Vec<Value>, ChipFault> {
        if self.configuration()? & !ALERT != CONFIGURED {
            return Err(ChipFault::Restarted);
        }
        let celsius = driver.read_temperature().map_err(fault)?;
        Ok(vec![Value::within(Quantity::Temperature, celsius.into(), &CELSIUS)])
    }
}

fn fault(error: Error<BusError>) -> ChipFault {
    let Error::I2C(error) = error;
    ChipFault::Bus(error)
}

#[cfg(test)]
mod tests {
    use super::super::mocked::{scripted, value};
    use super::super::{BusFault, I2cError};
    use super::*;
    use crate::record::Quality;
    use crate::source::SourceError;
    use embedded_hal::i2c::{ErrorKind, NoAcknowledgeSource};
    use embedded_hal_mock::eh1::i2c::Transaction;

    const AT: u8 = 0x48;

    fn ask(register: u8, word: u16) -> Transaction {
        Transaction::write_read(AT, vec![register], word.to_be_bytes().to_vec())
    }

    fn start() -> Vec<Transaction> {
        vec![ask(1, 0x60a0), Transaction::write(AT, vec![1, 0x60, 0xe0])]
    }

    fn measure(temperature: u16) -> Vec<Transaction> {
        vec![ask(1, 0x60e0), ask(0, temperature)]
    }

    #[test]
    fn the_datasheets_table_of_temperatures_comes_out() {
        // SBOS397, "12-Bit Temperature Data Format": each 12-bit word, left in its register.
        let table = [(0x7ff, 127.9375), (0x640, 100.0), (0x4b0, 75.0), (0x190, 25.0), (0x004, 0.25)];
        let below = [(0x000, 0.0), (0xffc, -0.25), (0xe70, -25.0), (0xc90, -55.0)];
        for (word, celsius) in table.into_iter().chain(below) {
            let (mut sensor, mut script) = scripted(Chip::Tmp102, &[start(), measure(word << 4)].concat());
            let (found, quality) = value(&sensor.read().unwrap().readings, Quantity::Temperature);
            assert!((found - celsius).abs() < f64::EPSILON, "{word:03x} {found}");
            let inside = (-40.0..=125.0).contains(&celsius);
            assert_eq!(quality == Quality::Good, inside, "{celsius}");
            script.done();
        }
    }

    #[test]
    fn a_chip_that_was_unplugged_is_an_error_and_then_read_again() {
        let silent = ErrorKind::NoAcknowledge(NoAcknowledgeSource::Unknown);
        let gone = vec![ask(1, 0).with_error(silent)];
        let script = [start(), measure(0x1900), gone.clone(), gone, start(), measure(0x1900)].concat();
        let (mut sensor, mut script) = scripted(Chip::Tmp102, &script);
        let before = sensor.read().unwrap();
        for _ in 0..2 {
            let error = sensor.read().unwrap_err();
            let SourceError::I2c(I2cError::Bus { source, .. }) = error else { panic!("{error}") };
            assert_eq!(source.fault, BusFault::NoAcknowledge);
        }
        assert_eq!(sensor.read().unwrap(), before);
        script.done();
    }

    #[test]
    fn a_chip_that_lost_its_supply_between_two_reads_is_not_believed_until_it_has_converted() {
        let woken = vec![ask(1, 0x60a0)];
        let script = [start(), measure(0x1900), woken, start(), measure(0x1910)].concat();
        let (mut sensor, mut script) = scripted(Chip::Tmp102, &script);
        assert!(sensor.read().is_ok());
        let (celsius, _) = value(&sensor.read().unwrap().readings, Quantity::Temperature);
        assert!((celsius - 25.0625).abs() < f64::EPSILON);
        script.done();
    }

    #[test]
    fn a_stranger_is_named() {
        let (mut sensor, mut script) = scripted(Chip::Tmp102, &[ask(1, 0x399f)]);
        let error = sensor.read().unwrap_err().to_string();
        assert!(error.contains("0x48") && error.contains("no tmp102") && error.contains("0x399f"), "{error}");
        script.done();
    }
}
