//! A board over SSH: its master, what runs through it, and its renewal.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bollard::Docker;
use openssh::Stdio;
use tokio::sync::{Mutex, Semaphore};
use tokio::time::timeout;

use super::bridge::Bridge;
use super::command::{Ran, Script};
use super::doors::Doors;
use super::engine::Socket;
use super::error::LinkError;
use super::exchange::exchange;
use super::folder::Folder;
use super::host_key::{self, Known};
use super::master::{Master, Root};
use super::{Link, engine};
use crate::rack::{Board, BoardName, SshAccess};

/// sshd takes ten commands at a time (`MaxSessions`): one is the lifeline, four the bridge's.
const COMMANDS: usize = 5;
/// How long the master may take to say that it is there, or to make a forward.
const CHECK: Duration = Duration::from_secs(10);

/// A board over SSH.
#[derive(Debug)]
pub(super) struct Ssh {
    board: BoardName,
    access: SshAccess,
    known: Known,
    /// The board's own part of the private folder; it outlives no link.
    folder: PathBuf,
    _private: Arc<Folder>,
    commands: Semaphore,
    standing: Mutex<Standing>,
}

/// What a renewal replaces, all of it at once.
#[derive(Debug)]
struct Standing {
    master: Arc<Master>,
    /// How the engine's socket was when we came; nothing once somebody has gone by it.
    greeted: Option<Socket>,
    engine: Option<(Docker, Option<Bridge>)>,
}

impl Ssh {
    pub(super) async fn open(board: &Board, access: &SshAccess, doors: &Doors) -> Result<Self, LinkError> {
        let (private, folder) = doors.folder_for(&board.name)?;
        let pinned = folder.join("known");
        let known = host_key::known(board, access, doors.trusted(), &pinned)
            .map_err(|source| LinkError::File { board: board.name.clone(), path: pinned, source })?;
        let master = Arc::new(Master::connect(board, access, &known, &folder).await?);
        let greeted = Some(master.socket);
        let standing = Mutex::new(Standing { master, greeted, engine: None });
        Ok(Self {
            board: board.name.clone(),
            access: access.clone(),
            known,
            folder,
            _private: private,
            commands: Semaphore::new(COMMANDS),
            standing,
        })
    }

    pub(super) async fn root(&self) -> Root {
        self.standing.lock().await.master.root
    }

    /// Runs one line; the deadline is the caller's.
    pub(super) async fn run(&self, script: &Script, line: &str) -> Result<Ran, LinkError> {
        let master = Arc::clone(&self.standing.lock().await.master);
        let broken = |what: &str| LinkError::Broken {
            board: self.board.clone(),
            what: what.to_owned(),
            said: master.said(),
        };
        let gone = |_: openssh::Error| broken(&script.what);
        let Ok(_place) = self.commands.acquire().await else { return Err(broken(&script.what)) };
        let mut command = master.session.raw_command(line);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().await.map_err(gone)?;
        let (stdin, stdout) = (child.stdin().take(), child.stdout().take());
        let (Some(stdin), Some(stdout), Some(stderr)) = (stdin, stdout, child.stderr().take()) else {
            return Err(broken(&script.what));
        };
        let streams = exchange(&script.input, script.most, stdin, stdout, stderr).await;
        let streams = streams.map_err(|_| broken(&script.what))?;
        if streams.cut {
            let (board, what) = (self.board.clone(), script.what.clone());
            return Err(LinkError::TooMuch { board, what, most: script.most });
        }
        let status = match child.wait().await {
            Ok(status) => status.code().unwrap_or(-1),
            // openssh's own reading of 127.
            Err(openssh::Error::Remote(_)) => 127,
            Err(other) => return Err(gone(other)),
        };
        Ok(Ran { status, stdout: streams.stdout, stderr: streams.stderr })
    }

