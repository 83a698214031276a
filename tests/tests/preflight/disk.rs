//! A disk more for a board.

use std::process::Command;

use pirack_lab::Board;
use tempfile::NamedTempFile;

use crate::boards::said;

/// A disk made of a file of this machine's, given to a board; gone with this value.
pub(crate) struct Disk {
    /// Its device, here and there: `/dev/loop0`.
    pub(crate) node: String,
    _file: NamedTempFile,
}

impl Disk {
    /// One of so many bytes, which take no room before they are written.
    pub(crate) fn given_to(of: &Board, bytes: u64) -> Self {
        let file = NamedTempFile::new().unwrap();
        file.as_file().set_len(bytes).unwrap();
        let made = Command::new("losetup").args(["--find", "--show"]).arg(file.path()).output().unwrap();
        assert!(made.status.success(), "losetup: {}", String::from_utf8_lossy(&made.stderr));
        let node = String::from_utf8(made.stdout).unwrap().trim().to_owned();
        let disk = Self { node, _file: file };
        let number = disk.node.trim_start_matches("/dev/loop");
        said(of, "mknod", &["-m", "600", &disk.node, "b", "7", number]);
        disk
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        drop(Command::new("losetup").args(["--detach", &self.node]).status());
    }
}
