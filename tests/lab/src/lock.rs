//! One holder of a lab at a time, by a lock that ends with whoever holds it and says who that is.
//!
//! The file `lock` in the lab's state folder is locked with flock(2). While a machine's first process is being
//! started and has not been written down yet, its starter holds the same lock (see `machine`): whoever gets it
//! finds every process recorded.

use std::fmt;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::error::LabError;
use crate::place::Place;
use crate::process::Process;
use crate::tool;

/// How long a holder that has just been killed may still be starting a process.
const GRACE: Duration = Duration::from_secs(10);

/// Who holds it, as written into the lock.
#[derive(Debug, Serialize, Deserialize)]
struct Holder {
    process: Process,
    program: String,
    since: String,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (process {}, since {})", self.program, self.process.pid, self.since)
    }
}

/// A lock is held for a moment before it is signed.
const UNSIGNED: &str = "a process that has not signed yet";

/// The lab's lock, held until dropped.
#[derive(Debug)]
pub(crate) struct Lock {
    file: File,
}

/// One try at the lock.
enum Try {
    Taken(Lock),
    Held { holder: String, lives: bool },
}

impl Lock {
    /// Takes the lab's lock, and makes its state folder if need be. Waits so long for a living holder, and says for
    /// whom.
    ///
    /// # Errors
    /// [`LabError::Held`] when another process has it still.
    pub(crate) fn take(place: &Place, patience: Duration) -> Result<Self, LabError> {
        let began = Instant::now();
        let mut told = false;
        loop {
            let (holder, lives) = match Self::attempt(place)? {
                Try::Taken(lock) => return Ok(lock),
                Try::Held { holder, lives } => (holder, lives),
            };
            if began.elapsed() > if lives { patience } else { patience.max(GRACE) } {
                return Err(LabError::Held { name: place.name().to_owned(), holder });
            }
            if lives && !told {
                tool::say(&format!("lab {} is held by {holder}; waiting for it", place.name()));
                told = true;
            }
            tool::pause();
        }
    }

    /// As [`Lock::take`], but for nothing when a living process has it.
    pub(crate) fn take_free(place: &Place) -> Result<Option<Self>, LabError> {
        match Self::take(place, Duration::ZERO) {
            Ok(lock) => Ok(Some(lock)),
            Err(LabError::Held { .. }) => Ok(None),
            Err(other) => Err(other),
        }
    }

    fn attempt(place: &Place) -> Result<Try, LabError> {
        let path = place.state().join("lock");
        loop {
            fs::create_dir_all(place.state()).map_err(LabError::file("making", place.state()))?;
            let options = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
            let mut file = match options {
                // The folder went between the two: its lab has just been taken down.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                other => other.map_err(LabError::file("opening", &path))?,
            };
            match file.try_lock() {
                Ok(()) if is_still(&file, &path) => {
                    sign(&mut file).map_err(LabError::file("writing", &path))?;
                    return Ok(Try::Taken(Self { file }));
                }
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    let holder = signature(&mut file);
                    let lives = holder.as_ref().is_some_and(|holder| holder.process.lives());
                    let holder = holder.map_or_else(|| UNSIGNED.to_owned(), |holder| holder.to_string());
                    return Ok(Try::Held { holder, lives });
                }
                Err(TryLockError::Error(error)) => return Err(LabError::file("locking", &path)(error)),
            }
        }
    }

    /// The same lock, for a child process to hold until it has written down what it started.
    pub(crate) fn shared(&self) -> Result<File, LabError> {
        self.file.try_clone().map_err(LabError::kernel("sharing the lab's lock"))
    }
}

/// Who holds the lab, if somebody does: not what was just being started by one that is dead.
pub(crate) fn holder(place: &Place) -> Option<String> {
    let mut file = File::open(place.state().join("lock")).ok()?;
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => match signature(&mut file) {
            Some(holder) if !holder.process.lives() => None,
            Some(holder) => Some(holder.to_string()),
            None => Some(UNSIGNED.to_owned()),
        },
        _ => None,
    }
}

/// Whether the path still leads to the file: it is deleted with its lab.
fn is_still(file: &File, path: &Path) -> bool {
    let there = fs::metadata(path).map(|meta| (meta.dev(), meta.ino())).ok();
    there.is_some() && there == file.metadata().map(|meta| (meta.dev(), meta.ino())).ok()
}

fn sign(file: &mut File) -> std::io::Result<()> {
    let Some(process) = Process::this() else { return Ok(()) };
    let program = std::env::args().next().unwrap_or_default();
    let holder = Holder { process, program, since: jiff::Timestamp::now().to_string() };
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(serde_json::to_string(&holder)?.as_bytes())
}

fn signature(file: &mut File) -> Option<Holder> {
    let mut text = String::new();
    file.rewind().and_then(|()| file.read_to_string(&mut text)).ok()?;
    serde_json::from_str(&text).ok()
}
