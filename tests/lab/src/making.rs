//! Things of the cache that are made once, by a program that may take minutes: root trees, bases, jars.
//!
//! What is at its place is whole: it is made beside it, in `NAME.part`, and renamed. One is made at a time in a
//! folder, by whoever has its lock; others wait. The program holds the lock too and ends with whoever started it,
//! so that, however that was, nobody makes the same meanwhile; what it left is removed by the next.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use crate::error::LabError;
use crate::tool;

/// Longer than anything here is given to be made.
const PATIENCE: Duration = Duration::from_secs(3600);

/// The right to make something, until dropped.
pub(crate) struct Making {
    place: PathBuf,
    part: PathBuf,
    lock: File,
}

impl Making {
    /// Waits for the right to make that file or folder of the cache. It may have been made by then.
    ///
    /// # Errors
    /// When the folder cannot be written, or another maker goes on for an hour.
    pub(crate) fn begin(place: &Path) -> Result<Self, LabError> {
        let (folder, name) = (place.parent().unwrap_or(place), place.file_name().unwrap_or_default());
        fs::create_dir_all(folder).map_err(LabError::file("making", folder))?;
        let path = folder.join("lock");
        let lock = File::create(&path).map_err(LabError::file("opening", &path))?;
        let mut told = false;
        tool::wait_until(&format!("another process's part in {}", folder.display()), PATIENCE, || {
            let free = lock.try_lock().is_ok();
            if !free && !told {
                tool::say(&format!(
                    "another process is making something in {}; waiting for it",
                    folder.display()
                ));
                told = true;
            }
            Ok(free)
        })?;
        for entry in fs::read_dir(folder).map_err(LabError::file("listing", folder))?.flatten() {
            if entry.path().extension().is_some_and(|end| end == "part") {
                remove(&entry.path())?;
            }
        }
        let mut part = name.to_owned();
        part.push(".part");
        let making = Self { place: place.to_owned(), part: folder.join(part), lock };
        fs::create_dir(&making.part).map_err(LabError::file("making", &making.part))?;
        Ok(making)
    }

    /// An empty folder, to make it in.
    pub(crate) fn part(&self) -> &Path {
        &self.part
    }

    /// Runs a program that ends at the deadline, and with this process. All that it says goes to the log; lines that
    /// begin with `: ` are for whoever waits.
    ///
    /// # Errors
    /// When it cannot be started, or the log not be written.
    pub(crate) fn run(
        &self,
        deadline: Duration,
        log: &Path,
        program: &Command,
    ) -> Result<ExitStatus, LabError> {
        let output = File::create(log).map_err(LabError::file("writing", log))?;
        let errors = output.try_clone().map_err(LabError::file("writing", log))?;
        let seconds = deadline.as_secs().to_string();
        let mut command = Command::new("setpriv");
        // Whoever waits for it gone, it ends; too slow, it ends as well.
        command.args(["--pdeathsig", "TERM", "timeout", "--kill-after=2", &seconds]);
        command.arg(program.get_program()).args(program.get_args());
        command.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let mut child = command
            .stdin(Stdio::from(self.lock.try_clone().map_err(LabError::kernel("sharing a lock"))?))
            .stdout(Stdio::piped())
            .stderr(Stdio::from(errors))
            .spawn()
            .map_err(LabError::kernel("starting setpriv"))?;
        if let Some(stdout) = child.stdout.take() {
            follow(BufReader::new(stdout), output).map_err(LabError::file("writing", log))?;
        }
        child.wait().map_err(LabError::kernel("waiting for setpriv"))
    }

    /// Puts what was made into its place, instead of what may be there.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub(crate) fn finish(self, made: &Path) -> Result<PathBuf, LabError> {
        remove(&self.place)?;
        fs::rename(made, &self.place).map_err(LabError::file("renaming", made))?;
        Ok(self.place.clone())
    }
}

impl Drop for Making {
    fn drop(&mut self) {
        // What stays goes with the next.
        drop(remove(&self.part));
    }
}

/// Progress to the screen, all of it to the log.
fn follow(lines: impl BufRead, mut log: File) -> std::io::Result<()> {
    for line in lines.split(b'\n') {
        let line = String::from_utf8_lossy(&line?).into_owned();
        writeln!(log, "{line}")?;
        if let Some(progress) = line.strip_prefix(": ") {
            tool::say(progress);
        }
    }
    Ok(())
}

fn remove(path: &Path) -> Result<(), LabError> {
    let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    match removed {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(LabError::file("removing", path)(error))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_secs(20);

    #[test]
    fn what_a_killed_maker_left_goes_and_what_is_whole_takes_its_place_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let left = folder.path().join("other.part/half");
        fs::create_dir_all(&left).unwrap();
        let making = Making::begin(&folder.path().join("tree")).unwrap();
        assert!(!left.exists() && fs::read_dir(making.part()).unwrap().next().is_none());
        let mut maker = Command::new("sh");
        maker.args(["-c", "echo ': begun'; echo \"$WHAT\" >\"$1/made\"", "sh"]).arg(making.part());
        let log = folder.path().join("log");
        assert!(making.run(SOON, &log, maker.env("WHAT", "whole")).unwrap().success());
        assert_eq!(fs::read_to_string(log).unwrap(), ": begun\n");
        let made = making.part().join("made");
        let place = making.finish(&made).unwrap();
        assert_eq!(fs::read_to_string(place).unwrap(), "whole\n");
        assert!(!folder.path().join("tree.part").exists());
    }

    #[test]
    fn two_never_make_in_one_folder_at_a_time_also_when_the_maker_outlives_its_starter() {
        let folder = tempfile::tempdir().unwrap();
        let other = || File::open(folder.path().join("lock")).unwrap().try_lock();
        let making = Making::begin(&folder.path().join("tree")).unwrap();
        assert!(other().is_err());
        let mut maker =
            Command::new("sleep").arg("60").stdin(making.lock.try_clone().unwrap()).spawn().unwrap();
        drop(making);
        assert!(other().is_err());
        maker.kill().unwrap();
        maker.wait().unwrap();
        assert!(other().is_ok());
    }

    #[test]
    fn a_maker_that_takes_too_long_is_ended() {
        let folder = tempfile::tempdir().unwrap();
        let making = Making::begin(&folder.path().join("tree")).unwrap();
        let mut maker = Command::new("sleep");
        let status =
            making.run(Duration::from_secs(1), &folder.path().join("log"), maker.arg("600")).unwrap();
        assert_eq!(status.code(), Some(124));
    }
}
