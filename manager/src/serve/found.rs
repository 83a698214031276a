//! How this machine's commands find `pirack serve`: by a file in the rack's state folder.
//!
//! `serve.json` says the address and a token that is an operator's for as long as this service runs. Its owner alone
//! may read it, so a command of the same user finds the way in and no other does. The service holds a lock on
//! `serve` beside it while it lives: a file without that lock was left by one that was killed, and counts for nothing.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::operation::journal::place::StateFolder;

/// Why the service cannot be found, or there are two.
#[derive(Debug, thiserror::Error)]
pub enum FoundError {
    /// Another one.
    #[error("pirack serve already serves this rack from {}: end that one first, or pass another --state DIR", path.display())]
    Taken {
        /// The folder.
        path: PathBuf,
    },
    /// The file.
    #[error("cannot write {}: see to it that the folder can be written", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What came of it.
        #[source]
        source: io::Error,
    },
}

/// Where it is, and what opens it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// `http://ADDRESS:PORT`.
    pub url: String,
    /// An operator's.
    pub token: String,
}

impl std::fmt::Debug for Found {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Found({})", self.url)
    }
}

/// A running service's place; it is given up with the value, or with the process.
#[derive(Debug)]
pub struct Place {
    file: PathBuf,
    _lock: File,
}

impl Place {
    /// Takes it for a service that listens on `served` and knows `token`.
    ///
    /// # Errors
    /// When another service has it, or the file cannot be written.
    pub fn take(state: &StateFolder, served: SocketAddr, token: &str) -> Result<Self, FoundError> {
        let lock = state.path().join("serve");
        let failed = |path: &PathBuf| {
            let path = path.clone();
            move |source| FoundError::File { path, source }
        };
        let locked = File::options().create(true).append(true).open(&lock).map_err(failed(&lock))?;
        if !taken(&locked) {
            return Err(FoundError::Taken { path: state.path().to_owned() });
        }
        let file = state.path().join("serve.json");
        let found = Found { url: format!("http://{}", reachable(served)), token: token.to_owned() };
        write(&file, &serde_json::to_string(&found).unwrap_or_default()).map_err(failed(&file))?;
        Ok(Self { file, _lock: locked })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(&self.file) {
            tracing::debug!(%error, "the file that says where this service is stays, and counts for nothing");
        }
    }
}

/// Whether the lock is ours now. A command that looks whether a service lives has it for a moment.
fn taken(lock: &File) -> bool {
    (0..10).any(|_| {
        let ours = lock.try_lock().is_ok();
        if !ours {
            std::thread::park_timeout(Duration::from_millis(20));
        }
        ours
    })
}

/// The service of this user or, for root's, of this system, if one lives.
#[must_use]
pub fn find(folders: &[StateFolder]) -> Option<Found> {
    folders.iter().find_map(|state| {
        let text = fs::read_to_string(state.path().join("serve.json")).ok()?;
        // Whoever could take the lock finds nobody there.
        let lock = File::options().read(true).open(state.path().join("serve")).ok()?;
        let lives = matches!(lock.try_lock_shared(), Err(fs::TryLockError::WouldBlock));
        if lives { serde_json::from_str(&text).ok() } else { None }
    })
}

/// Written beside and moved into place, so that nobody reads half of it, and for its owner alone from the first.
fn write(path: &PathBuf, text: &str) -> io::Result<()> {
    let part = path.with_extension("json.part");
    // One that a killed service left may have another owner or mode.
    match fs::remove_file(&part) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&part)?;
    file.write_all(text.as_bytes())?;
    fs::rename(part, path)
}

/// An address that is served everywhere is reached here by the loopback.
fn reachable(served: SocketAddr) -> SocketAddr {
    let ip = match served.ip() {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, served.port())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_service_is_found_while_it_lives_and_by_its_user_alone() {
        let scratch = tempfile::tempdir().unwrap();
        let state = StateFolder::at(scratch.path());
        let nowhere = StateFolder::at(&scratch.path().join("nowhere"));
        let folders = [nowhere, state.clone()];
        assert_eq!(find(&folders), None);
        let place = Place::take(&state, "0.0.0.0:8088".parse().unwrap(), "secret").unwrap();
        let file = scratch.path().join("serve.json");
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        let found = find(&folders).unwrap();
        assert_eq!((found.url.as_str(), found.token.as_str()), ("http://127.0.0.1:8088", "secret"));
        assert!(!format!("{found:?}").contains("secret"));
        let second = Place::take(&state, "127.0.0.1:1".parse().unwrap(), "other").unwrap_err();
        assert!(matches!(second, FoundError::Taken { .. }));
        let text = fs::read(&file).unwrap();
        drop(place);
        assert_eq!(find(&folders), None);
        // As one that was killed leaves it.
        fs::write(&file, text).unwrap();
        assert_eq!(find(&folders), None);
        Place::take(&state, "127.0.0.1:1".parse().unwrap(), "other").unwrap();
    }
}
