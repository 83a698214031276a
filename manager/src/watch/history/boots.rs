//! When a record was observed, for boards whose clock nobody vouches for.
//!
//! Such a board may be in 1970, but it counts the seconds since its boot, and those never step. Arrival
//! less those seconds is when it booted, too late by as long as the record was under way; the earliest
//! of all that were heard of one boot is the best guess. So a backlog is spread over the time in which
//! it was made, and no record is placed later than it arrived.

use std::collections::HashMap;

use pirack_agent::record::{ClockState, Record};
use uuid::Uuid;

/// The boot of each board that was heard last, and when it was, by this machine's clock.
#[derive(Debug, Default)]
pub(super) struct Boots(HashMap<String, (Uuid, i64)>);

impl Boots {
    /// Learns from a batch before its records are placed: the newest of a backlog knows best.
    pub(super) fn hear(&mut self, batch: &[Record], arrived: i64) {
        for record in batch.iter().filter(|record| record.moment.clock == ClockState::Unsynchronised) {
            let (boot, since) = (record.moment.boot, arrived.saturating_sub(uptime(record)));
            let known = self.0.entry(record.board.as_str().to_owned()).or_insert((boot, since));
            let earliest = if known.0 == boot { known.1.min(since) } else { since };
            *known = (boot, earliest);
        }
    }

    /// A record's three times, as the schema has them: the board's, the chart's, the arrival.
    pub(super) fn times(&self, record: &Record, arrived: i64) -> [i64; 3] {
        let time = record.moment.time.as_millisecond();
        let chart = match record.moment.clock {
            ClockState::Synchronised => time,
            ClockState::Unsynchronised => self.place(record, arrived),
        };
        [time, chart, arrived]
    }

    fn place(&self, record: &Record, arrived: i64) -> i64 {
        let boot = self.0.get(record.board.as_str()).filter(|(boot, _)| *boot == record.moment.boot);
        boot.map_or(arrived, |(_, since)| since.saturating_add(uptime(record)).min(arrived))
    }
}

/// Milliseconds since its board's boot.
#[expect(clippy::cast_possible_truncation, reason = "a board is up for less than 292 million years")]
fn uptime(record: &Record) -> i64 {
    (record.moment.boottime_seconds * 1000.0).round() as i64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::watch::testing::{health, record};

    /// Observed so many seconds after a boot, by a clock in 1970.
    fn lost_in_time(after: u64) -> Record {
        let mut record = record("w1", after, health(0.5));
        record.moment.time = jiff::Timestamp::UNIX_EPOCH;
        record.moment.clock = ClockState::Unsynchronised;
        record
    }

    fn charted(boots: &Boots, after: u64, arrived: i64) -> i64 {
        boots.times(&lost_in_time(after), arrived)[1]
    }

    #[test]
    fn a_backlog_without_a_clock_is_spread_over_the_time_in_which_it_was_made() {
        let mut boots = Boots::default();
        boots.hear(&[lost_in_time(10)], 1_000_200);
        assert_eq!(charted(&boots, 10, 1_000_200), 1_000_200);
        let backlog: Vec<_> = (11..=40).map(lost_in_time).collect();
        boots.hear(&backlog, 1_030_100);
        assert_eq!([11, 25, 40].map(|n| charted(&boots, n, 1_030_100)), [1_001_100, 1_015_100, 1_030_100]);
    }

    #[test]
    fn a_new_boot_is_reckoned_anew() {
        let mut boots = Boots::default();
        boots.hear(&[lost_in_time(5000)], 9_000_000);
        let mut fresh = lost_in_time(2);
        fresh.moment.boot = Uuid::from_u128(10);
        boots.hear(std::slice::from_ref(&fresh), 9_060_000);
        assert_eq!(boots.times(&fresh, 9_060_000)[1], 9_060_000);
    }

    #[test]
    fn a_clock_that_is_vouched_for_is_believed() {
        let record = record("w1", 3, health(0.5));
        let time = record.moment.time.as_millisecond();
        assert_eq!(Boots::default().times(&record, 7), [time, time, 7]);
    }
}
