//! How fast a sink is fed: a token bucket, so that a rack that comes back does not knock its own brokers over.
//!
//! One token is one record. The bucket holds a batch at most, so after any pause one batch goes out at
//! once, and from then on never more than the rate. A batch is never more than a second's worth.

use std::num::NonZeroU32;
use std::time::Duration;

use tokio::time::Instant;

/// The most records in one batch: at 300 bytes each about one request to a broker.
const BATCH_RECORDS: u32 = 2000;

/// Records per second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate(NonZeroU32);

impl Rate {
    /// At most so many records in a second.
    #[must_use]
    pub const fn per_second(records: NonZeroU32) -> Self {
        Self(records)
    }

    /// Faster than anything: nothing is ever held back.
    pub const UNBOUNDED: Self = Self(NonZeroU32::MAX);

    /// Records in a second.
    #[must_use]
    pub const fn records(self) -> u32 {
        self.0.get()
    }

    /// The most records of one batch.
    pub(super) fn batch(self) -> usize {
        usize::try_from(self.records().min(BATCH_RECORDS)).unwrap_or(1)
    }
}

/// The bucket of one shipper.
#[derive(Debug)]
pub(super) struct Bucket {
    rate: Rate,
    tokens: f64,
    counted: Instant,
}

impl Bucket {
    /// A full bucket.
    pub(super) fn full(rate: Rate) -> Self {
        Self { rate, tokens: f64::from(rate.records().min(BATCH_RECORDS)), counted: Instant::now() }
    }

    /// Takes so many tokens; returns how long to wait before they may be spent.
    pub(super) fn take(&mut self, records: usize, now: Instant) -> Duration {
        let (per_second, most) =
            (f64::from(self.rate.records()), f64::from(self.rate.records().min(BATCH_RECORDS)));
        let since = now.duration_since(self.counted).as_secs_f64();
        self.counted = now;
        let records = f64::from(u32::try_from(records).unwrap_or(u32::MAX));
        self.tokens = (self.tokens + since * per_second).min(most) - records;
        Duration::from_secs_f64((-self.tokens).max(0.0) / per_second)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(records: u32) -> Rate {
        Rate::per_second(NonZeroU32::new(records).unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn a_backlog_goes_out_at_the_rate_after_one_batch_at_once() {
        let rate = rate(100);
        let mut bucket = Bucket::full(rate);
        let start = Instant::now();
        for _ in 0..11 {
            let wait = bucket.take(rate.batch(), Instant::now());
            tokio::time::sleep(wait).await;
        }
        assert_eq!(start.elapsed().as_secs(), 10, "1100 records, of which 100 at once");
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_saves_up_one_batch_and_no_more() {
        let mut bucket = Bucket::full(rate(10));
        tokio::time::advance(Duration::from_secs(3600)).await;
        assert_eq!(bucket.take(10, Instant::now()), Duration::ZERO);
        assert_eq!(bucket.take(5, Instant::now()), Duration::from_millis(500));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_made_more_slowly_than_the_rate_is_never_held_back() {
        let mut bucket = Bucket::full(rate(10));
        for _ in 0..100 {
            tokio::time::advance(Duration::from_millis(200)).await;
            assert_eq!(bucket.take(2, Instant::now()), Duration::ZERO);
        }
    }

    #[test]
    fn no_batch_is_larger_than_a_seconds_worth() {
        assert_eq!([rate(1).batch(), rate(200).batch(), Rate::UNBOUNDED.batch()], [1, 200, 2000]);
    }
}
