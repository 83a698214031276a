//! Where a rack's state lies on this machine: one folder a rack, of the user who runs pirack.
//!
//! `$XDG_STATE_HOME/pirack/RACK`, or `~/.local/state/pirack/RACK`, or for root `/var/lib/pirack-manager/RACK`:
//!
//! | file | what | when it is deleted |
//! |---|---|---|
//! | `history.sqlite` | operations, events, what was not yet published of them, and records where the rack has no Cassandra | begins anew: see below |
//! | `history.sqlite-publisher` | the lock of the program that publishes the outbox | made anew |
//! | `serve.json` | where `pirack serve` listens, with a token for this user's commands | `serve` writes it at its next start; until then commands run by themselves |
//! | `serve` | the lock of that service | made anew |
//! | `opening` | a lock for the moment in which the history's schema is made | made anew |
//!
//! A deleted history: records come again from Kafka, which keeps them a day; what is and should be is asked of the
//! rack itself; operations that were told are on the topic `rack.events`. What is lost is the list of past
//! operations and those events that Kafka had not confirmed. No command behaves otherwise for it.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::watch::{History, HistoryError};

/// For root.
const SYSTEM: &str = "/var/lib/pirack-manager";

/// Why there is no folder.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    /// Nobody says where.
    #[error(
        "cannot tell where to keep the rack's state: set HOME, or XDG_STATE_HOME, to a folder that you may write into"
    )]
    Nowhere,
    /// It cannot be made.
    #[error("cannot use the folder {} for the rack's state: see to it that you may write into it, or set XDG_STATE_HOME to a folder where you may", path.display())]
    Folder {
        /// Which.
        path: PathBuf,
        /// What came of it.
        #[source]
        source: std::io::Error,
    },
    /// The history in it.
    #[error(transparent)]
    History(#[from] HistoryError),
}

/// What says where.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// Whether this is root.
    pub root: bool,
    /// `XDG_STATE_HOME`.
    pub state_home: Option<PathBuf>,
    /// `HOME`.
    pub home: Option<PathBuf>,
}

impl Surroundings {
    /// This process's.
    #[must_use]
    pub fn here() -> Self {
        let path = |name| std::env::var_os(name).map(PathBuf::from);
        Self {
            root: rustix::process::geteuid().is_root(),
            state_home: path("XDG_STATE_HOME"),
            home: path("HOME"),
        }
    }
}

/// A rack's folder on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateFolder(PathBuf);

impl StateFolder {
    /// That of this rack for this user. Nothing is made yet.
    ///
    /// # Errors
    /// When nothing says where.
    pub fn of(rack: &str, surroundings: &Surroundings) -> Result<Self, PlaceError> {
        let Surroundings { root, state_home, home } = surroundings;
        // The XDG specification has a relative path passed over.
        let absolute = |path: &&PathBuf| path.is_absolute();
        let base = match (state_home.as_ref().filter(absolute), home.as_ref().filter(absolute)) {
            (Some(state), _) => state.join("pirack"),
            (None, _) if *root => PathBuf::from(SYSTEM),
            (None, Some(home)) => home.join(".local/state/pirack"),
            (None, None) => return Err(PlaceError::Nowhere),
        };
        Ok(Self(base.join(rack)))
    }

    /// This very folder.
    #[must_use]
    pub fn at(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// That of this rack where root runs `pirack serve`.
    #[must_use]
    pub fn of_system(rack: &str) -> Self {
        Self(Path::new(SYSTEM).join(rack))
    }

    /// Its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Makes it, for its user alone, where it is not there, and opens the history in it.
    ///
    /// # Errors
    /// When it cannot be made, or the history not be opened.
    pub fn open(&self) -> Result<Arc<History>, PlaceError> {
        let failed = |source| PlaceError::Folder { path: self.0.clone(), source };
        if !self.0.is_dir() {
            fs::create_dir_all(&self.0).map_err(failed)?;
            fs::set_permissions(&self.0, Permissions::from_mode(0o700)).map_err(failed)?;
        }
        // Two programs that open a new history at once must not both make its tables.
        let opening =
            File::options().create(true).append(true).open(self.0.join("opening")).map_err(failed)?;
        opening.lock().map_err(failed)?;
        let history = self.0.join("history.sqlite");
        own(&history).map_err(failed)?;
        Ok(Arc::new(History::open(&history)?))
    }
}

/// Makes a history that only its owner reads, wherever its folder is: what boards were told stands in it. SQLite gives
/// the files beside it the same mode.
fn own(history: &Path) -> std::io::Result<()> {
    let file = File::options().create(true).append(true).mode(0o600).open(history)?;
    if file.metadata()?.permissions().mode() & 0o077 != 0 {
        file.set_permissions(Permissions::from_mode(0o600))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_lies_where_the_system_wants_it() {
        let some = |path: &str| Some(PathBuf::from(path));
        let of = |root, state_home, home| {
            let surroundings = Surroundings { root, state_home, home };
            StateFolder::of("desk", &surroundings).map(|folder| folder.0.display().to_string()).ok()
        };
        assert_eq!(of(false, some("/s"), some("/h")).as_deref(), Some("/s/pirack/desk"));
        assert_eq!(of(false, some("s"), some("/h")).as_deref(), Some("/h/.local/state/pirack/desk"));
        assert_eq!(of(true, None, some("/root")).as_deref(), Some("/var/lib/pirack-manager/desk"));
        assert_eq!(of(true, some("/s"), None).as_deref(), Some("/s/pirack/desk"));
        assert_eq!(of(false, None, None), None);
    }

    #[test]
    fn the_folder_is_its_users_alone_and_a_second_program_finds_the_same_history() {
        let scratch = tempfile::tempdir().unwrap();
        let folder = StateFolder::at(&scratch.path().join("a/b"));
        let first = folder.open().unwrap();
        let second = folder.open().unwrap();
        assert_eq!(first.path(), second.path());
        let mode = fs::metadata(folder.path()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
    }

    #[test]
    fn only_its_owner_reads_a_history_in_a_folder_that_others_may_look_into() {
        let scratch = tempfile::tempdir().unwrap();
        fs::set_permissions(scratch.path(), Permissions::from_mode(0o755)).unwrap();
        let path = scratch.path().join("history.sqlite");
        let mode = || fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        let folder = StateFolder::at(scratch.path());
        drop(folder.open().unwrap());
        assert_eq!(mode(), 0o600);
        // One of an earlier version.
        fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        let history = folder.open().unwrap();
        assert_eq!(mode(), 0o600);
        for beside in ["history.sqlite-wal", "history.sqlite-shm"] {
            let mode =
                fs::metadata(scratch.path().join(beside)).map(|beside| beside.permissions().mode() & 0o777);
            assert!(mode.is_err() || mode.is_ok_and(|mode| mode == 0o600), "{beside}");
        }
        drop(history);
    }

    #[test]
    fn what_to_do_without_a_folder_is_what_every_command_takes() {
        let told = StateFolder::of("desk", &Surroundings::default()).unwrap_err().to_string();
        assert!(told.contains("set HOME, or XDG_STATE_HOME") && !told.contains("--"), "{told}");
        let told = StateFolder::at(Path::new("/proc/no")).open().unwrap_err().to_string();
        assert!(told.contains("set XDG_STATE_HOME") && !told.contains("--"), "{told}");
    }
}
