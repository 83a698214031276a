//! What a board has of its own, and what it cannot reach.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::Stdio;

use pirack_lab::{Lab, Outcome, Signal, Ssh};

use crate::program::{self, output, shell, within};

pub(crate) fn machines_of_their_own(lab: &Lab) -> Outcome {
    let mut ids = BTreeSet::from([fs::read_to_string("/etc/machine-id").unwrap_or_default()]);
    for board in lab.boards() {
        let said = shell(board, "uname -n; cat /etc/hostname; cat /etc/machine-id");
        let lines: Vec<&str> = said.lines().collect();
        assert_eq!(lines[..2], [board.name(), board.name()]);
        assert!(lines[2].len() == 32 && ids.insert(lines[2].to_owned()), "{said}");
        shell(board, &format!("echo {} >/etc/lab-mark", board.name()));
        assert_eq!(shell(board, "cat /proc/1/comm"), "tini\n");
    }
    for board in lab.boards() {
        assert_eq!(shell(board, "cat /etc/lab-mark"), format!("{}\n", board.name()));
    }
    assert!(!Path::new("/etc/lab-mark").exists());
    Ok(())
}

pub(crate) fn nothing_of_the_host(lab: &Lab) -> Outcome {
    let board = lab.board(1);
    let kinds = shell(board, "find /dev -type b");
    assert_eq!(kinds, "", "block devices");
    let refused =
        "sh -c 'echo 1 >/proc/sys/vm/overcommit_memory' 2>/dev/null && echo written || echo refused";
    assert_eq!(shell(board, refused), "refused\n");
    assert_eq!(shell(board, "echo 1 >/proc/sys/net/ipv4/ip_forward && echo written"), "written\n");
    let mounts = shell(board, "cut -d ' ' -f 5 /proc/self/mountinfo");
    let outside = |mount: &&str| {
        !["/proc", "/sys", "/dev", "/run", "/srv/small", "/var/lib/docker"]
            .iter()
            .any(|own| mount.starts_with(own))
    };
    assert_eq!(mounts.lines().filter(outside).collect::<Vec<_>>(), ["/"]);
    Ok(())
}

/// Modules, ports, the machine's end, its clock, its log: linux/capability.h has the numbers.
const NEVER: [u32; 5] = [16, 17, 22, 25, 34];

pub(crate) fn no_power_over_the_kernel(lab: &Lab) -> Outcome {
    const CAPABILITIES: &str = "grep -h ^Cap";
    let board = lab.board(1);
    let engine = shell(board, &format!("{CAPABILITIES} /proc/1/status /proc/$(pidof dockerd)/status"));
    let command = shell(board, &format!("{CAPABILITIES} /proc/self/status"));
    let visitor = output(&mut board.ssh().command("root", &format!("{CAPABILITIES} /proc/self/status")));
    let refused = within(async {
        let engine = program::import(board).await;
        program::privileged_is_refused(&engine).await
    });
    // It asks for what its engine has not got itself.
    assert!(refused.contains("operation not permitted"), "{refused}");
    for said in [engine, command, visitor] {
        let sets: Vec<_> = said.lines().filter(|line| line.starts_with("Cap")).collect();
        assert!(sets.len() >= 5, "{said}");
        for set in sets {
            let held = u64::from_str_radix(set.split_whitespace().nth(1).unwrap(), 16).unwrap();
            assert!(NEVER.iter().all(|number| held & (1 << number) == 0), "{set} of {said}");
        }
    }
    Ok(())
}

pub(crate) fn no_port_but_ssh(lab: &Lab) -> Outcome {
    for board in lab.boards() {
        assert!(board.engine_answers());
        let listeners = shell(board, "ss -Hltn | awk '{ print $4 }' | sed 's/.*://' | sort -u");
        assert_eq!(listeners, "22\n");
    }
    Ok(())
}

pub(crate) fn strict_ssh(lab: &Lab) -> Outcome {
    for board in lab.boards() {
        let said = output(&mut board.ssh().command("pi", "uname -n; sudo id -un"));
        assert_eq!(said, format!("{}\nroot\n", board.name()));
    }
    let ssh = lab.board(1).ssh();
    let unknown = tempfile::NamedTempFile::new().unwrap();
    let mut stranger: Ssh = ssh.clone();
    stranger.known_hosts = unknown.path().to_owned();
    let refused = stranger.command("pi", "true").output().unwrap();
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success() && said.contains("Host key verification failed"), "{said}");
    Ok(())
}

pub(crate) fn signals(lab: &Lab) -> Outcome {
    let board = lab.board(1);
    let script = "trap 'echo told; exit 7' TERM; echo begun; while :; do sleep 0.05; done";
    let mut told = board.command("bash").args(["-c", script]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(told.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "begun");
    board.signal(told.id(), Signal::TERM).unwrap();
    assert_eq!(lines.next().unwrap().unwrap(), "told");
    assert_eq!(told.wait().unwrap().code(), Some(7));

    let mut killed = board.command("bash").args(["-c", script]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(killed.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "begun");
    killed.kill().unwrap();
    assert_eq!(killed.wait().unwrap().signal(), Some(9));
    // The end of its output is the end of everybody who could write to it.
    assert!(lines.next().is_none());
    Ok(())
}
