//! The folder in which a demonstration keeps its queues and its history.
//!
//! It is proven to be writable and roomy before anything starts. Invariant: nothing is taken away that
//! was not made here. A folder of our own is one that this process made, under a name that nobody had,
//! and it goes at the end; of a named folder only what was made for it goes, and only on a refusal.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use uuid::Uuid;

/// Asked for before anything starts. 13 boards that are read every second make about 240 records a
/// second, and the history wants about 140 bytes for each: an hour is 120 MB, and SQLite's log up to
/// 16 MiB more. More boards want more in proportion, and the history keeps six hours; a disk that fills
/// later is said, and records wait.
const ROOM: u64 = 160 << 20;

/// Why a folder cannot serve.
#[derive(Debug, thiserror::Error)]
pub enum ScratchError {
    /// It cannot be made or written.
    #[error("cannot write the scratch folder {}: name one that can be written with --scratch DIR", path.display())]
    Unwritable {
        /// Which folder.
        path: PathBuf,
        /// What came of it.
        #[source]
        source: io::Error,
    },
    /// It holds something.
    #[error("the scratch folder {} is not empty: a demonstration begins afresh, so name a new folder with --scratch DIR", path.display())]
    Occupied {
        /// Which folder.
        path: PathBuf,
    },
    /// Its file system is nearly full.
    #[error("the scratch folder {} has {} MiB free and a demonstration wants {}: free some, or name another with --scratch DIR", path.display(), free >> 20, ROOM >> 20)]
    Full {
        /// Which folder.
        path: PathBuf,
        /// Bytes free there.
        free: u64,
    },
}

/// A folder to write in.
#[derive(Debug)]
pub struct Scratch {
    path: PathBuf,
    /// Made here under a new name, and so taken away at the end with all it holds.
    ours: bool,
}

impl Scratch {
    /// Prepares the folder that was named, or a new one of our own.
    ///
    /// # Errors
    /// When it cannot be written, holds something already, or has too little room. Nothing is left behind.
    pub fn prepare(named: Option<&Path>) -> Result<Self, ScratchError> {
        match named {
            Some(path) => Self::named(path, ROOM),
            None => Self::own(std::env::temp_dir().join(format!("pirack-demo-{}", Uuid::new_v4())), ROOM),
        }
    }

    /// A folder that must not be there yet, for nobody else to look into.
    fn own(path: PathBuf, room: u64) -> Result<Self, ScratchError> {
        if let Err(source) = fs::DirBuilder::new().mode(0o700).create(&path) {
            return Err(ScratchError::Unwritable { path, source });
        }
        let scratch = Self { path, ours: true };
        prove(&scratch.path, room)?;
        Ok(scratch)
    }

    /// A folder that is empty or not there yet.
    fn named(path: &Path, room: u64) -> Result<Self, ScratchError> {
        let mut made = Vec::new();
        let outcome = make(path, &mut made).and_then(|()| prove(path, room));
        if outcome.is_err() {
            // One that somebody uses by now is not empty, and stays.
            made.iter().rev().for_each(|folder| drop(fs::remove_dir(folder)));
        }
        outcome.map(|()| Self { path: path.to_owned(), ours: false })
    }

    /// A named folder, whatever room there is.
    #[cfg(test)]
    pub(super) fn at(path: &Path) -> Self {
        Self::named(path, 0).unwrap()
    }

    /// The history's file.
    #[must_use]
    pub fn history(&self) -> PathBuf {
        self.path.join("history.sqlite3")
    }

    /// Where logs go while the terminal shows something else.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.path.join("demo.log")
    }

    /// The folder of a board's queue.
    #[must_use]
    pub fn queue(&self, board: &str) -> PathBuf {
        self.path.join("boards").join(board).join("queue")
    }

    /// The folder itself, where it outlives the demonstration.
    #[must_use]
    pub fn kept(&self) -> Option<&Path> {
        (!self.ours).then_some(self.path.as_path())
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if self.ours
            && let Err(error) = fs::remove_dir_all(&self.path)
        {
            tracing::debug!(%error, path = %self.path.display(), "scratch folder stays");
        }
    }
}

