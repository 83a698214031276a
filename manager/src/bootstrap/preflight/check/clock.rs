//! Clocks, of the boards among each other: Cassandra keeps the write with the later clock, whatever the time of
//! the machine is that asks. That one's own offset loses nothing, and is worth a warning.
//!
//! An offset is judged by what is certain of it: what an answer's way took is taken off.

use std::collections::BTreeMap;
use std::time::Duration;

use super::super::code::Check;
use super::super::facts::Clock;
use super::rack::facts as facts_of;
use super::{Finding, Seen, Subject, spoken};
use crate::rack::{BoardName, Rack, Role};

/// A board whose clock could not be measured.
pub(super) fn blind(subject: &Subject) -> Option<(Check, String)> {
    let doubt = subject.facts.clock?.uncertainty;
    let told = || format!("its answers take so long that the offset is known to {} only", spoken(doubt));
    (doubt > subject.rack.network.clock_offset).then(|| (Check::ClockOffset, told()))
}

/// What is wrong between the boards, and between them and this machine.
pub(super) fn all(rack: &Rack, seen: &BTreeMap<BoardName, Seen>) -> Vec<Finding> {
    let facts = rack.boards.iter().filter_map(|board| facts_of(board, seen));
    let clocks: Vec<(&BoardName, Clock)> =
        facts.filter_map(|(name, facts)| Some((name, facts.clock?))).collect();
    let Some((ours, reference)) = reference(rack, &clocks) else { return vec![] };
    let limit = rack.network.clock_offset;
    let told = |off: Duration, ahead: bool, doubt: Duration, whose: &str| {
        let side = if ahead { "ahead" } else { "behind" };
        format!(
            "{} {side} of {whose} (give or take {}; {} is allowed)",
            spoken(off),
            spoken(doubt),
            spoken(limit)
        )
    };
    let mut findings = vec![];
    for (name, clock) in &clocks {
        let apart = clock.offset_nanos - reference.offset_nanos;
        let (off, doubt) = (time(apart), clock.uncertainty + reference.uncertainty);
        if off.saturating_sub(doubt) > limit {
            let seen = told(off, apart > 0, doubt, &format!("{ours}'s"));
            findings.push(Finding { check: Check::ClockOffset, board: Some((*name).clone()), seen });
        }
    }
    let (off, doubt) = (time(reference.offset_nanos), reference.uncertainty);
    if off.saturating_sub(doubt) > limit {
        let seen = format!("{ours} is {}", told(off, reference.offset_nanos > 0, doubt, "this machine"));
        findings.push(Finding { check: Check::OwnClock, board: None, seen });
    }
    findings
}

/// The clock that the others are held against: the one in the middle, for most are right; of two the admin's,
/// which tells the others the time.
fn reference<'a>(rack: &Rack, clocks: &[(&'a BoardName, Clock)]) -> Option<(&'a BoardName, Clock)> {
    if let [first, second] = clocks {
        let is_admin =
            |name: &BoardName| rack.board(name).is_some_and(|board| board.roles.contains(&Role::Admin));
        return Some(if is_admin(second.0) { *second } else { *first });
    }
    let mut sorted = clocks.to_vec();
    sorted.sort_by_key(|(_, clock)| clock.offset_nanos);
    sorted.get(sorted.len() / 2).copied()
}

fn time(nanos: i128) -> Duration {
    Duration::from_nanos(u64::try_from(nanos.unsigned_abs()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::super::super::tests::{board_with, desk};
    use super::*;

    /// What is found when the boards' clocks are so many milliseconds ahead of this machine's, each known to 5.
    fn found(offsets: [i128; 4]) -> Vec<(Option<String>, Check, String)> {
        let rack = desk();
        let clock =
            |offset| Clock { offset_nanos: offset * 1_000_000, uncertainty: Duration::from_millis(5) };
        let boards = rack.boards.iter().zip(offsets).map(|(board, offset)| {
            board_with(&rack, board.name.as_str(), |facts| facts.clock = Some(clock(offset)))
        });
        let findings = all(&rack, &boards.collect());
        findings
            .into_iter()
            .map(|found| (found.board.map(|name| name.to_string()), found.check, found.seen))
            .collect()
    }

    #[test]
    fn boards_that_agree_lose_nothing_whatever_this_machines_time_is() {
        assert_eq!(found([0, 400, 100, 200]), []);
        let found = found([9000, 9100, 9200, 9300]);
        assert!(
            matches!(found.as_slice(), [(None, Check::OwnClock, seen)] if seen.contains("ahead of this machine")),
            "{found:?}"
        );
    }

    #[test]
    fn a_board_that_is_further_from_the_others_than_the_file_allows_is_named() {
        let found = found([0, 10, -700, 600]);
        let named: Vec<_> = found.iter().map(|(board, check, _)| (board.as_deref(), *check)).collect();
        assert_eq!(named, [(Some("b3"), Check::ClockOffset), (Some("b4"), Check::ClockOffset)]);
        assert!(found[0].2.contains("behind of b2's") && found[1].2.contains("ahead of b2's"), "{found:?}");
    }
}
