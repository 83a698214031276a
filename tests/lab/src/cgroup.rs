//! The control groups that engines leave: empty folders, in one hierarchy (version 2) or in each of several
//! (version 1). A group that has a process cannot be removed, so nothing here can hurt one.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::error::LabError;
use crate::place::Place;
use crate::tool;

const HIERARCHIES: &str = "/sys/fs/cgroup";
const DEADLINE: Duration = Duration::from_secs(10);

/// Removes the lab's groups, and the folder of all labs' groups with the last.
///
/// # Errors
/// When a group has processes after the deadline.
pub(crate) fn remove(place: &Place) -> Result<(), LabError> {
    for group in groups(place) {
        remove_group(&group)?;
        if let Some(labs) = group.parent() {
            // It stays while another lab is in it.
            drop(fs::remove_dir(labs));
        }
    }
    Ok(())
}

/// Removes what one machine's containers were in.
///
/// # Errors
/// As [`remove`].
pub(crate) fn remove_of(place: &Place, machine: &str) -> Result<(), LabError> {
    groups(place).iter().try_for_each(|group| remove_group(&group.join(machine)))
}

fn remove_group(group: &Path) -> Result<(), LabError> {
    tool::wait_until(&format!("the end of control group {}", group.display()), DEADLINE, || {
        match remove_folders(group) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::ResourceBusy => Ok(false),
            Err(error) => Err(LabError::file("removing", group)(error)),
        }
    })
}

/// The lab's groups that there are.
pub(crate) fn groups(place: &Place) -> Vec<PathBuf> {
    let root = Path::new(HIERARCHIES);
    let name = place.cgroup();
    let relative = name.trim_start_matches('/');
    let inside = fs::read_dir(root).into_iter().flatten().flatten().map(|entry| entry.path());
    std::iter::once(root.to_path_buf())
        .chain(inside)
        .map(|hierarchy| hierarchy.join(relative))
        .filter(|group| group.is_dir())
        .collect()
}

/// Innermost first: a group's files are the kernel's and go with it.
fn remove_folders(group: &Path) -> io::Result<()> {
    let entries = match fs::read_dir(group) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other?,
    };
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            remove_folders(&entry.path())?;
        }
    }
    match fs::remove_dir(group) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
