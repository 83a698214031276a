//! How long an operation took, and how much of that it waited: for a service to be well, for a node to drain, for
//! records to arrive. The rest is what its own work cost.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

/// How long an operation took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Took {
    /// From its asking to its end.
    pub seconds: f64,
    /// Of that, while every step that was under way waited. Zero where it was not counted.
    #[serde(default)]
    pub waited_seconds: f64,
}

impl fmt::Display for Took {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seconds, waited_seconds } = self;
        write!(f, "{seconds:.1} s")?;
        if *waited_seconds < 0.05 { Ok(()) } else { write!(f, ", {waited_seconds:.1} s of it waiting") }
    }
}

/// Counts it. Boards are seen to side by side: while one of them works, the operation does not wait.
pub(super) struct Clock {
    began: Instant,
    waits: Mutex<Waits>,
}

#[derive(Default)]
struct Waits {
    underway: usize,
    waiting: usize,
    since: Option<Instant>,
    passed: Duration,
}

impl Waits {
    fn changed(&mut self) {
        let waits = self.waiting > 0 && self.waiting == self.underway;
        match self.since {
            None if waits => self.since = Some(Instant::now()),
            Some(since) if !waits => {
                self.passed += since.elapsed();
                self.since = None;
            }
            _ => {}
        }
    }
}

impl Clock {
    pub(super) fn start() -> Self {
        Self { began: Instant::now(), waits: Mutex::default() }
    }

    pub(super) fn took(&self) -> Took {
        let waits = self.waits();
        let waited = waits.passed + waits.since.map(|since| since.elapsed()).unwrap_or_default();
        Took { seconds: self.began.elapsed().as_secs_f64(), waited_seconds: waited.as_secs_f64() }
    }

    /// A step begins.
    pub(super) fn step(&self) -> Lap<'_> {
        self.change(|waits| waits.underway += 1);
        Lap { clock: self, waits: Mutex::new(false) }
    }

    fn change(&self, change: impl FnOnce(&mut Waits)) {
        let mut waits = self.waits();
        change(&mut waits);
        waits.changed();
    }

    fn waits(&self) -> MutexGuard<'_, Waits> {
        self.waits.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A step's part in it, to the step's end.
pub(super) struct Lap<'a> {
    clock: &'a Clock,
    waits: Mutex<bool>,
}

impl Lap<'_> {
    /// Whether it waits from here on.
    pub(super) fn waits(&self, so: bool) {
        let mut waits = self.waits.lock().unwrap_or_else(PoisonError::into_inner);
        if *waits != so {
            *waits = so;
            self.clock.change(|all| all.waiting = if so { all.waiting + 1 } else { all.waiting - 1 });
        }
    }
}

impl Drop for Lap<'_> {
    fn drop(&mut self) {
        self.waits(false);
        self.clock.change(|waits| waits.underway -= 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_waiting(clock: &Clock) -> bool {
        clock.waits().since.is_some()
    }

    #[test]
    fn an_operation_waits_while_every_step_of_it_does() {
        let clock = Clock::start();
        assert!(!is_waiting(&clock), "nothing is under way");
        let (first, second) = (clock.step(), clock.step());
        first.waits(true);
        first.waits(true);
        assert!(!is_waiting(&clock), "the second works");
        second.waits(true);
        assert!(is_waiting(&clock));
        second.waits(false);
        assert!(!is_waiting(&clock));
        drop(second);
        assert!(is_waiting(&clock), "the first is left, and waits");
        drop(first);
        assert!(!is_waiting(&clock), "nothing is under way any more");
        let took = clock.took();
        assert!(took.waited_seconds > 0.0 && took.waited_seconds <= took.seconds, "{took:?}");
    }

    #[test]
    fn what_was_waited_is_told_where_there_was_any() {
        assert_eq!(
            Took { seconds: 95.31, waited_seconds: 87.04 }.to_string(),
            "95.3 s, 87.0 s of it waiting"
        );
        assert_eq!(Took { seconds: 1.2, waited_seconds: 0.0 }.to_string(), "1.2 s");
    }
}
