//! Why an operation stopped, for whoever asked for it.

use crate::operation::Interrupted;
use crate::operation::held::LockError;
use crate::operation::plan::{Left, sentence};
use crate::operation::saved::Moved;
use crate::operation::world::WorldError;
use crate::stack::StackError;

/// Why it stopped.
#[derive(Debug, thiserror::Error)]
pub enum OperationError {
    /// It may not be done.
    #[error("nothing more is done: {}", letters(.0))]
    Refused(Vec<Left>),
    /// Not what somebody agreed to.
    #[error(transparent)]
    Moved(#[from] Moved),
    /// What is wanted cannot be said.
    #[error(transparent)]
    Stack(#[from] StackError),
    /// The lock.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// A step.
    #[error("{step} failed after {done} steps; {again} again to go on from here")]
    Step {
        /// Which.
        step: String,
        /// How many were taken before.
        done: usize,
        /// The command that goes on.
        again: &'static str,
        /// What came of it.
        #[source]
        source: WorldError,
    },
    /// A gate that did not open.
    #[error("{step}: waited {seconds} s in vain for {gate}: {why}")]
    Gate {
        /// Before or after which step.
        step: String,
        /// For what.
        gate: String,
        /// What it said last.
        why: String,
        /// For how long.
        seconds: u64,
    },
    /// A service fails again and again, and the gate cannot open without it.
    #[error(
        "{step}: {gate} is waited for in vain: {service} fails again and again, {words}; look into its log (pirack logs {service}), mend what it says, and begin again"
    )]
    Fails {
        /// Before or after which step.
        step: String,
        /// For what.
        gate: String,
        /// Which service.
        service: String,
        /// In Docker's own words.
        words: String,
    },
    /// It was ended.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
    /// It did not come to an end.
    #[error(
        "there is still something to do, however often it was planned anew: {left}; somebody else changes the rack, or a service undoes what is done"
    )]
    Restless {
        /// The first thing that is left.
        left: String,
    },
}

fn letters(left: &[Left]) -> String {
    let mut letters: Vec<String> = left.iter().map(ToString::to_string).collect();
    if let Some((_, before)) = letters.split_last_mut() {
        before.iter_mut().for_each(|letter| *letter = sentence(letter));
    }
    letters.join(" ")
}

/// What an operation ends with, of what came of each board: a failure before what was only ended, and every further
/// failure is told.
pub(super) fn one_of(
    outcomes: Vec<Result<(), OperationError>>,
    mut tell: impl FnMut(&OperationError),
) -> Option<OperationError> {
    let errors = outcomes.into_iter().filter_map(Result::err);
    let (ended, failed): (Vec<_>, Vec<_>) =
        errors.partition(|error| matches!(error, OperationError::Interrupted(_)));
    let mut failed = failed.into_iter();
    let first = failed.next().or_else(|| ended.into_iter().next());
    failed.for_each(|further| tell(&further));
    first
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reach::chain;

    #[test]
    fn of_several_boards_failures_one_ends_the_operation_and_the_others_are_told() {
        let failure = |board: &str| {
            let board = board.parse().unwrap();
            let source = crate::operation::world::failed(&board, "pulling", "no space left on device");
            OperationError::Step { step: format!("image on {board}"), done: 3, again: "apply", source }
        };
        let outcomes = vec![Err(Interrupted.into()), Ok(()), Err(failure("b3")), Err(failure("b4"))];
        let mut told = vec![];
        let ended = one_of(outcomes, |further| told.push(chain(further)));
        assert!(ended.unwrap().to_string().contains("on b3"));
        let [told] = told.as_slice() else { panic!("{told:?}") };
        assert!(told.contains("on b4") && told.contains("no space left"), "{told}");
        let ended = one_of(vec![Ok(()), Err(Interrupted.into())], |further| panic!("{further}"));
        assert!(matches!(ended, Some(OperationError::Interrupted(_))));
    }
}
