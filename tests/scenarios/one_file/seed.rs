//! What is left to chance, and can be told again: `PIRACK_SEED` of an earlier run, else one of this run's own.

use std::env;
use std::time::SystemTime;

use fastrand::Rng;

/// The same seed, the same choices.
pub(crate) fn chance() -> Rng {
    let given = env::var("PIRACK_SEED").ok().map(|seed| seed.parse().unwrap());
    let seed = given.unwrap_or_else(|| SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs());
    println!("what is left to chance: PIRACK_SEED={seed}");
    Rng::with_seed(seed)
}
