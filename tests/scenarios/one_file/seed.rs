//! What is left to chance, and can be told again: `PIRACK_SEED` of an earlier run, else one of this run's own.

use std::env;
use std::sync::LazyLock;
use std::time::SystemTime;

/// The seed of this run.
pub(crate) fn of_this_run() -> u64 {
    static SEED: LazyLock<u64> = LazyLock::new(|| {
        let given = env::var("PIRACK_SEED").ok().map(|seed| seed.parse().unwrap());
        given.unwrap_or_else(|| SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs())
    });
    *SEED
}

/// `SplitMix64` (Steele, Lea, Flood 2014): the same seed, the same choices.
pub(crate) struct Chance(pub(crate) u64);

impl Chance {
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((mixed ^ (mixed >> 31)) % end as u64).unwrap()
    }

    /// Fisher and Yates's.
    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}
