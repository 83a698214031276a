//! What there is to hear of an operation.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Outcome, Took};

/// One thing heard.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "progress", rename_all = "snake_case")]
pub enum Progress {
    /// It was asked for.
    Scheduled,
    /// It has begun.
    Started,
    /// A step.
    Step {
        /// Which.
        number: usize,
        /// Of how many that are seen now; more may show.
        of: usize,
        /// What it does.
        what: String,
        /// How far it is.
        state: StepState,
    },
    /// Something worth a line.
    Note {
        /// The line.
        note: String,
    },
    /// It ended well.
    Completed {
        /// What came of it.
        #[serde(flatten)]
        outcome: Outcome,
        /// How long it took.
        #[serde(flatten)]
        took: Took,
    },
    /// It did not.
    Failed {
        /// Why, for people.
        why: String,
        /// How long it took.
        #[serde(flatten)]
        took: Took,
        /// Whether somebody asked it to end.
        #[serde(default)]
        interrupted: bool,
        /// What came of it, where it went through and left something undone.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        outcome: Option<Outcome>,
    },
}

/// How far a step is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum StepState {
    /// It begins.
    Begun {
        /// What the whole operation will probably take from here.
        #[serde(rename = "left_seconds", serialize_with = "seconds", deserialize_with = "duration")]
        left: Duration,
    },
    /// It waits.
    Waiting {
        /// For what, as the one who is waited for says it.
        why: String,
    },
    /// It is done.
    Done {
        /// How long it took.
        seconds: f64,
    },
}

fn seconds<S: serde::Serializer>(time: &Duration, out: S) -> Result<S::Ok, S::Error> {
    out.serialize_f64(time.as_secs_f64())
}

fn duration<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    Duration::try_from_secs_f64(f64::deserialize(from)?).map_err(serde::de::Error::custom)
}
