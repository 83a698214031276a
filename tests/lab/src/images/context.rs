//! What the engine is sent for a build: the recipe's files, its jars, its program, as one archive.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use crate::images::{ImageError, Recipe, jars};
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
    let output = Command::new("tar")
        .args(["--create", "--dereference", "--sort=name", "--owner=0", "--group=0", "--numeric-owner"])
        .args(["--mode=u=rwX,go=rX", "--directory"])
        .arg(stage.path())
        .arg(".")
        .output()
        .map_err(ImageError::file("running tar in", stage.path()))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let said = tool::last_lines(&String::from_utf8_lossy(&output.stderr), 4);
    Err(ImageError::Tool {
        what: format!("archiving the context of {}", recipe.name()),
        program: "tar",
        said,
    })
}
