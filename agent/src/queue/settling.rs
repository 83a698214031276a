//! Which of a cursor's moves are settled: so old that no sink can lose any more what it acknowledged by then.
//!
//! A sink acknowledges what its servers hold in memory; their disks have it a while later. When all of them
//! lose their power at once, what they acknowledged last is on no disk. So a move counts as settled only
//! [`SETTLED_AFTER`] later, and whoever begins in a new boot begins at what was settled.
//!
//! Invariant: nothing is called settled that was acknowledged less than that ago. Of the moves in between only
//! a few are remembered, those [`APART`] from each other and the last: a position may be settled so much
//! later, never earlier.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// How long a sink may hold in memory what it has acknowledged, and then some. Kafka leaves it to the kernel,
/// which writes back what has been dirty for 30 s and looks for it every 5 s (`vm.dirty_expire_centisecs`,
/// `vm.dirty_writeback_centisecs`); Cassandra syncs its commit log every 10 s (`commitlog_sync_period`). The
/// rest is for slow cards to write it all.
pub const SETTLED_AFTER: Duration = Duration::from_secs(60);
/// Two moves that are nearer to each other than this count as one.
const APART: Duration = Duration::from_secs(5);

/// What is settled of one cursor's moves, and those that are not yet.
#[derive(Debug)]
pub(super) struct Settling {
    settled: u64,
    /// When a position was reached, oldest first; the last is the last move.
    moves: VecDeque<(Instant, u64)>,
}

impl Settling {
    /// Of a cursor that is at `position` now, and nobody knows since when; `settled` is known to be.
    pub(super) fn begin(settled: u64, position: u64, now: Instant) -> Self {
        Self { settled, moves: VecDeque::from([(now, position)]) }
    }

    /// Notes a move.
    pub(super) fn moved(&mut self, position: u64, now: Instant) {
        // Here too, so that memory is bounded also while the disk refuses every sync.
        self.settled(now);
        let last_but_one = self.moves.len().checked_sub(2).and_then(|index| self.moves.get(index));
        if last_but_one.is_some_and(|(at, _)| now.saturating_duration_since(*at) < APART) {
            self.moves.pop_back();
        }
        self.moves.push_back((now, position));
    }

    /// The position that is settled by now.
    pub(super) fn settled(&mut self, now: Instant) -> u64 {
        while let Some((at, position)) = self.moves.front().copied()
            && now.saturating_duration_since(at) >= SETTLED_AFTER
        {
            self.settled = self.settled.max(position);
            self.moves.pop_front();
        }
        self.settled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_move_is_settled_a_minute_later_and_not_before() {
        let start = Instant::now();
        let mut settling = Settling::begin(3, 10, start);
        settling.moved(20, start + 30 * SECOND);
        assert_eq!(settling.settled(start + SETTLED_AFTER - SECOND), 3, "nobody knows how old 10 was");
        assert_eq!(settling.settled(start + SETTLED_AFTER), 10);
        assert_eq!(settling.settled(start + SETTLED_AFTER + 29 * SECOND), 10);
        assert_eq!(settling.settled(start + SETTLED_AFTER + 30 * SECOND), 20);
    }

    #[test]
    fn a_cursor_that_moves_all_the_time_is_settled_but_for_little_more_than_a_minute() {
        let start = Instant::now();
        let mut settling = Settling::begin(0, 0, start);
        for tenth in 1..=6000_u32 {
            let now = start + SECOND * tenth / 10;
            settling.moved(tenth.into(), now);
            let minute_ago = u64::from(tenth).saturating_sub(600);
            let settled = settling.settled(now);
            assert!(settled <= minute_ago, "{settled} is settled too early, at {tenth}");
            assert!(settled + 50 >= minute_ago, "{settled} is settled too late, at {tenth}");
        }
    }

    #[test]
    fn the_last_move_is_settled_exactly_however_near_the_one_before_was() {
        let start = Instant::now();
        let mut settling = Settling::begin(0, 0, start);
        for second in 1..=3 {
            settling.moved(u64::from(second), start + SECOND * second);
        }
        assert_eq!(settling.settled(start + SETTLED_AFTER + 3 * SECOND), 3);
    }

    #[test]
    fn few_moves_are_remembered_also_when_nobody_asks_what_is_settled() {
        let start = Instant::now();
        let mut settling = Settling::begin(0, 0, start);
        for step in 0..10_000_u32 {
            // Now and then two at once, then a pause that is just too long to count as one.
            let now = start + Duration::from_millis(1300) * step;
            settling.moved(step.into(), now);
            settling.moved(step.into(), now + Duration::from_millis(1));
            assert!(settling.moves.len() <= 26, "{} moves", settling.moves.len());
        }
    }
}
