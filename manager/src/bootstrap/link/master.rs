//! One ssh process a board, through which everything else goes: OpenSSH's own master.
//!
//! It runs a `cat` on the board that reads from this process, and that is its lifeline: when this process
//! ends, by whatever signal, `cat` reads the end of its input, ssh ends and takes its control socket along.
//! openssh's own way to start one leaves it running after a kill, waits for ever for a board that stops
//! talking halfway, and does not say what ssh said; so it is started here, and given to openssh when it is up.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio as Streams;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use openssh::Session;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

use super::command::quoted;
use super::diagnose::diagnose;
use super::engine::{self, Socket};
use super::error::LinkError;
use super::host_key::{self, Known};
use crate::rack::{Board, SshAccess};

/// From the first packet to a shell. `sudo` alone may take ten seconds where a board's own name has no address.
const CONNECT: Duration = Duration::from_secs(30);
/// How long ssh may take to end once it has no reason to stay.
const END: Duration = Duration::from_secs(3);
/// What a login shell may print before our own line.
const GREETING: u64 = 256 << 10;
const READY: &str = "pirack-link ";
/// Says who we are there and whether the engine's socket is open to us, then lives as long as its input.
fn lifeline() -> String {
    let script = format!(
        "r=none
if [ \"$(id -u)\" = 0 ]; then r=self; elif sudo -n true 2>/dev/null; then r=sudo; fi
echo \"pirack-link $r $({})\"; exec cat",
        engine::LOOK
    );
    ["sh", "-c", &script, "pirack", engine::SOCKET].map(quoted).join(" ")
}

/// How we may do what only root may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Root {
    /// We are root.
    Own,
    /// By `sudo`, which asks for no password.
    Sudo,
    /// Not at all.
    No,
}

/// A master that is up, and the session over it.
#[derive(Debug)]
pub(super) struct Master {
    pub(super) session: Arc<Session>,
    pub(super) root: Root,
    /// How the engine's socket was when we came.
    pub(super) socket: Socket,
    child: Mutex<Child>,
    log: PathBuf,
    _lifeline: ChildStdin,
}

impl Master {
    /// Connects; the control socket lies in `folder`.
    pub(super) async fn connect(
        board: &Board,
        access: &SshAccess,
        known: &Known,
        folder: &Path,
    ) -> Result<Self, LinkError> {
        let (control, log) = (folder.join("c"), folder.join("log"));
        let file = |source| LinkError::File { board: board.name.clone(), path: folder.to_owned(), source };
        // A master that was killed leaves its socket, and ssh would not make another over it.
        drop(fs::remove_file(&control));
        let mut ssh = Command::new("ssh");
        ssh.args(arguments(board, access, known, &control)).arg(lifeline()).env("LC_ALL", "C");
        ssh.stdin(Streams::piped()).stdout(Streams::piped()).stderr(File::create(&log).map_err(file)?);
        // A group of its own: Ctrl-C is for the manager, which may have a step to finish over this connection.
        ssh.process_group(0).kill_on_drop(true);
        let mut child = ssh.spawn().map_err(|source| LinkError::NoSsh { program: "ssh", source })?;
        let pipes = child.stdin.take().zip(child.stdout.take());
        let (lifeline, stdout) = pipes.ok_or_else(|| file(io::Error::from(io::ErrorKind::BrokenPipe)))?;
        let (root, socket) = match timeout(CONNECT, ready(stdout)).await {
            Ok(Ok(Some(greeting))) => greeting,
            Ok(_) => {
                drop(timeout(END, child.wait()).await);
                return Err(letter(board, access, known, &words(&log)).await);
            }
            Err(_) => {
                let (board, what) = (board.name.clone(), "connecting".to_owned());
                let hint = "it took the connection and then went silent; look at its load and its disk, or switch it off and on";
                return Err(LinkError::Late { board, what, deadline: CONNECT, hint });
            }
        };
        let session = Arc::new(Session::resume_mux(control.into_boxed_path(), None));
        Ok(Self { session, root, socket, child: Mutex::new(child), log, _lifeline: lifeline })
    }

    /// One that leads nowhere, for tests.
    #[cfg(test)]
    pub(super) fn to_nowhere(folder: &Path) -> Self {
        let mut ssh = Command::new("cat");
        ssh.stdin(Streams::piped()).stdout(Streams::null()).kill_on_drop(true);
        let mut child = ssh.spawn().unwrap();
        let lifeline = child.stdin.take().unwrap();
        let session = Arc::new(Session::resume_mux(folder.join("c").into_boxed_path(), None));
        let (child, log) = (Mutex::new(child), folder.join("log"));
        Self { session, root: Root::Own, socket: Socket::Absent, child, log, _lifeline: lifeline }
    }

    /// Whether ssh still runs.
    pub(super) fn is_up(&self) -> bool {
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        matches!(child.try_wait(), Ok(None))
    }

    /// ssh's last words, as one line.
    pub(super) fn said(&self) -> String {
        words(&self.log).lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or_default().to_owned()
    }
}

/// Waits for the line that says we are in; nothing where ssh ended without it.
async fn ready(stdout: ChildStdout) -> io::Result<Option<(Root, Socket)>> {
    let mut lines = BufReader::new(stdout.take(GREETING)).lines();
    while let Some(line) = lines.next_line().await? {
        // A greeting of the login shell's may end without a new line.
        if let Some((_, told)) = line.split_once(READY) {
            let (root, socket) = told.split_once(' ').unwrap_or((told, ""));
            let root = match root {
                "self" => Root::Own,
                "sudo" => Root::Sudo,
                _ => Root::No,
            };
            return Ok(Some((root, Socket::parse(socket))));
        }
    }
    Ok(None)
}

