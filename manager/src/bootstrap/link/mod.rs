//! How the manager reaches a board: one connection, for its shell, its files and its engine.
//!
//! By SSH, one session a board, with the engine's socket forwarded through it; by TLS, the engine alone; or the
//! manager's own machine. The invariant: a host key that nobody vouches for is never taken, every call ends
//! within its deadline, and a connection that broke says so and can be made anew under the same [`Link`].

mod bridge;
mod command;
mod diagnose;
mod doors;
mod engine;
mod error;
mod exchange;
mod files;
mod folder;
pub mod host_key;
mod master;
mod ssh;
#[cfg(test)]
pub(crate) mod testing;
mod tls;
pub mod trust;

use std::path::Path;
use std::process::Stdio;

use bollard::Docker;
use tokio::process::Command;
use tokio::time::{Instant, timeout};

pub use command::{Ran, Script, quoted};
pub use doors::{Doors, Links};
pub use engine::SOCKET;
pub use error::LinkError;
pub(crate) use error::chain;
pub use master::Root;

use crate::rack::{Access, Board, BoardName};
use exchange::exchange;
use ssh::Ssh;

/// Beyond a script's own deadline, which the board keeps: for its answer to come back.
const GRACE: std::time::Duration = std::time::Duration::from_secs(10);
/// What `timeout` ends with when it ended a program.
const TIMED_OUT: i32 = 124;

/// A connection to one board. It ends when this is dropped.
#[derive(Debug)]
pub struct Link {
    board: Board,
    way: Way,
}

#[derive(Debug)]
enum Way {
    Ssh(Box<Ssh>),
    Tls(Docker),
    Local(Root),
}

impl Link {
    async fn open(board: &Board, doors: &Doors) -> Result<Self, LinkError> {
        let way = match &board.access {
            Access::Ssh(access) => Way::Ssh(Box::new(Ssh::open(board, access, doors).await?)),
            Access::Tls(access) => Way::Tls(tls::over_tls(board, access).await?),
            Access::Local => Way::Local(own_root()),
        };
        Ok(Self { board: board.clone(), way })
    }

    /// Whose it is.
    #[must_use]
    pub fn board(&self) -> &Board {
        &self.board
    }

    /// How we may do there what only root may; without a shell, not at all.
    pub async fn root(&self) -> Root {
        match &self.way {
            Way::Ssh(ssh) => ssh.root().await,
            Way::Tls(_) => Root::No,
            Way::Local(root) => *root,
        }
    }

    /// As whom we are there.
    #[must_use]
    pub fn user(&self) -> &str {
        match &self.board.access {
            Access::Ssh(access) => &access.user,
            Access::Tls(_) | Access::Local => "this user",
        }
    }

    /// Whether there is a shell.
    #[must_use]
    pub fn has_shell(&self) -> bool {
        !matches!(self.way, Way::Tls(_))
    }

    /// Runs a script. That it ends with an error is for the caller to judge; see [`Link::ask`].
    ///
    /// # Errors
    /// When it cannot be run, is cut off or takes too long.
    pub async fn run(&self, script: &Script) -> Result<Ran, LinkError> {
        let begun = Instant::now();
        let running = async {
            // A connection that is just being made anew is waited for too.
            let line = script.line(self.needs_sudo(script).await?);
            match &self.way {
                Way::Ssh(ssh) => ssh.run(script, &line).await,
                Way::Local(_) => self.run_here(script, &line).await,
                Way::Tls(_) => {
                    Err(LinkError::NoShell { board: self.name().clone(), what: script.what.clone() })
                }
            }
        };
        let ran = timeout(script.deadline + GRACE, running).await;
        match ran {
            Ok(Ok(ran)) if ran.status == TIMED_OUT && begun.elapsed() >= script.deadline => {
                Err(self.late(script))
            }
            Ok(ran) => ran,
            Err(_) => Err(self.late(script)),
        }
    }

