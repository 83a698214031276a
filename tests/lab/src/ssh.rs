//! The boards' SSH doors: keys of the lab's own, made anew for each, and known before the first connection.

use std::fs;
use std::net::Ipv4Addr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::LabError;
use crate::layout;
use crate::machine::Machine;
use crate::place::Place;
use crate::tool;

/// What it takes to log in to a board.
#[derive(Debug, Clone)]
pub struct Ssh {
    /// The board's address in the lab.
    pub address: Ipv4Addr,
    /// The private key that `root` and `pi` (who has `sudo`, without a password) let in.
    pub identity: PathBuf,
    /// The host keys of all of the lab's boards, by name and by address.
    pub known_hosts: PathBuf,
    network: PathBuf,
}

impl Ssh {
    pub(crate) fn of(place: &Place, hub: &Machine, address: Ipv4Addr) -> Self {
        let folder = folder(place);
        let (identity, known_hosts) = (folder.join("id_ed25519"), folder.join("known_hosts"));
        Self { address, identity, known_hosts, network: hub.proc("ns/net") }
    }

    /// OpenSSH's options: these keys and no others, no question asked, no host key taken on trust.
    #[must_use]
    pub fn options(&self) -> Vec<String> {
        let known = format!("UserKnownHostsFile={}", self.known_hosts.display());
        let identity = self.identity.display().to_string();
        let pairs = ["StrictHostKeyChecking=yes", "GlobalKnownHostsFile=/dev/null", "IdentitiesOnly=yes"];
        let limits = ["BatchMode=yes", "ConnectTimeout=10", "ServerAliveInterval=5", &known];
        let mut options = vec!["-F".to_owned(), "none".to_owned(), "-i".to_owned(), identity];
        for option in pairs.iter().chain(&limits) {
            options.extend(["-o".to_owned(), (*option).to_owned()]);
        }
        options
    }

    /// `ssh USER@BOARD COMMAND` from the hub's network, wherever this process is.
    #[must_use]
    pub fn command(&self, user: &str, command: &str) -> Command {
        let mut ssh = Command::new("nsenter");
        ssh.arg(format!("--net={}", self.network.display())).args(["--", "ssh"]).args(self.options());
        ssh.arg(format!("{user}@{}", self.address)).arg("--").arg(command);
        ssh
    }
}

/// What a board's own side of its door is made of, as text.
pub(crate) struct BoardKeys {
    /// The private half of its host key.
    pub(crate) host: String,
    /// The public half of the visitor's key.
    pub(crate) visitor: String,
}

fn folder(place: &Place) -> PathBuf {
    place.state().join("ssh")
}

fn visitor(place: &Place) -> PathBuf {
    folder(place).join("id_ed25519")
}

/// Makes the visitor's key of a lab that has no boards yet.
pub(crate) fn make(place: &Place) -> Result<(), LabError> {
    let folder = folder(place);
    fs::create_dir_all(&folder).map_err(LabError::file("making", &folder))?;
    fs::set_permissions(&folder, PermissionsExt::from_mode(0o700))
        .map_err(LabError::file("protecting", &folder))?;
    make_key(&visitor(place), place.name()).map(drop)
}

/// Makes the host key of a board that has none.
pub(crate) fn make_board_key(place: &Place, number: usize) -> Result<BoardKeys, LabError> {
    let name = layout::board_name(number);
    let host = make_key(&folder(place).join(&name), &name)?;
    let visitor = visitor(place).with_extension("pub");
    let visitor = fs::read_to_string(&visitor).map_err(LabError::file("reading", &visitor))?;
    Ok(BoardKeys { host, visitor })
}

/// Writes down the host keys of so many boards: those that the boards have by now.
pub(crate) fn write_known_hosts(place: &Place, boards: usize) -> Result<(), LabError> {
    let mut known = String::new();
    for number in 1..=boards {
        let name = layout::board_name(number);
        known.push_str(&format!("{name},{} {}", layout::board_address(number), host_key(place, &name)?));
    }
    let (path, part) = (folder(place).join("known_hosts"), folder(place).join("known_hosts.part"));
    // Renamed into its place: somebody may be connecting.
    fs::write(&part, known).and_then(|()| fs::rename(&part, &path)).map_err(LabError::file("writing", &path))
}

/// Forgets a board's host key, for another.
pub(crate) fn forget_board_key(place: &Place, number: usize) -> Result<(), LabError> {
    let path = folder(place).join(layout::board_name(number));
    for half in [path.clone(), path.with_extension("pub")] {
        fs::remove_file(&half).map_err(LabError::file("removing", &half))?;
    }
    Ok(())
}

/// The public half of a board's host key: a line of kind, key and name.
pub(crate) fn host_key(place: &Place, board: &str) -> Result<String, LabError> {
    let path = folder(place).join(board).with_extension("pub");
    fs::read_to_string(&path).map_err(LabError::file("reading", &path))
}

/// Makes a key and its public half beside it; returns the private one.
fn make_key(path: &Path, comment: &str) -> Result<String, LabError> {
    let mut keygen = tool::command("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", comment, "-f"]);
    tool::run("making an SSH key", keygen.arg(path))?;
    fs::read_to_string(path).map_err(LabError::file("reading", path))
}
