//! Sensirion SHT4x (datasheet SHT4x): one-byte commands, answers of two words with a checksum each, and
//! no acknowledgement while the chip is busy or has nothing to say. Not modelled: the heater's warmth.

use super::super::bus::{Nack, SimulatedChip};
use super::{Air, Probe, quantise};

/// An SHT4x somewhere in the air.
pub struct SimulatedSht4x {
    probe: Probe<Air>,
    serial: u32,
    busy_until: f64,
    answer: Option<Answer>,
}

enum Answer {
    Serial,
    /// Measured when its time has come.
    Measurement,
}

impl SimulatedSht4x {
    /// A chip that has just got power.
    #[must_use]
    pub fn new(probe: Probe<Air>, serial: u32) -> Self {
        Self { probe, serial, busy_until: f64::NEG_INFINITY, answer: None }
    }

    fn words(&self, answer: &Answer, air: Air) -> [u8; 6] {
        let [a, b, c, d] = match answer {
            Answer::Serial => self.serial.to_be_bytes(),
            Answer::Measurement => {
                // "Conversion of Signal Output", turned round.
                let temperature = quantise((air.celsius + 45.0) / 175.0 * 65535.0, 0, 0xffff);
                let humidity = quantise((air.relative_humidity + 0.06) / 1.25 * 65535.0, 0, 0xffff);
                let ([_, _, a, b], [_, _, c, d]) = (temperature.to_be_bytes(), humidity.to_be_bytes());
                [a, b, c, d]
            }
        };
        [a, b, crc8([a, b]), c, d, crc8([c, d])]
    }
}

impl SimulatedChip for SimulatedSht4x {
    fn write(&mut self, bytes: &[u8]) -> Result<(), Nack> {
        let now = (self.probe)().seconds;
        if now < self.busy_until {
            return Err(Nack);
        }
        let [command] = bytes else { return if bytes.is_empty() { Ok(()) } else { Err(Nack) } };
        // "Command Overview", and of the "Timings" the longest.
        let (answer, seconds) = match command {
            0xfd => (Some(Answer::Measurement), 0.0083),
            0xf6 => (Some(Answer::Measurement), 0.0045),
            0xe0 => (Some(Answer::Measurement), 0.0016),
            0x39 | 0x2f | 0x1e => (Some(Answer::Measurement), 1.1),
            0x32 | 0x24 | 0x15 => (Some(Answer::Measurement), 0.11),
            0x89 => (Some(Answer::Serial), 0.0001),
            0x94 => (None, 0.001),
            _ => return Err(Nack),
        };
        (self.answer, self.busy_until) = (answer, now + seconds);
        Ok(())
    }

    fn read(&mut self, buffer: &mut [u8]) -> Result<(), Nack> {
        let sample = (self.probe)();
        if sample.seconds < self.busy_until {
            return Err(Nack);
        }
        let answer = self.answer.take().ok_or(Nack)?;
        let words = self.words(&answer, sample.truth);
        for (byte, value) in buffer.iter_mut().zip(words.into_iter().chain(std::iter::repeat(0xff))) {
            *byte = value;
        }
        Ok(())
    }
}

/// "Checksum Calculation": polynomial 0x31, beginning with 0xff.
fn crc8(word: [u8; 2]) -> u8 {
    word.into_iter().fold(0xff, |crc, byte| {
        (0..8).fold(crc ^ byte, |crc, _| if crc & 0x80 == 0 { crc << 1 } else { crc << 1 ^ 0x31 })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_the_datasheets() {
        assert_eq!(crc8([0xbe, 0xef]), 0x92);
    }
}
