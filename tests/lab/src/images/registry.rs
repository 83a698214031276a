//! What the lab's registry has, read where it keeps it: so that nothing is started to learn that nothing is to do.
//!
//! The layout is that of the registry's filesystem driver (distribution, `registry/storage/paths.go`):
//! `v2/repositories/NAME/_manifests/tags/TAG/current/link` holds a digest, `v2/blobs/sha256/AA/AA.../data` what it
//! names.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::images::Recipe;
use crate::place;

/// An image in the registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stored {
    /// What a board that has nothing of it pulls, in bytes.
    pub(crate) pulled_bytes: u64,
}

#[derive(Deserialize)]
struct Manifest {
    layers: Vec<Layer>,
}

#[derive(Deserialize)]
struct Layer {
    digest: String,
    size: u64,
}

/// The image of that recipe, where all of it is there.
pub(crate) fn stored(recipe: &Recipe) -> Option<Stored> {
    let root = place::cache_folder().join("registry/docker/registry/v2");
    let link = root
        .join("repositories")
        .join(recipe.repository())
        .join("_manifests/tags")
        .join(recipe.tag())
        .join("current/link");
    let digest = fs::read_to_string(link).ok()?;
    let manifest: Manifest = serde_json::from_slice(&fs::read(blob(&root, digest.trim())?).ok()?).ok()?;
    let whole =
        manifest.layers.iter().all(|layer| blob(&root, &layer.digest).is_some_and(|path| path.is_file()));
    whole.then(|| Stored { pulled_bytes: manifest.layers.iter().map(|layer| layer.size).sum() })
}

fn blob(root: &Path, digest: &str) -> Option<PathBuf> {
    let hex = digest.strip_prefix("sha256:")?;
    Some(root.join("blobs/sha256").join(hex.get(..2)?).join(hex).join("data"))
}
