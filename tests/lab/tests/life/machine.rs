//! What a lab could leave on this machine, looked for by other ways than the lab's own records.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

const KINDS: [&str; 5] = ["net", "pid", "mnt", "uts", "ipc"];

/// A process: its id and its start time. Ids, and numbers of namespaces too, are given again at once.
type Known = (u32, u64);

/// The processes of a lab at one moment.
#[derive(Debug)]
pub(crate) struct Traces {
    name: String,
    processes: BTreeSet<Known>,
}

impl Traces {
    /// Whoever sees the lab's disks mounted is of the lab, and so is who shares a namespace with such a one.
    pub(crate) fn of(name: &str) -> Self {
        let disks = format!("/labs/{name}/");
        let sees = |pid: &u32| {
            fs::read_to_string(format!("/proc/{pid}/mountinfo")).is_ok_and(|mounts| mounts.contains(&disks))
        };
        let own = namespaces(std::process::id());
        let inside = processes().into_iter().filter(sees).flat_map(namespaces);
        let theirs: BTreeSet<PathBuf> = inside.filter(|namespace| !own.contains(namespace)).collect();
        let shares = |pid: &u32| namespaces(*pid).iter().any(|namespace| theirs.contains(namespace));
        let processes = processes().into_iter().filter(shares).filter_map(known).collect();
        Self { name: name.to_owned(), processes }
    }

    pub(crate) fn processes(&self) -> usize {
        self.processes.len()
    }

    /// Waits until none of those processes lives, and with them their namespaces.
    pub(crate) fn wait_processes_gone(&self) {
        self.wait(|| {
            let live: BTreeSet<Known> = processes().into_iter().filter_map(known).collect();
            self.processes.intersection(&live).map(|(pid, _)| format!("process {pid}")).collect()
        });
    }

    /// Waits until nothing of the lab is left.
    pub(crate) fn wait_gone(&self) {
        self.wait_processes_gone();
        self.wait(|| {
            let mut left = cgroups(&self.name);
            left.push(PathBuf::from("/run/pirack-lab").join(&self.name));
            left.push(pirack_lab::cache_folder().join("labs").join(&self.name));
            left.retain(|path| path.exists());
            let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
            let mounts = mounts.lines().filter(|line| line.contains(&format!("/{}/", self.name)));
            let paths = left.iter().map(|path| path.display().to_string());
            let late = Self::of(&self.name).processes.into_iter().map(|(pid, _)| format!("process {pid}"));
            paths.chain(mounts.map(str::to_owned)).chain(late).collect()
        });
    }

    fn wait(&self, left: impl Fn() -> Vec<String>) {
        let until = Instant::now() + Duration::from_secs(60);
        loop {
            let left = left();
            if left.is_empty() {
                return;
            }
            assert!(Instant::now() < until, "left of lab {}: {left:?}", self.name);
            std::thread::yield_now();
        }
    }
}

/// This machine's links, addresses, routes, rules and mounts.
pub(crate) fn network() -> String {
    let trees = fs::read_dir(pirack_lab::cache_folder().join("root")).unwrap();
    let tree = trees.flatten().map(|entry| entry.path()).find(|path| path.join("usr/sbin").is_dir()).unwrap();
    let mut said = String::new();
    for (program, arguments) in [("ip", ["-o", "link"]), ("ip", ["-4", "address"]), ("ip", ["-4", "route"])] {
        said.push_str(&output(Command::new(program).args(arguments)));
    }
    for program in ["/usr/sbin/iptables-save", "/usr/sbin/iptables-legacy-save"] {
        let rules = output(Command::new("chroot").arg(&tree).arg(program));
        said.extend(rules.lines().filter(|line| !line.starts_with('#')).map(|line| format!("{line}\n")));
    }
    said.push_str(&fs::read_to_string("/proc/sys/net/ipv4/ip_forward").unwrap());
    said.push_str(&fs::read_to_string("/proc/self/mountinfo").unwrap());
    said
}

fn output(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn processes() -> Vec<u32> {
    let names = fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.file_name());
    names.filter_map(|name| name.to_str()?.parse().ok()).collect()
}

fn namespaces(pid: u32) -> Vec<PathBuf> {
    KINDS.iter().filter_map(|kind| fs::read_link(format!("/proc/{pid}/ns/{kind}")).ok()).collect()
}

/// With its start time, the 22nd field of its state; the name in it, the 2nd, may hold spaces.
fn known(pid: u32) -> Option<Known> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let started = stat.rsplit_once(')')?.1.split_whitespace().nth(19)?.parse().ok()?;
    Some((pid, started))
}

fn cgroups(name: &str) -> Vec<PathBuf> {
    let root = PathBuf::from("/sys/fs/cgroup");
    let hierarchies = fs::read_dir(&root).unwrap().flatten().map(|entry| entry.path());
    std::iter::once(root).chain(hierarchies).map(|path| path.join("pirack-lab").join(name)).collect()
}
