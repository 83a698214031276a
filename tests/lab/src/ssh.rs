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

/// The keys of a lab, as files and as text.
pub(crate) struct Keys {
    /// One a board, the private halves.
    pub(crate) hosts: Vec<String>,
    /// The public half of the visitor's.
    pub(crate) visitor: String,
}

fn folder(place: &Place) -> PathBuf {
    place.state().join("ssh")
}

/// Makes the lab's keys and the list of known hosts.
pub(crate) fn make(place: &Place, boards: usize) -> Result<Keys, LabError> {
    let folder = folder(place);
    fs::create_dir_all(&folder).map_err(LabError::file("making", &folder))?;
    fs::set_permissions(&folder, PermissionsExt::from_mode(0o700))
        .map_err(LabError::file("protecting", &folder))?;
    let (_, visitor) = make_key(&folder.join("id_ed25519"), place.name())?;
    let mut hosts = Vec::new();
    let mut known = String::new();
    for number in 1..=boards {
        let name = layout::board_name(number);
        let (private, public) = make_key(&folder.join(&name), &name)?;
        known.push_str(&format!("{name},{} {public}", layout::board_address(number)));
        hosts.push(private);
    }
    let path = folder.join("known_hosts");
    fs::write(&path, known).map_err(LabError::file("writing", &path))?;
    Ok(Keys { hosts, visitor })
}

fn make_key(path: &Path, comment: &str) -> Result<(String, String), LabError> {
    let mut keygen = tool::command("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", comment, "-f"]);
    tool::run("making an SSH key", keygen.arg(path))?;
    let public = path.with_extension("pub");
    let text = |path: &Path| fs::read_to_string(path).map_err(LabError::file("reading", path));
    Ok((text(path)?, text(&public)?))
}
