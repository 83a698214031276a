//! What of the cache and of the registry this tree's images are, and what of the registry nobody needs.
//!
//! A tag leads to a manifest, a manifest to its layers; what no manifest leads to any more is waste. Repositories that
//! no recipe of ours has are somebody else's: all their tags are kept.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use super::recipe::{self, Parent, Recipe};
use super::{Architecture, ImageError, Versions, base, folder, jars};
use crate::error::LabError;
use crate::prune::{Waste, entries, room};

/// What this tree looks for, by name.
#[derive(Debug, Clone, Default)]
pub(crate) struct Used {
    /// Archives, without their end.
    pub(crate) bases: BTreeSet<String>,
    /// Folders of jars.
    pub(crate) jars: BTreeSet<String>,
    /// Repository and tag.
    pub(crate) tags: BTreeSet<(String, String)>,
}

/// For both processors, with every agent that has been built here.
pub(crate) fn used() -> Result<Used, ImageError> {
    let folder = folder();
    let versions = Versions::read(&folder)?;
    let target = folder.join("../target");
    let mut agents: Vec<PathBuf> = ["debug", "release", "cross/aarch64-unknown-linux-gnu/release"]
        .iter()
        .map(|built| target.join(built).join("pirack-agent"))
        .chain(std::env::var_os("PIRACK_AGENT_BIN").map(PathBuf::from))
        .filter(|program| program.is_file())
        .collect();
    // Where there is none, any file: no image has been made with it.
    agents.extend(agents.is_empty().then(|| folder.join("versions.toml")));
    let mut used = Used::default();
    for architecture in [Architecture::Amd64, Architecture::Arm64] {
        for agent in &agents {
            for recipe in recipe::all(&folder, &versions, architecture, Some(agent))? {
                used.add(&recipe, architecture)?;
            }
        }
    }
    Ok(used)
}

impl Used {
    fn add(&mut self, recipe: &Recipe, architecture: Architecture) -> Result<(), ImageError> {
        self.tags.insert((recipe.repository().to_owned(), recipe.tag()));
        if let Parent::Debian(suite) = recipe.parent {
            self.bases.insert(base::name(suite, architecture));
        }
        if let Some(list) = &recipe.jars {
            let folder = jars::folder(recipe, list)?;
            self.jars.extend(folder.file_name().and_then(OsStr::to_str).map(str::to_owned));
        }
        Ok(())
    }
}

/// What the registry at that folder holds for nobody: one waste a tag, and one for all layers that none leads to.
pub(crate) fn unused(root: &Path, used: &BTreeSet<(String, String)>) -> Result<Vec<Waste>, LabError> {
    let ours: BTreeSet<&str> = used.iter().map(|(repository, _)| repository.as_str()).collect();
    let (mut found, mut kept, mut orphans) = (Vec::new(), BTreeSet::new(), Vec::new());
    for space in entries(&root.join("repositories"))? {
        for repository in entries(&space)? {
            let name = format!("{}/{}", last(&space), last(&repository));
            let is_ours = ours.contains(name.as_str());
            let mut tagged = BTreeSet::new();
            for tag in entries(&repository.join("_manifests/tags"))? {
                if is_ours && !used.contains(&(name.clone(), last(&tag))) {
                    let what = format!("image {name}:{}", last(&tag));
                    found.push(Waste { what, bytes: room(&tag)?, paths: vec![tag] });
                } else if let Ok(digest) = fs::read_to_string(tag.join("current/link")) {
                    tagged.insert(digest.trim().trim_start_matches("sha256:").to_owned());
                }
            }
            let revisions = entries(&repository.join("_manifests/revisions/sha256"))?;
            let (needed, idle): (Vec<_>, Vec<_>) =
                revisions.into_iter().partition(|revision| !is_ours || tagged.contains(&last(revision)));
            needed.iter().for_each(|revision| reach(root, &last(revision), &mut kept));
            orphans.extend(idle);
            if is_ours {
                orphans.extend(entries(&repository.join("_layers/sha256"))?);
            }
        }
    }
    for shelf in entries(&root.join("blobs/sha256"))? {
        orphans.extend(entries(&shelf)?);
    }
    orphans.retain(|path| !kept.contains(&last(path)));
    let bytes = orphans.iter().map(|path| room(path)).sum::<Result<u64, _>>()?;
    if !orphans.is_empty() {
        found.push(Waste { what: "layers that no image has".to_owned(), bytes, paths: orphans });
    }
    Ok(found)
}

