//! What the board's sources said last, and what of it is fresh.

use std::time::Duration;

use tokio::time::Instant;

use super::Newest;
use crate::record::{Health, Moment, Reading};
use crate::schedule::HELD;

/// A part of health is left out after so many of its source's intervals without news.
pub(super) const STALE_AFTER: f64 = 3.5;

/// What each source gave last: its part of health, and its readings.
pub(super) struct Parts(Vec<Slot>);

struct Slot {
    stale_after: Duration,
    /// How long what was read may have waited until it came here.
    held: Duration,
    /// Whether it is read on the board's own beat.
    on_beat: bool,
    /// Whether it was read since the last health.
    heard: bool,
    newest: Option<Part>,
}

/// What one read of a source gave.
pub(super) struct Part {
    pub(super) read: Instant,
    pub(super) moment: Moment,
    pub(super) health: Health,
    pub(super) readings: Vec<Reading>,
}

impl Parts {
    pub(super) fn new(sources: &[Duration], beat: Duration) -> Self {
        let slot = |interval: &Duration| Slot {
            stale_after: (*interval).max(beat).mul_f64(STALE_AFTER),
            held: if *interval < HELD { HELD } else { Duration::ZERO },
            on_beat: *interval == beat,
            heard: false,
            newest: None,
        };
        Self(sources.iter().map(slot).collect())
    }

    pub(super) fn put(&mut self, index: usize, part: Part) {
        if let Some(slot) = self.0.get_mut(index) {
            slot.newest = Some(part);
            slot.heard = true;
        }
    }

    /// Whether a source of the board's own beat was read in it: once more, and that beat is over.
    pub(super) fn heard_this_beat(&self, index: usize) -> bool {
        self.0.get(index).is_some_and(|slot| slot.on_beat && slot.heard)
    }

    /// Whether nothing of this beat is still to come.
    pub(super) fn all_heard(&self) -> bool {
        let mut on_beat = self.0.iter().filter(|slot| slot.on_beat).peekable();
        on_beat.peek().is_some() && on_beat.all(|slot| slot.heard)
    }

    pub(super) fn hear_anew(&mut self) {
        self.0.iter_mut().for_each(|slot| slot.heard = false);
    }

    /// What is newest now. What was read since and is still held counts as told: the part before it stands.
    pub(super) fn newest(&self, now: Instant) -> Newest {
        let fresh = || self.younger(now, |slot| slot.stale_after + slot.held);
        let readings = fresh().flat_map(|part| part.readings.iter().cloned()).collect();
        Newest { health: merged(fresh()).map(|(_, health)| health), readings }
    }

    /// All parts that were fresh then as one health, at the moment of the newest; nothing when none was.
    pub(super) fn assemble(&self, then: Instant) -> Option<(Moment, Health)> {
        merged(self.younger(then, |slot| slot.stale_after))
    }

    /// The parts that are no older than their slot allows.
    fn younger(&self, now: Instant, age: impl Fn(&Slot) -> Duration) -> impl Iterator<Item = &Part> {
        self.0.iter().filter_map(move |slot| {
            let part = slot.newest.as_ref()?;
            (now.saturating_duration_since(part.read) <= age(slot)).then_some(part)
        })
    }
}

fn merged<'a>(parts: impl Iterator<Item = &'a Part>) -> Option<(Moment, Health)> {
    let mut health = Health::default();
    let mut newest: Option<&Part> = None;
    for part in parts {
        health.merge(part.health.clone());
        newest = newest.filter(|newest| newest.read > part.read).or(Some(part));
    }
    newest.filter(|_| health != Health::default()).map(|newest| (newest.moment, health))
}
