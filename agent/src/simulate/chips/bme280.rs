//! Bosch BME280 (datasheet BST-BME280-DS001): calibration, control registers with their order of
//! writing, forced and normal mode with their durations, skipped channels, soft reset.
//!
//! The compensation formulas (section 4.2.3 and appendix 8.1) are quadratic in the raw number, so each
//! is turned round in closed form instead of being searched. Not modelled: the IIR filter.

use super::super::bus::{Nack, SimulatedChip};
use super::{Air, Probe, quantise};

const ID: u8 = 0xd0;
const RESET: u8 = 0xe0;
const RESET_WORD: u8 = 0xb6;
const CTRL_HUM: u8 = 0xf2;
const STATUS: u8 = 0xf3;
const CTRL_MEAS: u8 = 0xf4;
const CONFIG: u8 = 0xf5;
const DATA: u8 = 0xf7;

/// What a channel reads that was not measured (sections 5.4.7 to 5.4.9).
const SKIPPED: [u8; 8] = [0x80, 0, 0, 0x80, 0, 0, 0x80, 0];

/// A BME280 somewhere in the air.
pub struct SimulatedBme280 {
    probe: Probe<Air>,
    pointer: u8,
    ctrl_hum: u8,
    /// The humidity's oversampling in force: a write to `ctrl_hum` waits for one to `ctrl_meas`.
    active_hum: u8,
    ctrl_meas: u8,
    config: u8,
    data: [u8; 8],
    /// When the running conversion ends.
    ends: Option<f64>,
}

impl SimulatedBme280 {
    /// A chip that has just got power.
    #[must_use]
    pub fn new(probe: Probe<Air>) -> Self {
        Self {
            probe,
            pointer: 0,
            ctrl_hum: 0,
            active_hum: 0,
            ctrl_meas: 0,
            config: 0,
            data: SKIPPED,
            ends: None,
        }
    }

    fn reset(&mut self) {
        (self.ctrl_hum, self.active_hum, self.ctrl_meas, self.config) = (0, 0, 0, 0);
        (self.data, self.ends) = (SKIPPED, None);
    }

    fn write_register(&mut self, register: u8, value: u8) {
        match register {
            RESET if value == RESET_WORD => self.reset(),
            CTRL_HUM => self.ctrl_hum = value & 0b111,
            CONFIG => self.config = value & 0b1111_1101,
            CTRL_MEAS => {
                (self.ctrl_meas, self.active_hum) = (value, self.ctrl_hum);
                let now = (self.probe)().seconds;
                self.ends = (value & 0b11 != 0).then(|| now + self.conversion_seconds());
            }
            _ => {}
        }
    }

    /// How many samples each channel takes: temperature, pressure, humidity.
    fn samples(&self) -> [u32; 3] {
        [self.ctrl_meas >> 5, (self.ctrl_meas >> 2) & 0b111, self.active_hum].map(|code| match code {
            0 => 0,
            code => 1 << (code - 1).min(4),
        })
    }

    /// The longest it can take (appendix 9.1).
    fn conversion_seconds(&self) -> f64 {
        let [temperature, pressure, humidity] = self.samples().map(f64::from);
        let extra = |samples: f64| if samples > 0.0 { 2.3 * samples + 0.575 } else { 0.0 };
        (1.25 + 2.3 * temperature + extra(pressure) + extra(humidity)) / 1e3
    }

    /// The pause between two conversions in normal mode (table 27).
    fn standby_seconds(&self) -> f64 {
        [0.0005, 0.0625, 0.125, 0.25, 0.5, 1.0, 0.010, 0.020][usize::from(self.config >> 5)]
    }

    /// Ends a conversion whose time has come.
    fn settle(&mut self) {
        let Some(ends) = self.ends else { return };
        let sample = (self.probe)();
        if sample.seconds < ends {
            return;
        }
        self.data = encode(sample.truth, self.samples());
        let normal = self.ctrl_meas & 0b11 == 0b11;
        self.ends = normal.then(|| sample.seconds + self.standby_seconds() + self.conversion_seconds());
        if !normal {
            self.ctrl_meas &= !0b11;
        }
    }

    fn register(&self, register: u8) -> u8 {
        match register {
            0x88..=0xa1 => calibration::LOW[usize::from(register - 0x88)],
            ID => 0x60,
            0xe1..=0xe7 => calibration::HIGH[usize::from(register - 0xe1)],
            CTRL_HUM => self.ctrl_hum,
            STATUS => u8::from(self.ends.is_some()) << 3,
            CTRL_MEAS => self.ctrl_meas,
            CONFIG => self.config,
            DATA..=0xfe => self.data[usize::from(register - DATA)],
            _ => 0,
        }
    }
}

impl SimulatedChip for SimulatedBme280 {
    /// One byte points; pairs of register and value write (section 6.2.1).
    fn write(&mut self, bytes: &[u8]) -> Result<(), Nack> {
        self.settle();
        if let [pointer] = bytes {
            self.pointer = *pointer;
        }
        for pair in bytes.chunks_exact(2) {
            self.write_register(pair[0], pair[1]);
        }
        Ok(())
    }

    fn read(&mut self, buffer: &mut [u8]) -> Result<(), Nack> {
        self.settle();
        for byte in buffer {
            *byte = self.register(self.pointer);
            self.pointer = self.pointer.wrapping_add(1);
        }
        Ok(())
    }
}