    /// The engine's client, made once a connection.
    pub(super) async fn docker(&self, link: &Link) -> Result<Docker, LinkError> {
        let seen = self.socket(link).await?;
        let mut standing = self.standing.lock().await;
        if let Some((client, _)) = &standing.engine {
            return Ok(client.clone());
        }
        let root = standing.master.root;
        let local = self.folder.join("d");
        drop(std::fs::remove_file(&local));
        let bridge = match (seen, root) {
            (Socket::Open, _) => {
                self.forward(&standing.master, &local).await?;
                None
            }
            (Socket::Closed, Root::Own | Root::Sudo) => {
                let session = Arc::clone(&standing.master.session);
                let file =
                    |source| LinkError::File { board: self.board.clone(), path: local.clone(), source };
                Some(Bridge::begin(session, &local, engine::SOCKET).map_err(file)?)
            }
            (Socket::Closed, Root::No) => {
                let (board, user) = (self.board.clone(), self.access.user.clone());
                return Err(LinkError::NoRoot {
                    board,
                    what: "opening the engine's socket".to_owned(),
                    user,
                });
            }
            (Socket::Absent, _) => return Err(LinkError::NoEngine { board: self.board.clone() }),
        };
        let client = engine::over_socket(&self.board, &local).await?;
        standing.engine = Some((client.clone(), bridge));
        Ok(client)
    }

    /// How the engine's socket is: as it was when we came, where nobody has asked since.
    async fn socket(&self, link: &Link) -> Result<Socket, LinkError> {
        // What was absent then may have been installed since.
        if let Some(socket @ (Socket::Open | Socket::Closed)) = self.standing.lock().await.greeted.take() {
            return Ok(socket);
        }
        let look = Script::new("looking for the engine", engine::LOOK).with(engine::SOCKET).as_user();
        Ok(Socket::parse(&link.ask(&look).await?.text()))
    }

    async fn forward(&self, master: &Master, local: &Path) -> Result<(), LinkError> {
        let made = timeout(CHECK, engine::forward(&master.session, local)).await;
        let broken = || LinkError::Broken {
            board: self.board.clone(),
            what: "forwarding the engine's socket".to_owned(),
            said: master.said(),
        };
        made.map_err(|_| broken())?.map_err(|_| broken())
    }

    pub(super) async fn is_up(&self) -> bool {
        let master = Arc::clone(&self.standing.lock().await.master);
        if !master.is_up() {
            return false;
        }
        // The master answers for itself; only a command tells of the board.
        let mut command = master.session.raw_command("true");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        matches!(timeout(CHECK, command.status()).await, Ok(Ok(_)))
    }

    pub(super) async fn renew(&self, board: &Board) -> Result<(), LinkError> {
        if self.is_up().await {
            return Ok(());
        }
        let mut standing = self.standing.lock().await;
        let had_engine = standing.engine.take().is_some();
        let master = Master::connect(board, &self.access, &self.known, &self.folder).await?;
        standing.greeted = Some(master.socket);
        standing.master = Arc::new(master);
        tracing::info!(board = %self.board, had_engine, "connected anew");
        Ok(())
    }
}

impl Drop for Ssh {
    fn drop(&mut self) {
        // ssh may be taking its socket away at this moment; the folder above goes with the process.
        drop(std::fs::remove_dir_all(&self.folder));
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::board;
    use super::*;
    use crate::bootstrap::link::Way;

    #[tokio::test(start_paused = true)]
    async fn a_script_ends_within_its_deadline_while_its_connection_is_being_made_anew() {
        let (board, access) = board("b1", "10.0.0.11");
        let doors = Doors::of(Path::new("rack.toml"));
        let (private, folder) = doors.folder_for(&board.name).unwrap();
        let known = host_key::known(&board, &access, None, &folder.join("known")).unwrap();
        let master = Arc::new(Master::to_nowhere(&folder));
        let ssh = Ssh {
            board: board.name.clone(),
            access,
            known,
            folder,
            _private: private,
            commands: Semaphore::new(COMMANDS),
            standing: Mutex::new(Standing { master, greeted: None, engine: None }),
        };
        let link = Link { board, way: Way::Ssh(Box::new(ssh)) };
        let Way::Ssh(ssh) = &link.way else { return };
        let _renewal = ssh.standing.lock().await;
        let script = Script::new("reading the time", "date").within(Duration::from_secs(4));
        let ran = timeout(Duration::from_secs(20), link.run(&script)).await;
        assert!(matches!(ran, Ok(Err(LinkError::Late { .. }))), "{ran:?}");
    }
}
