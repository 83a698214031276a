//! The queue on disk: seen while an agent writes it, closed on a signal, taken up again after a crash.

use pirack_tests::wait;
use rustix::process::Signal;
use serde_json::json;

use super::{Board, PATIENCE, STOP, json, number};

#[test]
fn a_queue_can_be_looked_at_while_an_agent_writes_it_and_sigterm_closes_it() {
    let board = Board::new();
    let mut running = board.run_until(40);
    let looked = board.ask(&["buffer", "verify", "--json"]);
    assert_eq!(looked.code, Some(0), "{looked:?}");
    assert_eq!(json(&looked)["damage"], json!([]), "{looked:?}");
    assert!(number(&json(&looked), "records") >= 40, "{looked:?}");
    assert_eq!(board.status().unwrap()["sealed"], false);

    running.signal(Signal::TERM);
    let ended = running.end(STOP);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let status = board.status().unwrap();
    assert_eq!(status["sealed"], true, "{status}");
    let kept = number(&status, "next") - number(&status, "oldest");
    assert_eq!(
        status["cursors"][0],
        json!({ "name": "kafka", "position": 0, "backlog": kept, "unsettled": 0 })
    );
    let verified = json(&board.ask(&["buffer", "verify", "--json"]));
    assert_eq!((number(&verified, "records"), &verified["damage"]), (kept, &json!([])));
}

#[test]
fn after_a_crash_sequences_go_on_where_they_stopped() {
    let board = Board::new();
    let before = board.run_and_kill(20);
    let end = number(&before, "next");
    let after = board.run_and_kill(end + 20);

    let segments: Vec<_> = after["segments"].as_array().unwrap().iter().collect();
    let borders: Vec<_> =
        segments.iter().map(|segment| (number(segment, "from"), number(segment, "end"))).collect();
    assert_eq!(borders, [(0, end), (end, number(&after, "next"))], "{after}");
    // Nobody can tell what a process that never closed its files had given names to.
    assert_ne!(before["queue"], after["queue"], "{before}\n{after}");
    let verified = json(&board.ask(&["buffer", "verify", "--json"]));
    assert_eq!((number(&verified, "records"), &verified["damage"]), (number(&after, "next"), &json!([])));
}

#[test]
fn a_second_agent_leaves_the_queue_alone_and_names_its_folder() {
    let board = Board::new();
    let _first = board.run_until(1);
    let second = board.run().end(PATIENCE);
    assert_eq!(second.code, Some(1), "{second:?}");
    let letter = second.err.join("\n");
    let queue = board.queue();
    assert!(letter.contains(queue.to_str().unwrap()) && letter.contains("in use"), "{letter}");
    // The first is none the worse for it.
    let next = number(&board.status().unwrap(), "next");
    wait::until("the first agent to go on", PATIENCE, || {
        (number(&board.status()?, "next") > next).then_some(())
    });
}
