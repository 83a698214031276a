//! What became of a batch's history. Pure: what was planned and what came of it in, what is settled out.
//!
//! Invariant: records are settled in order. Those before the first that is open are safe or refused; that one and all
//! behind it are offered again, and the trouble that kept it open is told.

use scylla::errors::ExecutionError;

use super::write::{Blamed, Outcome};
use crate::record::Record;
use crate::sink::Refusal;

/// A batch's history, as far as it is settled.
#[derive(Debug)]
pub(super) struct History {
    /// The settled records, in order; none in the place of one that is refused.
    pub(super) records: Vec<Option<Record>>,
    /// The refused among them, in order.
    pub(super) refused: Vec<Refusal>,
    /// Why the rest is not settled.
    pub(super) trouble: Option<ExecutionError>,
}

impl History {
    /// Of all records of a batch, those that nobody could lay out as rows already refused.
    pub(super) fn of(mut records: Vec<Option<Record>>, mut refused: Vec<Refusal>, outcome: Outcome) -> Self {
        let settled = outcome.open.into_iter().min().unwrap_or(records.len());
        for Blamed { chunk, reason, .. } in outcome.blamed {
            for index in chunk.records {
                if records.get_mut(index).and_then(Option::take).is_some() {
                    refused.push(Refusal { index, reason: reason.clone() });
                }
            }
        }
        records.truncate(settled);
        refused.retain(|refusal| refusal.index < settled);
        refused.sort_by_key(|refusal| refusal.index);
        Self { records, refused, trouble: outcome.trouble }
    }
}

#[cfg(test)]
mod tests {
    use super::super::plan::Chunk;
    use super::super::row::{Cell, Row};
    use super::super::table::Table;
    use super::*;

    fn blamed(record: usize) -> Blamed {
        let mut row = Row::with_capacity(super::super::row::Absent::Null, 8);
        row.push(Cell::Text("w3"));
        Blamed { chunk: Chunk::alone(Table::Readings, row, record), reason: "too long".into(), certain: true }
    }

    fn refused(index: usize) -> Refusal {
        Refusal { index, reason: "no number".into() }
    }

    #[test]
    fn a_batch_of_which_a_part_is_settled_tells_why_the_rest_is_not() {
        let outcome =
            Outcome { open: vec![4, 2], trouble: Some(ExecutionError::EmptyPlan), ..Outcome::default() };
        let history = History::of(vec![None; 5], vec![refused(3), refused(1)], outcome);
        assert_eq!(history.records.len(), 2);
        assert_eq!(history.refused, [refused(1)], "what is behind the open one is offered again");
        assert!(matches!(history.trouble, Some(ExecutionError::EmptyPlan)));
    }

    #[test]
    fn a_batch_that_is_settled_whole_has_no_trouble() {
        let outcome = Outcome { blamed: vec![blamed(1)], ..Outcome::default() };
        let history = History::of(vec![None; 3], vec![refused(2)], outcome);
        assert_eq!((history.records.len(), history.refused), (3, vec![refused(2)]));
        assert!(history.trouble.is_none());
    }
}
