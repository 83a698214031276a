//! One board of a lab, as tests see it.

use std::io::{Read as _, Write as _};
use std::net::Ipv4Addr;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;
use std::{fs, io};

use bollard::{ClientVersion, Docker};
use rustix::process::{Pid, Signal};

use crate::error::LabError;
use crate::machine::Machine;
use crate::power::Ground;
use crate::ssh::Ssh;
use crate::tool;

const SOCKET: &str = "/run/docker.sock";
/// What the engine of the root tree's suite speaks.
const API: ClientVersion = ClientVersion { major_version: 1, minor_version: 41 };
/// How long an answer of an engine may take, in seconds: a build step of an image counts as one.
const ANSWER_SECONDS: u64 = 600;
pub(crate) const ENGINE_DEADLINE: Duration = Duration::from_secs(180);

/// One board: its name, its address, its engine, its shell and its faults.
#[derive(Debug, Clone)]
pub struct Board {
    pub(crate) ground: Ground,
    pub(crate) number: usize,
    pub(crate) machine: Machine,
    pub(crate) address: Ipv4Addr,
    pub(crate) ssh: Ssh,
}

impl Board {
    /// Its host name: `b1`, `b2`, ...
    #[must_use]
    pub fn name(&self) -> &str {
        &self.machine.name
    }

    /// Its address in the lab.
    #[must_use]
    pub fn address(&self) -> Ipv4Addr {
        self.address
    }

    /// Its Docker engine, over the engine's own socket: reachable from anywhere on this machine, and still when
    /// the board is unplugged.
    ///
    /// # Errors
    /// When there is no socket: the engine never came up.
    pub fn engine(&self) -> Result<Docker, LabError> {
        let path = self.machine.path(SOCKET);
        Docker::connect_with_unix(&path.to_string_lossy(), ANSWER_SECONDS, &API)
            .map_err(|source| LabError::Engine { board: self.name().to_owned(), source })
    }

    /// A program of the board's own, run on the board as root with a clean environment: in its namespaces, with
    /// its root and its clock. Killing the command's process kills the program; [`Board::signal`] sends it
    /// anything else.
    #[must_use]
    pub fn command(&self, program: &str) -> Command {
        self.machine.command(program)
    }

    /// Sends a signal to the program that a command of this board started, by the id of the command's process.
    ///
    /// # Errors
    /// When the program has not begun yet, or has ended.
    pub fn signal(&self, command: u32, signal: Signal) -> Result<(), LabError> {
        let what = || format!("sending {signal:?} to the program of process {command} on {}", self.name());
        let children = format!("/proc/{command}/task/{command}/children");
        let text = fs::read_to_string(&children).map_err(LabError::file("reading", &children))?;
        let child = text.split_whitespace().next().and_then(|id| id.parse().ok()).and_then(Pid::from_raw);
        let child =
            child.ok_or_else(|| LabError::kernel(what())(io::Error::from(io::ErrorKind::NotFound)))?;
        rustix::process::kill_process(child, signal).map_err(LabError::kernel(what()))
    }

    /// A path on the board as this machine sees it, to read and write the board's files. A path through an
    /// absolute symbolic link (`/var/run`) would lead to this machine's own: name the real one (`/run`).
    #[must_use]
    pub fn path(&self, path: &str) -> PathBuf {
        self.machine.path(path)
    }

    /// Its SSH door.
    #[must_use]
    pub fn ssh(&self) -> &Ssh {
        &self.ssh
    }

    /// Whether its engine answers within a second or two.
    #[must_use]
    pub fn engine_answers(&self) -> bool {
        engine_answers(&self.machine)
    }

    /// Waits up to a minute until the engine answers.
    ///
    /// # Errors
    /// When it does not; the letter has its last words.
    pub fn wait_engine(&self) -> Result<(), LabError> {
        let late =
            tool::wait_until(&format!("an answer of the engine of {}", self.name()), ENGINE_DEADLINE, || {
                Ok(self.engine_answers())
            });
        late.map_err(|error| match error {
            LabError::Late { what, deadline, .. } => {
                let log = fs::read_to_string(self.path("/var/log/dockerd.log")).unwrap_or_default();
                LabError::Late {
                    what,
                    deadline,
                    hint: format!("; its last words: {}", tool::last_lines(&log, 3)),
                }
            }
            other => other,
        })
    }
}

/// Whether the engine on that machine answers within a second or two.
pub(crate) fn engine_answers(machine: &Machine) -> bool {
    ping(&machine.path(SOCKET)).unwrap_or(false)
}

/// Docker's own question, asked by hand: it must be answerable while no async runtime runs.
fn ping(socket: &std::path::Path) -> io::Result<bool> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(Duration::from_secs(2)))?;
    stream.set_write_timeout(Some(Duration::from_secs(2)))?;
    stream.write_all(b"GET /_ping HTTP/1.0\r\nHost: board\r\n\r\n")?;
    let mut answer = [0; 15];
    stream.read_exact(&mut answer)?;
    Ok(answer.windows(5).any(|part| part == b" 200 "))
}
