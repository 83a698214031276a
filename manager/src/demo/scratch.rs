//! The folder in which a demonstration keeps its queues and its history.
//!
//! It is proven to be writable and roomy before anything starts, and a folder that we made ourselves is
//! taken away at the end.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A demonstration of an hour needs about so much.
const ROOM: u64 = 64 << 20;

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
    ours: bool,
}

impl Scratch {
    /// Prepares the folder that was named, or a new one of our own.
    ///
    /// # Errors
    /// When it cannot be written, holds something already, or has too little room. Nothing is left behind.
    pub fn prepare(named: Option<&Path>) -> Result<Self, ScratchError> {
        let ours = named.is_none();
        let path = named.map_or_else(
            || std::env::temp_dir().join(format!("pirack-demo-{}", std::process::id())),
            Path::to_path_buf,
        );
        let existed = path.is_dir();
        // Until it is proven, a folder that was not there is ours to take away again.
        let mut scratch = Self { path, ours: ours || !existed };
        scratch.prove(existed)?;
        scratch.ours = ours;
        Ok(scratch)
    }

    fn prove(&self, existed: bool) -> Result<(), ScratchError> {
        let path = self.path.clone();
        let unwritable = |source| ScratchError::Unwritable { path: self.path.clone(), source };
        if existed && fs::read_dir(&path).map_err(unwritable)?.next().is_some() {
            return Err(ScratchError::Occupied { path });
        }
        fs::create_dir_all(&path).map_err(unwritable)?;
        let space = rustix::fs::statvfs(&path).map_err(|errno| unwritable(errno.into()))?;
        let free = space.f_bavail.saturating_mul(space.f_frsize);
        if free < ROOM {
            return Err(ScratchError::Full { path, free });
        }
        let probe = path.join("probe");
        let written = fs::File::create(&probe)
            .and_then(|mut file| file.write_all(&[0; 4096]).and_then(|()| file.sync_all()))
            .and_then(|()| fs::remove_file(&probe));
        written.map_err(unwritable)
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

    /// Takes the folder away, if it is ours.
    fn remove(&self) {
        if self.ours
            && let Err(error) = fs::remove_dir_all(&self.path)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::debug!(%error, path = %self.path.display(), "scratch folder stays");
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        self.remove();
    }
}
