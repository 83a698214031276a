//! The board itself: processor, memory, kernel, clock, heat and power.

use super::*;

#[test]
fn pf006_to_pf008_what_kind_of_board_it_is() {
    only(Check::Architecture, "armv7l", |facts| facts.machine = "armv7l".to_owned());
    only(Check::Userland, "armhf", |facts| facts.userland = Some("armhf".to_owned()));
    only(Check::System, "Alpine", |facts| {
        (facts.os, facts.os_name) = (BTreeSet::from(["alpine".to_owned()]), "Alpine Linux v3.20".to_owned());
    });
}

#[test]
fn pf009_a_board_that_is_too_small_for_its_services() {
    only(Check::Memory, "cassandra-b1", |facts| facts.memory = Some(Bytes::mebibytes(900)));
    let mut rack = desk();
    rack.boards[0].memory = Some(Bytes::mebibytes(8192));
    let findings = findings_of(&rack, |world| {
        world.get_mut("b1").unwrap().facts.as_mut().unwrap().memory = Some(Bytes::mebibytes(3800));
    });
    assert_eq!(findings[0].check, Check::Memory);
    assert!(findings[0].seen.contains("reports 3800 MiB"), "{findings:?}");
}

#[test]
fn pf010_to_pf012_swap_and_what_the_kernel_has() {
    only(Check::Swap, "/var/swap", |facts| {
        facts.swaps = vec!["/dev/zram0".to_owned(), "/var/swap".to_owned()]
    });
    assert_eq!(found(|facts| facts.swaps = vec!["/dev/zram0".to_owned()]), []);
    only(Check::Overlay, "overlay", |facts| facts.overlay = Some(false));
    only(Check::Overlay, "VXLAN", |facts| facts.vxlan = Some(false));
    only(Check::MemoryCgroup, "kernel", |facts| facts.memory_cgroup = Some(false));
    only(Check::MemoryCgroup, "engine", |facts| engine(facts).memory_limit = Some(false));
}

#[test]
fn the_memory_control_group_is_read_in_both_versions() {
    let cgroup = |section: &str| {
        let text = format!("--m-- uname\nLinux\naarch64\n6.1\nb1\n{section}--m-- end\n");
        facts::read(&text, "--m--").unwrap().memory_cgroup
    };
    assert_eq!(cgroup("--m-- controllers\nunified\ncpuset cpu io pids\n"), Some(false));
    assert_eq!(cgroup("--m-- controllers\nunified\ncpu memory\n"), Some(true));
    let head = "--m-- cgroups\n#subsys_name\thierarchy\tnum_cgroups\tenabled\n";
    assert_eq!(cgroup(&format!("{head}memory\t0\t80\t0\n")), Some(false));
    assert_eq!(cgroup(&format!("{head}memory\t4\t80\t1\n")), Some(true));
    assert_eq!(cgroup(""), None);
}

#[test]
fn pf020_and_pf021_the_clock_is_judged_by_what_is_certain() {
    let clock = |offset: i64, doubt: u64| Clock {
        offset_nanos: i128::from(offset) * 1_000_000,
        uncertainty: Duration::from_millis(doubt),
    };
    let limit = desk().network.clock_offset;
    let over = i64::try_from(limit.as_millis()).unwrap() + 50;
    only(Check::ClockOffset, "behind", |facts| facts.clock = Some(clock(-over, 5)));
    only(Check::ClockOffset, "ahead", |facts| facts.clock = Some(clock(over, 5)));
    // So far off that it may be well.
    assert_eq!(found(|facts| facts.clock = Some(clock(over, 60))), []);
    only(Check::ClockOffset, "known to", |facts| {
        facts.clock = Some(clock(0, u64::try_from(limit.as_millis()).unwrap() + 1))
    });
    only(Check::NoTimeDaemon, "chrony", |facts| facts.time_daemons.clear());
}

