//! The root tree that every machine begins with, kept under the hash of its recipe.

use std::path::PathBuf;

use sha2::{Digest as _, Sha256};

use crate::debian::Debian;
use crate::error::LabError;
use crate::place::Place;

const SUITE: &str = "bookworm";
/// What a board has: Raspberry Pi OS Lite's own tools as far as they matter here, and Docker.
const PACKAGES: &str = "ca-certificates curl docker-registry docker.io faketime gnupg iproute2 iptables \
                        iputils-ping kmod openssh-server procps sudo tini";
const SCRIPT: &str = include_str!("tree.sh");

/// The name of the tree: the same for the same recipe on the same kind of machine.
pub(crate) fn hash() -> String {
    let digest = Sha256::digest(format!("{}\n{SUITE}\n{PACKAGES}\n{SCRIPT}", std::env::consts::ARCH));
    digest.iter().take(8).fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

/// The tree's folder, made first if it is not there.
///
/// # Errors
/// When debootstrap or apt-get fail; the letter has their last words and names the log.
pub(crate) fn ensure(place: &Place) -> Result<PathBuf, LabError> {
    let what = "the root tree";
    let tree = Debian { what, suite: SUITE, script: SCRIPT, extra: &[], packages: PACKAGES };
    tree.ensure(&place.trees(), &hash())
}
