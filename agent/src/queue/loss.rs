//! Losses waiting to be told: merged where they touch, so that their number is bounded however long
//! nobody asks.

use serde::Serialize;
use uuid::Uuid;

use crate::record::GapReason;

/// Records that no reader will see any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Loss {
    /// The queue that held them; nil when no file is left that tells for certain.
    pub queue: Uuid,
    /// First sequence missing.
    pub from: u64,
    /// Last sequence missing.
    pub to: u64,
    /// Why.
    pub reason: GapReason,
    /// How many records: fewer than the range holds when several losses were merged.
    pub count: u64,
}

/// A half-open range of sequences.
pub(super) type Range = std::ops::Range<u64>;

/// What of `whole` lies in none of `parts`.
pub(super) fn without(whole: Range, parts: &[Range]) -> Vec<Range> {
    let mut left = vec![whole];
    for part in parts {
        left = left
            .into_iter()
            .flat_map(|range| {
                let before = range.start..range.end.min(part.start);
                let after = range.start.max(part.end)..range.end;
                [before, after]
            })
            .filter(|range| !range.is_empty())
            .collect();
    }
    left.retain(|range| !range.is_empty());
    left
}

/// How many separate losses are kept before those of one kind are merged across what lies between.
const MOST: usize = 64;

/// Losses that the writer's owner has not asked for yet.
#[derive(Debug, Default)]
pub(crate) struct Losses {
    waiting: Vec<Loss>,
}

impl Losses {
    pub(crate) fn add(&mut self, queue: Uuid, range: &Range, reason: GapReason) {
        if range.is_empty() {
            return;
        }
        let count = range.end - range.start;
        self.join(Loss { queue, from: range.start, to: range.end - 1, reason, count });
    }

    /// Adds a loss, as a part of a kept one where the two touch.
    pub(crate) fn join(&mut self, loss: Loss) {
        let full = self.waiting.len() >= MOST;
        let touches = |kept: &Loss| kept.to + 1 == loss.from || loss.to + 1 == kept.from;
        let kin = |kept: &&mut Loss| {
            kept.queue == loss.queue && kept.reason == loss.reason && (full || touches(kept))
        };
        if let Some(kept) = self.waiting.iter_mut().rev().find(kin) {
            kept.from = kept.from.min(loss.from);
            kept.to = kept.to.max(loss.to);
            kept.count += loss.count;
        } else {
            self.waiting.push(loss);
        }
    }

    /// Everything kept, which is kept no longer.
    pub(crate) fn take(&mut self) -> Vec<Loss> {
        std::mem::take(&mut self.waiting)
    }

    pub(crate) fn waiting(&self) -> &[Loss] {
        &self.waiting
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn losses_that_touch_are_told_as_one() {
        let mut losses = Losses::default();
        for range in [0..10, 20..30, 10..20] {
            losses.add(Uuid::nil(), &range, GapReason::QueueFull);
        }
        losses.add(Uuid::nil(), &(30..31), GapReason::Corrupt);
        losses.add(Uuid::nil(), &(5..5), GapReason::Corrupt);
        let told: Vec<_> = losses.take().into_iter().map(|loss| (loss.from, loss.to, loss.count)).collect();
        assert_eq!(told, [(0, 9, 10), (10, 29, 20), (30, 30, 1)]);
    }

    #[test]
    fn ever_more_losses_keep_their_count_in_bounded_memory() {
        let mut losses = Losses::default();
        for start in 0..1000 {
            losses.add(Uuid::nil(), &(start * 10..start * 10 + 3), GapReason::Corrupt);
        }
        assert!(losses.waiting().len() <= MOST);
        assert_eq!(losses.take().iter().map(|loss| loss.count).sum::<u64>(), 3000);
    }

    #[test]
    fn a_range_without_its_parts_is_what_is_left() {
        assert_eq!(without(0..10, &[2..4, 8..12]), [0..2, 4..8]);
        assert!(without(0..10, &[0..4, 4..10]).is_empty());
        assert!(without(5..5, &[]).is_empty());
        assert_eq!(without(5..7, &[]).len(), 1);
    }
}
