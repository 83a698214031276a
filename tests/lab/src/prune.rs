//! What lies in the cache that this tree does not use, and its removal.
//!
//! Everything in the cache is under a name that tells what it was made of; what this tree would look for is kept, and
//! so is what it does not know. [`Waste::find`] only looks. Nothing is removed while a lab is up: it may be of another
//! tree, and use what this one does not.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use crate::error::LabError;
use crate::images::{self, ImageError};
use crate::place::{self, Place};
use crate::tree;

/// One thing that nobody here uses: what it is, and what goes with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waste {
    /// As in "root tree 38da651be6eaf0fb".
    pub what: String,
    /// How much room it takes, on the disk.
    pub bytes: u64,
    pub(crate) paths: Vec<PathBuf>,
}

/// Why the cache cannot be pruned.
#[derive(Debug, thiserror::Error)]
pub enum PruneError {
    /// Somebody may be using it.
    #[error("lab {0} is up, and may use what this tree does not; `lab --name {0} down` first")]
    Up(String),
    /// What this tree's images are made of cannot be told.
    #[error("telling what this tree's images are made of")]
    Images(#[from] ImageError),
    /// The cache could not be read or written.
    #[error("pruning the cache")]
    Cache(#[from] LabError),
}

impl Waste {
    /// All of it, the engines' layers left out: they are worth a build.
    ///
    /// # Errors
    /// When the tree's recipes or the cache cannot be read.
    pub fn find() -> Result<Vec<Self>, PruneError> {
        let cache = place::cache_folder();
        let used = images::used()?;
        let tree = tree::hash();
        let mut found = of_folder(&cache.join("root"), "root tree", &BTreeSet::from([tree]))?;
        found.extend(of_folder(&cache.join("bases"), "base", &used.bases)?);
        found.extend(of_folder(&cache.join("jars"), "jars", &used.jars)?);
        found.extend(images::unused(&cache.join("registry/docker/registry/v2"), &used.tags)?);
        Ok(found)
    }

    /// The layers of images being made, and of all that were: one build of what changes next makes them again.
    ///
    /// # Errors
    /// When the cache cannot be read.
    pub fn engines() -> Result<Vec<Self>, PruneError> {
        Ok(of_folder(&place::cache_folder().join("engines"), "layers of", &BTreeSet::new())?)
    }

    /// Removes it all.
    ///
    /// # Errors
    /// When a lab is up that uses this cache, or something will not go.
    pub fn remove(all: &[Self]) -> Result<(), PruneError> {
        let disks = place::cache_folder().join("labs");
        for place in Place::all()? {
            if place.disks().exists() || place.recorded_disks().is_some_and(|own| own.starts_with(&disks)) {
                return Err(PruneError::Up(place.name().to_owned()));
            }
        }
        for path in all.iter().flat_map(|waste| &waste.paths) {
            let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
            removed.map_err(LabError::file("removing", path))?;
        }
        Ok(())
    }
}

/// What lies in a folder beside what is used: things, each with its log, by their names without their ends.
fn of_folder(folder: &Path, what: &str, used: &BTreeSet<String>) -> Result<Vec<Waste>, LabError> {
    let mut found: Vec<Waste> = Vec::new();
    for path in entries(folder)? {
        let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default().to_owned();
        let thing = name.trim_end_matches(".log").trim_end_matches(".tar").to_owned();
        // Logs of jars are an image's, not one list's.
        if name == "lock" || used.contains(&thing) || (what == "jars" && name.ends_with(".log")) {
            continue;
        }
        let (what, bytes) = (format!("{what} {thing}"), room(&path)?);
        match found.iter_mut().find(|waste| waste.what == what) {
            Some(waste) => {
                waste.bytes += bytes;
                waste.paths.push(path);
            }
            None => found.push(Waste { what, bytes, paths: vec![path] }),
        }
    }
    Ok(found)
}

/// What is in a folder, in order; nothing where there is none.
pub(crate) fn entries(folder: &Path) -> Result<Vec<PathBuf>, LabError> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.map_err(LabError::file("listing", folder))?,
    };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    Ok(paths)
}

/// The room that a file, or a folder with all in it, takes on the disk.
pub(crate) fn room(path: &Path) -> Result<u64, LabError> {
    use std::os::unix::fs::MetadataExt as _;
    let meta = fs::symlink_metadata(path).map_err(LabError::file("looking at", path))?;
    let within = if meta.is_dir() { entries(path)? } else { Vec::new() };
    let within = within.iter().map(|path| room(path)).sum::<Result<u64, _>>()?;
    Ok(meta.blocks() * 512 + within)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_stays_with_its_log_and_so_does_the_lock() {
        let folder = tempfile::tempdir().unwrap();
        for file in ["lock", "a.tar", "a.tar.log", "b.tar", "b.tar.log", "b.log"] {
            fs::write(folder.path().join(file), "text").unwrap();
        }
        fs::create_dir_all(folder.path().join("c/d")).unwrap();
        let found = of_folder(folder.path(), "base", &BTreeSet::from(["a".to_owned()])).unwrap();
        let told: Vec<_> = found.iter().map(|waste| (waste.what.as_str(), waste.paths.len())).collect();
        assert_eq!(told, [("base b", 3), ("base c", 1)]);
        assert!(found.iter().all(|waste| waste.bytes > 0));
        assert_eq!(of_folder(&folder.path().join("absent"), "base", &BTreeSet::new()).unwrap(), []);
    }
}
