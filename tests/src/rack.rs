//! A rack's file of a lab's boards, and the commands that a person types with it.
//!
//! Nobody's own keys, known hosts or history are touched: the file's folder is everybody's home.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use pirack_lab::{Board, Lab};
use serde_json::Value;
use tempfile::TempDir;

use crate::program::{self, Ended, Program};
use crate::wait;

/// How long one command may take: JVMs of three boards on a machine of two cores.
pub const COMMAND: Duration = Duration::from_secs(1200);
/// How long whatever has been disturbed may take to be well again.
pub const RECOVERY: Duration = Duration::from_secs(600);

/// What a JVM need not do that is started again within minutes: code that its second compiler has made pays later than
/// that, and two processors would be busy making it for six of them.
pub const QUICK_JVM: &str = "-XX:TieredStopAtLevel=1";

/// The same of a node, and what a ring of a few boards on one desk need not wait for: half a minute of gossip suits a
/// data centre.
pub const QUICK_RING: &str =
    "-XX:TieredStopAtLevel=1 -Dcassandra.ring_delay_ms=5000 -Dcassandra.skip_wait_for_gossip_to_settle=0";

/// What a file begins with: its version, its name, the lab's doors and registry.
#[must_use]
pub fn head(lab: &Lab) -> String {
    head_with(lab, &door(lab, "pi"))
}

/// The same, with these lines under `[ssh]`.
#[must_use]
pub fn head_with(lab: &Lab, ssh: &str) -> String {
    let registry = lab.registry();
    format!("version = 1\nname = \"lab\"\n[ssh]\n{ssh}\n[network]\ninsecure_registries = [\"{registry}\"]\n")
}

/// The lines under `[ssh]` for this user.
#[must_use]
pub fn door(lab: &Lab, user: &str) -> String {
    let ssh = lab.board(1).ssh();
    let (identity, known) = (ssh.identity.display(), ssh.known_hosts.display());
    format!("user = \"{user}\"\nidentity = \"{identity}\"\nknown_hosts = \"{known}\"")
}

/// A board of the lab with these roles, and these lines more.
#[must_use]
pub fn board(board: &Board, roles: &[&str], more: &str) -> String {
    let (name, address) = (board.name(), board.address());
    format!("[[board]]\nname = \"{name}\"\naddress = \"{address}\"\nroles = {roles:?}\n{more}\n")
}

/// A file, and whoever works with it.
#[derive(Debug)]
pub struct RackFile {
    folder: TempDir,
}

impl RackFile {
    /// With this text.
    ///
    /// # Panics
    /// When it cannot be written.
    #[must_use]
    pub fn with(text: &str) -> Self {
        let file = Self { folder: tempfile::tempdir().unwrap() };
        file.write(text);
        file
    }

    /// Writes it anew.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn write(&self, text: &str) {
        fs::write(self.path("rack.toml"), text).unwrap();
    }

    /// A path beside the file.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// `pirack` with this file, not yet started.
    #[must_use]
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut pirack = Command::new(program::pirack());
        pirack.arg("--file").arg(self.path("rack.toml")).args(arguments);
        pirack.env("HOME", self.folder()).env_remove("XDG_STATE_HOME");
        pirack
    }

    /// The same, running.
    #[must_use]
    pub fn start(&self, arguments: &[&str]) -> Program {
        Program::spawn(self.command(arguments))
    }

    /// The same, to its end, which must have this status.
    ///
    /// # Panics
    /// When it has another.
    pub fn ends_with(&self, arguments: &[&str], status: i32) -> Ended {
        let ended = self.start(arguments).end(COMMAND);
        assert_eq!(ended.code, Some(status), "pirack {arguments:?}: {ended:#?}");
        ended
    }

    /// The JSON that a command says, and its exit status.
    ///
    /// # Panics
    /// When it says none.
    #[must_use]
    pub fn asked(&self, arguments: &[&str]) -> (Option<i32>, Value) {
        let ended = self.start(&[arguments, &["-o", "json"]].concat()).end(COMMAND);
        let said = serde_json::from_str(&ended.out.concat());
        (ended.code, said.unwrap_or_else(|error| panic!("{error}: {ended:#?}")))
    }

    /// Waits until `status` says that the rack is healthy.
    ///
    /// # Panics
    /// When it does not in time.
    pub fn when_healthy(&self) {
        wait::until("a healthy rack", RECOVERY, || (self.asked(&["status"]).0 == Some(0)).then_some(()));
    }
}
