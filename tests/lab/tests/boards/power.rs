//! Boards lose their power and get it back, and the lab its way out.

use std::fs;

use pirack_lab::{Board, Lab, LabStatus, Outcome};

use crate::engines;
use crate::program::{self, output, shell, within};

/// What must be the same after a power cut.
fn identity(board: &Board) -> String {
    let links = "ip -o address show eth0 | awk '{ print $4 }'; cat /sys/class/net/eth0/address";
    shell(board, &format!("cat /etc/machine-id /etc/ssh/ssh_host_ed25519_key /etc/hostname; {links}"))
}

pub(crate) fn cut(lab: &Lab) -> Outcome {
    let board = lab.board(3);
    within(async {
        let engine = program::import(board).await;
        program::start(&engine, "unlucky", "exec sleep 4321", None).await;
    });
    let before = identity(board);
    shell(board, "echo kept >/root/mark; echo gone >/run/mark");
    for _ in 0..2 {
        board.cut_power().unwrap();
    }
    assert!(!board.has_power() && !board.engine_answers());
    assert!(!board.command("true").status().unwrap().success());
    let status = LabStatus::of(lab.name()).unwrap();
    assert!(status.up && !status.boards[2].power && status.boards[2].pid.is_none(), "{status}");
    assert!(status.to_string().contains("has no power; `lab power-on b3` gives it back"), "{status}");

    for _ in 0..2 {
        board.power_on().unwrap();
    }
    board.wait_engine().unwrap();
    assert_eq!(identity(board), before);
    assert_eq!(shell(board, "cat /root/mark; ls /run/mark 2>/dev/null || echo none"), "kept\nnone\n");
    assert_eq!(output(&mut board.ssh().command("pi", "uname -n")), "b3\n");
    within(async {
        let engine = board.engine().unwrap();
        let ended = engine.inspect_container("unlucky", None).await.unwrap().state.unwrap();
        assert_eq!(ended.running, Some(false));
        program::remove(&engine, "unlucky").await;
    });
    Ok(())
}

pub(crate) fn services(lab: &Lab) -> Outcome {
    let board = lab.board(3);
    let script = "#!/bin/sh\n### BEGIN INIT INFO\n# Provides: mark\n# Required-Start: $remote_fs\n# Required-Stop:\n\
                  # Default-Start: 2 3 4 5\n# Default-Stop:\n# Short-Description: Says when it is started.\n\
                  ### END INIT INFO\necho \"$1\" >>/var/log/mark\n";
    fs::write(board.path("/etc/init.d/mark"), script).unwrap();
    let over_ssh = |line: &str| output(&mut board.ssh().command("root", line));
    over_ssh("chmod +x /etc/init.d/mark && update-rc.d mark defaults && invoke-rc.d mark start");
    over_ssh("service ssh restart && service docker restart && service docker status");
    board.wait_engine().unwrap();
    board.cut_power().unwrap();
    board.power_on().unwrap();
    over_ssh("update-rc.d mark disable");
    board.cut_power().unwrap();
    board.power_on().unwrap();
    assert_eq!(shell(board, "cat /var/log/mark"), "start\nstart\n");
    board.wait_engine().unwrap();
    Ok(())
}

pub(crate) fn isolate(lab: &Lab) -> Outcome {
    let board = lab.board(1);
    let registry =
        || shell(board, "curl -s -o /dev/null -m 5 http://10.77.0.1:5000/v2/ && echo yes || echo no");
    let out = || shell(board, "ping -c 1 -W 5 10.0.2.2 >/dev/null && echo yes || echo no");
    assert_eq!((registry(), out()), ("yes\n".to_owned(), "yes\n".to_owned()));
    for _ in 0..2 {
        lab.isolate().unwrap();
    }
    assert_eq!((registry(), out()), ("no\n".to_owned(), "no\n".to_owned()));
    shell(board, "ping -c 1 -W 5 b2");
    for _ in 0..2 {
        lab.reconnect().unwrap();
    }
    assert_eq!((registry(), out()), ("yes\n".to_owned(), "yes\n".to_owned()));
    Ok(())
}

/// Of a lab whose boards are a swarm.
pub(crate) fn all_at_once(lab: &Lab) -> Outcome {
    engines::wait_written(lab);
    lab.cut_power().unwrap();
    assert!(
        LabStatus::of(lab.name()).unwrap().boards.iter().all(|board| !board.power && board.pid.is_none())
    );
    for number in [3, 1, 2] {
        lab.board(number).power_on().unwrap();
    }
    lab.boards().iter().for_each(|board| board.wait_engine().unwrap());
    engines::wait_ready(lab.board(2));
    Ok(())
}
