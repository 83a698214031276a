//! The engine, and boards that are taken for each other.

use super::*;

#[test]
fn pf038_to_pf046_the_engine() {
    only(Check::NoEngine, "no dockerd", |facts| {
        (facts.engine, facts.socket, facts.dockerd) = (None, false, false);
    });
    only(Check::EngineSilent, "no socket", |facts| (facts.engine, facts.socket) = (None, false));
    only(Check::EngineSilent, "timed out", |facts| facts.engine = Some(Err("timed out".to_owned())));
    only(Check::EngineOld, "19.03.15", |facts| engine(facts).version = "19.03.15".to_owned());
    only(Check::EngineOld, "API 1.40", |facts| engine(facts).api = "1.40".to_owned());
    only(Check::LiveRestore, "", |facts| engine(facts).live_restore = true);
    only(Check::Registry, "10.0.0.1:5000", |facts| engine(facts).insecure_registries.clear());
    only(Check::LogBounds, "max-size", |facts| facts.daemon = None);
    assert_eq!(found(|facts| facts.daemon = Some(Ok(serde_json::json!({"log-driver": "local"})))), []);
    only(Check::DaemonFile, "expected", |facts| facts.daemon = Some(Err("expected value".to_owned())));
    only(Check::DockerGroup, "pi is in", |facts| {
        facts.groups.remove("docker");
    });
    only(Check::OtherSwarm, "10.9.9.9:2377", |facts| {
        engine(facts).managers = BTreeSet::from(["10.9.9.9:2377".to_owned()]);
    });
    only(Check::Snap, "snap", |facts| facts.snap = true);
}

#[test]
fn pf047_to_pf050_boards_that_are_the_same_and_managers_that_are_even() {
    let same = |fault: fn(&mut Facts)| -> Vec<(Check, Option<String>)> {
        let findings = findings_of(&desk(), |world| {
            for name in ["b1", "b2"] {
                fault(world.get_mut(name).unwrap().facts.as_mut().unwrap());
            }
        });
        findings
            .into_iter()
            .map(|finding| (finding.check, finding.board.map(|board| board.to_string())))
            .collect()
    };
    let second = Some("b2".to_owned());
    assert_eq!(
        same(|facts| facts.machine_id = Some("copy".to_owned())),
        [(Check::MachineId, second.clone())]
    );
    assert_eq!(same(|facts| facts.links[1].mac = "aa:bb".to_owned()), [(Check::SameMac, second.clone())]);
    let names = same(|facts| facts.host_name = "b1".to_owned());
    assert_eq!(names, [(Check::HostName, second.clone()), (Check::SameHostName, second)]);

    let mut rack = desk();
    rack.boards[3].roles.insert(rack::Role::Manager);
    let findings = findings_of(&rack, |_| ());
    assert_eq!((findings[0].check, findings[0].seen.as_str()), (Check::EvenManagers, "4: b1, b2, b3, b4"));
}

#[test]
fn a_board_whose_engine_alone_is_reached_is_judged_by_its_engine_alone() {
    let findings = findings_of(&desk(), |world| {
        let looked = world.get_mut("b1").unwrap();
        let engine = looked.facts.take().unwrap().engine;
        looked.facts = Some(Facts { engine, ..Facts::default() });
        (looked.shell, looked.root) = (false, Root::No);
    });
    assert_eq!(findings, []);
}
