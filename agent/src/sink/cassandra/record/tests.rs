//! Held against the record's own JSON: the same words, and as many cells as the table has columns.

use serde_json::{Value, json};
use uuid::Uuid;

use super::*;
use crate::record::{Identity, Moment, Quantity};

fn record(time: &str, sequence: u64, body: Body) -> Record {
    Record {
        board: "w3".parse().unwrap(),
        identity: Identity { queue: Uuid::from_u128(7), sequence },
        moment: Moment {
            time: time.parse().unwrap(),
            clock: ClockState::Unsynchronised,
            boot: Uuid::from_u128(9),
            boottime_seconds: 512.7,
        },
        body,
    }
}

fn bodies() -> [Body; 3] {
    let reading = Reading {
        sensor: "inlet".into(),
        chip: "bme280".into(),
        quantity: Quantity::Pressure,
        value: 100_653.27,
        quality: Quality::Suspect,
    };
    let gap =
        Gap { of: Uuid::from_u128(1), from: 3, to: 5, reason: GapReason::Vanished, count: 3, sink: None };
    [Body::Reading(reading), Body::Health(Box::default()), Body::Gap(gap)]
}

#[test]
fn a_row_has_a_cell_for_every_column_of_its_table() {
    let mut seen = Vec::new();
    for body in bodies() {
        let record = record("2026-11-21T12:00:00Z", 1, body);
        for (table, row) in history(&record).unwrap().into_iter().chain(newest(&record).unwrap()) {
            let columns = table.columns().len();
            assert_eq!(row.prefix(columns).len(), row.len(), "{table:?}: more cells than columns");
            assert!(row.prefix(columns - 1).len() < row.len(), "{table:?}: fewer cells than columns");
            seen.push(table);
        }
    }
    seen.sort();
    assert_eq!(seen, Table::ALL, "every table is written, each by one kind of record");
}

#[test]
fn a_record_lies_under_its_utc_day_and_hour_also_before_1970() {
    for (time, day, of_day) in [
        ("1970-01-01T00:00:00Z", 0, 0),
        ("1970-01-01T23:59:59.999Z", 0, 23),
        ("1970-01-02T00:00:00Z", 1, 0),
        ("1969-12-31T23:00:00Z", -1, 23),
        ("2026-11-21T12:34:56.789Z", 20_778, 12),
    ] {
        let record = record(time, 1, Body::Health(Box::default()));
        assert_eq!((date(&record), hour(&record)), (Cell::Date(day), Cell::Int(of_day)), "{time}");
    }
}

#[test]
fn words_are_those_of_the_records_own_json() {
    let same = |value: Value, word: &str| assert_eq!(value, json!(word));
    for state in [DockerState::Active, DockerState::Inactive, DockerState::Failed] {
        same(json!(state), docker(state));
    }
    for value in [Quality::Good, Quality::OutOfRange, Quality::Suspect] {
        same(json!(value), quality(value));
    }
    for why in [
        GapReason::QueueFull,
        GapReason::DiskFull,
        GapReason::WriteFailed,
        GapReason::Corrupt,
        GapReason::Vanished,
        GapReason::Refused,
    ] {
        same(json!(why), reason(why));
    }
}

#[test]
fn a_number_that_no_bigint_holds_is_refused_by_name() {
    let health = Health { memory_used_bytes: Some(u64::MAX), ..Health::default() };
    let refused = history(&record("2026-11-21T12:00:00Z", 1, Body::Health(Box::new(health)))).unwrap_err();
    assert!(refused.contains("memory_used_bytes 18446744073709551615"), "{refused}");
    let [reading, ..] = bodies();
    assert!(history(&record("2026-11-21T12:00:00Z", u64::MAX, reading)).unwrap_err().contains("sequence"));
}
