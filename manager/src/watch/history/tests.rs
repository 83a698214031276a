use std::time::Duration;

use jiff::Timestamp;
use pirack_agent::record::{Body, ClockState, Gap, GapReason, Record};

use super::*;
use crate::watch::events::{Event, Happening};
use crate::watch::testing::{QUEUE, health, reading, record};

fn history() -> (tempfile::TempDir, History) {
    let folder = tempfile::tempdir().unwrap();
    let history = History::open(&folder.path().join("history.sqlite")).unwrap();
    (folder, history)
}

fn gap() -> Body {
    Body::Gap(Gap { of: QUEUE, from: 90, to: 99, reason: GapReason::QueueFull, count: 10, sink: None })
}

fn mixed() -> Vec<Record> {
    vec![
        record("w1", 1, health(0.25)),
        record("w1", 2, reading("inlet", 21.5)),
        record("w1", 3, gap()),
        record("w2", 1, reading("inlet", 22.0)),
    ]
}

/// Stores each record as if it had arrived when it was made.
fn insert_as_made(history: &History, records: &[Record]) {
    for record in records {
        history.insert_at(std::slice::from_ref(record), record.moment.time).unwrap();
    }
}

fn epoch() -> Timestamp {
    "2026-11-21T08:00:00Z".parse().unwrap()
}

#[test]
fn a_record_that_comes_again_is_held_once_and_counted_as_held() {
    let (_folder, history) = history();
    assert_eq!(history.insert(&mixed()).unwrap().fresh, [true; 4]);
    let again = [mixed()[1].clone(), record("w1", 4, health(0.3)), mixed()[2].clone()];
    let stored = history.insert(&again).unwrap();
    assert_eq!(stored.fresh, [false, true, false]);
    assert_eq!((stored.added(), stored.held(), history.count().unwrap()), (1, 2, 5));
}

#[test]
fn one_queue_id_on_two_boards_names_different_records() {
    let (_folder, history) = history();
    history.insert(&mixed()).unwrap();
    let ranges = |board| history.stored(board, QUEUE).unwrap().iter().collect::<Vec<_>>();
    assert_eq!(ranges("w1"), [1..=3]);
    assert_eq!(ranges("w2"), [1..=1]);
    assert!(history.stored("w1", Uuid::from_u128(1)).unwrap().is_empty());
    assert_eq!(history.queues().unwrap().len(), 2);
}

#[test]
fn a_reopened_history_still_knows_what_it_holds() {
    let (_folder, history) = history();
    let path = history.path().to_owned();
    history.insert(&mixed()).unwrap();
    drop(history);
    let history = History::open(&path).unwrap();
    assert_eq!(history.insert(&mixed()).unwrap().fresh, [false; 4]);
    assert_eq!(history.count().unwrap(), 4);
}

#[test]
fn a_gap_comes_back_as_the_queue_said_it() {
    let (_folder, history) = history();
    history.insert(&mixed()).unwrap();
    let gaps = history.gaps().unwrap();
    assert_eq!(gaps.len(), 1);
    assert_eq!((gaps[0].board.as_str(), gaps[0].queue, gaps[0].sequence), ("w1", QUEUE, 3));
    assert_eq!(Body::Gap(gaps[0].gap.clone()), gap());
}

#[test]
fn what_is_pruned_is_still_counted_and_never_taken_in_again() {
    let (_folder, history) = history();
    let path = history.path().to_owned();
    let body = |n: u64| if n.is_multiple_of(30) { health(0.1) } else { reading("inlet", 20.0) };
    let records: Vec<_> = (1..=1200).map(|n| record("w1", n, body(n))).collect();
    insert_as_made(&history, &records);
    let cutoff = epoch() + Duration::from_secs(1000);
    let mut steps = Vec::new();
    loop {
        match history.retain(cutoff).unwrap() {
            0 => break,
            gone => steps.push(gone),
        }
    }
    assert_eq!(steps, [500, 499]);
    drop(history);
    let history = History::open(&path).unwrap();
    assert_eq!(history.count().unwrap(), 1200);
    assert_eq!(history.stored("w1", QUEUE).unwrap().iter().collect::<Vec<_>>(), [1..=1200]);
    assert_eq!(history.insert(&records).unwrap().added(), 0);
    let rows = history.reader().query_row("SELECT count(*) FROM records", [], |row| row.get::<_, i64>(0));
    assert_eq!(rows, Ok(201));
}

#[test]
fn a_board_whose_clock_is_in_1970_keeps_its_fresh_records_and_is_in_the_charts() {
    let (_folder, history) = history();
    let mut lost = record("w1", 1, reading("inlet", 21.5));
    lost.moment.time = Timestamp::UNIX_EPOCH;
    lost.moment.clock = ClockState::Unsynchronised;
    history.insert_at(&[lost.clone()], epoch()).unwrap();
    assert_eq!(history.retain(epoch() - Duration::from_secs(1)).unwrap(), 0);
    let points = history.points("w1", "inlet/temperature", epoch() - Duration::from_secs(60)).unwrap();
    assert_eq!(points.points.len(), 1);
    let board_says: String =
        history.reader().query_row("SELECT time FROM records", [], |row| row.get(0)).unwrap();
    assert_eq!(board_says, "1970-01-01T00:00:00.000Z");
    assert_eq!(history.retain(epoch() + Duration::from_secs(1)).unwrap(), 1);
}

