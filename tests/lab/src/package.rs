//! The agent's package, made for boards of this machine's own kind.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::LabError;
use crate::tool;

/// Of this tree's, whoever runs it.
const PACK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../agent/packaging/deb.sh");

/// Packs a built agent under that version into the folder, and returns where the package is. Quickly, not small.
///
/// # Errors
/// When cargo-deb is not here, or will not.
pub fn package(program: &Path, version: &str, folder: &Path) -> Result<PathBuf, LabError> {
    let own = tool::run("asking what this machine is", Command::new("dpkg").arg("--print-architecture"))?;
    let mut pack = Command::new("sh");
    pack.args([PACK, own.trim()]).arg(program).arg(version).arg(folder).env("FAST", "1");
    let said = tool::run("packing the agent", &mut pack)?;
    Ok(PathBuf::from(said.trim()))
}
