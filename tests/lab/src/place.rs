//! Where a lab's things lie, by its name.
//!
//! - `/run/pirack-lab/NAME`: the state of a running lab: who holds it, its machines' first processes, keys, logs.
//! - `CACHE/labs/NAME`: its disks, which go with the lab.
//! - `CACHE/root`, `CACHE/registry`, `CACHE/engines`: what outlives labs and may be deleted while none is up.
//!
//! CACHE is `$XDG_CACHE_HOME/pirack`, or `~/.cache/pirack`.

use std::env;
use std::path::{Path, PathBuf};

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
        let letters = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        let begins = name.bytes().next().is_some_and(|b| b.is_ascii_lowercase());
        if !letters || !begins || name.len() > 24 {
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
