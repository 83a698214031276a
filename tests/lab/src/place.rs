//! Where a lab's things lie, by its name.
//!
//! - `/run/pirack-lab/NAME`: the state of a running lab: who holds it, its machines' first processes, keys, logs.
//! - `CACHE/labs/NAME`: its disks, which go with the lab; the state says which CACHE that was.
//! - `CACHE/root`, `CACHE/registry`, `CACHE/engines`: what outlives labs and may be deleted while none is up.
//!
//! CACHE is `$XDG_CACHE_HOME/pirack`, or `~/.cache/pirack`.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};
use std::{env, fs};

use crate::error::LabError;

const STATES: &str = "/run/pirack-lab";

/// A lab's name and the folders that follow from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    name: String,
    states: PathBuf,
    cache: PathBuf,
}

impl Place {
    /// The places of the lab of that name.
    ///
    /// # Errors
    /// When the name cannot be a folder's and a control group's.
    pub(crate) fn named(name: &str) -> Result<Self, LabError> {
        if !is_name(name) {
            return Err(LabError::Name(name.to_owned()));
        }
        Ok(Self { name: name.to_owned(), states: PathBuf::from(STATES), cache: cache_folder() })
    }

    /// The lab's name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The folder of all labs' states.
    pub(crate) fn states(&self) -> &Path {
        &self.states
    }

    /// The lab's state.
    pub(crate) fn state(&self) -> PathBuf {
        self.states.join(&self.name)
    }

    /// What a machine of the lab has in the state: its process record, log and mount point.
    pub(crate) fn machine(&self, machine: &str) -> PathBuf {
        self.state().join(machine)
    }

    /// The lab's disks.
    pub(crate) fn disks(&self) -> PathBuf {
        self.cache.join("labs").join(&self.name)
    }

    /// Whether anything of the lab is there, whoever brought it up.
    pub(crate) fn is_there(&self) -> bool {
        self.state().exists() || self.disks().exists()
    }

    /// Writes down where the disks are: who takes the lab down may have another cache.
    pub(crate) fn record_disks(&self) -> Result<(), LabError> {
        let path = self.state().join("disks");
        fs::write(&path, self.disks().as_os_str().as_bytes()).map_err(LabError::file("writing", path))
    }

    /// Where the disks of the lab that is there are.
    pub(crate) fn recorded_disks(&self) -> Option<PathBuf> {
        let path = PathBuf::from(OsString::from_vec(fs::read(self.state().join("disks")).ok()?));
        // Whatever else a file says is not for removal.
        let own = Path::new("labs").join(&self.name);
        (path.is_absolute() && path.ends_with(own)).then_some(path)
    }

    /// Every lab that there is anything of: whose state is there, or whose disks are in this cache.
    pub(crate) fn all() -> Result<Vec<Self>, LabError> {
        let folders = [PathBuf::from(STATES), cache_folder().join("labs")];
        let entries = folders.iter().filter_map(|folder| fs::read_dir(folder).ok()).flatten().flatten();
        let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
        let sorted: BTreeSet<String> = names.filter(|name| is_name(name)).collect();
        sorted.iter().map(|name| Self::named(name)).collect()
    }

    /// Trees that boards begin with, one a recipe.
    pub(crate) fn trees(&self) -> PathBuf {
        self.cache.join("root")
    }

    /// The registry's images, for all labs.
    pub(crate) fn registry(&self) -> PathBuf {
        self.cache.join("registry")
    }

    /// Engines' images and containers that outlive a lab.
    pub(crate) fn engines(&self, kept: &str) -> PathBuf {
        self.cache.join("engines").join(kept)
    }

    /// The control group that all of the lab's containers are under, in every hierarchy.
    pub(crate) fn cgroup(&self) -> String {
        format!("/pirack-lab/{}", self.name)
    }
}

fn is_name(name: &str) -> bool {
    let letters = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    letters && name.bytes().next().is_some_and(|b| b.is_ascii_lowercase()) && name.len() <= 24
}

/// The name in `PIRACK_LAB`, or else `default`.
pub(crate) fn name_or(default: &str) -> String {
    env::var("PIRACK_LAB").ok().filter(|name| !name.is_empty()).unwrap_or_else(|| default.to_owned())
}

/// Where everything lies that the project makes once and keeps: `$XDG_CACHE_HOME/pirack` or `~/.cache/pirack`.
#[must_use]
pub fn cache_folder() -> PathBuf {
    let absolute = |name| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    absolute("XDG_CACHE_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".cache")))
        .unwrap_or_else(|| PathBuf::from("/var/cache"))
        .join("pirack")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_could_leave_its_folder_is_no_name() {
        for name in ["", "..", "a/b", "Lab", "-a", "1a", "a_b", &"a".repeat(25)] {
            assert!(matches!(Place::named(name), Err(LabError::Name(_))), "{name}");
        }
        assert_eq!(Place::named("a-1").unwrap().state(), Path::new("/run/pirack-lab/a-1"));
    }
}
