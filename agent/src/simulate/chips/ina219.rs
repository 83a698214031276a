//! Texas Instruments INA219 (datasheet SBOS448): six 16-bit registers, conversions that take as long as
//! the configuration says, the "conversion ready" and "overflow" bits, and the chip's own arithmetic.

use super::super::bus::{Nack, SimulatedChip};
use super::{Probe, Supply, quantise};

const CONFIGURATION: u8 = 0;
const SHUNT: u8 = 1;
const BUS: u8 = 2;
const POWER: u8 = 3;
const CURRENT: u8 = 4;
const CALIBRATION: u8 = 5;

const RESET: u16 = 0x8000;
const AFTER_RESET: u16 = 0x399f;

/// An INA219 in a board's supply.
pub struct SimulatedIna219 {
    probe: Probe<Supply>,
    shunt_ohms: f64,
    pointer: u8,
    configuration: u16,
    calibration: u16,
    /// In steps of 10 microvolts.
    shunt: i32,
    /// In steps of 4 millivolts.
    bus: i32,
    ready: bool,
    /// When the running conversion ends.
    ends: Option<f64>,
}

impl SimulatedIna219 {
    /// A chip that has just got power, across a shunt.
    #[must_use]
    pub fn new(probe: Probe<Supply>, shunt_ohms: f64) -> Self {
        let mut chip = Self {
            probe,
            shunt_ohms,
            pointer: 0,
            configuration: AFTER_RESET,
            calibration: 0,
            shunt: 0,
            bus: 0,
            ready: false,
            ends: None,
        };
        chip.configure(RESET);
        chip
    }

    fn configure(&mut self, value: u16) {
        if value & RESET != 0 {
            (self.configuration, self.calibration, self.shunt, self.bus) = (AFTER_RESET, 0, 0, 0);
        } else {
            self.configuration = value & !0x4000;
        }
        let mode = self.configuration & 0b111;
        if !matches!(mode, 0b000 | 0b100) {
            self.ready = false;
        }
        let now = (self.probe)().seconds;
        self.ends = (mode & 0b011 != 0).then(|| now + self.conversion_seconds());
    }

    /// "ADC Settings", for whichever of the two voltages the mode measures.
    fn conversion_seconds(&self) -> f64 {
        let duration = |code: u16| match code {
            0b1000..=0b1111 => 532e-6 * f64::from(1_u16 << (code & 0b111)),
            code => [84e-6, 148e-6, 276e-6, 532e-6][usize::from(code & 0b11)],
        };
        let (bus, shunt) = ((self.configuration >> 7) & 0xf, (self.configuration >> 3) & 0xf);
        let part = |bit: u16, code| if self.configuration & bit != 0 { duration(code) } else { 0.0 };
        part(0b01, shunt) + part(0b10, bus)
    }

    fn settle(&mut self) {
        let Some(ends) = self.ends else { return };
        let sample = (self.probe)();
        if sample.seconds < ends {
            return;
        }
        let Supply { volts, amperes } = sample.truth;
        let continuous = self.configuration & 0b100 != 0;
        self.ends = continuous.then(|| sample.seconds + self.conversion_seconds());
        if self.configuration & 0b01 != 0 {
            let limit = 4000 << ((self.configuration >> 11) & 0b11);
            self.shunt = quantise(amperes * self.shunt_ohms / 10e-6, -limit, limit);
        }
        if self.configuration & 0b10 != 0 {
            let limit = if self.configuration & 0x2000 == 0 { 4000 } else { 8000 };
            self.bus = quantise(volts / 4e-3, 0, limit);
        }
        self.ready = true;
    }

    /// "Programming": `current = shunt * calibration / 4096`, `power = current * bus / 5000`.
    fn computed(&self) -> (i32, i32) {
        let current = self.shunt * i32::from(self.calibration & !1) / 4096;
        (current, current.saturating_mul(self.bus) / 5000)
    }

    fn register(&mut self) -> [u8; 2] {
        let (current, power) = self.computed();
        let word = match self.pointer {
            CONFIGURATION => self.configuration.into(),
            SHUNT => self.shunt,
            BUS => {
                let overflow = i16::try_from(current).is_err() || i16::try_from(power).is_err();
                self.bus << 3 | i32::from(self.ready) << 1 | i32::from(overflow)
            }
            POWER => {
                self.ready = false;
                power
            }
            CURRENT => current,
            CALIBRATION => (self.calibration & !1).into(),
            _ => 0,
        };
        let [_, _, high, low] = word.to_be_bytes();
        [high, low]
    }
}

impl SimulatedChip for SimulatedIna219 {
    fn write(&mut self, bytes: &[u8]) -> Result<(), Nack> {
        self.settle();
        if let [pointer, ..] = bytes {
            self.pointer = *pointer;
        }
        if let [_, high, low] = bytes {
            let value = u16::from_be_bytes([*high, *low]);
            match self.pointer {
                CONFIGURATION => self.configure(value),
                CALIBRATION => self.calibration = value,
                _ => {}
            }
        }
        Ok(())
    }

    fn read(&mut self, buffer: &mut [u8]) -> Result<(), Nack> {
        self.settle();
        if !buffer.is_empty() {
            let word = self.register();
            buffer.fill(0xff);
            let length = buffer.len().min(2);
            buffer[..length].copy_from_slice(&word[..length]);
        }
        Ok(())
    }
}
