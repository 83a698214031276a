//! Each flaw is seen where a preflight check looks for it, over ssh, and goes with its mending.

use std::time::SystemTime;

use pirack_lab::{Board, Flaw, Lab, Outcome, SMALL_DISK};

use crate::program::output;

/// What a line says over the board's own door.
fn seen(board: &Board, line: &str) -> String {
    output(&mut board.ssh().command("pi", line)).trim().to_owned()
}

/// Gives the flaw twice, and mends it twice; between, the line says something else.
fn shows(board: &Board, flaw: &Flaw, line: &str, flawed: impl Fn(&str) -> bool) {
    let before = seen(board, line);
    assert!(!flawed(&before), "without {flaw:?}: {before}");
    for _ in 0..2 {
        board.give(flaw).unwrap();
    }
    let said = seen(board, line);
    assert!(flawed(&said), "{flaw:?}: {said}");
    for _ in 0..2 {
        board.mend(flaw).unwrap();
    }
    assert_eq!(seen(board, line), before, "{flaw:?}");
}

pub(crate) fn kernel(lab: &Lab) -> Outcome {
    let board = lab.board(2);
    let memory = "awk '$1 == \"memory\" { print $4 }' /proc/cgroups; cat /sys/fs/cgroup/cgroup.controllers 2>/dev/null; true";
    shows(board, &Flaw::NoMemoryGroup, memory, |said| said.starts_with('0') && !said.contains("memory"));
    shows(board, &Flaw::Hot(91), "cat /sys/class/thermal/thermal_zone*/temp 2>/dev/null; true", |said| {
        said == "91000"
    });
    let throttled = "cat /sys/bus/platform/drivers/raspberrypi-firmware/*/get_throttled 2>/dev/null; true";
    shows(board, &Flaw::LowPower, throttled, |said| said == "50005");
    Ok(())
}

pub(crate) fn network(lab: &Lab) -> Outcome {
    let board = lab.board(2);
    shows(board, &Flaw::Mtu(1400), "cat /sys/class/net/eth0/mtu", |said| said == "1400");
    let ports = "ss -H -l -n -t 'sport = :9092'";
    shows(board, &Flaw::Port(9092), ports, |said| said.contains(":9092"));
    let refused = board.give(&Flaw::Port(22)).unwrap_err().to_string();
    assert!(refused.contains("port 22: Address already in use"), "{refused}");
    let lease = "ip -o -4 address show dev eth0 | grep -o -e dynamic -e forever | sort -u";
    shows(board, &Flaw::Lease, lease, |said| said == "dynamic");
    shows(board, &Flaw::NoNames, "getent ahostsv4 b1 || true", str::is_empty);
    Ok(())
}

pub(crate) fn disk_and_id(lab: &Lab) -> Outcome {
    let board = lab.board(2);
    let free = format!("df --output=avail -B1 {SMALL_DISK} | tail -n 1");
    shows(board, &Flaw::FreeDisk(1 << 20), &free, |said| said.parse() == Ok(1_u64 << 20));
    let other = seen(lab.board(1), "cat /etc/machine-id");
    shows(board, &Flaw::MachineId(other.clone()), "cat /etc/machine-id", |said| said == other);
    Ok(())
}

pub(crate) fn clock(lab: &Lab) -> Outcome {
    const HOUR: u64 = 3600;
    let board = lab.board(2);
    let now = || SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let theirs = || -> u64 { seen(board, "date +%s").parse().unwrap() };
    let near = |time: u64, wanted: u64| time.abs_diff(wanted) < 60;
    assert!(near(theirs(), now()));
    board.give(&Flaw::Clock(3600)).unwrap();
    assert!(near(theirs(), now() + HOUR));
    board.give(&Flaw::Clock(-3600)).unwrap();
    assert!(near(theirs(), now() - HOUR));
    assert_eq!(seen(board, "sudo date +%s").parse::<u64>().map(|time| near(time, now() - HOUR)), Ok(true));
    // What waits, waits as long as ever.
    seen(board, "timeout 20 sleep 0.1");
    for _ in 0..2 {
        board.mend(&Flaw::Clock(0)).unwrap();
    }
    assert!(near(theirs(), now()));
    Ok(())
}
