//! What would keep a rack from working, told before anything is done to it.
//!
//! Everything is looked at in one go a board, all boards at once, and nothing is changed; what is wrong is then
//! decided from what was seen, by pure functions. Each finding has a code that never changes, a severity and a
//! remedy: [`code`] has the table.

mod check;
pub mod code;
mod facts;
mod look;
mod sections;
#[cfg(test)]
pub(crate) mod tests;

use std::collections::BTreeMap;

use futures_util::future::join_all;

pub use check::{Finding, Looked, Seen, judge, worst};
pub use code::{Check, Severity};
pub use facts::{Clock, EngineFacts, Facts};

use crate::bootstrap::link::{Doors, LinkError};
use crate::rack::{Board, BoardName, Rack};

/// What came of looking at a rack.
#[derive(Clone, Debug)]
pub struct Report {
    /// The boards that were looked at, in the file's order, each with what was seen.
    pub boards: Vec<(BoardName, Seen)>,
    /// What is wrong.
    pub findings: Vec<Finding>,
}

/// Looks at these boards of the rack, and judges what was seen. It changes nothing.
pub async fn run(rack: &Rack, doors: &Doors, boards: &[&Board]) -> Report {
    let looking = boards.iter().map(async |board| (board.name.clone(), look_at(rack, doors, board).await));
    let boards = join_all(looking).await;
    let seen: BTreeMap<BoardName, Seen> = boards.iter().cloned().collect();
    let findings = judge(rack, &seen);
    Report { boards, findings }
}

async fn look_at(rack: &Rack, doors: &Doors, board: &Board) -> Seen {
    match doors.open(board).await {
        Ok(link) => Seen::Reached(Box::new(look::look(rack, board, &link).await)),
        Err(error) => Seen::unreached(&error, letter(&error)),
    }
}

/// A letter with all its causes.
fn letter(error: &LinkError) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    text
}
