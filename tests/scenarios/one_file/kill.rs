//! An apply that is killed at whatever step is finished by the next one.

use pirack_tests::wait;

use crate::Promise;
use crate::rack::{self, APPLY, Rack};
use crate::seed;

pub(crate) const PROMISES: &[Promise] =
    &[("kill::applies_that_are_killed_one_after_another_are_finished_by_the_next", Rack::applies_are_killed)];

/// Only told at length.
pub(crate) const EVERY_STEP_OF_A_ROLL: &[Promise] =
    &[("kill::a_roll_that_is_killed_after_each_of_its_steps_ends_well", Rack::roll_killed_at_every_step)];

/// Only told at length, over bare boards.
pub(crate) const EVERY_STEP_FROM_BARE_BOARDS: &[Promise] = &[(
    "kill::bare_boards_become_a_rack_by_applies_that_are_killed_after_each_step",
    Rack::first_apply_killed_at_every_step,
)];

/// So many applies of one roll are killed; as another board is joined anew, the rest of five.
const OF_A_ROLL: usize = 3;

/// When an apply is killed: once it has done so many steps, or as it waits within the next one.
#[derive(Debug)]
struct Kill {
    done: usize,
    waits: bool,
}

/// By the lines that an apply says; one that does not come to wait is killed once it has done the step.
const BOUNDARIES: [fn(&str) -> bool; 3] = [begins, |line| waits(line) || is_done(line), is_done];

fn begins(line: &str) -> bool {
    line.contains('[') && line.contains(" left)")
}

fn is_done(line: &str) -> bool {
    line.contains('[') && line.contains(": done in ")
}

fn waits(line: &str) -> bool {
    line.contains('[') && !begins(line) && !is_done(line)
}

impl Rack {
    fn applies_are_killed(&mut self) {
        self.raise_heaps();
        let mut chance = seed::Chance(seed::of_this_run());
        for _ in 0..OF_A_ROLL {
            if !self.killed_within(&mut chance, 3) {
                // What was killed had brought all of the roll about: another one.
                self.raise_heaps();
            }
        }
        self.apply();
        self.when_healthy();
        self.ends_with(&["plan"], 0);
    }

    /// Starts an apply that is killed somewhere in so many steps. Whether it was: one that ended before must be well.
    pub(crate) fn killed_within(&self, chance: &mut seed::Chance, steps: usize) -> bool {
        let kill @ Kill { done, waits } = Kill { done: chance.below(steps), waits: chance.below(2) == 0 };
        println!("kill -9 of an apply: {kill:?}; PIRACK_SEED={}", seed::of_this_run());
        let mut apply = self.start(&["apply"]);
        let reached = wait::until("the place to kill it at", APPLY, || {
            let said = apply.said();
            let mut lines = said.lines();
            let through = lines.by_ref().filter(|line| is_done(line)).take(done).count();
            let is_there = through == done && (!waits || lines.any(self::waits));
            if is_there { Some(true) } else { apply.has_ended().then_some(false) }
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
        loop {
            let mut apply = self.start(&["apply"]);
            let boundary = BOUNDARIES[kills % BOUNDARIES.len()];
            let ended = wait::until("a boundary", APPLY, || {
                if apply.said().lines().any(boundary) {
                    Some(false)
                } else {
                    apply.has_ended().then_some(true)
                }
            });
            if ended {
                let ended = apply.end(APPLY);
                assert_eq!(ended.code, Some(0), "after {kills} kills: {ended:#?}");
                break;
            }
            rack::kill(apply);
            kills += 1;
        }
        println!("killed {kills} times");
        self.when_healthy();
        self.ends_with(&["plan"], 0);
        kills
    }
}
