//! The lab's boards as a rack file would name them.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;

use pirack::rack::{Access, Board, Role, SshAccess};

/// A lab's board, reached as this user.
pub(crate) fn board(of: &pirack_lab::Board, user: &str) -> Board {
    let access = SshAccess {
        user: user.to_owned(),
        port: 22,
        identity: Some(of.ssh().identity.clone()),
        known_hosts: Some(of.ssh().known_hosts.clone()),
        host_keys: vec![],
    };
    Board {
        name: of.name().parse().unwrap(),
        address: of.address(),
        roles: BTreeSet::from([Role::Manager, Role::Worker]),
        access: Access::Ssh(access),
        memory: None,
        data_disk: None,
        place: of.name().to_owned(),
        labels: BTreeMap::new(),
        sensors: vec![],
    }
}

/// Its SSH door, to be changed.
pub(crate) fn door(board: &mut Board) -> &mut SshAccess {
    match &mut board.access {
        Access::Ssh(access) => access,
        other => panic!("not by SSH: {other:?}"),
    }
}

/// Runs what is async on this thread, which is in the lab's network.
pub(crate) fn on<T>(what: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(what)
}

/// What a program of the board's printed.
pub(crate) fn said(of: &pirack_lab::Board, program: &str, arguments: &[&str]) -> String {
    let output = of.command(program).args(arguments).output().unwrap();
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?} on {}: {err}", of.name());
    String::from_utf8(output.stdout).unwrap()
}

/// What a script printed on the board, as root.
pub(crate) fn shell(of: &pirack_lab::Board, script: &str) -> String {
    said(of, "sh", &["-c", script])
}
