//! Which record is the newest of its kind: the rule by which `*_latest` never goes back in time.
//!
//! Wall time cannot tell: a board wakes in 1970, and clocks are stepped. The queue can: on one disk sequences
//! only grow, over restarts and from one queue id to the next. So, in this order:
//!
//! 1. **Same queue, or a queue of the same disk:** the higher sequence is the newer. This decides after every
//!    crash: the cursor may have been set back by a power cut, the records before what was already written come
//!    again, and each of them is passed over until the stream is where it was.
//! 2. **A queue of another disk,** as after a new card, on which sequences begin anew and say nothing about the
//!    old ones. Where both clocks were vouched for, the later wall time is the newer: an old card that is put
//!    back ships its leftovers without hiding what the new one told. A time that lay in the future when the
//!    cluster took it in is not believed, or a clock once wrong would hide a board for years.
//! 3. **Otherwise** what comes now is the newest that anybody can know.
//!
//! What this cannot prevent: a write that is given up here after its deadline may lie unread at a coordinator
//! that hangs. If that node wakes up and still takes it in, it stamps it then, later than newer values that
//! went through another node, and an old value shows until the board's next record of that key, mostly for
//! one interval. A node counts a request's age from when it has read it, so none of its own timeouts helps.
//!
//! Which queues the disk holds is read when the queue is opened. A queue that has left the disk since was
//! shipped, or given up, to its end: whatever is left has higher sequences, and rules 2 and 3 let it pass.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use crate::record::{BoardName, Body, ClockState, Quantity, Record};

/// How far ahead of the cluster's clock a believable time may be, in milliseconds.
const BELIEVABLE: i64 = 3_600_000;

/// What has one newest value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) node: BoardName,
    pub(super) of: Subject,
}

/// A board has one health, and one value for each quantity of each sensor.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Subject {
    Health,
    Sensor(String, Quantity),
}

impl Key {
    /// What the record is about; none for a kind of which only the history counts.
    pub(super) fn of(record: &Record) -> Option<Self> {
        let of = match &record.body {
            Body::Health(_) => Subject::Health,
            Body::Reading(reading) => Subject::Sensor(reading.sensor.clone(), reading.quantity),
            Body::Gap(_) => return None,
        };
        Some(Self { node: record.board.clone(), of })
    }
}

/// A newest record, as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) queue: Uuid,
    pub(super) sequence: u64,
    /// Milliseconds since 1970.
    pub(super) time: i64,
    /// Whether that time can be believed.
    pub(super) believed: bool,
}

impl Place {
    /// Where a record stands.
    pub(super) fn of(record: &Record) -> Self {
        Self {
            queue: record.identity.queue,
            sequence: record.identity.sequence,
            time: record.moment.time.as_millisecond(),
            believed: record.moment.clock == ClockState::Synchronised,
        }
    }

    /// Where a row stands that the cluster took in at `written`, in milliseconds since 1970 by its own clock.
    pub(super) fn read(queue: Uuid, sequence: u64, time: i64, clock: &str, written: i64) -> Self {
        let believed = clock == "synchronised" && time <= written.saturating_add(BELIEVABLE);
        Self { queue, sequence, time, believed }
    }
}

/// What is known of the newest records.
#[derive(Debug, Default)]
pub(super) struct Newest {
    /// The queues of this board's disk.
    disk: HashSet<Uuid>,
    /// The boards whose newest rows have been read.
    read: HashSet<BoardName>,
    known: HashMap<Key, Place>,
}

impl Newest {
    /// Nothing known yet, on a disk with these queues.
    pub(super) fn on(disk: impl IntoIterator<Item = Uuid>) -> Self {
        Self { disk: disk.into_iter().collect(), ..Self::default() }
    }

    /// Whether this board's newest rows have yet to be read.
    pub(super) fn is_new(&self, node: &BoardName) -> bool {
        !self.read.contains(node)
    }

    /// All that the cluster has of this board.
    pub(super) fn found(&mut self, node: &BoardName, rows: impl IntoIterator<Item = (Subject, Place)>) {
        let keyed = rows.into_iter().map(|(of, place)| (Key { node: node.clone(), of }, place));
        self.known.extend(keyed);
        self.read.insert(node.clone());
    }

    /// Whether a record in this place may become its key's newest.
    pub(super) fn admits(&self, key: &Key, place: Place) -> bool {
        self.known.get(key).is_none_or(|known| supersedes(place, *known, &self.disk))
    }

