//! Sets of sequences, kept as ranges: a queue's million records are a handful of pairs of numbers.
//!
//! Invariant: ranges are sorted, do not overlap and do not touch, so that equal sets are equal values.

use std::ops::RangeInclusive;

/// A set of sequences.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ranges(Vec<(u64, u64)>);

impl Ranges {
    /// The empty set.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one sequence.
    pub fn insert(&mut self, sequence: u64) {
        self.insert_range(sequence..=sequence);
    }

    /// Adds every sequence of a range; an empty range adds nothing.
    pub fn insert_range(&mut self, range: RangeInclusive<u64>) {
        let (mut from, mut to) = (*range.start(), *range.end());
        if from > to {
            return;
        }
        let first = self.0.partition_point(|&(_, end)| end.saturating_add(1) < from);
        let last = self.0.partition_point(|&(start, _)| start <= to.saturating_add(1));
        if let Some(touched) = self.0.get(first..last)
            && let (Some(head), Some(tail)) = (touched.first(), touched.last())
        {
            from = from.min(head.0);
            to = to.max(tail.1);
        }
        self.0.splice(first..last.max(first), [(from, to)]);
    }

    /// Whether a sequence is in the set.
    #[must_use]
    pub fn contains(&self, sequence: u64) -> bool {
        let at = self.0.partition_point(|&(_, end)| end < sequence);
        self.0.get(at).is_some_and(|&(start, _)| start <= sequence)
    }

    /// How many sequences it holds.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.iter().map(|(from, to)| to - from + 1).sum()
    }

    /// Whether it holds none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The ranges, ascending, both ends included.
    pub fn iter(&self) -> impl Iterator<Item = RangeInclusive<u64>> + '_ {
        self.0.iter().map(|&(from, to)| from..=to)
    }

    /// What is in this set and not in `other`.
    #[must_use]
    pub fn minus(&self, other: &Self) -> Self {
        let mut left = Vec::new();
        let mut holes = other.0.iter().copied().peekable();
        for &(mut from, to) in &self.0 {
            while holes.next_if(|&(_, end)| end < from).is_some() {}
            let mut rest = true;
            while let Some(&(start, end)) = holes.peek()
                && start <= to
            {
                if start > from {
                    left.push((from, start - 1));
                }
                if end >= to {
                    rest = false;
                    break;
                }
                from = end + 1;
                holes.next();
            }
            if rest {
                left.push((from, to));
            }
        }
        Self(left)
    }

    /// Adds everything that `other` holds.
    pub fn extend_from(&mut self, other: &Self) {
        for range in other.iter() {
            self.insert_range(range);
        }
    }
}

impl FromIterator<u64> for Ranges {
    fn from_iter<I: IntoIterator<Item = u64>>(sequences: I) -> Self {
        let mut ranges = Self::new();
        sequences.into_iter().for_each(|sequence| ranges.insert(sequence));
        ranges
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn neighbours_become_one_range_in_whatever_order_they_come() {
        let ranges: Ranges = [5, 3, 9, 4, 1, 8, 4].into_iter().collect();
        assert_eq!(ranges.iter().collect::<Vec<_>>(), [1..=1, 3..=5, 8..=9]);
        assert_eq!(ranges.count(), 6);
        assert!(ranges.contains(4) && !ranges.contains(2) && !ranges.contains(10));
    }

    #[test]
    fn a_wide_range_swallows_what_it_covers_and_what_it_touches() {
        let mut ranges: Ranges = [1, 3, 5, 9, 20].into_iter().collect();
        ranges.insert_range(2..=8);
        assert_eq!(ranges.iter().collect::<Vec<_>>(), [1..=9, 20..=20]);
        ranges.insert_range(u64::MAX - 1..=u64::MAX);
        ranges.insert(u64::MAX);
        assert_eq!(ranges.count(), 12);
    }

    #[test]
    fn union_and_difference_agree_with_plain_sets() {
        let mut state = 88_172_645_463_325_252_u64;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state
        };
        for _ in 0..300 {
            let mut draw = || (0..20).map(|_| next() % 40).collect::<BTreeSet<u64>>();
            let (a, b) = (draw(), draw());
            let (ra, rb): (Ranges, Ranges) = (a.iter().copied().collect(), b.iter().copied().collect());
            assert_eq!(ra.minus(&rb), a.difference(&b).copied().collect::<Ranges>(), "{a:?} - {b:?}");
            let mut both = ra.clone();
            both.extend_from(&rb);
            assert_eq!(both.count(), a.union(&b).count() as u64);
        }
    }
}
