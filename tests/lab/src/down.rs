//! The end of a lab, however it came about: all that its records name goes, and nothing else.
//!
//! Whoever ends a lab holds its lock, so that nobody brings it up or ends it meanwhile. Its first processes go
//! first, and with them every process and mount; then its control groups and disks; its records last, so that
//! an end that was itself killed is found and finished by the next.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::error::LabError;
use crate::lab::Lab;
use crate::lock::Lock;
use crate::place::Place;
use crate::process::Process;
use crate::{cgroup, lab, tool};

const DEADLINE: Duration = Duration::from_secs(20);

impl Lab {
    /// Takes down the lab of that name, or what a killed run left of it. One that is not there is a success.
    ///
    /// # Errors
    /// When another process holds it, or something will not go.
    pub fn take_down(name: &str) -> Result<(), LabError> {
        let place = Place::named(name)?;
        if !place.is_there() && cgroup::groups(&place).is_empty() {
            return Ok(());
        }
        let lock = Lock::take(&place, Duration::ZERO)?;
        clear(&place)?;
        forget(&place)?;
        drop(lock);
        Ok(())
    }

    /// Takes down what killed runs left of labs of any name: of those that nobody holds and `lab up` did not bring
    /// up to stay. Returns their names.
    ///
    /// # Errors
    /// When something will not go.
    pub fn take_down_left() -> Result<Vec<String>, LabError> {
        let mut ended = Vec::new();
        for place in Place::all()? {
            if lab::is_kept(&place) {
                continue;
            }
            let Some(lock) = Lock::take_free(&place)? else { continue };
            // It may have been brought up since.
            if !lab::is_kept(&place) {
                clear(&place)?;
                forget(&place)?;
                ended.push(place.name().to_owned());
            }
            drop(lock);
        }
        Ok(ended)
    }
}

/// Ends every machine of the lab and removes what it had, the state's folder and lock excepted.
pub(crate) fn clear(place: &Place) -> Result<(), LabError> {
    let entries = fs::read_dir(place.state()).map_err(LabError::file("reading", place.state()))?;
    let folders: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    for folder in &folders {
        if let Some(init) = Process::recorded(&folder.join("init")) {
            init.end(DEADLINE)?;
        }
    }
    cgroup::remove(place)?;
    // Whoever brought it up may have had another cache than this process.
    for disks in place.recorded_disks().into_iter().chain([place.disks()]) {
        let_go(&disks)?;
        remove(disks.clone())?;
        if let Some(labs) = disks.parent() {
            // It stays while another lab is in it.
            drop(fs::remove_dir(labs));
        }
    }
    for entry in folders.into_iter().filter(|path| !path.ends_with("lock")) {
        if entry.is_dir() {
            remove(entry)?
        } else {
            fs::remove_file(&entry).map_err(LabError::file("removing", &entry))?
        }
    }
    Ok(())
}

/// Removes the state's folder. Whoever waits for its lock finds it gone, and makes another.
pub(crate) fn forget(place: &Place) -> Result<(), LabError> {
    remove(place.state())?;
    // It stays while another lab is in it.
    drop(fs::remove_dir(place.states()));
    Ok(())
}

/// Takes loop devices off what a machine was killed over in the moment of making one: others went with it.
fn let_go(disks: &Path) -> Result<(), LabError> {
    for image in fs::read_dir(disks).into_iter().flatten().flatten().map(|entry| entry.path()) {
        if image.extension().is_none_or(|end| end != "disk") {
            continue;
        }
        let mut held = tool::command("losetup", ["--noheadings", "--output", "NAME", "--associated"]);
        for device in tool::run("looking for loop devices", held.arg(&image))?.split_whitespace() {
            let mut detach = tool::command("losetup", ["--detach", device]);
            tool::run(&format!("letting go of {device}"), &mut detach)?;
        }
    }
    Ok(())
}

fn remove(folder: PathBuf) -> Result<(), LabError> {
    match fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(LabError::file("removing", folder)(error))
        }
        _ => Ok(()),
    }
}
