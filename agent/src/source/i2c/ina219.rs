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
use crate::record::Quantity;

/// The shunt that breakout boards carry.
pub(super) const BREAKOUT_SHUNT_OHMS: f64 = 0.1;

/// Section 7.1: above 26 V the chip may be harmed, below 0 it does not measure.
const VOLTS: std::ops::RangeInclusive<f64> = 0.0..=26.0;
/// At the gain of 1/8 that a reset leaves, the converter ends at +-320 mV (table 4).
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

/// 16 samples averaged for each voltage: a board's current is all spikes. One round takes 17 ms.
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
    /// computed registers 0 (section 8.6), which the crate checks.
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
        self.delay.delay_us(averaging().conversion_time_us().unwrap_or_default() + 1_000);
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
        // Reading the power register clears "conversion ready" (section 8.6.3.2), so that the next read
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
    let quality =
        if current.quality == voltage.quality { voltage.quality } else { crate::record::Quality::OutOfRange };
    [voltage, current, Value { quantity: Quantity::Power, value: volts * amperes, quality }]
}
