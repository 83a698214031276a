//! A broker that stays away for long: queues grow on disk, drain when it is back, and nothing is lost.
//!
//! The short stop is in `demo.rs`; these take minutes, and so belong to `make test-long`.

#![expect(clippy::unwrap_used, reason = "what fails, fails the test")]

use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use pirack_tests::demo::Demo;
use rusqlite::{Connection, OpenFlags};
use rustix::process::Signal;

/// What a busy machine may take to bring a backlog of some 200,000 records in, without optimisation.
const DRAIN: Duration = Duration::from_secs(300);

#[test]
#[ignore = "takes half a minute: make test-long"]
fn twenty_seconds_without_a_broker_lose_nothing_of_thirteen_boards() {
    loses_nothing(12, "1", 20);
}

#[test]
#[ignore = "takes minutes: make test-long"]
fn a_minute_without_a_broker_loses_nothing_of_forty_busy_boards() {
    loses_nothing(40, "0.2", 60);
}

/// One rack after the other, each with the machine to itself.
static MACHINE: Mutex<()> = Mutex::new(());

/// Stops the broker, waits until it is back and the queues are as short as before, and ends the rack.
fn loses_nothing(simulated: usize, interval: &str, seconds: u32) {
    let _machine = MACHINE.lock().unwrap_or_else(PoisonError::into_inner);
    let scratch = tempfile::tempdir().unwrap();
    let mut demo = Demo::start(scratch.path(), &["--boards", &simulated.to_string(), "--interval", interval]);
    let boards = simulated + 1;
    demo.when_well(boards);
    demo.stop_broker(seconds);
    let away = Duration::from_secs(seconds.into());
    demo.when("the broker back", away * 2, |rack| rack["broker"]["state"] == "running");
    // Records are always under way; a backlog is more than one pass over every board's sources.
    let few = 10 * boards as u64;
    demo.when("short queues", DRAIN, |rack| rack["totals"]["queued"].as_u64() < Some(few));
    let history = demo.history.clone();
    demo.program.signal(Signal::INT);
    let (summary, ended) = demo.end(DRAIN);

    let number = |field: &str| summary[field].as_u64().unwrap();
    assert_eq!((ended.code, number("boards")), (Some(0), boards as u64), "{summary}\n{ended:?}");
    assert_eq!((number("lost"), number("dropped"), number("queued")), (0, 0, 0), "{summary}");
    assert_eq!((number("stored"), number("stored")), (number("produced"), stored(&history)), "{summary}");
    assert!(number("delivered") >= number("stored"), "{summary}");
    assert!(summary["seconds"].as_f64() > Some(away.as_secs_f64()), "{summary}");
    // One health a board and interval, at the least, while the broker was away too.
    let interval: f64 = interval.parse().unwrap();
    let beats = Duration::from_secs_f64(away.as_secs_f64() / interval).as_secs();
    assert!(number("produced") > beats * boards as u64, "{summary}");
}

/// Distinct identities in the history, counted by another reader than the program.
fn stored(history: &Path) -> u64 {
    let database = Connection::open_with_flags(history, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let query = "SELECT count(*) FROM (SELECT DISTINCT board, queue, sequence FROM records)";
    database.query_row(query, [], |row| row.get::<_, i64>(0)).unwrap().cast_unsigned()
}