fn words(log: &Path) -> String {
    String::from_utf8_lossy(&fs::read(log).unwrap_or_default()).into_owned()
}

/// Why ssh ended; of a key that nobody knows, with the fingerprints to compare.
async fn letter(board: &Board, access: &SshAccess, known: &Known, words: &str) -> LinkError {
    let mut letter = diagnose(board, access, known, words);
    if let LinkError::UnknownKey { fingerprints, .. } | LinkError::ChangedKey { fingerprints, .. } =
        &mut letter
        && fingerprints.is_empty()
    {
        let keys = host_key::scan(board.address, access.port).await.unwrap_or_default();
        *fingerprints = keys.iter().map(host_key::HostKey::fingerprint).collect();
    }
    letter
}

/// ssh's command line, all but what it runs. What the user's own `~/.ssh/config` says still holds for the rest:
/// a jump host, a key, ciphers.
fn arguments(board: &Board, access: &SshAccess, known: &Known, control: &Path) -> Vec<OsString> {
    let mut all: Vec<OsString> = vec!["-S".into(), control.into(), "-l".into(), (&access.user).into()];
    all.extend(["-p".into(), access.port.to_string().into()]);
    let mut option = |text: OsString| all.extend(["-o".into(), text]);
    for text in OPTIONS {
        option(text.into());
    }
    let files = match known {
        Known::Pinned(file) => {
            option("GlobalKnownHostsFile=/dev/null".into());
            std::slice::from_ref(file)
        }
        Known::Files(files) => files,
    };
    let files: Vec<OsString> = files.iter().map(|file| escaped(file)).collect();
    option(spaced("UserKnownHostsFile=", &files));
    if let Some(identity) = &access.identity {
        option("IdentitiesOnly=yes".into());
        option(spaced("IdentityFile=", &[escaped(identity)]));
    }
    all.extend([board.address.to_string().into(), "--".into()]);
    all
}

const OPTIONS: &[&str] = &[
    // Older than OpenSSH 8.5 and 8.7 ssh does not know these, and needs not.
    "IgnoreUnknown=KnownHostsCommand,SessionType,ForkAfterAuthentication",
    "SessionType=default",
    "ForkAfterAuthentication=no",
    // Nothing is asked, and no key is taken on trust: not on DNS's, not on first sight.
    "BatchMode=yes",
    "PasswordAuthentication=no",
    "KbdInteractiveAuthentication=no",
    "StrictHostKeyChecking=yes",
    "UpdateHostKeys=no",
    "VerifyHostKeyDNS=no",
    "KnownHostsCommand=none",
    "NoHostAuthenticationForLocalhost=no",
    // A board that is gone is noticed within 15 s, one that is not there within 10.
    "ConnectTimeout=10",
    "ServerAliveInterval=5",
    "ServerAliveCountMax=3",
    // What is between the two of us is nobody else's: no agent, no display, no forward, no terminal.
    "ControlMaster=yes",
    "ControlPersist=no",
    "ClearAllForwardings=yes",
    "ForwardAgent=no",
    "ForwardX11=no",
    "PermitLocalCommand=no",
    "RemoteCommand=none",
    "RequestTTY=no",
    "StreamLocalBindMask=0177",
    "StreamLocalBindUnlink=yes",
    "LogLevel=ERROR",
];

/// A path as a value of ssh's configuration: in quotes, with its own percent signs doubled.
fn escaped(path: &Path) -> OsString {
    let text = path.to_string_lossy();
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('%', "%%")).into()
}

fn spaced(key: &str, values: &[OsString]) -> OsString {
    let mut text = OsString::from(key);
    for (index, value) in values.iter().enumerate() {
        if index > 0 {
            text.push(" ");
        }
        text.push(value);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bootstrap::link::testing::board;

    /// What ssh itself makes of our command line (`ssh -G`).
    fn understood(access: &SshAccess, known: &Known) -> String {
        let (board, _) = board("b1", "10.77.0.11");
        let mut ssh = std::process::Command::new("ssh");
        ssh.args(["-G", "-F", "none"]).args(arguments(&board, access, known, Path::new("/run/c")));
        let output = ssh.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    #[test]
    fn ssh_understands_it_and_neither_asks_nor_trusts_at_first_sight() {
        let (_, access) = board("b1", "10.77.0.11");
        let said = understood(&access, &Known::Files(vec!["/a b/known".into(), "/c%d".into()]));
        for line in [
            "hostname 10.77.0.11",
            "port 22",
            "user pi",
            "batchmode yes",
            "stricthostkeychecking true",
            "updatehostkeys false",
            "verifyhostkeydns false",
            "passwordauthentication no",
            "kbdinteractiveauthentication no",
            "controlpath /run/c",
            "controlpersist no",
            "serveraliveinterval 5",
            "userknownhostsfile /a b/known /c%d",
        ] {
            assert!(said.lines().any(|other| other == line), "{line}\n{said}");
        }
    }

    #[test]
    fn with_keys_in_the_rack_file_no_other_file_is_asked() {
        let (_, access) = board("b1", "10.77.0.11");
        let said = understood(&access, &Known::Pinned("/run/known".into()));
        for line in ["userknownhostsfile /run/known", "globalknownhostsfile /dev/null"] {
            assert!(said.lines().any(|other| other == line), "{line}\n{said}");
        }
    }
}
