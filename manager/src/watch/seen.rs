//! Which records have come before, for a rack whose records Cassandra keeps and this program does not.
//!
//! Kafka may bring a record twice; live state and gaps must hear of it once. What came is remembered for as long
//! as this program runs, as ranges of sequences. All is bounded: of a queue with many holes the lowest are
//! forgotten first, of too many queues all but those of the newest batch.

use std::collections::HashMap;

use pirack_agent::record::Record;
use uuid::Uuid;

use super::history::Stored;
use super::ranges::Ranges;

/// Queues remembered.
const MOST_QUEUES: usize = 4096;
/// Ranges of one queue; two topics with 16 partitions each bring it in that many strands at most.
const MOST_RANGES: usize = 64;

/// What came so far.
#[derive(Debug, Default)]
pub(super) struct Seen(HashMap<(String, Uuid), Ranges>);

impl Seen {
    /// Takes a batch; says of each record whether it is new.
    pub(super) fn take(&mut self, batch: &[Record]) -> Stored {
        if self.0.len() >= MOST_QUEUES {
            self.0.clear();
        }
        let fresh = batch.iter().map(|record| {
            let queue = (record.board.as_str().to_owned(), record.identity.queue);
            let ranges = self.0.entry(queue).or_default();
            let fresh = !ranges.contains(record.identity.sequence);
            ranges.insert(record.identity.sequence);
            if ranges.iter().count() > MOST_RANGES {
                let lowest = ranges.iter().take(MOST_RANGES / 2).map(|range| *range.end()).last();
                if let Some(lowest) = lowest {
                    // What lies below is old: it is taken for seen.
                    ranges.insert_range(0..=lowest);
                }
            }
            fresh
        });
        Stored { fresh: fresh.collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::watch::testing::{health, record};

    fn fresh(seen: &mut Seen, sequences: &[u64]) -> Vec<bool> {
        let batch: Vec<_> = sequences.iter().map(|n| record("w1", *n, health(0.5))).collect();
        seen.take(&batch).fresh
    }

    #[test]
    fn a_record_that_comes_again_is_not_new() {
        let mut seen = Seen::default();
        assert_eq!(fresh(&mut seen, &[7, 9, 7]), [true, true, false]);
        assert_eq!(fresh(&mut seen, &[8, 9]), [true, false]);
        assert_eq!(seen.take(&[record("w2", 9, health(0.5))]).fresh, [true], "another board's");
    }

    #[test]
    fn a_queue_full_of_holes_costs_no_more_than_its_bound() {
        let mut seen = Seen::default();
        let every_other: Vec<_> = (1..=10_000).map(|n| 2 * n).collect();
        assert!(fresh(&mut seen, &every_other).iter().all(|fresh| *fresh));
        assert!(seen.0.values().all(|ranges| ranges.iter().count() <= MOST_RANGES));
        assert_eq!(fresh(&mut seen, &[20_000, 20_001]), [false, true]);
    }
}
