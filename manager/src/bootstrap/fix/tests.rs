//! Which finding asks for which deed. The deeds themselves are tried on real boards.

use std::collections::BTreeMap;

use serde_json::json;

use super::*;
use crate::bootstrap::preflight::tests::{board_with, desk};
use crate::bootstrap::preflight::{Finding, judge};

fn report(rack: &Rack, fault: impl FnOnce(&mut Facts)) -> Report {
    let (name, seen) = board_with(rack, "b1", fault);
    let findings: Vec<Finding> = judge(rack, &BTreeMap::from([(name.clone(), seen.clone())]));
    Report { boards: vec![(name, seen)], findings }
}

fn deeds_for(fault: impl FnOnce(&mut Facts)) -> Vec<Deed> {
    let rack = desk();
    plan(&rack, &report(&rack, fault), false).0.into_iter().map(|fix| fix.deed).collect()
}

#[test]
fn a_board_that_is_well_is_left_alone() {
    assert_eq!(deeds_for(|_| ()), []);
}

#[test]
fn a_bare_board_gets_its_engine_s_file_before_its_engine_and_its_user_after() {
    let deeds = deeds_for(|facts| {
        (facts.engine, facts.socket, facts.dockerd, facts.daemon) = (None, false, false, None);
    });
    assert!(
        matches!(deeds.as_slice(), [Deed::Daemon(_), Deed::Engine, Deed::Group(user)] if user == "pi"),
        "{deeds:?}"
    );
}

#[test]
fn the_engine_s_file_keeps_what_was_in_it() {
    let deeds = deeds_for(|facts| {
        facts.daemon =
            Some(Ok(json!({"live-restore": true, "data-root": "/srv/d", "insecure-registries": ["r:1"]})));
    });
    let [Deed::Daemon(text)] = deeds.as_slice() else { panic!("{deeds:?}") };
    let expected = json!({
        "live-restore": false,
        "data-root": "/srv/d",
        "insecure-registries": ["r:1", "10.0.0.1:5000"],
        "log-opts": {"max-size": "10m", "max-file": "3"},
    });
    assert_eq!(serde_json::from_str::<serde_json::Value>(text).unwrap(), expected);
}

#[test]
fn a_file_that_is_no_json_is_left_and_said() {
    let rack = desk();
    let (fixes, left) = plan(
        &rack,
        &report(&rack, |facts| {
            facts.daemon = Some(Err("line 1".to_owned()));
            (facts.engine, facts.socket, facts.dockerd) = (None, false, false);
        }),
        true,
    );
    assert_eq!(fixes, []);
    assert!(left[0].why.contains("correct it first"), "{left:?}");
}

#[test]
fn no_disk_is_formatted_unless_the_file_names_it_and_a_person_asks() {
    let gone = |facts: &mut Facts| facts.labelled = None;
    let mut rack = desk();
    for format in [false, true] {
        let (fixes, left) = plan(&rack, &report(&rack, gone), format);
        assert_eq!(fixes, []);
        assert!(left[0].why.contains("names its `device`"), "{left:?}");
    }
    rack.boards[0].data_disk.as_mut().unwrap().device = Some("/dev/sdz".to_owned());
    let (fixes, left) = plan(&rack, &report(&rack, gone), false);
    assert_eq!(fixes, []);
    assert!(left[0].why.contains("--format"), "{left:?}");
    let (fixes, left) = plan(&rack, &report(&rack, gone), true);
    assert_eq!(left, []);
    let deeds: Vec<&Deed> = fixes.iter().map(|fix| &fix.deed).collect();
    assert!(
        matches!(deeds.as_slice(), [Deed::Format { device, .. }, Deed::Mount { .. }] if device == "/dev/sdz")
    );
}

#[test]
fn the_admin_serves_time_and_the_others_follow_it() {
    let rack = desk();
    let admin = time(&rack, &rack.boards[0]);
    assert!(admin.contains("allow 10.0.0.12\n") && admin.contains("local stratum 10"), "{admin}");
    let other = time(&rack, &rack.boards[1]);
    assert!(other.contains("server 10.0.0.11 iburst prefer\n") && !other.contains("allow"), "{other}");
}

#[test]
fn the_admin_serves_time_before_another_board_asks_it() {
    let rack = desk();
    let boards = ["b1", "b2"].map(|name| board_with(&rack, name, |facts| facts.time_daemons.clear()));
    let mut report = Report { boards: boards.to_vec(), findings: vec![] };
    report.findings = judge(&rack, &boards.into_iter().collect());
    let [first, then] = in_turn(&rack, plan(&rack, &report, false).0);
    let named = |fixes: &[Fix]| fixes.iter().map(|fix| fix.board.to_string()).collect::<Vec<_>>();
    assert_eq!((named(&first), named(&then)), (vec!["b1".to_owned()], vec!["b2".to_owned()]));
}

#[test]
fn a_stock_system_gets_the_racks_time_though_something_keeps_its_own() {
    let rack = desk();
    let stock = |facts: &mut Facts| {
        facts.time_daemons = ["systemd-timesyn".to_owned()].into();
        facts.time_sources = Some(["0.debian.pool.ntp.org".to_owned()].into());
        facts.time_served.clear();
        facts.listeners.retain(|listener| listener.port != 123);
    };
    let boards: Vec<_> = rack.boards.iter().map(|b| board_with(&rack, b.name.as_str(), stock)).collect();
    let findings = judge(&rack, &boards.iter().cloned().collect());
    let (fixes, _) = plan(&rack, &Report { boards, findings }, false);
    let deeds = rack.boards.iter().map(|board| (board.name.clone(), Deed::Time(time(&rack, board))));
    assert_eq!(
        fixes.into_iter().map(|fix| (fix.board, fix.deed)).collect::<Vec<_>>(),
        deeds.collect::<Vec<_>>()
    );
}

#[test]
fn every_finding_that_can_be_mended_has_a_deed_and_no_other_has() {
    let rack = desk();
    let (_, seen) = board_with(&rack, "b1", |facts| facts.socket = false);
    let Seen::Reached(looked) = seen else { panic!() };
    let facts = looked.facts.unwrap();
    for check in Check::ALL {
        let deeds = deeds(&rack, &rack.boards[0], &facts, "pi", *check, true);
        let mended = deeds.map_or(true, |deeds| !deeds.is_empty());
        assert_eq!(mended, check.fix().is_some(), "{check}");
    }
}
