//! Why a board was not reached, or did not do what it was asked to.

use std::io;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::time::Duration;

use super::host_key::Fingerprint;
use crate::rack::BoardName;

/// What went wrong between the manager and a board.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// Nobody vouches for the key that the board shows.
    #[error(
        "{board} at {address} shows a host key that nobody vouches for{}: compare it with what the board itself says, then `pirack trust {board}`",
        shown(fingerprints)
    )]
    UnknownKey {
        /// Which board.
        board: BoardName,
        /// Where.
        address: Ipv4Addr,
        /// Its keys, where they could be asked for.
        fingerprints: Vec<Fingerprint>,
    },
    /// The board shows another key than the one that is known.
    #[error(
        "{board} at {address} shows another host key than the known one{}{}: either it was flashed anew, or something else answers at its address. Nothing was sent to it. If it was flashed anew, {remedy}",
        shown(fingerprints),
        at(known_in)
    )]
    ChangedKey {
        /// Which board.
        board: BoardName,
        /// Where.
        address: Ipv4Addr,
        /// What it shows now.
        fingerprints: Vec<Fingerprint>,
        /// The file and line of the known one.
        known_in: Option<String>,
        /// What to do then.
        remedy: String,
    },
    /// There is nobody, or nobody who speaks SSH.
    #[error(
        "{board} does not answer at {address} port {port} ({said}): is it on, is the cable in, is the address right?"
    )]
    Unreachable {
        /// Which board.
        board: BoardName,
        /// Where.
        address: Ipv4Addr,
        /// At which port.
        port: u16,
        /// In ssh's words.
        said: String,
    },
    /// The board does not know our key.
    #[error(
        "{board} does not let {user} in ({said}): put this machine's public key into {user}'s ~/.ssh/authorized_keys there (`ssh-copy-id {user}@{address}`), or name the right `identity` or `user` in the rack file. Passwords are never used"
    )]
    NotLetIn {
        /// Which board.
        board: BoardName,
        /// Where.
        address: Ipv4Addr,
        /// As whom.
        user: String,
        /// In ssh's words.
        said: String,
    },
    /// ssh ended for another reason.
    #[error("ssh to {board} at {address} ended at once: {said}")]
    Refused {
        /// Which board.
        board: BoardName,
        /// Where.
        address: Ipv4Addr,
        /// In ssh's words.
        said: String,
    },
    /// It took too long.
    #[error("{what} on {board} took longer than {} s and was given up: {hint}", deadline.as_secs())]
    Late {
        /// Which board.
        board: BoardName,
        /// What was asked.
        what: String,
        /// How long it may take.
        deadline: Duration,
        /// What to do.
        hint: &'static str,
    },
    /// The connection broke.
    #[error(
        "the connection to {board} broke while {what}{}: whether it was done is not known; try again",
        because(said)
    )]
    Broken {
        /// Which board.
        board: BoardName,
        /// What was asked.
        what: String,
        /// ssh's last words, where it had any.
        said: String,
    },
    /// The user is neither root nor may become it.
    #[error(
        "{what} on {board} needs root, and {user} has no `sudo` without a password there: allow it (`echo '{user} ALL=(ALL) NOPASSWD: ALL' | sudo tee /etc/sudoers.d/{user}`), or use `user = \"root\"`"
    )]
    NoRoot {
        /// Which board.
        board: BoardName,
        /// What was asked.
        what: String,
        /// As whom we are there.
        user: String,
    },
    /// A script ended with an error.
    #[error("{what} on {board} ended with {status}: {said}")]
    Failed {
        /// Which board.
        board: BoardName,
        /// What was asked.
        what: String,
        /// Its exit status.
        status: i32,
        /// The end of its standard error.
        said: String,
    },
    /// More came back than was asked for.
    #[error("{what} on {board} gave more than {most} bytes back, and was ended")]
    TooMuch {
        /// Which board.
        board: BoardName,
        /// What was asked.
        what: String,
        /// The most that it may give.
        most: usize,
    },
    /// There is no engine.
    #[error(
        "there is no engine's socket /var/run/docker.sock on {board}: is Docker installed and running there? `pirack preflight --fix {board}` installs it"
    )]
    NoEngine {
        /// Which board.
        board: BoardName,
    },
    /// Its engine does not answer.
    #[error("the engine on {board} does not answer as an engine")]
    Engine {
        /// Which board.
        board: BoardName,
        /// What came of it.
        source: Box<bollard::errors::Error>,
    },
    /// Its engine is not reached over TLS.
    #[error("the engine of {board} is not reached over TLS at {address} port {port} ({said}): {remedy}")]
    Tls {
        /// Which board.
        board: BoardName,
        /// Where.
        address: Ipv4Addr,
        /// At which port.
        port: u16,
        /// In the words of TLS.
        said: String,
        /// What to do.
        remedy: String,
    },
    /// It is reached over TLS alone, where there is no shell.
    #[error(
        "{what} needs a shell on {board}, and the rack file reaches its engine over TLS alone: give it `ssh` access for that"
    )]
    NoShell {
        /// Which board.
        board: BoardName,
        /// What was asked.
        what: String,
    },
    /// A file of the manager's own machine.
    #[error("cannot use {} for the connection to {board}", path.display())]
    File {
        /// Which board.
        board: BoardName,
        /// Which file.
        path: PathBuf,
        /// What came of it.
        source: io::Error,
    },
    /// OpenSSH's client is not there, or cannot be run.
    #[error("cannot run `{program}` on this machine: install OpenSSH's client (openssh-client)")]
    NoSsh {
        /// Which program.
        program: &'static str,
        /// What came of it.
        source: io::Error,
    },
}

impl LinkError {
    /// Whether the same may succeed in a moment, over a connection made anew.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        matches!(
            self,
            Self::Unreachable { .. }
                | Self::Late { .. }
                | Self::Broken { .. }
                | Self::Engine { .. }
                | Self::Tls { .. }
        )
    }
}

/// An error with its causes, with no break of a line: it stands in a table.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        // Some errors say their cause themselves.
        if !text.ends_with(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn shown(fingerprints: &[Fingerprint]) -> String {
    if fingerprints.is_empty() {
        return String::new();
    }
    let each: Vec<String> = fingerprints.iter().map(ToString::to_string).collect();
    format!(" ({})", each.join(", "))
}

fn at(file: &Option<String>) -> String {
    file.as_ref().map_or_else(String::new, |file| format!(", known in {file}"))
}

fn because(said: &str) -> String {
    if said.is_empty() { String::new() } else { format!(" ({said})") }
}
