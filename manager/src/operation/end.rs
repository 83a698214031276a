//! How an operation ended: decided once, and the same for whoever ran it, follows it or reads of it later.
//!
//! Invariant: an operation that left something undone did not end well, though nothing in it failed. It says what
//! is left.

use serde::{Deserialize, Serialize};

use super::apply::Applied;
use super::destroy::{Destroyed, Stays};
use super::fix::{Fixed, Mended};
use super::plan::Left;
use super::{Interrupted, OperationError, Progress, Took};
use crate::reach::chain;

/// What came of an operation that was not stopped.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// Steps that were taken.
    pub steps: usize,
    /// What could not be done now.
    #[serde(default)]
    pub undone: Vec<Left>,
    /// What a destroy left where it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stays: Option<Stays>,
    /// What a fix mended, and what not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mended: Vec<Mended>,
}

impl Outcome {
    /// So many steps, and nothing is left.
    #[must_use]
    pub fn of(steps: usize) -> Self {
        Self { steps, ..Self::default() }
    }
}

impl From<Applied> for Outcome {
    fn from(Applied { steps, undone }: Applied) -> Self {
        Self { undone, ..Self::of(steps) }
    }
}

impl From<Destroyed> for Outcome {
    fn from(Destroyed { steps, undone, stays }: Destroyed) -> Self {
        Self { undone, stays: Some(stays), ..Self::of(steps) }
    }
}

impl From<Fixed> for Outcome {
    fn from(fixed: Fixed) -> Self {
        Self { undone: fixed.undone(), mended: fixed.mended, ..Self::of(fixed.steps) }
    }
}

/// Why an operation came to no outcome.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Stopped {
    /// Somebody asked for it.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
    /// Something failed, or must not be: a letter with all its causes.
    #[error("{0}")]
    Failed(String),
}

impl From<OperationError> for Stopped {
    fn from(error: OperationError) -> Self {
        match error {
            OperationError::Interrupted(interrupted) => interrupted.into(),
            error => Self::Failed(chain(&error)),
        }
    }
}

/// How it ended.
pub type Ended = Result<Outcome, Stopped>;

impl Progress {
    /// The last thing that is heard of an operation.
    #[must_use]
    pub fn end(ended: Ended, took: Took) -> Self {
        match ended {
            Ok(outcome) if outcome.undone.is_empty() => Self::Completed { outcome, took },
            Ok(outcome) => {
                let left: Vec<_> = outcome.undone.iter().map(ToString::to_string).collect();
                let why = format!("not all could be done now:\n{}", left.join("\n"));
                Self::Failed { why, took, interrupted: false, outcome: Some(outcome) }
            }
            Err(stopped) => {
                let interrupted = matches!(stopped, Stopped::Interrupted(_));
                Self::Failed { why: stopped.to_string(), took, interrupted, outcome: None }
            }
        }
    }

    /// Whether nothing is heard after it.
    #[must_use]
    pub fn is_end(&self) -> bool {
        matches!(self, Self::Completed { .. } | Self::Failed { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left() -> Outcome {
        let silent = Left {
            subject: "board b3".into(),
            reason: "it does not answer".into(),
            code: None,
            unknown: true,
        };
        Outcome { undone: vec![silent], ..Outcome::of(4) }
    }

    #[test]
    fn an_operation_that_left_something_undone_did_not_end_well_and_says_what_is_left() {
        let Progress::Failed { why, interrupted: false, outcome: Some(outcome), .. } =
            Progress::end(Ok(left()), Took::default())
        else {
            panic!("not told as failed")
        };
        assert!(why.starts_with("not all could be done now:\nboard b3"), "{why}");
        assert_eq!(outcome, left());
    }

    #[test]
    fn every_end_comes_back_from_json_as_it_went() {
        let stays = Stays { silent: ["b3".parse().unwrap()].into(), ..Stays::default() };
        let ends = [
            Ok(Outcome { stays: Some(stays), ..Outcome::of(9) }),
            Ok(left()),
            Err(Stopped::Interrupted(Interrupted)),
            Err(Stopped::Failed("no".into())),
        ];
        for ended in ends {
            let end = Progress::end(ended, Took { seconds: 1.5, waited_seconds: 0.5 });
            let text = serde_json::to_string(&end).unwrap();
            assert_eq!(serde_json::from_str::<Progress>(&text).unwrap(), end, "{text}");
            assert!(end.is_end());
        }
    }

    #[test]
    fn what_an_earlier_version_wrote_is_still_read() {
        let completed = r#"{"progress":"completed","steps":3,"seconds":1.5}"#;
        let failed = r#"{"progress":"failed","why":"no","seconds":1.5}"#;
        let took = Took { seconds: 1.5, waited_seconds: 0.0 };
        assert_eq!(
            serde_json::from_str::<Progress>(completed).unwrap(),
            Progress::end(Ok(Outcome::of(3)), took)
        );
        assert_eq!(
            serde_json::from_str::<Progress>(failed).unwrap(),
            Progress::end(Err(Stopped::Failed("no".into())), took)
        );
    }
}
