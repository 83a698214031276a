//! Every check, by the fault that it is for: a rack of boards that are well, and one thing wrong with one.

mod disk;
mod engine;
mod network;
mod system;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use super::check::{Finding, Looked, Seen, judge};
use super::code::Check;
use super::facts::{self, Clock, EngineFacts, Facts, Mount};
use crate::bootstrap::link::{LinkError, Root};
use crate::rack::{self, Bytes, Rack};

const DESK: &str = r#"version = 1
name = "desk"

[network]
insecure_registries = ["10.0.0.1:5000"]

[[board]]
name = "b1"
address = "10.0.0.11"
roles = ["admin", "manager", "worker"]
data_disk = { uuid = "0a1b2c3d-0000-4000-8000-000000000001", mount = "/srv/data" }

[[board]]
name = "b2"
address = "10.0.0.12"
roles = ["manager", "worker"]

[[board]]
name = "b3"
address = "10.0.0.13"
roles = ["manager", "worker"]

[[board]]
name = "b4"
address = "10.0.0.14"
roles = ["app"]

[kafka]
[cassandra]

[[app]]
name = "web"
image = "web:1"
networks = ["front"]
ports = ["8099:80"]
"#;

/// Four boards with everything.
pub(crate) fn desk() -> Rack {
    rack::parse(DESK, Path::new("/etc/rack/rack.toml")).unwrap_or_else(|problems| panic!("{problems}"))
}

/// As a Pi 4 with Raspberry Pi OS and a USB disk prints it; shortened where lines repeat.
const PI: &str = include_str!("tests/pi4.txt");

/// A board of the desk that is well.
fn well(rack: &Rack, name: &str) -> Facts {
    let mut facts = facts::read(PI, "--m--").unwrap();
    let board = rack.boards.iter().find(|board| board.name.as_str() == name).unwrap();
    facts.host_name = name.to_owned();
    facts.machine_id = Some(format!("id-{name}"));
    facts.addresses[1].address = board.address;
    facts.links[1].mac = format!("dc:a6:32:00:00:{name}");
    let all = rack.boards.iter().map(|board| (board.name.to_string(), BTreeSet::from([board.address])));
    facts.names = all.collect();
    let others = rack.boards.iter().filter(|other| other.name.as_str() != name);
    facts.pings =
        others.map(|other| facts::Ping { address: other.address, answers: true, carried: true }).collect();
    facts.clock = Some(Clock { offset_nanos: 2_000_000, uncertainty: Duration::from_millis(4) });
    facts.engine = Some(Ok(EngineFacts {
        version: "20.10.24+dfsg1".to_owned(),
        api: "1.41".to_owned(),
        insecure_registries: BTreeSet::from(["10.0.0.1:5000".to_owned()]),
        in_swarm: true,
        managers: BTreeSet::from(["10.0.0.11:2377".to_owned()]),
        containers: BTreeMap::from([("c".repeat(64), format!("kafka-{name}"))]),
        ..EngineFacts::default()
    }));
    facts
}

fn looked(facts: Facts) -> Looked {
    Looked { facts: Some(facts), failed: None, root: Root::Sudo, user: "pi".to_owned(), shell: true }
}

/// A board of the desk with something wrong.
pub(crate) fn board_with(rack: &Rack, name: &str, fault: impl FnOnce(&mut Facts)) -> (rack::BoardName, Seen) {
    let mut facts = well(rack, name);
    fault(&mut facts);
    (name.parse().unwrap(), Seen::Reached(Box::new(looked(facts))))
}

type World = BTreeMap<String, Looked>;

/// The desk, with one thing wrong.
fn findings_of(rack: &Rack, fault: impl FnOnce(&mut World)) -> Vec<Finding> {
    let names = rack.boards.iter().map(|board| board.name.to_string());
    let mut world: World = names.map(|name| (name.clone(), looked(well(rack, &name)))).collect();
    fault(&mut world);
    let seen =
        world.into_iter().map(|(name, looked)| (name.parse().unwrap(), Seen::Reached(Box::new(looked))));
    judge(rack, &seen.collect())
}

/// What is found when this is wrong with `b1`.
fn found(fault: impl FnOnce(&mut Facts)) -> Vec<(Check, String)> {
    let findings = findings_of(&desk(), |world| fault(world.get_mut("b1").unwrap().facts.as_mut().unwrap()));
    for finding in &findings {
        assert!(finding.board.as_ref().is_none_or(|board| board.as_str() == "b1"), "{finding:?}");
    }
    findings.into_iter().map(|finding| (finding.check, finding.seen)).collect()
}