#[test]
fn pf054_the_admin_serves_every_other_board_the_time() {
    only(Check::TimeServer, "nothing answers there at udp 123", |facts| {
        facts.listeners.retain(|listener| listener.port != 123);
    });
    only(Check::TimeServer, "nothing answers", |facts| {
        facts.listeners.iter_mut().filter(|other| other.port == 123).for_each(|other| other.local = true);
    });
    only(Check::TimeServer, "does not answer b3, b4", |facts| {
        facts.time_served =
            [(12, true), (13, false), (14, false)].map(|(end, lets)| ([10, 0, 0, end].into(), lets)).into();
    });
    // Another daemon may serve it, and says nothing of whom.
    assert_eq!(found(|facts| facts.time_served.clear()), []);
    assert_eq!(found(|facts| facts.listeners.clear()), []);
    let mut alone = desk();
    alone.boards.truncate(1);
    let facts = Facts { listeners: vec![], ..well(&alone, "b1") };
    let seen = BTreeMap::from([("b1".parse().unwrap(), Seen::Reached(Box::new(looked(facts))))]);
    assert!(judge(&alone, &seen).iter().all(|finding| finding.check != Check::TimeServer));
}

#[test]
fn pf055_the_others_ask_the_admin_for_the_time() {
    let found = |sources: Option<&[&str]>| {
        let findings = findings_of(&desk(), |world| {
            let facts = world.get_mut("b2").unwrap().facts.as_mut().unwrap();
            facts.time_sources = sources.map(|all| all.iter().map(|one| (*one).to_owned()).collect());
        });
        findings.into_iter().map(|finding| (finding.check, finding.seen)).collect::<Vec<_>>()
    };
    let stock = "it asks 0.debian.pool.ntp.org, not b1".to_owned();
    assert_eq!(found(Some(&["0.debian.pool.ntp.org"])), [(Check::TimeSource, stock)]);
    assert_eq!(found(Some(&[])), [(Check::TimeSource, "it asks nobody, not b1".to_owned())]);
    assert_eq!(found(Some(&["b1"])), []);
    assert_eq!(found(None), []);
}

#[test]
fn whom_a_time_daemon_asks_and_answers_is_read_as_it_tells_it() {
    let read = |sections: &str| {
        facts::read(&format!("--m-- uname\nLinux\naarch64\n6.1\nb1\n{sections}--m-- end\n"), "--m--").unwrap()
    };
    let asked = |text: &str| read(text).time_sources.map(|all| all.into_iter().collect::<Vec<_>>());
    assert_eq!(asked("--m-- time-sources\n"), None);
    assert_eq!(asked("--m-- time-sources\nchronyd\n\n"), Some(vec![]));
    let timesyncd = "--m-- time-sources\nsystemd-timesyncd\n\n10.0.0.1\n0.pool 1.pool\n";
    assert_eq!(asked(timesyncd), Some(["0.pool", "1.pool", "10.0.0.1"].map(str::to_owned).to_vec()));
    let served = "--m-- time-served\n10.0.0.2 208 Access allowed\n10.0.0.3 209 Access denied\n10.0.0.4 501 Not authorised\n10.0.0.5\n";
    let expected = [([10, 0, 0, 2].into(), true), ([10, 0, 0, 3].into(), false)];
    assert_eq!(read(served).time_served, BTreeMap::from(expected));
}

#[test]
fn pf035_to_pf037_heat_and_power() {
    only(Check::Hot, "81 degrees", |facts| facts.temperature_millicelsius = Some(81_200));
    only(Check::UnderVoltage, "under-voltage", |facts| facts.under_voltage = Some(true));
    only(Check::WasWeak, "its supply was too weak", |facts| facts.throttled = Some(0x5_0000));
    let found = found(|facts| facts.throttled = Some(0x5_0005));
    let checks: Vec<Check> = found.iter().map(|(check, _)| *check).collect();
    assert_eq!(checks, [Check::UnderVoltage, Check::WasWeak]);
}
