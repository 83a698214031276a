//! What lies in which request, and in which order.

use uuid::Uuid;

use super::*;
use crate::record::{Body, ClockState, Health, Identity, Moment, Quality, Quantity, Reading};

const ROOMY: Bounds = Bounds { rows: 100, bytes: 1 << 20 };

fn entry(sequence: u64, time: &str, body: Body) -> Entry {
    let identity = Identity { queue: Uuid::from_u128(7), sequence };
    let moment = Moment {
        time: time.parse().unwrap(),
        clock: ClockState::Synchronised,
        boot: Uuid::from_u128(9),
        boottime_seconds: 1.0,
    };
    let tag = body.kind().tag();
    let record = Record { board: "w3".parse().unwrap(), identity, moment, body };
    Entry { identity, tag, payload: record.encode().unwrap() }
}

fn reading(sensor: &str) -> Body {
    Body::Reading(Reading {
        sensor: sensor.into(),
        chip: "bme280".into(),
        quantity: Quantity::Temperature,
        value: 21.0,
        quality: Quality::Good,
    })
}

fn laid_out(entries: &[Entry], bounds: Bounds) -> (Plan, Vec<Chunk>) {
    let mut plan = Plan::default();
    entries.iter().for_each(|entry| plan.add(entry, bounds));
    let chunks = plan.chunks();
    (plan, chunks)
}

fn shape(chunks: &[Chunk]) -> Vec<(Table, Vec<usize>)> {
    chunks.iter().map(|chunk| (chunk.table, chunk.records.clone())).collect()
}

#[test]
fn a_request_holds_rows_of_one_partition_in_the_order_of_their_records() {
    let (before, after) = ("2026-11-21T23:59:59Z", "2026-11-22T00:00:00Z");
    let entries = [
        entry(0, before, reading("inlet")),
        entry(1, before, reading("outlet")),
        entry(2, before, reading("inlet")),
        entry(3, after, reading("inlet")),
        entry(4, after, Body::Health(Box::<Health>::default())),
    ];
    let (_, chunks) = laid_out(&entries, ROOMY);
    assert_eq!(
        shape(&chunks),
        [
            (Table::Readings, vec![0, 2]),
            (Table::Readings, vec![1]),
            (Table::Readings, vec![3]),
            (Table::HealthByNode, vec![4]),
            (Table::HealthByDate, vec![4]),
        ]
    );
}

#[test]
fn a_request_is_bounded_in_rows_and_in_bytes() {
    let entries: Vec<_> =
        (0..7).map(|sequence| entry(sequence, "2026-11-21T12:00:00Z", reading("inlet"))).collect();
    let (_, chunks) = laid_out(&entries, Bounds { rows: 3, ..ROOMY });
    assert_eq!(chunks.iter().map(|chunk| chunk.rows.len()).collect::<Vec<_>>(), [3, 3, 1]);
    let one = chunks[2].rows[0].len();
    let (_, chunks) = laid_out(&entries, Bounds { bytes: 2 * one, ..ROOMY });
    assert_eq!(chunks.iter().map(|chunk| chunk.rows.len()).collect::<Vec<_>>(), [2, 2, 2, 1]);
}

#[test]
fn what_is_no_record_is_refused_in_its_place_and_holds_nothing_up() {
    let mut torn = entry(1, "2026-11-21T12:00:00Z", reading("inlet"));
    torn.payload.truncate(20);
    let entries = [
        entry(0, "2026-11-21T12:00:00Z", reading("inlet")),
        torn,
        entry(2, "2026-11-21T12:00:00Z", reading("inlet")),
    ];
    let (plan, chunks) = laid_out(&entries, ROOMY);
    assert_eq!(shape(&chunks), [(Table::Readings, vec![0, 2])]);
    assert_eq!(plan.refused.iter().map(|refusal| refusal.index).collect::<Vec<_>>(), [1]);
    assert!(plan.records[1].is_none() && plan.records[2].is_some());
}

#[test]
fn a_chunk_that_is_refused_is_taken_apart_into_its_rows() {
    let entries: Vec<_> =
        (0..3).map(|sequence| entry(sequence, "2026-11-21T12:00:00Z", reading("inlet"))).collect();
    let (_, mut chunks) = laid_out(&entries, ROOMY);
    let alone: Vec<_> = chunks.remove(0).split().collect();
    assert_eq!(
        shape(&alone),
        [(Table::Readings, vec![0]), (Table::Readings, vec![1]), (Table::Readings, vec![2])]
    );
}