fn last(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Keeps a manifest and every digest that it names, in whichever of the formats it is written.
fn reach(root: &Path, digest: &str, kept: &mut BTreeSet<String>) {
    if !kept.insert(digest.to_owned()) {
        return;
    }
    let path = root.join("blobs/sha256").join(digest.get(..2).unwrap_or_default()).join(digest).join("data");
    // A manifest is small. A layer is not, and is no text.
    let small = fs::metadata(&path).is_ok_and(|meta| meta.len() < 1 << 20);
    let text = if small { fs::read_to_string(&path).unwrap_or_default() } else { String::new() };
    let Ok(manifest) = serde_json::from_str::<serde_json::Value>(&text) else { return };
    let lists = ["layers", "manifests", "fsLayers"].iter().filter_map(|list| manifest[list].as_array());
    let parts = lists.flatten().chain([&manifest["config"]]);
    let digests = parts.filter_map(|part| part["digest"].as_str().or_else(|| part["blobSum"].as_str()));
    digests.for_each(|digest| reach(root, digest.trim_start_matches("sha256:"), kept));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A digest of that letter, and what it names.
    fn blob(root: &Path, letter: &str, text: &str) -> String {
        let hex = letter.repeat(64);
        let folder = root.join("blobs/sha256").join(&hex[..2]).join(&hex);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("data"), text).unwrap();
        hex
    }

    fn image(root: &Path, repository: &str, tag: &str, manifest: &str, layers: &[&str]) {
        let list: Vec<String> =
            layers.iter().map(|layer| format!("{{\"digest\":\"sha256:{}\"}}", layer.repeat(64))).collect();
        let digest = blob(root, manifest, &format!("{{\"layers\":[{}]}}", list.join(",")));
        let folder = root.join("repositories").join(repository);
        for (path, link) in [
            (format!("_manifests/tags/{tag}/current"), &digest),
            (format!("_manifests/revisions/sha256/{digest}"), &digest),
        ]
        .into_iter()
        .chain(layers.iter().map(|layer| (format!("_layers/sha256/{}", layer.repeat(64)), &digest)))
        {
            fs::create_dir_all(folder.join(&path)).unwrap();
            fs::write(folder.join(&path).join("link"), format!("sha256:{link}")).unwrap();
        }
    }

    #[test]
    fn a_layer_goes_with_the_last_image_that_has_it_and_what_is_not_ours_stays() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        for layer in ["1", "2", "3", "4"] {
            blob(root, layer, "a layer");
        }
        image(root, "pirack/kafka", "new", "a", &["1", "2"]);
        image(root, "pirack/kafka", "old", "b", &["2", "3"]);
        image(root, "lab/shell", "1", "c", &["4"]);
        let used = BTreeSet::from([("pirack/kafka".to_owned(), "new".to_owned())]);
        let found = unused(root, &used).unwrap();
        let told: Vec<&str> = found.iter().map(|waste| waste.what.as_str()).collect();
        assert_eq!(told, ["image pirack/kafka:old", "layers that no image has"]);
        let gone: BTreeSet<String> = found[1].paths.iter().map(|path| last(path)).collect();
        assert_eq!(gone, ["3".repeat(64), "b".repeat(64)].into());
        for path in found.iter().flat_map(|waste| &waste.paths) {
            fs::remove_dir_all(path).unwrap();
        }
        assert_eq!(unused(root, &used).unwrap(), []);
    }
}
