//! The manager's own folder for sockets: nobody else can look into it, and it goes with the process.
//!
//! It lies in `$XDG_RUNTIME_DIR` where there is one, else among temporary files: a socket's path may have 107
//! bytes, and ssh adds 17 to it while it makes it. A process that was killed leaves its folder; whoever comes
//! next removes it, told by the lock that only a living process holds.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;

const PREFIX: &str = "pirack-link-";
/// So that what is below it fits into a socket's address.
const LONGEST: usize = 60;
/// A folder younger than this may not have its lock yet.
const YOUNG: Duration = Duration::from_secs(60);

/// One process's folder.
#[derive(Debug)]
pub(super) struct Folder {
    dir: TempDir,
    _lock: File,
}

impl Folder {
    /// Makes it, and removes what killed processes left.
    pub(super) fn make() -> io::Result<Self> {
        let base = base()?;
        sweep(&base);
        let mut builder = tempfile::Builder::new();
        let dir = builder.prefix(PREFIX).permissions(fs::Permissions::from_mode(0o700)).tempdir_in(&base)?;
        let lock = File::create(dir.path().join("lock"))?;
        lock.try_lock().map_err(io::Error::from)?;
        Ok(Self { dir, _lock: lock })
    }

    /// A folder of its own below it, which the caller removes.
    pub(super) fn below(&self, name: &str) -> io::Result<PathBuf> {
        let path = self.dir.path().join(name);
        fs::DirBuilder::new().mode(0o700).create(&path)?;
        Ok(path)
    }
}

/// The first place that is there and short enough.
fn base() -> io::Result<PathBuf> {
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    let candidates = [runtime, Some(std::env::temp_dir()), Some(PathBuf::from("/tmp"))];
    let fits = |path: &PathBuf| path.is_absolute() && path.is_dir() && path.as_os_str().len() <= LONGEST - 20;
    let none = || {
        io::Error::other(
            "neither $XDG_RUNTIME_DIR nor the folder for temporary files has a path short enough for sockets: set TMPDIR=/tmp",
        )
    };
    candidates.into_iter().flatten().find(fits).ok_or_else(none)
}

/// Removes this user's folders whose process has gone. What cannot be removed is left for the next.
fn sweep(base: &Path) {
    let own = rustix::process::geteuid().as_raw();
    for entry in fs::read_dir(base).into_iter().flatten().flatten() {
        let Ok(meta) = entry.metadata() else { continue };
        let old = meta.modified().ok().and_then(|time| time.elapsed().ok()).is_some_and(|age| age > YOUNG);
        let ours =
            entry.file_name().to_string_lossy().starts_with(PREFIX) && meta.is_dir() && meta.uid() == own;
        if ours && old && is_left(&entry.path()) {
            drop(fs::remove_dir_all(entry.path()));
        }
    }
}

fn is_left(folder: &Path) -> bool {
    match File::open(folder.join("lock")) {
        Ok(lock) => lock.try_lock().is_ok(),
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_else_can_look_into_it_and_it_goes_with_its_process() {
        let folder = Folder::make().unwrap();
        let below = folder.below("1").unwrap();
        for path in [folder.dir.path(), &below] {
            assert_eq!(fs::metadata(path).unwrap().mode() & 0o777, 0o700);
        }
        // With ssh's own addition while it binds.
        assert!(below.join("c.0123456789abcdef").as_os_str().len() < 108);
        drop(folder);
        assert!(!below.exists());
    }

    #[test]
    fn what_a_killed_process_left_is_removed_and_what_a_living_one_has_is_not() {
        let base = tempfile::tempdir().unwrap();
        let make = |name: &str| {
            let path = base.path().join(format!("{PREFIX}{name}"));
            fs::create_dir(&path).unwrap();
            let lock = File::create(path.join("lock")).unwrap();
            File::open(&path).unwrap().set_modified(std::time::SystemTime::now() - 2 * YOUNG).unwrap();
            (path, lock)
        };
        let (dead, _) = make("dead");
        let (living, lock) = make("living");
        lock.try_lock().unwrap();
        sweep(base.path());
        assert!(!dead.exists() && living.exists());
    }
}