/// The raw numbers that compensate to this air, as the data registers hold them.
fn encode(air: Air, [temperature, pressure, humidity]: [u32; 3]) -> [u8; 8] {
    use calibration::{raw_humidity, raw_pressure, raw_temperature};
    let fine = air.celsius * 5120.0;
    let mut data = SKIPPED;
    if pressure > 0 {
        data[..3].copy_from_slice(&twenty_bits(raw_pressure(air.pascals, fine), pressure));
    }
    if temperature > 0 {
        data[3..6].copy_from_slice(&twenty_bits(raw_temperature(fine), temperature));
    }
    if humidity > 0 {
        let raw = quantise(raw_humidity(air.relative_humidity * 100.0, fine), 0, 0xffff);
        data[6..].copy_from_slice(&raw.to_be_bytes()[2..]);
    }
    data
}

/// Without the filter, each doubling of the samples adds a bit to the first 16 (sections 3.4.2 and 3.4.3).
fn twenty_bits(raw: f64, samples: u32) -> [u8; 3] {
    let step = 16_i32 >> samples.trailing_zeros().min(4);
    let raw = quantise(raw / f64::from(step), 0, 0xf_ffff / step) * step;
    let [_, high, middle, low] = (raw << 4).to_be_bytes();
    [high, middle, low]
}

/// One chip's calibration: temperature and pressure as in the worked example of the BMP280's datasheet
/// (BST-BMP280-DS001, section 3.12), humidity as a common BME280 has it.
mod calibration {
    const T1: f64 = 27504.0;
    const T2: f64 = 26435.0;
    const T3: f64 = -1000.0;
    const P: [f64; 10] = [0.0, 36477.0, -10685.0, 3024.0, 2855.0, 140.0, -7.0, 15500.0, -14600.0, 6000.0];
    const H1: f64 = 75.0;
    const H2: f64 = 370.0;
    const H4: f64 = 313.0;
    const H5: f64 = 50.0;
    const H6: f64 = 30.0;

    /// Registers 0x88 to 0xa1: T1 to T3, P1 to P9, one unused, H1.
    pub(super) const LOW: [u8; 26] = [
        0x70, 0x6b, 0x43, 0x67, 0x18, 0xfc, 0x7d, 0x8e, 0x43, 0xd6, 0xd0, 0x0b, 0x27, 0x0b, 0x8c, 0x00, 0xf9,
        0xff, 0x8c, 0x3c, 0xf8, 0xc6, 0x70, 0x17, 0x00, 75,
    ];
    /// Registers 0xe1 to 0xe7: H2, H3 (0), H4 and H5 in twelve bits each, H6.
    pub(super) const HIGH: [u8; 7] = [0x72, 0x01, 0x00, 0x13, 0x29, 0x03, 0x1e];

    /// Solves `x T2 + (x / 8)^2 T3 = fine` for `x = raw / 16384 - T1 / 1024`.
    pub(super) fn raw_temperature(fine: f64) -> f64 {
        let x = root(T3 / 64.0, T2, -fine);
        (x + T1 / 1024.0) * 16384.0
    }

    pub(super) fn raw_pressure(pascals: f64, fine: f64) -> f64 {
        let v1 = fine / 2.0 - 64000.0;
        let v2 = (v1 * v1 * P[6] / 32768.0 + v1 * P[5] * 2.0) / 4.0 + P[4] * 65536.0;
        let v3 = (P[3] * v1 * v1 / 524_288.0 + P[2] * v1) / 524_288.0;
        let scale = (1.0 + v3 / 32768.0) * P[1];
        let first = root(P[9] / 2_147_483_648.0 / 16.0, 1.0 + P[8] / 32768.0 / 16.0, P[7] / 16.0 - pascals);
        1_048_576.0 - v2 / 4096.0 - first * scale / 6250.0
    }

    pub(super) fn raw_humidity(percent: f64, fine: f64) -> f64 {
        let v1 = fine - 76800.0;
        let offset = H4 * 64.0 + H5 / 16384.0 * v1;
        let gain = H2 / 65536.0 * (1.0 + H6 / 67_108_864.0 * v1);
        offset + root(-H1 / 524_288.0, 1.0, -percent) / gain
    }

    /// The root of `a x^2 + b x + c` that goes to `-c / b` as `a` goes to 0.
    fn root(a: f64, b: f64, c: f64) -> f64 {
        -2.0 * c / (b + (b * b - 4.0 * a * c).sqrt())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_datasheets_worked_example_is_turned_round() {
        // BST-BMP280-DS001, section 3.12: 519888 is 25.08 degrees, and 415148 then 100653.27 Pa.
        let fine = 128_422.286_9;
        assert!((calibration::raw_temperature(fine) - 519_888.0).abs() < 0.5);
        assert!((calibration::raw_pressure(100_653.27, fine) - 415_148.0).abs() < 0.5);
    }

    #[test]
    fn a_channel_that_is_not_measured_reads_as_skipped() {
        let air = Air { celsius: 20.0, relative_humidity: 0.5, pascals: 1e5 };
        assert_eq!(encode(air, [0, 0, 0]), SKIPPED);
        assert_eq!(encode(air, [1, 0, 0])[..3], SKIPPED[..3]);
    }
}
