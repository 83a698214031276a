use rusqlite::Connection;

use super::*;
use crate::watch::testing::{health, reading, record};

fn heralding(keep: Duration) -> (tempfile::TempDir, Heralding) {
    let folder = tempfile::tempdir().unwrap();
    let history = Arc::new(History::open(&folder.path().join("history.sqlite")).unwrap());
    let live = Arc::new(Live::new("demo", Duration::from_secs(1)));
    let (herald, _woken) = Herald::new("demo");
    (folder, Heralding::new(herald, live, history, "127.0.0.1:1", keep))
}

fn subjects(heralding: &Heralding) -> Vec<String> {
    let mut events = heralding.history.events(100).unwrap();
    events.reverse();
    events.into_iter().map(|event| event.subject).collect()
}

#[test]
fn whoever_announces_does_not_wait_for_the_disk() {
    let (_folder, heralding) = heralding(Duration::MAX);
    let herald = heralding.herald.clone();
    // While another program writes, a transaction of ours waits for it, five seconds at most.
    let other = Connection::open(heralding.history.path()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    herald.announce("w1", Happening::Unplugged {});
    let recording = std::thread::spawn(move || (heralding.record_pending(), heralding));
    while !herald.pending().is_empty() {
        std::thread::yield_now();
    }
    herald.announce("w2", Happening::Unplugged {});
    assert!(!recording.is_finished(), "the first event is still on its way to the disk");
    other.execute_batch("COMMIT").unwrap();
    let (recorded, heralding) = recording.join().unwrap();
    assert!(!recorded, "the second one is left");
    assert!(heralding.record_pending());
    assert_eq!(subjects(&heralding), ["w1", "w2"]);
}

#[test]
fn events_that_the_disk_refuses_wait_in_their_order() {
    let (_folder, heralding) = heralding(Duration::MAX);
    let other = Connection::open(heralding.history.path()).unwrap();
    other.execute_batch("ALTER TABLE events RENAME TO elsewhere").unwrap();
    heralding.herald.announce("w1", Happening::Unplugged {});
    heralding.herald.announce("w2", Happening::Unplugged {});
    assert!(!heralding.record_pending());
    heralding.herald.announce("w3", Happening::Unplugged {});
    assert!(!heralding.record_pending());
    other.execute_batch("ALTER TABLE elsewhere RENAME TO events").unwrap();
    assert!(heralding.record_pending());
    assert_eq!(subjects(&heralding), ["w1", "w2", "w3"]);
}

#[test]
fn a_large_racks_past_is_let_go_whole_in_slices() {
    let (_folder, heralding) = heralding(Duration::from_secs(60));
    let records: Vec<_> = (1..=22_000).map(|n| record("w1", n, reading("inlet", 20.0))).collect();
    let past = Timestamp::now() - Duration::from_secs(3600);
    heralding.history.insert_at(&records, past).unwrap();
    heralding.history.insert(&[record("w1", 22_001, health(0.5))]).unwrap();
    assert!(!heralding.prune(Duration::ZERO), "a slice that is over leaves the rest for the next");
    assert!(heralding.prune(Duration::from_secs(600)));
    let rows = Connection::open(heralding.history.path()).unwrap().query_row(
        "SELECT count(*) FROM records",
        [],
        |row| row.get::<_, i64>(0),
    );
    assert_eq!(rows, Ok(1));
}