/// That this fault, and nothing else, is found.
fn only(check: Check, part: &str, fault: impl FnOnce(&mut Facts)) {
    let found = found(fault);
    assert_eq!(found.iter().map(|(check, _)| *check).collect::<Vec<_>>(), [check], "{found:?}");
    assert!(found[0].1.contains(part), "{found:?}");
}

fn engine(facts: &mut Facts) -> &mut EngineFacts {
    facts.engine.as_mut().unwrap().as_mut().unwrap()
}

#[test]
fn a_rack_that_is_well_has_no_findings() {
    assert_eq!(findings_of(&desk(), |_| ()), []);
}

#[test]
fn what_a_pi_prints_is_read_to_the_last_fact() {
    let facts = facts::read(PI, "--m--").unwrap();
    assert_eq!((facts.machine.as_str(), facts.userland.as_deref()), ("aarch64", Some("arm64")));
    assert_eq!(facts.memory.map(Bytes::as_mebibytes), Some(7809));
    assert_eq!(facts.memory_cgroup, Some(true));
    assert_eq!(facts.cards, BTreeSet::from(["mmcblk0".to_owned()]));
    assert_eq!(facts.labelled.as_deref(), Some("/dev/sda1"));
    assert_eq!(facts.disks.iter().find(|disk| disk.name == "sda1").unwrap().file_system, "ext4");
    assert_eq!((facts.temperature_millicelsius, facts.throttled), (Some(47_712), Some(0)));
    assert_eq!(facts.under_voltage, Some(false));
    assert_eq!((facts.vxlan, facts.overlay), (Some(true), Some(true)));
    assert!(facts.systemd && facts.socket && facts.dockerd && facts.ping && !facts.snap);
    assert_eq!(facts.listeners.iter().filter(|other| other.container.is_some()).count(), 1);
    assert_eq!(facts.fstab.len(), 4);
    assert!(!facts.addresses[1].leased && facts.addresses[0].address.is_loopback());
    // An answer that ends early is none.
    assert_eq!(facts::read(&PI[..PI.len() - 10], "--m--"), None);
}

#[test]
fn pf001_to_pf003_a_board_that_is_not_reached_says_why() {
    let rack = desk();
    let (board, address) = (rack.boards[0].name.clone(), rack.boards[0].address);
    let said = String::new();
    let errors = [
        (
            LinkError::Unreachable { board: board.clone(), address, port: 22, said: said.clone() },
            Check::NoAnswer,
        ),
        (LinkError::UnknownKey { board: board.clone(), address, fingerprints: vec![] }, Check::HostKey),
        (LinkError::NotLetIn { board: board.clone(), address, user: "pi".to_owned(), said }, Check::NotLetIn),
    ];
    for (error, check) in errors {
        let seen = BTreeMap::from([(board.clone(), Seen::unreached(&error, error.to_string()))]);
        let findings = judge(&rack, &seen);
        assert_eq!(findings, [Finding { check, board: Some(board.clone()), seen: error.to_string() }]);
    }
}

#[test]
fn pf004_and_pf005_a_board_without_rights_or_without_an_answer() {
    let findings = findings_of(&desk(), |world| world.get_mut("b1").unwrap().root = Root::No);
    assert_eq!(findings.iter().map(|finding| finding.check).collect::<Vec<_>>(), [Check::NoRoot]);
    let findings = findings_of(&desk(), |world| {
        let looked = world.get_mut("b1").unwrap();
        (looked.facts, looked.failed) = (None, Some("no space left".to_owned()));
    });
    assert_eq!(findings.iter().map(|finding| finding.check).collect::<Vec<_>>(), [Check::NoFacts]);
}

#[test]
fn every_code_has_a_test_that_injects_its_fault() {
    let tests = [
        include_str!("tests.rs"),
        include_str!("check/clock.rs"),
        include_str!("tests/disk.rs"),
        include_str!("tests/engine.rs"),
        include_str!("tests/network.rs"),
        include_str!("tests/system.rs"),
    ]
    .concat();
    // Of the lab's boards; what was run of these holds itself to every code that was really found.
    let lab = [
        include_str!("../../../../tests/tests/preflight/checks.rs"),
        include_str!("../../../../tests/tests/preflight/faults.rs"),
        include_str!("../../../../tests/tests/preflight/fixes.rs"),
        include_str!("../../../../tests/tests/preflight/time.rs"),
    ]
    .concat();
    for check in Check::ALL {
        // Named by a test as what it finds, alone or in a list, and not only spoken of.
        let found =
            [format!("Check::{check:?},"), format!("Check::{check:?}]"), format!("Check::{check:?})")];
        let named = found.iter().any(|words| tests.contains(words));
        let (code, finds) = (check.code(), check.finds());
        assert!(named, "no test of facts finds {code}: {finds}");
        assert!(lab.contains(&format!("\"{code}\"")), "no board of the lab is found with {code}: {finds}");
    }
}
