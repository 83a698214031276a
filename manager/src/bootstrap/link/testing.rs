//! Boards for tests of this room.

use std::collections::{BTreeMap, BTreeSet};

use crate::rack::{Access, Board, Role, SshAccess};

/// A board reached by SSH as `pi`, and that access.
pub(crate) fn board(name: &str, address: &str) -> (Board, SshAccess) {
    let access =
        SshAccess { user: "pi".to_owned(), port: 22, identity: None, known_hosts: None, host_keys: vec![] };
    let board = Board {
        name: name.parse().unwrap(),
        address: address.parse().unwrap(),
        roles: BTreeSet::from([Role::Manager, Role::Worker]),
        access: Access::Ssh(access.clone()),
        memory: None,
        data_disk: None,
        place: String::new(),
        labels: BTreeMap::new(),
        sensors: vec![],
    };
    (board, access)
}