    /// The cluster has this one now. Its queue comes from this disk, whatever the opening knew.
    pub(super) fn wrote(&mut self, key: Key, place: Place) {
        self.disk.insert(place.queue);
        self.known.insert(key, place);
    }
}

/// The rule of this module.
fn supersedes(place: Place, known: Place, disk: &HashSet<Uuid>) -> bool {
    if place.queue == known.queue || disk.contains(&known.queue) {
        place.sequence > known.sequence
    } else if place.believed && known.believed {
        place.time > known.time
    } else {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: Uuid = Uuid::from_u128(1);
    const NEW: Uuid = Uuid::from_u128(2);
    const ELSEWHERE: Uuid = Uuid::from_u128(3);

    fn at(queue: Uuid, sequence: u64, time: i64, believed: bool) -> Place {
        Place { queue, sequence, time, believed }
    }

    fn newest(disk: &[Uuid], known: Place) -> (Newest, Key) {
        let node: BoardName = "w3".parse().unwrap();
        let mut newest = Newest::on(disk.iter().copied());
        assert!(newest.is_new(&node));
        newest.found(&node, [(Subject::Health, known)]);
        assert!(!newest.is_new(&node));
        (newest, Key { node, of: Subject::Health })
    }

    #[test]
    fn a_clock_that_is_set_back_hides_nothing() {
        let (newest, key) = newest(&[NEW], at(NEW, 7, 1000, true));
        assert!(newest.admits(&key, at(NEW, 8, 5, true)));
        assert!(!newest.admits(&key, at(NEW, 7, 9000, true)), "the same once more");
        assert!(!newest.admits(&key, at(NEW, 6, 9000, true)));
    }

    #[test]
    fn a_replay_after_a_crash_passes_over_what_was_written_even_across_queue_ids() {
        let (newest, key) = newest(&[OLD, NEW], at(NEW, 199, 1000, false));
        assert!(!newest.admits(&key, at(OLD, 50, 9000, true)), "an older queue of the same disk");
        assert!(!newest.admits(&key, at(NEW, 199, 1000, false)));
        assert!(newest.admits(&key, at(NEW, 200, 0, false)));
    }

    #[test]
    fn what_follows_a_queue_that_has_left_the_disk_is_newer() {
        let (newest, key) = newest(&[NEW], at(OLD, 199, 1000, false));
        assert!(newest.admits(&key, at(NEW, 200, 0, false)));
    }

    #[test]
    fn a_new_card_whose_sequences_begin_anew_is_seen_at_once() {
        let (newest, key) = newest(&[NEW], at(ELSEWHERE, 150_000, 1000, true));
        assert!(newest.admits(&key, at(NEW, 0, 2000, true)), "by its time");
        assert!(newest.admits(&key, at(NEW, 0, 0, false)), "and by having come, where it has no time");
    }

    #[test]
    fn an_old_card_that_is_put_back_does_not_hide_what_the_new_one_told() {
        let (newest, key) = newest(&[OLD], at(ELSEWHERE, 5, 2000, true));
        assert!(!newest.admits(&key, at(OLD, 150_000, 1000, true)));
        assert!(newest.admits(&key, at(OLD, 150_001, 3000, true)));
    }

    #[test]
    fn a_time_from_the_future_is_not_believed() {
        let year = 365 * 24 * BELIEVABLE;
        let known = Place::read(ELSEWHERE, 9, 10 * year, "synchronised", year);
        let (newest, key) = newest(&[NEW], known);
        assert!(newest.admits(&key, at(NEW, 0, year, true)));
        assert!(Place::read(ELSEWHERE, 9, year + BELIEVABLE, "synchronised", year).believed);
        assert!(!Place::read(ELSEWHERE, 9, year, "unsynchronised", year).believed);
    }

    #[test]
    fn after_the_first_write_only_the_sequence_counts() {
        let (mut newest, key) = newest(&[], at(ELSEWHERE, 150_000, 1000, true));
        newest.wrote(key.clone(), at(NEW, 3, 2000, true));
        assert!(newest.admits(&key, at(NEW, 4, 1, true)));
        assert!(!newest.admits(&key, at(NEW, 2, 9000, true)));
        assert!(
            newest.admits(
                &Key { of: Subject::Sensor("a".into(), Quantity::Power), ..key },
                at(NEW, 0, 0, false)
            )
        );
    }
}