#[test]
fn a_record_from_the_future_does_not_keep_the_past() {
    let (_folder, history) = history();
    let mut records: Vec<_> = (1..=10).map(|n| record("w1", n, health(0.5))).collect();
    records[0].moment.time = "2099-01-01T00:00:00Z".parse().unwrap();
    insert_as_made(&history, &records);
    assert_eq!(history.retain(epoch() + Duration::from_secs(5)).unwrap(), 4);
    assert_eq!(history.retain(epoch() + Duration::from_secs(5)).unwrap(), 0);
    assert_eq!(history.count().unwrap(), 10);
}

#[test]
fn a_batch_that_finds_the_disk_full_leaves_nothing_and_is_stored_whole_later() {
    let (_folder, history) = history();
    history.insert(&mixed()).unwrap();
    let limit = |pages: u32| {
        let sql = format!("PRAGMA max_page_count = {pages}");
        history.writer().connection.query_row(&sql, [], |row| row.get::<_, i64>(0)).unwrap()
    };
    let full = limit(1);
    let batch: Vec<_> = (1..=3000).map(|n| record("w9", n, reading("inlet", 20.0))).collect();
    let error = history.insert(&batch).unwrap_err();
    assert!(error.to_string().contains("has room"), "{error}");
    assert_eq!((history.count().unwrap(), history.queues().unwrap().len()), (4, 2));
    assert!(limit(1_000_000) > full);
    assert_eq!(history.insert(&batch).unwrap().added(), 3000);
    assert_eq!(history.stored("w9", QUEUE).unwrap().count(), 3000);
}

#[test]
fn a_chart_has_its_unit_its_window_and_a_thousand_points_at_most() {
    let (_folder, history) = history();
    let value = |n: u64| f64::from(u32::try_from(n).unwrap());
    let mut records: Vec<_> = (1..=2500).map(|n| record("w1", n, reading("a/b", value(n)))).collect();
    records.extend((2501..=2510).map(|n| record("w1", n, health(0.5))));
    history.insert(&records).unwrap();
    let all = history.points("w1", "a/b/temperature", epoch()).unwrap();
    assert_eq!((all.unit.as_str(), all.points.len()), ("celsius", 834));
    assert!(all.points.windows(2).all(|pair| ((pair[1].0 - pair[0].0) - 3.0).abs() < 1e-6), "evenly");
    let late = history.points("w1", "a/b/temperature", epoch() + Duration::from_secs(2491)).unwrap();
    assert_eq!(late.points.len(), 10);
    let start = value(u64::try_from(epoch().as_second()).unwrap() % 1_000_000_000) + 1e9;
    assert_eq!(late.points[0], (start + 2491.0, 2491.0));
    let cpu = history.points("w1", "health.cpu_ratio", epoch()).unwrap();
    assert_eq!((cpu.unit.as_str(), cpu.points.len(), cpu.points[0].1), ("ratio", 10, 0.5));
    let absent = history.points("w1", "health.supply_watts", epoch()).unwrap();
    assert_eq!((absent.unit.as_str(), absent.points.len()), ("watts", 0));
    assert_eq!(history.points("w9", "x/temperature", epoch()).unwrap().points, []);
    let unknown = history.points("w1", "health.mood", epoch());
    assert!(matches!(unknown, Err(HistoryError::UnknownField(field)) if field == "mood"));
}

#[test]
fn events_wait_in_order_until_they_are_confirmed_and_are_read_newest_first() {
    let (_folder, history) = history();
    let events = ["w1", "w2", "w3"].map(|board| Event::now("demo", board, Happening::Unplugged {}));
    history.put_events(&events).unwrap();
    let waiting = history.waiting_events(0, 10).unwrap();
    assert_eq!(
        waiting.iter().map(|(_, subject, _)| subject.as_str()).collect::<Vec<_>>(),
        ["w1", "w2", "w3"]
    );
    history.mark_published(&[waiting[0].0, waiting[1].0], Duration::from_secs(9)).unwrap();
    assert_eq!(history.waiting_events(0, 10).unwrap(), waiting[2..]);
    assert_eq!(history.events_waiting().unwrap(), 1);
    let newest = history.events(2).unwrap();
    assert_eq!(newest, [events[2].clone(), events[1].clone()]);
}