/// Makes a folder and every parent that is missing, and notes which, outermost first.
fn make(path: &Path, made: &mut Vec<PathBuf>) -> Result<(), ScratchError> {
    let missing: Vec<_> = path.ancestors().take_while(|folder| !reaches(folder)).collect();
    for folder in missing.into_iter().rev() {
        let source = match fs::create_dir(folder) {
            Ok(()) => {
                made.push(folder.to_owned());
                continue;
            }
            Err(source) => source,
        };
        // Somebody else may have been quicker; whether it can be used is proven next.
        if source.kind() != io::ErrorKind::AlreadyExists {
            return Err(ScratchError::Unwritable { path: path.to_owned(), source });
        }
    }
    Ok(())
}

/// Whether there is something at a path; the empty path is the working directory.
fn reaches(path: &Path) -> bool {
    path.as_os_str().is_empty() || path.exists()
}

/// That a folder is empty, roomy and takes a file.
fn prove(path: &Path, room: u64) -> Result<(), ScratchError> {
    let unwritable = |source| ScratchError::Unwritable { path: path.to_owned(), source };
    if fs::read_dir(path).map_err(unwritable)?.next().is_some() {
        return Err(ScratchError::Occupied { path: path.to_owned() });
    }
    let space = rustix::fs::statvfs(path).map_err(|errno| unwritable(errno.into()))?;
    let free = space.f_bavail.saturating_mul(space.f_frsize);
    if free < room {
        return Err(ScratchError::Full { path: path.to_owned(), free });
    }
    let probe = path.join("probe");
    let mut file = fs::File::create_new(&probe).map_err(unwritable)?;
    // The probe goes, whether it could be written or not.
    let written = file.write_all(&[0; 4096]).and_then(|()| file.sync_all());
    written.and(fs::remove_file(&probe)).map_err(unwritable)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    /// More than any disk has.
    const ENDLESS: u64 = u64::MAX;

    #[test]
    fn a_folder_that_is_there_already_is_never_taken_for_our_own() {
        let folder = tempfile::tempdir().unwrap();
        let taken = folder.path().join("pirack-demo");
        fs::create_dir(&taken).unwrap();
        fs::write(taken.join("thesis.txt"), "mine").unwrap();
        let error = Scratch::own(taken.clone(), 0).unwrap_err();
        assert!(matches!(&error, ScratchError::Unwritable { path, .. } if *path == taken), "{error}");
        assert_eq!(fs::read_to_string(taken.join("thesis.txt")).unwrap(), "mine");
    }

    #[test]
    fn a_folder_of_our_own_is_new_ours_alone_and_gone_at_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("own");
        let scratch = Scratch::own(path.clone(), 0).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
        assert_eq!(scratch.kept(), None);
        fs::create_dir_all(scratch.queue("w1")).unwrap();
        drop(scratch);
        assert!(!path.exists());
    }

    #[test]
    fn a_folder_of_our_own_that_is_refused_is_gone_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("own");
        let error = Scratch::own(path.clone(), ENDLESS).unwrap_err();
        assert!(matches!(error, ScratchError::Full { .. }), "{error}");
        assert!(!path.exists());
    }

    #[test]
    fn a_named_folder_stays_at_the_end_with_all_it_holds() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/deep");
        let scratch = Scratch::named(&path, 0).unwrap();
        assert_eq!(scratch.kept(), Some(path.as_path()));
        fs::write(scratch.history(), "rows").unwrap();
        drop(scratch);
        assert!(path.join("history.sqlite3").exists());
    }

    #[test]
    fn a_refusal_takes_away_the_parents_that_were_made_and_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let before = folder.path().join("before");
        fs::create_dir(&before).unwrap();
        assert!(Scratch::named(&before.join("a/b/c"), ENDLESS).is_err());
        assert!(before.exists() && !before.join("a").exists());
        assert!(Scratch::named(&before, ENDLESS).is_err());
        assert!(before.exists(), "an empty folder that was there stays");
    }

    #[test]
    fn a_named_folder_that_holds_something_is_refused_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("thesis.txt"), "mine").unwrap();
        let error = Scratch::named(folder.path(), 0).unwrap_err();
        assert!(matches!(error, ScratchError::Occupied { .. }), "{error}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
