//! Promises of the blame: what costs a record its way, and what never does.

use super::super::row::{Absent, Cell, Row};
use super::*;

fn row(table: Table, record: usize) -> Chunk {
    let mut row = Row::with_capacity(Absent::Null, 8);
    row.push(Cell::Text("w3"));
    Chunk::alone(table, row, record)
}

fn blamed(table: Table, record: usize) -> Blamed {
    Blamed { chunk: row(table, record), reason: "Key may not be empty".into(), certain: false }
}

fn invalid(message: &str) -> ExecutionError {
    ExecutionError::LastAttemptError(RequestAttemptError::DbError(DbError::Invalid, message.into()))
}

#[test]
fn a_table_that_a_node_does_not_know_is_no_rows_fault() {
    for message in [
        "unconfigured table readings_by_sensor_date",
        "Keyspace rack does not exist",
        "Undefined column name supply_watts in table rack.node_health_latest",
    ] {
        assert_eq!(fault(&invalid(message)), Fault::Cluster, "{message}");
    }
}

#[test]
fn a_guardrail_on_the_cluster_is_no_rows_fault_but_one_on_a_size_may_be() {
    let disk = "Guardrail replica_disk_usage violated: Write request failed because disk usage exceeds failure threshold in [10.0.0.11]";
    let level = "Guardrail write_consistency_levels violated: Provided values [LOCAL_QUORUM] are not allowed for write consistency levels";
    let size = "Guardrail column_value_size violated: Value of column 'sensor' has size 70KiB, this exceeds the failure threshold of 64KiB.";
    assert_eq!(
        [disk, level, size].map(|said| fault(&invalid(said))),
        [Fault::Cluster, Fault::Cluster, Fault::Doubtful]
    );
}

#[test]
fn what_a_node_finds_invalid_is_in_doubt_and_what_the_driver_cannot_write_down_is_not() {
    assert_eq!(fault(&invalid("Key may not be empty")), Fault::Doubtful);
    assert_eq!(fault(&ExecutionError::BadQuery(BadQuery::ValuesTooLongForKey(70_000, 65_535))), Fault::Row);
    assert_eq!(fault(&ExecutionError::EmptyPlan), Fault::Cluster);
}

#[test]
fn a_row_that_is_taken_at_the_second_try_is_blamed_no_more() {
    let mut outcome = Outcome { blamed: vec![blamed(Table::Readings, 3)], ..Outcome::default() };
    assert_eq!(outcome.doubtful(), [row(Table::Readings, 3)]);
    let second = Outcome { taken: [Table::Readings].into(), ..Outcome::default() };
    outcome.join(second);
    assert!(outcome.blamed.is_empty() && outcome.unproven().is_none());
}

#[test]
fn a_row_that_is_blamed_twice_is_refused_only_while_its_table_takes_others() {
    let second = || Outcome { blamed: vec![blamed(Table::Readings, 3)], ..Outcome::default() };
    let mut alone = Outcome { taken: [Table::Gaps].into(), ..Outcome::default() };
    alone.join(second());
    assert_eq!(alone.unproven().map(|row| row.chunk.table), Some(Table::Readings));
    let mut among_others = Outcome { taken: [Table::Readings].into(), ..Outcome::default() };
    among_others.join(second());
    assert!(among_others.unproven().is_none());
    assert_eq!(among_others.blamed.iter().map(|row| &row.chunk.records).collect::<Vec<_>>(), [&[3]]);
}

#[test]
fn what_the_driver_cannot_write_down_is_not_tried_again() {
    let mut outcome = Outcome::default();
    outcome.blamed.push(Blamed { certain: true, ..blamed(Table::Readings, 3) });
    assert!(outcome.doubtful().is_empty());
    assert_eq!(outcome.blamed.len(), 1);
    assert!(outcome.unproven().is_none(), "and needs no proof");
}

#[test]
fn a_second_try_that_meets_trouble_leaves_its_records_open() {
    let mut outcome = Outcome { open: vec![9], ..Outcome::default() };
    let trouble = Some(ExecutionError::EmptyPlan);
    outcome.join(Outcome { open: vec![3], trouble, ..Outcome::default() });
    assert_eq!(outcome.open, [9, 3]);
    assert!(outcome.trouble.is_some());
}
