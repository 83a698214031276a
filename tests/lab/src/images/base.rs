//! The Debian that images begin with, made by debootstrap where no registry has one: an archive in the cache.
//!
//! It is the smallest installation of a suite without documentation and without package lists, with the suite's
//! security updates among its sources. Which mirror it came from stands in the archive alone.

use std::path::PathBuf;

use sha2::{Digest as _, Sha256};

use crate::debian::Debian;
use crate::images::{Architecture, ImageError};
use crate::place;

const SCRIPT: &str = include_str!("base.sh");

/// The hash of how a base is made.
pub(crate) fn hash(suite: &str, architecture: Architecture) -> String {
    let digest = Sha256::digest(format!("{suite} {}\n{SCRIPT}", architecture.name()));
    digest.iter().take(6).fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

/// What the archive is called, without its end.
pub(crate) fn name(suite: &str, architecture: Architecture) -> String {
    format!("{suite}-{}-{}", architecture.name(), hash(suite, architecture))
}

/// The archive of that suite, made first if it is not there.
pub(crate) fn ensure(suite: &str, architecture: Architecture) -> Result<PathBuf, ImageError> {
    let name = format!("{}.tar", name(suite, architecture));
    let what = format!("Debian {suite} for {}", architecture.name());
    let base = Debian { what: &what, suite, script: SCRIPT, extra: &[architecture.name()], packages: "" };
    base.ensure(&place::cache_folder().join("bases"), &name).map_err(ImageError::Cache)
}
