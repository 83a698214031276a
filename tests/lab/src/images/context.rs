//! What the engine is sent: for a build the recipe's files, its jars, its program, as one archive; and before that a
//! Debian, as an image of one layer.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::images::{Architecture, ImageError, Recipe, jars};
use crate::tool;

/// The archive of everything that the recipe's Dockerfile may copy, and nothing else.
pub(crate) fn archive(recipe: &Recipe) -> Result<Vec<u8>, ImageError> {
    let stage = tempfile::tempdir().map_err(ImageError::file("making", std::env::temp_dir()))?;
    let link = |from: &Path, name: &str| {
        let to = stage.path().join(name);
        symlink(from, &to).map_err(ImageError::file("linking", to))
    };
    let folder = fs::canonicalize(&recipe.folder).map_err(ImageError::file("reading", &recipe.folder))?;
    for content in recipe.contents {
        link(&folder.join(content), content)?;
    }
    if let Some(wanted) = &recipe.jars {
        link(&jars::ensure(recipe, wanted)?, "jars")?;
    }
    if let Some(program) = &recipe.program {
        let program = fs::canonicalize(program).map_err(|_| ImageError::Ingredient {
            image: recipe.name(),
            path: program.clone(),
            remedy: "`make images` builds it, for tests `cargo build -p pirack-agent`; or PIRACK_AGENT_BIN names another",
        })?;
        link(&program, "pirack-agent")?;
    }
    pack(stage.path(), &format!("archiving the context of {}", recipe.name()))
}

/// An image of one layer, as the engine loads it (`docker save` writes the same): made here, since an engine that
/// imports a file system (20.10) takes it to be of its own processor, whatever it is told, and then refuses to build
/// on it for another.
pub(crate) fn image(
    reference: &str,
    architecture: Architecture,
    layer: &Path,
) -> Result<Vec<u8>, ImageError> {
    let stage = tempfile::tempdir().map_err(ImageError::file("making", std::env::temp_dir()))?;
    let bytes = fs::read(layer).map_err(ImageError::file("reading", layer))?;
    let sum = Sha256::digest(&bytes).iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
    let config = json!({
        "architecture": architecture.name(),
        "os": "linux",
        "config": {},
        "rootfs": { "type": "layers", "diff_ids": [format!("sha256:{sum}")] },
    });
    let manifest = json!([{ "Config": "config.json", "RepoTags": [reference], "Layers": ["layer.tar"] }]);
    for (name, content) in [("config.json", config), ("manifest.json", manifest)] {
        let path = stage.path().join(name);
        fs::write(&path, content.to_string()).map_err(ImageError::file("writing", path))?;
    }
    let to = stage.path().join("layer.tar");
    symlink(layer, &to).map_err(ImageError::file("linking", to))?;
    pack(stage.path(), &format!("archiving {reference}"))
}

/// A folder as an archive, links followed.
fn pack(folder: &Path, what: &str) -> Result<Vec<u8>, ImageError> {
    let output = Command::new("tar")
        .args(["--create", "--dereference", "--sort=name", "--owner=0", "--group=0", "--numeric-owner"])
        .args(["--mode=u=rwX,go=rX", "--directory"])
        .arg(folder)
        .arg(".")
        .output()
        .map_err(ImageError::file("running tar in", folder))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let said = tool::last_lines(&String::from_utf8_lossy(&output.stderr), 4);
    Err(ImageError::Tool { what: what.to_owned(), program: "tar", said })
}