    async fn needs_sudo(&self, script: &Script) -> Result<bool, LinkError> {
        match (script.as_root, self.root().await) {
            (false, _) | (true, Root::Own) => Ok(false),
            (true, Root::Sudo) => Ok(true),
            (true, Root::No) if self.has_shell() => {
                let (board, user) = (self.name().clone(), self.user().to_owned());
                Err(LinkError::NoRoot { board, what: script.what.clone(), user })
            }
            (true, Root::No) => Ok(false),
        }
    }

    /// As [`Link::run`], but a script that does not end with 0 is an error.
    ///
    /// # Errors
    /// As [`Link::run`], and with the end of what the script said.
    pub async fn ask(&self, script: &Script) -> Result<Ran, LinkError> {
        let ran = self.run(script).await?;
        if ran.is_well() {
            return Ok(ran);
        }
        let (board, what) = (self.name().clone(), script.what.clone());
        Err(LinkError::Failed { board, what, status: ran.status, said: ran.stderr })
    }

    /// The board's engine. Clients of it stay usable over a connection that is made anew.
    ///
    /// # Errors
    /// When it cannot be reached, does not answer, or is closed to us.
    pub async fn docker(&self) -> Result<Docker, LinkError> {
        match &self.way {
            Way::Ssh(ssh) => ssh.docker(self).await,
            Way::Tls(client) => Ok(client.clone()),
            Way::Local(_) if !Path::new(SOCKET).exists() => {
                Err(LinkError::NoEngine { board: self.name().clone() })
            }
            Way::Local(_) => engine::over_socket(self.name(), Path::new(SOCKET)).await,
        }
    }

    /// Whether the connection still stands: asked of the board itself where that is possible.
    pub async fn is_up(&self) -> bool {
        match &self.way {
            Way::Ssh(ssh) => ssh.is_up().await,
            Way::Tls(client) => matches!(timeout(GRACE, client.ping()).await, Ok(Ok(_))),
            Way::Local(_) => true,
        }
    }

    /// Makes a connection that broke anew; one that stands is left as it is.
    ///
    /// # Errors
    /// As when it was first made.
    pub async fn renew(&self) -> Result<(), LinkError> {
        match &self.way {
            Way::Ssh(ssh) => ssh.renew(&self.board).await,
            Way::Tls(_) | Way::Local(_) => Ok(()),
        }
    }

    fn name(&self) -> &BoardName {
        &self.board.name
    }

    fn late(&self, script: &Script) -> LinkError {
        LinkError::Late {
            board: self.name().clone(),
            what: script.what.clone(),
            deadline: script.deadline,
            hint: "the board was told to end it; look at its load and its disk",
        }
    }

    async fn run_here(&self, script: &Script, line: &str) -> Result<Ran, LinkError> {
        let no_shell = |source| LinkError::NoSsh { program: "sh", source };
        let mut shell = Command::new("sh");
        shell.arg("-c").arg(line).process_group(0).kill_on_drop(true);
        shell.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = shell.spawn().map_err(no_shell)?;
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        let (Some(stdin), Some(stdout), Some(stderr)) = (stdin, stdout, child.stderr.take()) else {
            return Err(no_shell(std::io::Error::from(std::io::ErrorKind::BrokenPipe)));
        };
        let streams = exchange(&script.input, script.most, stdin, stdout, stderr).await.map_err(no_shell)?;
        if streams.cut {
            return Err(self.too_much(script));
        }
        let status = child.wait().await.map_err(no_shell)?;
        let signal = std::os::unix::process::ExitStatusExt::signal(&status).map(|signal| 128 + signal);
        let status = status.code().or(signal).unwrap_or(-1);
        Ok(Ran { status, stdout: streams.stdout, stderr: streams.stderr })
    }

    fn too_much(&self, script: &Script) -> LinkError {
        LinkError::TooMuch { board: self.name().clone(), what: script.what.clone(), most: script.most }
    }
}

/// What this process may do on its own machine; `sudo` is tried when it is first needed.
fn own_root() -> Root {
    if rustix::process::geteuid().is_root() { Root::Own } else { Root::Sudo }
}
