//! What a real rack's snapshot has besides its boards: whether it is what its file says, and what changes it now.
//! These types are a part of the JSON of `GET /api/rack`.

use jiff::Timestamp;
use pirack_agent::record::milliseconds;
use serde::Serialize;
use uuid::Uuid;

use crate::operation::Kind;

/// How the rack stands to its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DriftState {
    /// It is what its file says.
    Same,
    /// It is not.
    Differs,
    /// Nobody could tell.
    Unknown,
}

/// The rack and its file, as the last look had it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Drift {
    /// How they stand to each other.
    pub state: DriftState,
    /// Since when.
    #[serde(serialize_with = "milliseconds::serialize")]
    pub since: Timestamp,
    /// When somebody last looked.
    #[serde(serialize_with = "milliseconds::serialize")]
    pub looked: Timestamp,
    /// How many differences.
    pub count: usize,
    /// The first of them, at most [`Drift::MOST`].
    pub differences: Vec<String>,
    /// Why nobody could tell.
    pub why: Option<String>,
}

impl Drift {
    /// Differences that are shown and told, at most.
    pub const MOST: usize = 20;
}

/// The operation that is under way.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OperationNow {
    /// Which.
    pub id: Uuid,
    /// What it does.
    pub kind: Kind,
    /// Who asked for it.
    pub by: String,
    /// When it was asked for.
    #[serde(serialize_with = "milliseconds::serialize")]
    pub since: Timestamp,
    /// The step that is being taken, 0 before the first.
    pub number: usize,
    /// Of how many that are seen now.
    pub of: usize,
    /// What that step does; empty before the first.
    pub what: String,
    /// What it waits for.
    pub waits: Option<String>,
}
