//! Chance that can be repeated: the same seed, the same rack.

/// `SplitMix64` (Steele, Lea, Flood 2014): eight bytes of state, good enough for weather.
#[derive(Clone, Debug)]
pub(super) struct Random(u64);

impl Random {
    /// A stream of its own for each of a seed's parts.
    pub(super) fn new(seed: u64, part: u64) -> Self {
        let mut random = Self(seed ^ part.wrapping_mul(0xd1b5_4a32_d192_ed03));
        let _mixed = random.next();
        random
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Evenly between two values.
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit a double exactly")]
    pub(super) fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * ((self.next() >> 11) as f64 / (1_u64 << 53) as f64)
    }

    /// Whether something that happens once in `every` seconds on average happens in the next `seconds`.
    pub(super) fn happens(&mut self, every: f64, seconds: f64) -> bool {
        self.between(0.0, every) < seconds
    }

    /// Bell-shaped around 0 with deviation 1: four even draws added up, never beyond 3.5.
    pub(super) fn bell(&mut self) -> f64 {
        let sum: f64 = (0..4).map(|_| self.between(-1.0, 1.0)).sum();
        sum * 0.866_025_403_784_438_6
    }
}
