//! Chips at register level: what a driver writes and reads on the wires, byte by byte.
//!
//! Each model starts from the physical truth around the chip and computes backwards to the raw numbers
//! that the chip's own conversion leads from, so that a driver gets the truth back within the chip's
//! resolution. Conversions take their time, in seconds that a [`Probe`] gives: who reads too early gets
//! what the real chip would give, an old value or no acknowledgement.

mod bme280;
mod ina219;
mod sht4x;
mod tmp102;

pub use bme280::SimulatedBme280;
pub use ina219::SimulatedIna219;
pub use sht4x::SimulatedSht4x;
pub use tmp102::SimulatedTmp102;

/// What a chip senses, and when.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample<T> {
    /// Seconds since any moment; never less than before.
    pub seconds: f64,
    /// The truth at that second.
    pub truth: T,
}

/// How a chip senses what surrounds it.
pub type Probe<T> = Box<dyn Fn() -> Sample<T> + Send>;

/// The air at one place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Air {
    /// Temperature.
    pub celsius: f64,
    /// Relative humidity, 0 to 1.
    pub relative_humidity: f64,
    /// Pressure.
    pub pascals: f64,
}

/// What flows into a board.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Supply {
    /// Voltage at the board.
    pub volts: f64,
    /// Current into it.
    pub amperes: f64,
}

/// The nearest whole number that a converter of this range can give.
#[expect(clippy::cast_possible_truncation, reason = "clamped to the converter's range, far within i32")]
fn quantise(value: f64, low: i32, high: i32) -> i32 {
    value.round().clamp(low.into(), high.into()) as i32
}

#[cfg(test)]
mod tests;
