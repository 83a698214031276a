//! A machine of the lab: a board or the hub, as namespaces that live as long as their first process.

use std::fs::{self, DirBuilder, File};
use std::net::Ipv4Addr;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::error::LabError;
use crate::layout::Text;
use crate::lock::Lock;
use crate::place::Place;
use crate::process::Process;
use crate::tool;

const SCRIPT: &str = include_str!("machine.sh");
/// Starts the first process, and writes it down while it still holds the lab's lock as standard input. The first
/// process that a shell starts after `unshare --pid` is the namespace's own first.
const STARTER: &str = r#"record=$1 log=$2; shift 2
setsid sh "$@" >"$log" 2>&1 </dev/null &
read -r stat </proc/$!/stat && read -r boot </proc/sys/kernel/random/boot_id &&
    printf '%s\n%s\n' "$stat" "$boot" >"$record""#;
/// What PID 1 of a machine is once its root stands.
const INIT: &str = "tini";
/// What root on a machine must not be able to do, because there is one of it for all: the clock, the kernel's
/// modules, its end, its ports and its log.
const NEVER: &str = "-sys_time,-sys_module,-sys_boot,-sys_rawio,-syslog";
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const DEADLINE: Duration = Duration::from_secs(20);

/// A machine, known by its first process as long as it runs.
#[derive(Debug, Clone)]
pub(crate) struct Machine {
    pub(crate) name: String,
    /// Which process is its first; another one each time that it gets its power back.
    record: PathBuf,
}

/// What a machine is made of.
pub(crate) struct Parts<'a> {
    pub(crate) name: &'a str,
    pub(crate) tree: &'a Path,
    /// Files of its own, laid over the tree.
    pub(crate) files: &'a [Text],
    /// A folder of this machine's that lies on a real file system.
    pub(crate) data: &'a Path,
    /// Where the machine sees that folder.
    pub(crate) target: &'a str,
    /// A file that it has as a disk.
    pub(crate) image: Option<&'a Path>,
}

impl Machine {
    /// Makes the machine and waits until its root stands. It has no network yet but its own loopback.
    pub(crate) fn start(place: &Place, lock: &Lock, parts: &Parts<'_>) -> Result<Self, LabError> {
        let state = place.machine(parts.name);
        let disk = place.disks().join(parts.name);
        let root = state.join("root");
        for folder in [&root, &disk.join("upper"), &disk.join("work"), &parts.data.to_path_buf()] {
            fs::create_dir_all(folder).map_err(LabError::file("making", folder))?;
        }
        for file in parts.files {
            write(&disk.join("upper"), parts.tree, file)?;
        }
        let script = state.join("machine.sh");
        fs::write(&script, SCRIPT).map_err(LabError::file("writing", &script))?;
        let (record, log) = (state.join("init"), state.join("log"));
        let mut starter = Command::new("unshare");
        starter
            .args(["--mount", "--uts", "--ipc", "--net", "--pid", "sh", "-c", STARTER, "starter"])
            .args([&record, &log, &script])
            .arg(parts.name)
            .args([parts.tree, &disk, &root, parts.data])
            .args([parts.target, NEVER])
            .args(parts.image)
            .stdin(Stdio::from(lock.shared()?));
        let what = format!("making {}", parts.name);
        tool::finish(&what, &mut starter)?;
        let init = Process::recorded(&record).ok_or_else(|| complaint(&what, &log))?;
        tool::wait_until(&what, DEADLINE, || match init.program() {
            Some(program) => Ok(program == INIT),
            None => Err(complaint(&what, &log)),
        })?;
        Ok(Self::of(place, parts.name))
    }

    /// The machine of that name, whether it runs or not.
    pub(crate) fn of(place: &Place, name: &str) -> Self {
        Self { name: name.to_owned(), record: place.machine(name).join("init") }
    }

    /// The machine of that name as its state tells, if it lives.
    pub(crate) fn recorded(place: &Place, name: &str) -> Option<Self> {
        let machine = Self::of(place, name);
        machine.init().map(|_| machine)
    }

    /// Its first process, if it lives.
    pub(crate) fn init(&self) -> Option<Process> {
        Process::recorded(&self.record).filter(|init| init.lives())
    }

    /// The id of its first process, or 0, which nobody has and nothing can be done to.
    pub(crate) fn pid(&self) -> i32 {
        self.init().map_or(0, |init| init.pid)
    }

