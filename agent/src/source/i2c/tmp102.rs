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
/// Section 6.5: a conversion takes at most 35 ms.
const CONVERSION_MS: u32 = 36;
/// Section 6.3.
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
/// (table 9).
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
