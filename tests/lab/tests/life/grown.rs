//! Labs that change while they are up: boards begin bare, are added, are made anew.

use std::fs;
use std::process::Command;

use pirack_lab::{Board, Lab, LabStatus, Outcome, Spec};

use crate::machine::Traces;
use crate::{lab, name};

fn said(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {}: {errors}", output.status);
    String::from_utf8(output.stdout).unwrap()
}

fn shell(board: &Board, line: &str) -> String {
    said(board.command("sh").args(["-c", line]))
}

pub(crate) fn grows() -> Outcome {
    const ENGINE: &str = "ls -d /etc/docker /usr/bin/docker /usr/sbin/dockerd /etc/rc2.d/*docker 2>/dev/null; \
                          getent group docker; dpkg-query -W docker.io containerd runc 2>/dev/null | grep '[0-9]'; true";
    let name = name("grown");
    let mut grown = Lab::begin(&Spec::new(2).with_bare(&[2]).named(&name))?;
    assert!(grown.board(1).engine_answers());
    assert_eq!(shell(grown.board(2), ENGINE), "");
    // Whoever has no power learns of it all the same.
    grown.board(2).cut_power()?;
    let added = grown.add_bare_board()?;
    assert_eq!((added.name(), added.address().to_string().as_str()), ("b3", "10.77.0.13"));
    assert_eq!(shell(added, ENGINE), "");
    assert_eq!(said(&mut added.ssh().command("pi", "uname -n")), "b3\n");
    grown.board(2).power_on()?;
    for board in grown.boards() {
        let known = shell(board, "getent hosts b1 b2 b3 | awk '{ print $1 }'");
        assert_eq!(known, "10.77.0.11\n10.77.0.12\n10.77.0.13\n");
    }
    let status = LabStatus::of(&name).unwrap();
    assert!(status.boards.len() == 3 && status.up, "{status}");
    let traces = Traces::of(&name);
    drop(grown);
    traces.wait_gone();
    Ok(())
}

pub(crate) fn reflashed() -> Outcome {
    let name = name("flashed");
    let run = |arguments: &[&str]| said(&mut lab(&name, arguments));
    run(&["up", "--boards", "1"]);
    let kept = Lab::attach(&name)?;
    let board = kept.board(1);
    let before = (shell(board, "cat /etc/machine-id"), board.host_key()?);
    let known = tempfile::NamedTempFile::new().unwrap();
    fs::copy(&board.ssh().known_hosts, known.path()).unwrap();
    shell(board, "touch /root/mark /var/lib/docker/mark");

    run(&["reflash", "b1"]);
    board.wait_engine()?;
    let after = (shell(board, "cat /etc/machine-id"), board.host_key()?);
    assert!(before.0 != after.0 && before.1 != after.1, "{before:?}");
    assert_eq!(shell(board, "ls /root/mark /var/lib/docker/mark 2>/dev/null; uname -n"), "b1\n");
    assert!(said(&mut board.ssh().command("pi", "ip -br address")).contains("10.77.0.11/24"));
    let mut stranger = board.ssh().clone();
    stranger.known_hosts = known.path().to_owned();
    let refused = stranger.command("pi", "true").output().unwrap();
    let refused = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(refused.contains("REMOTE HOST IDENTIFICATION HAS CHANGED"), "{refused}");

    // The verbs of a shell, on a lab that nobody holds.
    run(&["power-off", "--all"]);
    assert!(!board.has_power() && run(&["status"]).contains("has no power"));
    run(&["power-on", "b1"]);
    board.wait_engine()?;
    assert_eq!(shell(board, "cat /etc/machine-id"), after.0);
    assert_eq!(run(&["add-board"]), "b2\n");
    assert!(Lab::attach(&name)?.board(2).engine_answers());
    let traces = Traces::of(&name);
    run(&["down"]);
    traces.wait_gone();
    Ok(())
}

pub(crate) fn data_disk() -> Outcome {
    const MEBIBYTES: u64 = 1 << 20;
    let name = name("disk");
    let lab = Lab::begin(&Spec::new(1).with_bare(&[1]).with_data_disk(256 * MEBIBYTES).named(&name))?;
    let board = lab.board(1);
    assert_eq!(
        shell(board, "blockdev --getsize64 /dev/data; blkid /dev/data || echo empty"),
        "268435456\nempty\n"
    );
    shell(board, "mkfs.ext4 -q /dev/data && mkdir /srv/data");
    let uuid = shell(board, "blkid -s UUID -o value /dev/data");
    let line = format!("UUID={} /srv/data ext4 defaults 0 2", uuid.trim());
    shell(board, &format!("echo '{line}' >>/etc/fstab && mount /srv/data && echo kept >/srv/data/mark"));
    let used = "findmnt -n -o FSTYPE /srv/data; cat /srv/data/mark";
    assert_eq!(shell(board, used), "ext4\nkept\n");

    board.cut_power()?;
    board.power_on()?;
    assert_eq!(shell(board, used), "ext4\nkept\n");
    board.reflash()?;
    shell(board, &format!("mount UUID={} /mnt", uuid.trim()));
    assert_eq!(shell(board, "cat /mnt/mark"), "kept\n");
    let traces = Traces::of(&name);
    drop(lab);
    traces.wait_gone();
    let held = said(&mut Command::new("losetup"));
    assert!(!held.contains(&format!("/labs/{name}/")), "{held}");
    Ok(())
}
