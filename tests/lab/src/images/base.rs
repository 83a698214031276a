//! The Debian that images begin with, made by debootstrap where no registry has one: an archive in the cache.
//!
//! It is the smallest installation of a suite without documentation and without package lists, with the suite's
//! security updates among its sources. Which mirror it came from stands in the archive alone.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use crate::images::program::run_within;
use crate::images::{Architecture, ImageError};
use crate::{place, tool};

/// Run in a mount and process namespace of its own: what debootstrap mounts and starts ends with it.
const SCRIPT: &str = include_str!("base.sh");
/// A slow mirror over a slow line takes minutes, emulation more, a dead mirror forever.
const DEADLINE: Duration = Duration::from_secs(1800);

/// The hash of how a base is made.
pub(crate) fn hash(suite: &str, architecture: Architecture) -> String {
    let digest = Sha256::digest(format!("{suite} {}\n{SCRIPT}", architecture.name()));
    digest.iter().take(6).fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

/// The archive of that suite, made first if it is not there.
pub(crate) fn ensure(suite: &str, architecture: Architecture) -> Result<PathBuf, ImageError> {
    let folder = place::cache_folder().join("bases");
    let name = format!("{suite}-{}-{}", architecture.name(), hash(suite, architecture));
    let archive = folder.join(format!("{name}.tar"));
    if archive.is_file() {
        return Ok(archive);
    }
    fs::create_dir_all(&folder).map_err(ImageError::file("making", &folder))?;
    tool::say(&format!("making Debian {suite} for {}, once", architecture.name()));
    let scratch = tempfile::tempdir_in(&folder).map_err(ImageError::file("making a folder in", &folder))?;
    let part = folder.join(format!("{name}.part"));
    let log = folder.join(format!("{name}.log"));
    let output = File::create(&log).map_err(ImageError::file("writing", &log))?;
    let errors = output.try_clone().map_err(ImageError::file("writing", &log))?;
    let mut command = Command::new("unshare");
    command
        .args(["--mount", "--pid", "--fork", "--kill-child", "sh", "-c", SCRIPT, "base.sh"])
        .args([suite, architecture.name()])
        .args([scratch.path(), part.as_path()])
        .stdout(output)
        .stderr(errors);
    let status = run_within("making a Debian base", "unshare", DEADLINE, &mut command)?;
    if !status.success() {
        let said = fs::read_to_string(&log).unwrap_or_default();
        return Err(ImageError::Tool {
            what: format!("making Debian {suite} for {}", architecture.name()),
            program: "debootstrap",
            said: format!("{} ({status}); all of it is in {}", tool::last_lines(&said, 4), log.display()),
        });
    }
    fs::rename(&part, &archive).map_err(ImageError::file("renaming", &part))?;
    Ok(archive)
}