    /// A path on the machine as this machine sees it. Absolute symbolic links in it lead astray.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/root", self.pid())).join(path.trim_start_matches('/'))
    }

    /// A file of `/proc/PID` of its first process, such as `net/tcp` or `ns/net`.
    pub(crate) fn proc(&self, file: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/{file}", self.pid()))
    }

    /// A program of the machine's own root, in all of its namespaces, with nothing of this process's
    /// environment. It is killed when the command's process is.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command
            .arg(format!("--target={}", self.pid()))
            .args(["--mount", "--uts", "--ipc", "--net", "--pid", "--root", "--wd", "--"])
            .args(["setpriv", "--pdeathsig", "KILL", "--inh-caps", NEVER, "--bounding-set", NEVER, program])
            .env_clear()
            .envs([("PATH", PATH), ("HOME", "/root"), ("LANG", "C.UTF-8")]);
        command
    }

    /// Runs a shell script on the machine, to its end. What it starts in the background stays.
    pub(crate) fn script(&self, what: &str, script: &str, arguments: &[&str]) -> Result<String, LabError> {
        let mut command = self.command("sh");
        command.args(["-c", script, "sh"]).args(arguments);
        tool::run(&format!("{what} on {}", self.name), &mut command)
    }

    /// A program of this machine's, in the network of that one.
    pub(crate) fn beside(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(format!("--net={}", self.proc("ns/net").display())).arg("--").arg(program);
        command
    }

    /// Waits until somebody on the machine listens at the port.
    pub(crate) fn wait_listening(&self, what: &str, port: u16) -> Result<(), LabError> {
        tool::wait_until(&format!("{what} of {}", self.name), DEADLINE, || {
            if self.init().is_none() {
                return Err(complaint(&format!("starting {what} of {}", self.name), &self.path("/var/log")));
            }
            Ok(self.listens(port))
        })
    }

    /// Whether somebody on the machine listens at the port.
    pub(crate) fn listens(&self, port: u16) -> bool {
        let tables = ["net/tcp", "net/tcp6"].map(|table| fs::read_to_string(self.proc(table)));
        tables.into_iter().flatten().any(|table| listens(&table, port))
    }
}

/// Whether a table of `/proc/net/tcp` has a listener at the port: local address, in hexadecimals, then state 0A.
fn listens(table: &str, port: u16) -> bool {
    let port = format!(":{port:04X}");
    table.lines().any(|line| {
        let mut fields = line.split_whitespace().skip(1);
        fields.next().is_some_and(|local| local.ends_with(&port)) && fields.nth(1) == Some("0A")
    })
}

/// An id for a machine that had none.
pub(crate) fn new_id() -> String {
    // The kernel makes a new one at every reading.
    let id = fs::read_to_string("/proc/sys/kernel/random/uuid").unwrap_or_default();
    id.chars().filter(char::is_ascii_hexdigit).collect()
}

/// The network's other half: a cable from the machine to the hub's switch.
pub(crate) fn connect(hub: &Machine, board: &Machine, mac: Ipv4Addr) -> Result<(), LabError> {
    let [a, b, c, d] = mac.octets();
    let mac = format!("02:42:{a:02x}:{b:02x}:{c:02x}:{d:02x}");
    let pid = board.pid().to_string();
    let mut add = hub.beside("ip");
    add.args(["link", "add", &board.name, "master", "lab0", "up", "type", "veth", "peer", "name", "eth0"]);
    add.args(["address", &mac, "netns", &pid]);
    tool::run(&format!("connecting {}", board.name), &mut add).map(drop)
}

/// Pulls it out of the switch for good, if it is in: left to itself, it goes some time after the machine.
pub(crate) fn disconnect(hub: &Machine, name: &str) -> Result<(), LabError> {
    let pull = r#"[ ! -e "/sys/class/net/$1" ] || ip link delete "$1" || [ ! -e "/sys/class/net/$1" ]"#;
    hub.script(&format!("disconnecting {name}"), pull, &[name]).map(drop)
}

/// A failure of a machine, with the end of what it wrote.
fn complaint(what: &str, log: &Path) -> LabError {
    let said = fs::read_to_string(log).unwrap_or_default();
    let said = if said.is_empty() { "nothing".to_owned() } else { tool::last_lines(&said, 4) };
    LabError::Tool { what: what.to_owned(), program: log.display().to_string(), said }
}

/// Lays a file over the tree; its folders keep what they are in the tree.
fn write(upper: &Path, tree: &Path, file: &Text) -> Result<(), LabError> {
    let path = upper.join(file.path);
    let mut folder = PathBuf::new();
    for part in Path::new(file.path).parent().into_iter().flat_map(Path::components) {
        folder.push(part);
        let made = upper.join(&folder);
        if made.is_dir() {
            continue;
        }
        let (mode, owner) = match fs::metadata(tree.join(&folder)) {
            Ok(meta) => (meta.permissions().mode() & 0o7777, std::os::unix::fs::MetadataExt::uid(&meta)),
            Err(_) => (0o700, file.owner),
        };
        DirBuilder::new().mode(mode).create(&made).map_err(LabError::file("making", &made))?;
        chown(&made, Some(owner), Some(owner)).map_err(LabError::file("giving", &made))?;
    }
    fs::write(&path, &file.text).map_err(LabError::file("writing", &path))?;
    let opened = File::open(&path).map_err(LabError::file("opening", &path))?;
    opened
        .set_permissions(PermissionsExt::from_mode(file.mode))
        .map_err(LabError::file("protecting", &path))?;
    chown(&path, Some(file.owner), Some(file.owner)).map_err(LabError::file("giving", &path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_from_a_port_is_no_listener_at_it() {
        let table = "  sl  local_address rem_address   st\n   0: 0B004D0A:0016 00000000:0000 0A 0\n   \
                     1: 0B004D0A:1388 0C004D0A:0016 01 0\n";
        assert!(listens(table, 22));
        assert!(!listens(table, 5000));
    }
}
