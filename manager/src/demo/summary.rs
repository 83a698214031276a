//! What a demonstration came to, reckoned from the sets themselves.
//!
//! Each number is counted where it happens: produced at the queue's append, delivered at the broker's
//! acknowledgement, stored as distinct identities in the history. `lost` is not the difference of
//! counters: it is every identity that was appended and is neither in the history, nor still in its
//! queue, nor declared dropped. Only of an agent that broke off before it could say which it appended
//! are the counters all there is, and its difference is taken.

use pirack_agent::run::{Counts, Farewell};
use serde::Serialize;

use crate::watch::Ranges;

/// What `pirack demo -o json` answers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// Boards in the rack, this machine included.
    pub boards: usize,
    /// Seconds from the start to the end of reading, to a tenth.
    pub seconds: f64,
    /// Records appended to queues.
    pub produced: u64,
    /// Records that the broker acknowledged.
    pub delivered: u64,
    /// Distinct identities of this rack in the history; a stranger's are not counted.
    pub stored: u64,
    /// Records still in queues.
    pub queued: u64,
    /// Records that queues had to drop or set aside.
    pub dropped: u64,
    /// Records that Kafka brought more than once.
    pub redelivered: u64,
    /// Records that are nowhere.
    pub lost: u64,
}

/// One agent's part: its counters, what it left behind, and what of it the history holds.
pub(super) struct Part {
    /// Its counters at the end.
    pub(super) counts: Counts,
    /// What it appended, what waits, what was given up; nothing where it broke off.
    pub(super) farewell: Option<Farewell>,
    /// The sequences of its queue that the history holds.
    pub(super) stored: Ranges,
}

impl Part {
    fn queued(&self) -> u64 {
        let waiting = self.farewell.as_ref().map(|farewell| &farewell.waiting);
        waiting.map_or(self.counts.queued, |waiting| waiting.end.saturating_sub(waiting.start))
    }

    fn lost(&self) -> u64 {
        match &self.farewell {
            Some(farewell) => nowhere(farewell, &self.stored).count(),
            None => {
                let Counts { produced, queued, dropped, .. } = self.counts;
                produced.saturating_sub(self.stored.count()).saturating_sub(queued).saturating_sub(dropped)
            }
        }
    }
}

/// Every sequence that was appended and is nowhere.
fn nowhere(farewell: &Farewell, stored: &Ranges) -> Ranges {
    let mut found = stored.clone();
    insert(&mut found, &farewell.waiting);
    for loss in farewell.losses.iter().filter(|loss| loss.queue == farewell.queue) {
        found.insert_range(loss.from..=loss.to);
    }
    let mut appended = Ranges::new();
    insert(&mut appended, &farewell.appended);
    appended.minus(&found)
}

fn insert(ranges: &mut Ranges, range: &std::ops::Range<u64>) {
    if let Some(last) = range.end.checked_sub(1) {
        ranges.insert_range(range.start..=last);
    }
}

/// The whole rack's summary.
#[must_use]
pub(super) fn reckon(parts: &[Part], seconds: f64, redelivered: u64) -> Summary {
    let total = |count: fn(&Part) -> u64| parts.iter().map(count).sum();
    Summary {
        boards: parts.len(),
        seconds: (seconds * 10.0).round() / 10.0,
        produced: total(|part| part.counts.produced),
        delivered: total(|part| part.counts.delivered),
        stored: total(|part| part.stored.count()),
        queued: total(Part::queued),
        dropped: total(|part| part.counts.dropped),
        redelivered,
        lost: total(Part::lost),
    }
}

impl Summary {
    /// The summary for a person.
    #[must_use]
    pub fn sentence(&self) -> String {
        let Self { boards, seconds, produced, delivered, stored, queued, dropped, redelivered, lost } = self;
        format!(
            "{boards} boards, {seconds:.1} s: {produced} produced, {delivered} delivered, {stored} stored, \
             {queued} queued, {dropped} dropped, {redelivered} redelivered, {lost} lost"
        )
    }
}

#[cfg(test)]
mod tests {
    use pirack_agent::record::GapReason;
    use pirack_agent::run::Loss;

    use super::*;

    type Span = std::ops::Range<u64>;

    fn part(appended: Span, waiting: Span, stored: &[(u64, u64)]) -> (Farewell, Ranges) {
        let mut ranges = Ranges::new();
        stored.iter().for_each(|&(from, to)| ranges.insert_range(from..=to));
        let farewell = Farewell {
            board: "w3".parse().unwrap(),
            queue: uuid::Uuid::from_u128(1),
            appended,
            backlog: waiting.end - waiting.start,
            waiting,
            losses: Vec::new(),
            closed: Ok(()),
        };
        (farewell, ranges)
    }

    #[test]
    fn what_is_stored_or_waits_is_not_lost() {
        for (farewell, stored) in [part(0..10, 7..10, &[(0, 6)]), part(0..0, 0..0, &[])] {
            assert!(nowhere(&farewell, &stored).is_empty());
        }
    }

    #[test]
    fn a_record_that_is_nowhere_is_lost_however_well_the_counters_agree() {
        let (farewell, stored) = part(0..10, 9..10, &[(0, 3), (5, 8), (20, 20)]);
        assert_eq!(nowhere(&farewell, &stored).iter().collect::<Vec<_>>(), [4..=4]);
        let counts = Counts { produced: 10, delivered: 10, queued: 0, dropped: 0 };
        let part = Part { counts, farewell: Some(farewell), stored };
        assert_eq!(reckon(&[part], 1.04, 0).lost, 1);
    }

    #[test]
    fn what_was_declared_dropped_is_not_lost_but_only_in_its_own_queue() {
        let (mut farewell, stored) = part(0..10, 10..10, &[(4, 9)]);
        let loss = Loss { queue: farewell.queue, from: 0, to: 3, reason: GapReason::QueueFull, count: 4 };
        farewell.losses = vec![Loss { queue: uuid::Uuid::from_u128(2), ..loss.clone() }];
        assert_eq!(nowhere(&farewell, &stored).count(), 4);
        farewell.losses = vec![loss];
        assert!(nowhere(&farewell, &stored).is_empty());
    }

    #[test]
    fn an_agent_that_broke_off_counts_with_what_it_had_counted() {
        let (_, stored) = part(0..0, 0..0, &[(1, 90)]);
        let counts = Counts { produced: 100, delivered: 90, queued: 6, dropped: 1 };
        let summary = reckon(&[Part { counts, farewell: None, stored }], 1.0, 0);
        assert_eq!((summary.boards, summary.produced, summary.queued, summary.lost), (1, 100, 6, 3));
    }
}
