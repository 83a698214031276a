//! How long what is left will probably take on these boards.

use std::time::Duration;

/// Before so much was done that was thought of, nothing can be told of the pace.
const FIRST_STEPS: Duration = Duration::from_secs(30);

/// How long steps take here, beside how long they were thought to take: a Pi's card is slower than any guess.
#[derive(Default)]
pub(super) struct Pace {
    /// What the steps that are done were thought to take.
    pub(super) thought: Duration,
    /// What steps took, those among them that were not done to their end.
    pub(super) taken: Duration,
}

impl Pace {
    /// What so much time that was thought of probably comes to.
    pub(super) fn of(&self, thought: Duration) -> Duration {
        if self.thought < FIRST_STEPS {
            return thought;
        }
        let factor = self.taken.as_secs_f64() / self.thought.as_secs_f64();
        thought.mul_f64(factor.clamp(0.1, 100.0))
    }
}
