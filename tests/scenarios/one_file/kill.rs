//! An apply that is killed at whatever step is finished by the next one.

use pirack_tests::wait;

use crate::Promise;
use crate::rack::{self, APPLY, Rack};

/// Only told at length.
pub(crate) const EVERY_STEP_OF_A_ROLL: &[Promise] =
    &[("kill::a_roll_that_is_killed_after_each_of_its_steps_ends_well", Rack::roll_killed_at_every_step)];

/// Only told at length, over bare boards.
pub(crate) const EVERY_STEP_FROM_BARE_BOARDS: &[Promise] = &[(
    "kill::bare_boards_become_a_rack_by_applies_that_are_killed_after_each_step",
    Rack::first_apply_killed_at_every_step,
)];

/// So many applies are killed where chance would have it: two as a board is joined anew, the others in a roll.
const BY_CHANCE: usize = 5;

/// By the lines that an apply says; one that does not come to wait is killed once it has done the step.
const BOUNDARIES: [fn(&str) -> bool; 3] = [begins, |line| waits(line) || is_done(line), is_done];

fn begins(line: &str) -> bool {
    line.contains('[') && line.contains(" left)")
}

fn is_done(line: &str) -> bool {
    line.contains('[') && line.contains(": done in ")
}

pub(crate) fn waits(line: &str) -> bool {
    line.contains('[') && !begins(line) && !is_done(line)
}

impl Rack {
    /// Kills as many applies as are left to kill; the next one finishes their roll.
    pub(crate) fn applies_are_killed(&mut self) {
        while self.killed < BY_CHANCE {
            if !self.kill_an_apply(BY_CHANCE - self.killed) {
                // There is nothing left to roll, or it had ended before it could be: another roll.
                self.raise_heaps();
            }
        }
        self.apply();
        self.when_healthy();
        self.ends_with(&["plan"], 0);
    }

    /// Starts an apply that is killed once it has done so many of its steps and begins the next one, or waits within it,
    /// by chance; it leaves a step for each of those that are `to_kill` with it. Whether it was killed: one that ended
    /// before must be well.
    pub(crate) fn kill_an_apply(&mut self, to_kill: usize) -> bool {
        let steps = self.plan()["steps"].as_array().unwrap().len();
        if steps == 0 {
            return false;
        }
        let (done, within) = (self.chance.usize(..=steps.saturating_sub(to_kill)), self.chance.bool());
        println!("kill -9 of an apply: {done} of {steps} steps done, within the next: {within}");
        let killed = self.killed_at(|said| {
            let mut lines = said.lines();
            let through = lines.by_ref().filter(|line| is_done(line)).take(done).count();
            through == done
                && lines.any(|line| is_done(line) || if within { waits(line) } else { begins(line) })
        });
        self.killed += usize::from(killed);
        killed
    }

    /// Starts an apply and kills it as soon as what it said is so. Whether it was: one that ended before must be well.
    fn killed_at(&self, is_there: impl Fn(&str) -> bool) -> bool {
        let mut apply = self.start(&["apply"]);
        let reached = wait::until("the place to kill it at", APPLY, || {
            if is_there(&apply.said()) { Some(true) } else { apply.has_ended().then_some(false) }
        });
        if reached {
            rack::kill(apply);
        } else {
            let ended = apply.end(APPLY);
            assert_eq!(ended.code, Some(0), "{ended:#?}");
        }
        reached
    }

    fn roll_killed_at_every_step(&mut self) {
        self.raise_heaps();
        let kills = self.killed_after_each_step();
        assert!(kills >= 2 * self.boards().len(), "a roll has a step for each service, not {kills}");
    }

    fn first_apply_killed_at_every_step(&mut self) {
        let kills = self.killed_after_each_step();
        assert!(kills >= 6 * self.boards().len(), "bare boards need more than {kills} steps");
    }

    /// Applies are killed as they begin a step, as they wait within one, and as soon as they have done one, in turn,
    /// until one has nothing left to do. How many were.
    fn killed_after_each_step(&self) -> usize {
        let mut kills = 0;
        while self.killed_at(|said| said.lines().any(BOUNDARIES[kills % BOUNDARIES.len()])) {
            kills += 1;
        }
        println!("killed {kills} times");
        self.when_healthy();
        self.ends_with(&["plan"], 0);
        kills
    }
}
