//! What a machine must have to hold a lab, and what it lacks.

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::place;

/// What this machine lacks for something, each with its remedy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    purpose: &'static str,
    lacks: BTreeSet<String>,
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lacks: Vec<&str> = self.lacks.iter().map(String::as_str).collect();
        write!(f, "this machine cannot {}: {}", self.purpose, lacks.join("; "))
    }
}

impl std::error::Error for Missing {}

/// A program and the Debian package that has it; `tests/setup.sh lab` installs the same.
const PROGRAMS: [(&str, &str); 11] = [
    ("debootstrap", "debootstrap"),
    ("ip", "iproute2"),
    ("tc", "iproute2"),
    ("nsenter", "util-linux"),
    ("unshare", "util-linux"),
    ("setpriv", "util-linux"),
    ("setsid", "util-linux"),
    ("losetup", "mount"),
    ("slirp4netns", "slirp4netns"),
    ("ssh", "openssh-client"),
    ("ssh-keygen", "openssh-client"),
];

/// As [`PROGRAMS`], for what fetches jars; `tests/setup.sh images` installs the same.
const MAVEN: [(&str, &str); 2] = [("mvn", "maven"), ("java", "openjdk-17-jre-headless")];

/// Devices that a lab's network is made of, tried in a network of their own, which ends with the trial.
const NETWORK: [(&str, &str); 5] = [
    ("bridges", "ip link add lab0 type bridge"),
    ("virtual Ethernet cables", "ip link add lab1 type veth peer name lab2"),
    ("VXLAN, for Docker's overlay networks", "ip link add lab3 type vxlan id 1 dstport 4789"),
    (
        "the token bucket filter, for slow links",
        "ip link set lo up && tc qdisc add dev lo root tbf rate 1mbit burst 16k latency 50ms",
    ),
    ("TUN devices", "test -c /dev/net/tun"),
];

/// Looks for everything that a lab needs.
pub(crate) fn check() -> Result<(), Missing> {
    let mut missing = without(&PROGRAMS, "lab");
    let root = rustix::process::geteuid().is_root();
    if !root {
        missing.insert("not root (run it with sudo)".to_owned());
    }
    if !fs::read_to_string("/proc/filesystems").unwrap_or_default().contains("\toverlay\n")
        && !loads("overlay")
    {
        missing.insert("no overlay file systems in the kernel".to_owned());
    }
    if !memory_groups() {
        missing.insert("no memory control group (boot with cgroup_enable=memory)".to_owned());
    }
    if is_overlay(&place::cache_folder()) {
        let cache = place::cache_folder();
        missing.insert(format!(
            "{} lies on an overlay, which no engine can build on (name a real disk in XDG_CACHE_HOME)",
            cache.display()
        ));
    }
    // Without root or the programs, trying says nothing about the kernel.
    if missing.is_empty() {
        for (what, trial) in NETWORK {
            if !succeeds("unshare", &["--net", "sh", "-c", trial]) {
                missing.insert(format!("no {what} in the kernel"));
            }
        }
    }
    told("hold a lab", missing)
}

/// Looks for what fetches the jars of images.
pub(crate) fn check_maven() -> Result<(), Missing> {
    told("fetch the jars of images", without(&MAVEN, "images"))
}

/// Looks for what packs the agent.
pub(crate) fn check_package() -> Result<(), Missing> {
    let mut missing = without(&[("strip", "binutils"), ("dpkg", "dpkg")], "package");
    let found = fs::read_dir(place::cache_folder().join("tools")).into_iter().flatten().flatten();
    if !found.into_iter().any(|tool| tool.file_name().to_string_lossy().starts_with("cargo-deb-")) {
        missing.insert("no cargo-deb (`tests/setup.sh package`)".to_owned());
    }
    told("pack the agent", missing)
}

fn told(purpose: &'static str, lacks: BTreeSet<String>) -> Result<(), Missing> {
    if lacks.is_empty() { Ok(()) } else { Err(Missing { purpose, lacks }) }
}

/// Those of the programs that are not here.
fn without(programs: &[(&str, &str)], setup: &str) -> BTreeSet<String> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let here = |program: &str| std::env::split_paths(&path).any(|folder| folder.join(program).is_file());
    let absent = programs.iter().filter(|(program, _)| !here(program));
    absent
        .map(|(program, package)| {
            format!("no {program} (Debian's package {package}; `tests/setup.sh {setup}`)")
        })
        .collect()
}

fn succeeds(program: &str, arguments: &[&str]) -> bool {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

fn loads(module: &str) -> bool {
    succeeds("modprobe", &[module])
}

fn memory_groups() -> bool {
    let unified = fs::read_to_string("/sys/fs/cgroup/cgroup.controllers").unwrap_or_default();
    unified.split_whitespace().any(|controller| controller == "memory")
        || Path::new("/sys/fs/cgroup/memory").is_dir()
}

/// The nearest folder above that exists tells.
fn is_overlay(folder: &Path) -> bool {
    const OVERLAYFS: u64 = 0x794c_7630;
    let nearest = folder.ancestors().find(|folder| folder.is_dir()).unwrap_or_else(|| Path::new("/"));
    rustix::fs::statfs(nearest).is_ok_and(|file_system| u64::try_from(file_system.f_type) == Ok(OVERLAYFS))
}