#[test]
fn what_was_confirmed_in_the_last_minute_before_a_new_boot_is_published_again_once_and_in_its_order() {
    let (_folder, history) = history();
    let (first, second) = (Uuid::from_u128(1), Uuid::from_u128(2));
    assert_eq!(history.publishes_in(first).unwrap(), 0);
    let events = ["w1", "w2", "w3", "w4"].map(|board| Event::now("demo", board, Happening::Unplugged {}));
    history.put_events(&events).unwrap();
    let waiting = history.waiting_events(0, 10).unwrap();
    for (event, uptime) in waiting.iter().zip([100, 150, 200]) {
        history.mark_published(&[event.0], Duration::from_secs(uptime)).unwrap();
    }
    assert_eq!(history.publishes_in(first).unwrap(), 0, "the same boot");
    assert_eq!(history.waiting_events(0, 10).unwrap(), waiting[3..]);
    assert_eq!(history.publishes_in(second).unwrap(), 2);
    assert_eq!(history.waiting_events(0, 10).unwrap(), waiting[1..]);
    // Times of the boot before mean nothing in this one.
    let all: Vec<i64> = waiting[1..].iter().map(|event| event.0).collect();
    history.mark_published(&all, Duration::from_secs(20)).unwrap();
    assert_eq!(history.publishes_in(first).unwrap(), 3);
    // A history of before tells of no boot, and had published all.
    history.mark_published(&all, Duration::ZERO).unwrap();
    history.writer().connection.execute("DELETE FROM publisher", []).unwrap();
    assert_eq!(history.publishes_in(second).unwrap(), 0);
}

#[test]
fn a_person_with_sqlite_sees_board_queue_kind_and_time() {
    let (_folder, history) = history();
    history.insert(&mixed()).unwrap();
    let sql = "SELECT board, queue, kind, time FROM records WHERE sequence = 3";
    let row: (String, String, String, String) = history
        .reader()
        .query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))
        .unwrap();
    assert_eq!(row, ("w1".into(), QUEUE.to_string(), "gap".into(), "2026-11-21T08:00:03.000Z".into()));
}

#[test]
fn a_history_of_a_newer_program_is_refused_and_left_as_it_is() {
    let (_folder, history) = history();
    let path = history.path().to_owned();
    history.writer().connection.execute_batch("PRAGMA user_version = 999").unwrap();
    drop(history);
    let error = History::open(&path).unwrap_err();
    assert!(matches!(error, HistoryError::Newer { .. }), "{error:?}");
    assert!(error.to_string().contains("newer pirack"), "{error}");
    let version = Connection::open(&path)
        .unwrap()
        .query_row("PRAGMA user_version", [], |row| row.get::<_, i64>(0))
        .unwrap();
    assert_eq!(version, 999);
}

#[test]
fn a_file_that_is_no_history_is_named_with_what_to_do_and_what_that_loses() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes.txt");
    std::fs::write(&path, "dear diary, this is not a database at all".repeat(40)).unwrap();
    let error = History::open(&path).unwrap_err();
    assert!(matches!(&error, HistoryError::Damaged { path: named, .. } if *named == path), "{error:?}");
    let told = error.to_string();
    for part in ["notes.txt", "move the file away", "past operations", "that Kafka had not confirmed"] {
        assert!(told.contains(part), "{told}");
    }
    let missing = History::open(&folder.path().join("no/such/folder/h.sqlite")).unwrap_err();
    assert!(missing.to_string().contains("no/such/folder"), "{missing}");
    assert!(missing.to_string().contains("check that its folder exists"), "{missing}");
}

#[test]
fn a_history_that_a_disk_has_damaged_says_so_whenever_that_is_found() {
    let (_folder, history) = history();
    history.insert(&mixed()).unwrap();
    history.writer().connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    let path = history.path().to_owned();
    drop(history);
    let mut bytes = std::fs::read(&path).unwrap();
    // The first page is whole: the file opens as one of SQLite's.
    bytes[4096..].fill(0xff);
    std::fs::write(&path, bytes).unwrap();
    let found = History::open(&path).and_then(|history| history.events(10).map(drop)).unwrap_err();
    assert!(matches!(found, HistoryError::Damaged { .. }), "{found:?}");
    // Or as its schema is brought up to date.
    let source = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT);
    let step = rusqlite_migration::Error::RusqliteError {
        query: "ALTER TABLE".to_owned(),
        err: rusqlite::Error::SqliteFailure(source, None),
    };
    let found = HistoryError::migration(&path, step);
    assert!(matches!(found, HistoryError::Damaged { .. }), "{found:?}");
}

#[test]
fn a_disk_or_another_process_in_the_way_of_an_upgrade_is_no_reason_to_move_the_history_away() {
    for code in [rusqlite::ffi::SQLITE_FULL, rusqlite::ffi::SQLITE_READONLY, rusqlite::ffi::SQLITE_BUSY] {
        let source = rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), None);
        let step = rusqlite_migration::Error::RusqliteError { query: "ALTER TABLE".to_owned(), err: source };
        let told = HistoryError::migration(std::path::Path::new("h.sqlite"), step).to_string();
        assert!(told.contains("has room") && !told.contains("away"), "{told}");
    }
}

#[test]
fn of_many_that_begin_one_history_at_once_all_get_it() {
    for _ in 0..8 {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("h.sqlite");
        std::thread::scope(|scope| {
            let opened: Vec<_> = (0..4).map(|_| scope.spawn(|| History::open(&path).map(drop))).collect();
            for opened in opened {
                opened.join().unwrap().unwrap();
            }
        });
    }
}
