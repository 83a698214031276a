use super::*;
use crate::watch::State;
use crate::watch::testing::{health, reading, record};
use pirack_agent::record::{Body, ClockState, Health, Quality};

fn live() -> Live {
    let live = Live::new("demo", Duration::from_secs(1));
    for (name, role) in [("w10", Role::Worker), ("w2", Role::Worker), ("admin", Role::Admin)] {
        live.declare(name, role, true);
    }
    live
}

fn seconds(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

fn words(events: &[Event]) -> Vec<String> {
    events.iter().map(Event::sentence).collect()
}

#[test]
fn boards_are_shown_by_role_and_then_by_natural_order() {
    let names: Vec<_> = live().snapshot().boards.into_iter().map(|board| board.name).collect();
    assert_eq!(names, ["admin", "w2", "w10"]);
}

#[test]
fn a_board_never_heard_is_silent_then_gone_and_the_first_record_is_no_event() {
    let live = live();
    let start = Instant::now();
    assert_eq!(live.snapshot_at(start).boards[0].reason.as_deref(), Some("no record yet"));
    assert!(live.tick(start + seconds(1.0)).is_empty());
    live.apply(&[record("admin", 1, health(0.1))], start + seconds(1.5));
    assert!(live.tick(start + seconds(2.0)).is_empty());
    assert_eq!(live.board("admin").unwrap().state, State::Well);
    live.apply(&[record("admin", 2, health(0.1))], start + seconds(16.0));
    assert!(live.tick(start + seconds(4.0)).is_empty());
    let events = live.tick(start + seconds(16.5));
    assert_eq!(words(&events), ["w10 is gone: no record yet", "w2 is gone: no record yet"]);
}

#[test]
fn each_change_of_state_is_one_event_and_the_way_back_too() {
    let live = live();
    let start = Instant::now();
    let all = ["admin", "w2", "w10"];
    let report = |at: f64, boards: &[&str]| {
        let records: Vec<_> = boards.iter().map(|board| record(board, 1, health(0.2))).collect();
        live.apply(&records, start + seconds(at));
        live.tick(start + seconds(at + 0.1))
    };
    assert!(report(0.5, &all).is_empty());
    let silent = report(3.8, &["admin", "w10"]);
    assert_eq!(words(&silent), ["w2 is silent: no record for 3.4 s"]);
    assert_eq!(silent[0].subject, "w2");
    assert!(report(4.8, &["admin", "w10"]).is_empty(), "a state that lasts is told once");
    assert_eq!(words(&report(5.8, &all)), ["w2 is well again"]);
}

#[test]
fn a_value_out_of_range_is_shown_as_it_came_and_makes_the_board_warm() {
    let live = live();
    let now = Instant::now();
    let mut odd = reading("inlet", 140.0);
    if let Body::Reading(reading) = &mut odd {
        reading.quality = Quality::OutOfRange;
    }
    let records = [record("w2", 1, reading("inlet", 20.0)), record("w2", 2, odd)];
    live.apply_at(&records, now, records[1].moment.time);
    let board = live.snapshot_at(now).boards.into_iter().find(|board| board.name == "w2").unwrap();
    assert_eq!(board.sensors.len(), 1);
    assert!((board.sensors[0].value - 140.0).abs() < f64::EPSILON);
    assert_eq!((board.state, board.reason.as_deref()), (State::Warm, Some("sensor inlet out of range")));
}

#[test]
fn totals_add_up_what_agents_count_and_absent_stays_absent() {
    let live = live();
    let gauge = AgentGauge { produced: 10, delivered: 7, queued: 3, dropped: 0, plugged: false };
    live.set_agent("w2", gauge);
    live.set_agent("w10", AgentGauge { plugged: true, ..gauge });
    live.set_stored(14, 1);
    let snapshot = live.snapshot();
    let totals = snapshot.totals;
    assert_eq!((totals.produced, totals.delivered, totals.queued), (20, 14, 6));
    assert_eq!((totals.boards, totals.stored, totals.redelivered), (3, 14, 1));
    assert_eq!((snapshot.boards[0].queued, snapshot.boards[0].plugged), (None, true));
    assert_eq!((snapshot.boards[1].queued, snapshot.boards[1].plugged), (Some(3), false));
}

#[test]
fn a_stopped_broker_counts_down_and_silence_says_so() {
    let live = live();
    let now = Instant::now();
    live.apply(&[record("w2", 1, Body::Health(Box::default()))], now);
    live.set_broker("127.0.0.1:9092", BrokerState::Stopped, Some(now + seconds(20.0)));
    let snapshot = live.snapshot_at(now + seconds(7.5));
    assert_eq!(snapshot.broker.resumes_in_seconds, Some(12.5));
    assert_eq!(snapshot.boards[1].reason.as_deref(), Some("no record for 7.5 s; the broker is stopped"));
    live.set_broker("127.0.0.1:9092", BrokerState::Running, None);
    assert_eq!(live.snapshot().broker.resumes_in_seconds, None);
}

#[test]
fn a_board_that_nobody_declared_is_shown_as_unassigned() {
    let live = live();
    live.apply(&[record("stranger", 1, health(0.5))], Instant::now());
    let board = live.snapshot().boards.pop().unwrap();
    assert_eq!((board.name.as_str(), board.role), ("stranger", Role::Unassigned));
}

#[test]
fn the_longest_silent_of_too_many_sensors_makes_room_for_a_new_one() {
    let live = live();
    let start = Instant::now();
    let hear = |name: &str, at: f64| {
        live.apply(&[record("w2", 1, reading(name, 20.0))], start + seconds(at));
    };
    (0..256).for_each(|n| hear(&format!("s{n}"), f64::from(n)));
    hear("s0", 300.0);
    hear("new", 301.0);
    let sensors = live.board("w2").unwrap().sensors;
    let has = |name: &str| sensors.iter().any(|sensor| sensor.sensor == name);
    assert_eq!((sensors.len(), has("new"), has("s0"), has("s1")), (256, true, true, false));
}

#[test]
fn a_flag_in_a_backlog_is_as_old_as_its_record_and_not_new() {
    let throttled = || Body::Health(Box::new(Health { throttled: Some(true), ..Health::default() }));
    let state = |body: Body, age: f64, clock: ClockState| {
        let live = live();
        let now = Instant::now();
        let mut record = record("w2", 100, body);
        record.moment.clock = clock;
        live.apply_at(&[record.clone()], now, record.moment.time + seconds(age));
        live.snapshot_at(now).boards.into_iter().find(|board| board.name == "w2").unwrap().state
    };
    assert_eq!(state(throttled(), 0.5, ClockState::Synchronised), State::Warm);
    assert_eq!(state(throttled(), 60.0, ClockState::Synchronised), State::Well);
    assert_eq!(state(throttled(), 60.0, ClockState::Unsynchronised), State::Warm, "nobody knows its age");
    let mut odd = reading("inlet", 140.0);
    if let Body::Reading(reading) = &mut odd {
        reading.quality = Quality::OutOfRange;
    }
    assert_eq!(state(odd.clone(), 60.0, ClockState::Synchronised), State::Well);
    assert_eq!(state(odd, 0.5, ClockState::Synchronised), State::Warm);
}
