//! Texas Instruments TMP102 (datasheet SBOS397): four registers, 12 and 13 bits, conversion rates,
//! shutdown and one-shot, and the alert bit in comparator mode. Not modelled: the fault queue, interrupt mode.

use super::super::bus::{Nack, SimulatedChip};
use super::{Probe, quantise};

const TEMPERATURE: u8 = 0;
const CONFIGURATION: u8 = 1;
const LOW: u8 = 2;
const HIGH: u8 = 3;

const ONE_SHOT: u16 = 0x8000;
const RESOLUTION: u16 = 0x6000;
const POLARITY: u16 = 0x0400;
const SHUTDOWN: u16 = 0x0100;
const ALERT: u16 = 0x0020;
const EXTENDED: u16 = 0x0010;
/// The typical time of a conversion ("Electrical Characteristics").
const CONVERSION_SECONDS: f64 = 0.026;

/// A TMP102 somewhere.
pub struct SimulatedTmp102 {
    probe: Probe<f64>,
    pointer: u8,
    /// As written; the one-shot and alert bits are kept apart.
    configuration: u16,
    limits: [u16; 2],
    /// In 1/16 degree.
    temperature: i32,
    alert: bool,
    one_shot_done: bool,
    ends: Option<f64>,
}

impl SimulatedTmp102 {
    /// A chip that has just got power: it reads 0 degrees until its first conversion ends.
    #[must_use]
    pub fn new(probe: Probe<f64>) -> Self {
        let ends = Some(probe().seconds + CONVERSION_SECONDS);
        Self {
            probe,
            pointer: 0,
            configuration: 0x6080,
            limits: [0x4b00, 0x5000],
            temperature: 0,
            alert: false,
            one_shot_done: false,
            ends,
        }
    }

    fn configure(&mut self, value: u16) {
        self.configuration = value & 0x1fd0 | RESOLUTION;
        let shut = value & SHUTDOWN != 0;
        if !shut || value & ONE_SHOT != 0 {
            self.ends = Some((self.probe)().seconds + CONVERSION_SECONDS);
        } else {
            self.ends = None;
        }
        self.one_shot_done = false;
    }

    fn settle(&mut self) {
        let Some(ends) = self.ends else { return };
        let sample = (self.probe)();
        if sample.seconds < ends {
            return;
        }
        let high = if self.configuration & EXTENDED == 0 { 2047 } else { 4095 };
        self.temperature = quantise(sample.truth * 16.0, -high - 1, high);
        let [low_limit, high_limit] = self.limits.map(|limit| i32::from(limit.cast_signed()) >> self.shift());
        self.alert = if self.alert { self.temperature >= low_limit } else { self.temperature >= high_limit };
        let shut = self.configuration & SHUTDOWN != 0;
        self.one_shot_done = shut;
        let period = [4.0, 1.0, 0.25, 0.125][usize::from((self.configuration >> 6) & 0b11)];
        self.ends = (!shut).then_some(sample.seconds + period);
    }

    /// Temperatures stand left in their register.
    fn shift(&self) -> u32 {
        if self.configuration & EXTENDED == 0 { 4 } else { 3 }
    }

    fn register(&self) -> [u8; 2] {
        match self.pointer & 0b11 {
            TEMPERATURE => {
                let extended = i32::from(self.configuration & EXTENDED != 0);
                let [_, _, high, low] = (self.temperature << self.shift() | extended).to_be_bytes();
                [high, low]
            }
            CONFIGURATION => {
                let done = if self.one_shot_done { ONE_SHOT } else { 0 };
                // The bit follows the pin: with polarity 0 it reads 1 while there is no alert.
                let alert = self.alert == (self.configuration & POLARITY != 0);
                (self.configuration | done | if alert { ALERT } else { 0 }).to_be_bytes()
            }
            limit => self.limits[usize::from(limit - LOW)].to_be_bytes(),
        }
    }
}

impl SimulatedChip for SimulatedTmp102 {
    fn write(&mut self, bytes: &[u8]) -> Result<(), Nack> {
        self.settle();
        if let [pointer, ..] = bytes {
            self.pointer = *pointer;
        }
        if let [_, high, low] = bytes {
            let value = u16::from_be_bytes([*high, *low]);
            match self.pointer & 0b11 {
                CONFIGURATION => self.configure(value),
                LOW => self.limits[0] = value,
                HIGH => self.limits[1] = value,
                _ => {}
            }
        }
        Ok(())
    }

    fn read(&mut self, buffer: &mut [u8]) -> Result<(), Nack> {
        self.settle();
        let word = self.register();
        for (byte, value) in buffer.iter_mut().zip(word.into_iter().cycle()) {
            *byte = value;
        }
        Ok(())
    }
}
