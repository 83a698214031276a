//! The engine's socket for a user who may become root, and is not in the group `docker`.
//!
//! sshd forwards with the user's own rights, so it cannot open the socket. Here every connection to a private
//! socket of this machine becomes one command over the same session: root's perl, which each Debian has,
//! carries bytes between its own streams and the engine's socket. sshd allows ten commands at a time; at most
//! [`MOST`] of them are ours, and another connection waits.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::{fs, io};

use openssh::{Session, Stdio};
use tokio::io::{AsyncWriteExt as _, copy};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, JoinSet};

use super::command::quoted;

/// Connections at one time.
const MOST: usize = 4;

const CARRY: &str = r#"
use IO::Socket::UNIX;
my $engine = IO::Socket::UNIX->new(Peer => $ARGV[0]) or die "$ARGV[0]: $!\n";
my ($in, $out) = (fileno(STDIN), fileno($engine));
my $open = 1;
sub carry {
    my ($from, $to) = @_;
    my $read = sysread($from, my $bytes, 65536);
    return 0 unless $read;
    for (my $done = 0; $done < $read;) { $done += syswrite($to, $bytes, $read - $done, $done) || exit 1 }
    return 1;
}
while (1) {
    my $ready = '';
    vec($ready, $in, 1) = 1 if $open;
    vec($ready, $out, 1) = 1;
    next if select($ready, undef, undef, undef) < 1;
    if (vec($ready, $out, 1) and not carry($engine, \*STDOUT)) { exit 0 }
    if ($open and vec($ready, $in, 1) and not carry(\*STDIN, $engine)) { $open = 0; shutdown($engine, 1) }
}
"#;

/// A bridge; it ends with this value.
#[derive(Debug)]
pub(super) struct Bridge {
    accepting: JoinHandle<()>,
}

impl Bridge {
    /// Listens at `local`, for this user alone.
    pub(super) fn begin(session: Arc<Session>, local: &Path, socket: &str) -> io::Result<Self> {
        let listener = UnixListener::bind(local)?;
        fs::set_permissions(local, fs::Permissions::from_mode(0o600))?;
        let line = format!("sudo -n perl -e {} {}", quoted(CARRY), quoted(socket));
        Ok(Self { accepting: tokio::spawn(accept(listener, session, line)) })
    }
}

impl Drop for Bridge {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: UnixListener, session: Arc<Session>, line: String) {
    let places = Arc::new(Semaphore::new(MOST));
    // Connections end with the bridge: the set aborts what it holds.
    let mut carried = JoinSet::new();
    let line: Arc<str> = line.into();
    loop {
        while carried.try_join_next().is_some() {}
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let Ok((client, _)) = listener.accept().await else { return };
        let (session, line) = (Arc::clone(&session), Arc::clone(&line));
        carried.spawn(async move {
            if let Err(error) = carry(client, session, &line).await {
                tracing::debug!(%error, "a connection to an engine ended");
            }
            drop(place);
        });
    }
}

/// One connection, until both ends have said all. Its client sees a failure as a connection that ends early.
async fn carry(client: UnixStream, session: Arc<Session>, line: &str) -> Result<(), openssh::Error> {
    let mut command = session.arc_raw_command(line);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().await?;
    let (Some(mut stdin), Some(mut stdout)) = (child.stdin().take(), child.stdout().take()) else {
        return Ok(());
    };
    let (mut from, mut to) = client.into_split();
    let asking = async {
        let copied = copy(&mut from, &mut stdin).await;
        drop(stdin);
        copied
    };
    let answering = async {
        copy(&mut stdout, &mut to).await?;
        to.shutdown().await
    };
    tokio::pin!(asking);
    // The engine closes when it has answered, whatever the client would still say.
    tokio::select! {
        answered = answering => answered.map_err(openssh::Error::ChildIo),
        () = async { drop((&mut asking).await); std::future::pending().await } => Ok(()),
    }
}
