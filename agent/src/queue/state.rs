//! What the writer, the readers and the cursors of one queue know together.
//!
//! It is plain memory behind a mutex that is never held over I/O: whoever acts on a file takes what it
//! needs from here first. A segment that has left the list may still be read by a reader that has its
//! file open; that is no harm, because nothing in a segment ever changes.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use uuid::Uuid;

use super::loss::{Losses, Range, without};
use super::storage::{Lock, Storage};
use crate::record::GapReason;

/// One segment, as far as it is durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Segment {
    pub(super) base: u64,
    /// The sequence after its last record.
    pub(super) end: u64,
    /// Length of its file.
    pub(super) bytes: u64,
    pub(super) queue: Uuid,
    /// What a reader found unreadable, and has told.
    pub(super) holes: Vec<Range>,
    /// Whether anything in it could not be read, its header included: people may want to look at it.
    pub(super) damaged: bool,
}

/// One cursor's places.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) name: String,
    pub(super) position: u64,
    /// The furthest that the sink ever came: past `position` where a new boot has set that back. What lies
    /// before is no loss, whatever becomes of it.
    pub(super) reached: u64,
    /// The position that no power cut takes back, neither here nor at the sink.
    pub(super) settled: u64,
}

#[derive(Debug)]
pub(super) struct State {
    /// Oldest first. The newest stays even when every cursor has passed it: it tells where the queue ends.
    pub(super) segments: VecDeque<Segment>,
    pub(super) cursors: Vec<Place>,
    pub(super) losses: Losses,
    /// The sequence after the last durable record.
    pub(super) durable: u64,
    /// Records lost since the opening, for whatever reason.
    pub(super) dropped: u64,
}

impl State {
    /// The position of the cursor that is furthest behind; 0 without cursors, so that all counts as unshipped.
    pub(super) fn lowest(&self) -> u64 {
        self.lowest_of(|cursor| cursor.position)
    }

    /// What every sink has acknowledged, be it offered again or not.
    fn lowest_reached(&self) -> u64 {
        self.lowest_of(|cursor| cursor.reached)
    }

    fn lowest_of(&self, of: impl Fn(&Place) -> u64) -> u64 {
        self.cursors.iter().map(of).min().unwrap_or(0)
    }

    /// The first sequence that is still kept.
    pub(super) fn oldest(&self) -> u64 {
        self.segments.front().map_or(self.durable, |segment| segment.base)
    }

    /// The segment that holds `position`, or the next one after it.
    pub(super) fn locate(&self, position: u64) -> Option<&Segment> {
        self.segments.iter().find(|segment| segment.end > position)
    }

    /// Notes a loss, as far as some sink has never had it.
    pub(super) fn lose(&mut self, queue: Uuid, range: &Range, reason: GapReason) {
        let range = range.start.max(self.lowest_reached())..range.end;
        if !range.is_empty() {
            self.dropped += range.end - range.start;
            self.losses.add(queue, &range, reason);
        }
    }

    /// Notes what a reader could not read in the segment at `base`; what another reader told before is
    /// not told again.
    pub(super) fn damage(&mut self, base: u64, hole: Range, reason: GapReason) {
        let Some(segment) = self.segments.iter_mut().find(|segment| segment.base == base) else { return };
        let news = without(hole, &segment.holes);
        segment.holes.extend(news.iter().cloned());
        segment.damaged |= !segment.holes.is_empty();
        let queue = segment.queue;
        for range in news {
            self.lose(queue, &range, reason);
        }
    }

    /// Takes every segment off the list that all cursors have passed for good.
    pub(super) fn settled(&mut self) -> Vec<Segment> {
        let lowest = self.lowest_of(|cursor| cursor.settled);
        let mut passed = Vec::new();
        while self.segments.len() > 1 && self.segments.front().is_some_and(|segment| segment.end <= lowest) {
            passed.extend(self.segments.pop_front());
        }
        passed
    }

    /// Whether every sink has had all of the oldest segment, so that nothing is lost by giving it up.
    pub(super) fn oldest_is_shipped(&self) -> bool {
        self.segments.front().is_some_and(|segment| segment.end <= self.lowest_reached())
    }

    /// Takes the oldest segment off the list though it may not be settled, and tells what is lost by it.
    /// The oldest is also what sinks lack least: whatever all of them have had goes before anything else.
    pub(super) fn give_oldest(&mut self, reason: GapReason) -> Option<Segment> {
        let segment = self.segments.pop_front()?;
        for range in without(segment.base..segment.end, &segment.holes) {
            self.lose(segment.queue, &range, reason);
        }
        Some(segment)
    }

    pub(super) fn bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.bytes).sum()
    }

    pub(super) fn status(&self, queue: Uuid) -> Status {
        let oldest = self.oldest();
        let cursor = |place: &Place| CursorStatus {
            name: place.name.clone(),
            position: place.position,
            backlog: self.durable.saturating_sub(place.position.max(oldest)),
            unsettled: place.position.saturating_sub(place.settled.max(oldest)),
        };
        Status {
            queue,
            bytes: self.bytes(),
            segments: self.segments.len(),
            oldest,
            next: self.durable,
            cursors: self.cursors.iter().map(cursor).collect(),
            dropped: self.dropped,
        }
    }
}

/// A queue at a glance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Status {
    /// The queue that new records belong to.
    pub queue: Uuid,
    /// Bytes in segments.
    pub bytes: u64,
    /// Number of segments.
    pub segments: usize,
    /// The first sequence that is kept.
    pub oldest: u64,
    /// The sequence after the last durable record.
    pub next: u64,
    /// Each cursor, in the order given at the opening.
    pub cursors: Vec<CursorStatus>,
    /// Records lost since the opening.
    pub dropped: u64,
}

/// One cursor at a glance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CursorStatus {
    /// The sink it belongs to.
    pub name: String,
    /// The next sequence to ship.
    pub position: u64,
    /// How many sequences lie between it and the end, of those that are kept.
    pub backlog: u64,
    /// How many of those that are kept lie before it and would be offered again in a new boot: the sink
    /// acknowledged them so lately that it may lose them with its power.
    pub unsettled: u64,
}

/// What every part of an open queue holds on to; the lock is let go with the last of them.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) storage: Arc<dyn Storage>,
    state: Mutex<State>,
    _lock: Box<dyn Lock>,
}

impl Shared {
    pub(super) fn new(storage: Arc<dyn Storage>, state: State, lock: Box<dyn Lock>) -> Arc<Self> {
        Arc::new(Self { storage, state: Mutex::new(state), _lock: lock })
    }

    /// The state. A panic elsewhere cannot leave it half changed: every change is one call in this file.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
