//! The sources of one beat, and the thread that reads them.
//!
//! The thread waits for its beats by itself and keeps what it reads here, so that a beat wakes nobody else;
//! it tells that there is something to fetch once a beat, or once [`HELD`] where beats come faster.
//!
//! Invariant: a source is in one place at a time: resting, due, or with the thread that reads it. Only the
//! newest hand takes what is due; one that was taken over puts its source back to rest and ends.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::mood::Mood;
use super::{HELD, Observed, PATIENCE};
use crate::clock::Clock;
use crate::source::Source;

/// What is kept at the most for whoever fetches it; beats are left out while nobody does.
const FULL: usize = 1024;

/// A reading thread's stack: sources keep what is large on the heap.
const STACK: usize = 256 * 1024;

/// A source, and how its last read went.
pub(super) struct Player {
    pub(super) index: usize,
    pub(super) source: Box<dyn Source>,
    pub(super) mood: Mood,
    pub(super) took: Duration,
}

/// The sources of one interval.
pub(super) struct Round {
    clock: Arc<dyn Clock>,
    interval: Duration,
    state: Mutex<State>,
    /// Told when a thread should look up before its beat.
    turn: Condvar,
    /// Told when there is something to fetch.
    pub(super) told: Notify,
}

struct State {
    /// The sources that are not being read.
    resting: Vec<Player>,
    /// Those of this beat that nobody has begun to read.
    due: VecDeque<Player>,
    /// What was read and not fetched.
    done: Vec<Observed>,
    /// When the next beat is.
    next: Instant,
    /// The beat after which it is told that there is something to fetch.
    telling: Instant,
    /// When the hand that reads has taken too long.
    patience: Instant,
    /// Which hand reads.
    hand: u64,
    over: bool,
}

impl Round {
    pub(super) fn new(
        clock: Arc<dyn Clock>,
        interval: Duration,
        start: Instant,
        resting: Vec<Player>,
    ) -> Self {
        let state = State {
            resting,
            due: VecDeque::new(),
            done: Vec::new(),
            next: start,
            telling: start,
            patience: start + PATIENCE,
            hand: 0,
            over: false,
        };
        Self { clock, interval, state: Mutex::new(state), turn: Condvar::new(), told: Notify::new() }
    }

    /// When to take over, unless it is told before that there is something to fetch.
    pub(super) fn patience(&self) -> Instant {
        self.state().patience
    }

    /// Takes what was read.
    pub(super) fn fetch(&self) -> Vec<Observed> {
        std::mem::take(&mut self.state().done)
    }

    /// A new thread for what is due and all beats to come. The one before it, where there is one, ends after
    /// the source that it is at; a source that panicked is gone with its thread.
    pub(super) fn take_over(self: &Arc<Self>) {
        let mut state = self.state();
        let now = Instant::now();
        if state.due.is_empty() && state.next > state.telling {
            // Only what is being read is late: the rest of its beat is told without it.
            state.telling = telling_after(state.next, self.interval);
        }
        state.patience = state.telling.max(now) + PATIENCE;
        state.hand += 1;
        let (hand, round) = (state.hand, Arc::clone(self));
        drop(state);
        self.turn.notify_all();
        let thread = std::thread::Builder::new().name("sources".into()).stack_size(STACK);
        if let Err(error) = thread.spawn(move || round.keep(hand)) {
            tracing::warn!(%error, "no thread to read sources with; trying again");
        }
    }

    /// Ends every thread, each after the source that it is at.
    pub(super) fn end(&self) {
        self.state().over = true;
        self.turn.notify_all();
    }

    fn keep(&self, hand: u64) {
        while self.await_beat(hand) {
            while let Some(player) = self.take(hand) {
                self.read(player);
            }
            self.tell(hand);
        }
    }

    /// Waits until something is due; false when there is nothing more to do for this hand.
    fn await_beat(&self, hand: u64) -> bool {
        let mut state = self.state();
        loop {
            if state.over || state.hand != hand {
                return false;
            }
            if !state.due.is_empty() {
                return true;
            }
            let now = Instant::now();
            if now >= state.next {
                state.next = beat_after(state.next, self.interval, now);
                if state.done.len() < FULL {
                    state.call();
                    return true;
                }
            }
            let wait = state.next.saturating_duration_since(now);
            state = self.turn.wait_timeout(state, wait).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn take(&self, hand: u64) -> Option<Player> {
        let mut state = self.state();
        if state.hand == hand && !state.over { state.due.pop_front() } else { None }
    }

    fn read(&self, mut player: Player) {
        let (read, moment) = (Instant::now(), self.clock.now());
        let outcome = player.source.read();
        player.took = read.elapsed();
        player.mood.note(player.source.name(), player.took, self.interval, outcome.as_ref().err());
        let index = player.index;
        let mut state = self.state();
        state.resting.push(player);
        if let Ok(observation) = outcome {
            state.done.push(Observed { index, read, moment, observation });
        }
    }

    /// Tells that there is something to fetch, where it is time; a hand that was taken over does so at once.
    fn tell(&self, hand: u64) {
        let mut state = self.state();
        let current = state.hand == hand;
        if current && state.next <= state.telling && state.done.len() < FULL / 2 {
            return;
        }
        if current {
            state.telling = telling_after(state.next, self.interval);
            state.patience = state.telling + PATIENCE;
        }
        drop(state);
        self.told.notify_one();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// All that rest are due, those first that were quick the last time.
    fn call(&mut self) {
        self.resting.sort_by_key(|player| player.took);
        self.due.extend(self.resting.drain(..));
    }
}

/// The first beat after `now`: those that were missed are left out.
fn beat_after(beat: Instant, interval: Duration, now: Instant) -> Instant {
    let late = now.saturating_duration_since(beat).as_nanos() % interval.as_nanos().max(1);
    now + interval.saturating_sub(Duration::from_nanos(u64::try_from(late).unwrap_or(0)))
}

/// After which beat to tell next, where `next` is the first that may be: as many beats as [`HELD`] has room for.
fn telling_after(next: Instant, interval: Duration) -> Instant {
    let beats = HELD.as_nanos() / interval.as_nanos().max(1);
    next + interval * u32::try_from(beats.saturating_sub(1)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beat_that_was_missed_is_left_out_and_the_next_keeps_step() {
        let start = Instant::now();
        let at = |milliseconds| start + Duration::from_millis(milliseconds);
        let interval = Duration::from_millis(100);
        assert_eq!(beat_after(start, interval, start), at(100));
        assert_eq!(beat_after(start, interval, at(30)), at(100));
        assert_eq!(beat_after(start, interval, at(100)), at(200));
        assert_eq!(beat_after(start, interval, at(1234)), at(1300));
    }

    #[test]
    fn beats_are_told_of_together_for_a_second_and_no_longer() {
        let next = Instant::now();
        let held = |milliseconds| telling_after(next, Duration::from_millis(milliseconds)) - next;
        assert_eq!(held(100), Duration::from_millis(900));
        assert_eq!(held(300), Duration::from_millis(600));
        assert_eq!(held(600), Duration::ZERO);
        assert_eq!(held(1000), Duration::ZERO);
        assert_eq!(held(60_000), Duration::ZERO);
    }
}
