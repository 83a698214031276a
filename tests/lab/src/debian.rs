//! Debian, by debootstrap: what boards begin with, and what images do.
//!
//! A recipe is a shell script that debootstraps in namespaces of its own, so that what it mounts and starts ends
//! with it, however it ends. Which mirror packages come from is decided here, for all.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::error::LabError;
use crate::making::Making;
use crate::tool;

/// A slow mirror over a slow line takes minutes, emulation more, a dead mirror forever.
const DEADLINE: Duration = Duration::from_secs(1800);

/// What is to be made, and how.
pub(crate) struct Debian<'a> {
    /// As in "making the root tree".
    pub(crate) what: &'a str,
    pub(crate) suite: &'a str,
    /// Run as `sh NAME.sh PLACE SUITE MIRROR-OR-NOTHING EXTRA...`: makes PLACE, in a folder of its own.
    pub(crate) script: &'a str,
    pub(crate) extra: &'a [&'a str],
    /// The script's `$PACKAGES`.
    pub(crate) packages: &'a str,
}

impl Debian<'_> {
    /// `NAME` in that folder of the cache, made first if it is not there.
    ///
    /// # Errors
    /// When debootstrap or apt-get fail; the letter has their last words and names the log.
    pub(crate) fn ensure(&self, folder: &Path, name: &str) -> Result<PathBuf, LabError> {
        let place = folder.join(name);
        if place.exists() {
            return Ok(place);
        }
        let making = Making::begin(&place)?;
        if place.exists() {
            return Ok(place);
        }
        tool::say(&format!("making {}, once: {}", self.what, place.display()));
        let made = making.part().join("made");
        let log = folder.join(format!("{name}.log"));
        let mut command = Command::new("unshare");
        command.args(["--mount", "--pid", "--fork", "--kill-child", "sh", "-c", self.script, "debian.sh"]);
        command.arg(&made).args([self.suite, &mirror(self.suite).unwrap_or_default()]).args(self.extra);
        let status = making.run(DEADLINE, &log, command.env("PACKAGES", self.packages))?;
        if status.success() {
            return making.finish(&made);
        }
        let said = fs::read_to_string(&log).unwrap_or_default();
        Err(LabError::Tool {
            what: format!("making {}", self.what),
            program: "debootstrap or apt-get".to_owned(),
            said: format!("{} ({status}); all of it is in {}", tool::last_lines(&said, 4), log.display()),
        })
    }
}

/// The mirror that this machine's own apt uses; on another system, debootstrap has its own.
fn mirror(suite: &str) -> Option<String> {
    let format = "$(CODENAME) $(COMPONENT) $(REPO_URI) $(ORIGIN)";
    let mut listing = Command::new("apt-get");
    listing.args(["indextargets", "--format", format, "Created-By: Packages"]);
    choose(&String::from_utf8_lossy(&listing.output().ok()?.stdout), suite)
}

/// Whoever has one suite of Debian has them all, the security updates' own archive excepted.
fn choose(listing: &str, suite: &str) -> Option<String> {
    let targets = || {
        let split = listing.lines().map(|line| line.splitn(4, ' ').collect::<Vec<_>>());
        split.filter_map(|fields| match fields[..] {
            [codename, "main", mirror, "Debian"] => Some((codename, mirror)),
            _ => None,
        })
    };
    let own = targets().find(|(codename, _)| *codename == suite);
    let any = || targets().find(|(_, mirror)| mirror.trim_end_matches('/').ends_with("/debian"));
    own.or_else(any).map(|(_, mirror)| mirror.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_mirror_serves_every_suite_and_never_that_of_another_archive() {
        let listing = "bookworm-security main http://one/debian-security/ Debian\n\
                       stable main http://two/ubuntu/debian/ Ubuntu\n\
                       bookworm contrib http://three/debian/ Debian\n\
                       bookworm main http://four/debian/ Debian\n\
                       bullseye main http://five/archive/ Debian\n";
        assert_eq!(choose(listing, "bookworm").as_deref(), Some("http://four/debian/"));
        assert_eq!(choose(listing, "bullseye").as_deref(), Some("http://five/archive/"));
        assert_eq!(choose(listing, "trixie").as_deref(), Some("http://four/debian/"));
        assert_eq!(choose("noble main http://six/ubuntu/ Ubuntu\n", "bookworm"), None);
    }
}
