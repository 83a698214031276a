//! From a chip to a [`Source`]: what every driver has in common.
//!
//! A chip is started before its first measurement, and started anew after anything went wrong with it.
//! A driver only says what happened; whether to start again is decided here, once.

use std::ops::RangeInclusive;

use super::{BusError, Chip, ChipSettings, I2cError};
use crate::record::{Health, Quality, Quantity, Reading};
use crate::source::{Observation, Source, SourceError};

/// What one file a chip offers.
pub(super) trait Driver: Send {
    /// What only a started chip has: its calibration, a driver that knows its configuration.
    type Started: Send;

    /// Makes sure that it is the right chip, and configures it.
    fn start(&mut self) -> Result<Self::Started, ChipFault>;

    /// Measures once.
    fn measure(&mut self, started: &mut Self::Started) -> Result<Vec<Value>, ChipFault>;
}

/// What went wrong with a chip.
#[derive(Debug)]
pub(super) enum ChipFault {
    /// The bus failed.
    Bus(BusError),
    /// Another chip answered.
    WrongChip(String),
    /// A checksum did not match.
    Checksum,
    /// The answer is none that the datasheet knows.
    Nonsense(String),
    /// No chip of this kind has this address.
    Address,
    /// The chip is not configured as it was: it lost its supply in the meantime.
    Restarted,
}

/// One measured value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Value {
    pub(super) quantity: Quantity,
    pub(super) value: f64,
    pub(super) quality: Quality,
}

impl Value {
    /// A value that is good within the chip's range and out of range elsewhere.
    pub(super) fn within(quantity: Quantity, value: f64, range: &RangeInclusive<f64>) -> Self {
        let quality = if range.contains(&value) { Quality::Good } else { Quality::OutOfRange };
        Self { quantity, value, quality }
    }

    /// The same value, of which the chip itself says that it may be wrong.
    pub(super) fn suspect_if(self, doubt: bool) -> Self {
        if doubt { Self { quality: Quality::Suspect, ..self } } else { self }
    }
}

/// A configured chip, as a source.
pub(super) struct Sensor<C: Driver> {
    name: String,
    chip: Chip,
    address: u8,
    supply: bool,
    driver: C,
    started: Option<C::Started>,
}

impl<C: Driver> Sensor<C> {
    pub(super) fn new(settings: &ChipSettings, driver: C) -> Self {
        Self {
            name: settings.name.clone(),
            chip: settings.chip,
            address: settings.address,
            supply: settings.supply,
            driver,
            started: None,
        }
    }

    fn measure(&mut self) -> Result<Vec<Value>, ChipFault> {
        let mut started = match self.started.take() {
            Some(started) => started,
            None => self.driver.start()?,
        };
        let mut outcome = self.driver.measure(&mut started);
        if matches!(outcome, Err(ChipFault::Restarted)) {
            tracing::info!(sensor = self.name, chip = %self.chip, "lost its configuration, as after a dip of its supply; configured anew");
            started = self.driver.start()?;
            outcome = self.driver.measure(&mut started);
        }
        let values = outcome?;
        if let Some(bad) = values.iter().find(|value| !value.value.is_finite()) {
            return Err(ChipFault::Nonsense(format!("its {} is no number", bad.quantity.name())));
        }
        // Only a chip that just measured well stays started; any error above begins afresh.
        self.started = Some(started);
        Ok(values)
    }

    fn error(&self, fault: ChipFault) -> I2cError {
        let (sensor, chip, address) = (self.name.clone(), self.chip, self.address);
        match fault {
            ChipFault::Bus(source) => I2cError::Bus { sensor, chip, source },
            ChipFault::WrongChip(found) => I2cError::WrongChip { sensor, chip, address, found },
            ChipFault::Checksum => I2cError::Checksum { sensor, chip, address },
            ChipFault::Nonsense(what) => I2cError::Nonsense { sensor, chip, address, what },
            ChipFault::Address => I2cError::Address { sensor, chip, address },
            ChipFault::Restarted => {
                let what = "it does not keep its configuration".to_owned();
                I2cError::Nonsense { sensor, chip, address, what }
            }
        }
    }
}

impl<C: Driver> Source for Sensor<C> {
    fn name(&self) -> &str {
        &self.name
    }

    fn read(&mut self) -> Result<Observation, SourceError> {
        let values = self.measure().map_err(|fault| self.error(fault))?;
        let health = if self.supply { supply(&values) } else { Health::default() };
        let readings = values
            .into_iter()
            .map(|value| Reading {
                sensor: self.name.clone(),
                chip: self.chip.name().to_owned(),
                quantity: value.quantity,
                value: rounded(value.quantity, value.value),
                quality: value.quality,
            })
            .collect();
        Ok(Observation { health, readings })
    }
}

/// The board's supply; a health has no quality, so it gets good values only.
fn supply(values: &[Value]) -> Health {
    let good = |quantity| {
        let found = values.iter().find(|value| value.quantity == quantity && value.quality == Quality::Good);
        found.map(|value| rounded(value.quantity, value.value))
    };
    Health {
        supply_volts: good(Quantity::Voltage),
        supply_amperes: good(Quantity::Current),
        supply_watts: good(Quantity::Power),
        ..Health::default()
    }
}

/// Cuts off the digits that no chip resolves, which would only be noise to compress and to read: the
/// finest steps are 1/16 degree (four decimals), 0.0019 % humidity, 0.2 Pa, 4 mV, and 10 microvolts
/// across a shunt.
fn rounded(quantity: Quantity, value: f64) -> f64 {
    let per_unit = match quantity {
        Quantity::Pressure => 1e2,
        Quantity::Voltage => 1e3,
        Quantity::Temperature => 1e4,
        Quantity::RelativeHumidity => 1e5,
        Quantity::Current | Quantity::Power => 1e6,
        _ => return value,
    };
    (value * per_unit).round() / per_unit
}
