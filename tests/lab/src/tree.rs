//! The root tree that every machine begins with, made once by debootstrap and kept under the hash of its recipe.
//!
//! It is built beside its place and renamed into it, so a tree that is there is whole. Two labs that want it at
//! once wait for one build; what a killed build left is removed by the next.

use std::fs::{self, File};
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use crate::error::LabError;
use crate::place::Place;
use crate::tool;

const SUITE: &str = "bookworm";
/// What a board has: Raspberry Pi OS Lite's own tools as far as they matter here, and Docker.
const PACKAGES: &str = "ca-certificates curl docker-registry docker.io faketime gnupg iproute2 iptables \
                        iputils-ping kmod openssh-server procps sudo tini";
const SCRIPT: &str = include_str!("tree.sh");
/// A slow mirror over a slow line takes minutes, a dead one forever.
const DEADLINE: Duration = Duration::from_secs(1800);

/// The name of the tree: the same for the same recipe on the same kind of machine.
fn hash() -> String {
    let digest = Sha256::digest(format!("{}\n{SUITE}\n{PACKAGES}\n{SCRIPT}", std::env::consts::ARCH));
    digest.iter().take(8).fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

/// The tree's folder, made first if it is not there.
///
/// # Errors
/// When debootstrap or apt-get fail; the letter has their last words and names the log.
pub(crate) fn ensure(place: &Place) -> Result<PathBuf, LabError> {
    let trees = place.trees();
    let tree = trees.join(hash());
    if tree.is_dir() {
        return Ok(tree);
    }
    fs::create_dir_all(&trees).map_err(LabError::file("making", &trees))?;
    let path = trees.join("lock");
    let lock = File::create(&path).map_err(LabError::file("opening", &path))?;
    let mut told = false;
    tool::wait_until("another lab's build of the root tree", DEADLINE, || {
        let free = lock.try_lock().is_ok();
        if !free && !told {
            tool::say("another lab is making the root tree; waiting for it");
            told = true;
        }
        Ok(free)
    })?;
    if !tree.is_dir() {
        let beside = trees.join(format!("{}.part", hash()));
        remove(&beside)?;
        let log = trees.join(format!("{}.log", hash()));
        build(&beside, &log, &lock)?;
        fs::rename(&beside, &tree).map_err(LabError::file("renaming", &beside))?;
    }
    Ok(tree)
}

fn build(folder: &Path, log: &Path, lock: &File) -> Result<(), LabError> {
    tool::say(&format!("making the root tree, once: {}", folder.display()));
    let deadline = DEADLINE.as_secs().to_string();
    // Whoever waits for it gone, it ends; too slow, it ends as well.
    let mut arguments = vec!["--pdeathsig", "TERM", "timeout", "--kill-after=2", &deadline];
    arguments.extend([
        "unshare",
        "--mount",
        "--pid",
        "--fork",
        "--kill-child",
        "sh",
        "-c",
        SCRIPT,
        "tree.sh",
    ]);
    let shown = folder.to_string_lossy();
    let mirror = mirror();
    arguments.extend([&*shown, SUITE]);
    arguments.extend(mirror.as_deref());
    let output = File::create(log).map_err(LabError::file("writing", log))?;
    let mut child = Command::new("setpriv")
        .args(arguments)
        .env("PACKAGES", PACKAGES)
        // The build holds the lock itself: however whoever started it ended, nobody else builds meanwhile.
        .stdin(Stdio::from(lock.try_clone().map_err(LabError::kernel("sharing the tree's lock"))?))
        .stdout(Stdio::piped())
        .stderr(Stdio::from(output.try_clone().map_err(LabError::file("writing", log))?))
        .spawn()
        .map_err(LabError::kernel("starting setpriv"))?;
    if let Some(stdout) = child.stdout.take() {
        follow(BufReader::new(stdout), output).map_err(LabError::file("writing", log))?;
    }
    let status = child.wait().map_err(LabError::kernel("waiting for the root tree"))?;
    if status.success() {
        return Ok(());
    }
    let said = fs::read_to_string(log).unwrap_or_default();
    Err(LabError::Tool {
        what: "making the root tree".to_owned(),
        program: "debootstrap or apt-get".to_owned(),
        said: format!("{} ({status}); all of it is in {}", tool::last_lines(&said, 4), log.display()),
    })
}

/// Progress to the screen, all of it to the log.
fn follow(lines: impl std::io::BufRead, mut log: File) -> std::io::Result<()> {
    use std::io::Write as _;
    for line in lines.split(b'\n') {
        let line = String::from_utf8_lossy(&line?).into_owned();
        writeln!(log, "{line}")?;
        if let Some(progress) = line.strip_prefix(": ") {
            tool::say(progress);
        }
    }
    Ok(())
}

/// The mirror that this machine's own apt uses for the suite; on another system, debootstrap has its own.
fn mirror() -> Option<String> {
    let listing = Command::new("apt-get")
        .args(["indextargets", "--format", "$(CODENAME) $(COMPONENT) $(REPO_URI)", "Created-By: Packages"])
        .output()
        .ok()?;
    let wanted = format!("{SUITE} main ");
    let text = String::from_utf8_lossy(&listing.stdout).into_owned();
    text.lines().find_map(|line| line.strip_prefix(&wanted)).map(str::to_owned)
}

fn remove(folder: &Path) -> Result<(), LabError> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(LabError::file("removing", folder)(error))
        }
        _ => Ok(()),
    }
}
