//! Docker's state and its number of running containers, read from control groups.
//!
//! systemd keeps a control group for every unit that runs and removes it when the unit ends, so
//! `system.slice/docker.service` tells a running engine without a socket, a subprocess or a privilege.
//! An engine that is still starting has its group already, and counts as active. A unit that is installed
//! and has no group is inactive. Whether it ended in a failure systemd tells only over D-Bus, so
//! [`DockerState::Failed`] is never claimed here.
//!
//! A container is a group too: `system.slice/docker-<id>.scope` with the systemd driver, `docker/<id>`
//! with the cgroupfs driver. Version 2 has one hierarchy; version 1 has one a controller, and systemd's
//! own. Containers with a `--cgroup-parent` of their own are not seen; the opt-in socket counts them.

use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::docker_socket;
use super::host_error;
use super::relist::{EVERY, Relist};
use crate::record::{DockerState, Health};
use crate::source::{Observation, Source, SourceError};

/// Hierarchies under `/sys/fs/cgroup`: version 2, version 1's of systemd, the hybrid's, and one of the
/// controllers' for a board without systemd. No container is in two groups of one hierarchy.
const HIERARCHIES: [&str; 4] = ["", "systemd", "unified", "memory"];

/// Where units are installed (`systemd.unit(5)`).
const UNITS: [&str; 5] = [
    "etc/systemd/system",
    "run/systemd/system",
    "usr/local/lib/systemd/system",
    "usr/lib/systemd/system",
    "lib/systemd/system",
];

/// How long the engine has to answer on its socket, in all.
const SOCKET_DEADLINE: Duration = Duration::from_secs(2);

/// Docker's engine and containers.
pub(super) struct DockerSource {
    root: PathBuf,
    hierarchies: Vec<Hierarchy>,
    socket: Option<PathBuf>,
    relist: Relist,
    installed: bool,
}

impl DockerSource {
    pub(super) fn new(root: &Path, socket: Option<PathBuf>) -> Self {
        let (hierarchies, relist) = (Vec::new(), Relist::every(EVERY));
        Self { root: root.to_owned(), hierarchies, socket, relist, installed: false }
    }

    fn list(&mut self) {
        let cgroup = self.root.join("sys/fs/cgroup");
        let hierarchies = HIERARCHIES.iter().map(|name| cgroup.join(name)).filter(|path| path.is_dir());
        self.hierarchies = hierarchies.map(Hierarchy::new).collect();
        // A masked unit is a link to /dev/null, which is no file: not this one's installation.
        self.installed = UNITS.iter().any(|folder| self.root.join(folder).join("docker.service").is_file());
    }

    fn state(&self, inhabited: &[PathBuf]) -> Option<DockerState> {
        if inhabited.iter().any(|hierarchy| populated(&hierarchy.join("system.slice/docker.service"))) {
            Some(DockerState::Active)
        } else {
            self.installed.then_some(DockerState::Inactive)
        }
    }

    fn by_groups(&mut self) -> Health {
        if self.relist.due() {
            self.list();
        }
        let inhabited: Vec<PathBuf> = self.hierarchies.iter_mut().filter_map(Hierarchy::inhabited).collect();
        let docker = self.state(&inhabited);
        let containers = containers(&inhabited);
        Health {
            docker,
            // Live-restored containers outlive their engine, and an engine need not be systemd's.
            containers: (docker.is_some() || containers > 0).then_some(containers),
            ..Health::default()
        }
    }
}

impl Source for DockerSource {
    fn name(&self) -> &'static str {
        "docker"
    }

    fn read(&mut self) -> Result<Observation, SourceError> {
        let mut health = self.by_groups();
        if let Some(socket) = &self.socket {
            let told = docker_socket::running_containers(socket, SOCKET_DEADLINE).map_err(|error| {
                let remedy = "let the agent's user open it (group docker, which is as much as root), \
                              or leave docker_socket out to count by control groups";
                host_error(socket.display().to_string(), remedy, error)
            })?;
            if let Some(containers) = told {
                health.docker = Some(DockerState::Active);
                health.containers = Some(containers);
            }
        }
        Ok(Observation { health, ..Observation::default() })
    }
}

/// One hierarchy of control groups.
struct Hierarchy {
    path: PathBuf,
    /// Its folder, open: to ask it saves a walk along the path.
    folder: Option<File>,
    /// How many links its folder had when neither units nor containers were found in it.
    bare_at: Option<u64>,
}

impl Hierarchy {
    fn new(path: PathBuf) -> Self {
        Self { folder: File::open(&path).ok(), path, bare_at: None }
    }

    /// Its path, where it has groups of units or containers at all. Most of version 1's have not, and looking
    /// for each group in them costs more than all other host sources: a folder that holds as many others as it
    /// did when it was bare is taken to be bare still, until the next list.
    fn inhabited(&mut self) -> Option<PathBuf> {
        // Folders are counted there by the kernel's own file systems; 1 means that nobody counts.
        let told = self.folder.as_ref().and_then(|folder| folder.metadata().ok());
        let links = told.map(|folder| folder.nlink()).filter(|links| *links > 1);
        if links.is_some() && links == self.bare_at {
            return None;
        }
        let bare = !["system.slice", "docker"].iter().any(|group| self.path.join(group).is_dir());
        self.bare_at = links.filter(|_| bare);
        (!bare).then(|| self.path.clone())
    }
}

/// The same container is in every hierarchy of version 1, so the fullest one counts.
fn containers(hierarchies: &[PathBuf]) -> u32 {
    let counts = hierarchies.iter().map(|hierarchy| {
        count(&hierarchy.join("system.slice"), is_scope)
            .saturating_add(count(&hierarchy.join("docker"), is_id))
    });
    counts.max().unwrap_or(0)
}

/// Whether the group exists and holds a process. Version 1 has no `cgroup.events`, and needs none:
/// systemd removes a unit's empty group.
fn populated(group: &Path) -> bool {
    match std::fs::read_to_string(group.join("cgroup.events")) {
        Ok(events) => events.lines().any(|line| line == "populated 1"),
        Err(_) => group.is_dir(),
    }
}

fn count(folder: &Path, is_container: fn(&str) -> bool) -> u32 {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    let names = entries.flatten().filter(|entry| entry.file_name().to_str().is_some_and(is_container));
    u32::try_from(names.count()).unwrap_or(u32::MAX)
}

fn is_scope(name: &str) -> bool {
    name.strip_prefix("docker-").and_then(|name| name.strip_suffix(".scope")).is_some_and(is_id)
}

/// A container's id: 64 hexadecimal digits.
fn is_id(name: &str) -> bool {
    name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn seen(board: &tempfile::TempDir) -> (Option<DockerState>, Option<u32>) {
        let health = DockerSource::new(board.path(), None).read().unwrap().health;
        (health.docker, health.containers)
    }

    fn installed() -> tempfile::TempDir {
        let board = tempfile::tempdir().unwrap();
        fs::create_dir_all(board.path().join("usr/lib/systemd/system")).unwrap();
        fs::write(board.path().join("usr/lib/systemd/system/docker.service"), "[Unit]\n").unwrap();
        board
    }

    fn group(board: &tempfile::TempDir, path: &str) -> PathBuf {
        let group = board.path().join("sys/fs/cgroup").join(path);
        fs::create_dir_all(&group).unwrap();
        group
    }

    fn id(digit: char) -> String {
        digit.to_string().repeat(64)
    }

    #[test]
    fn a_board_without_docker_has_no_state_and_no_count() {
        assert_eq!(seen(&tempfile::tempdir().unwrap()), (None, None));
    }

    #[test]
    fn an_engine_that_is_installed_and_has_no_group_is_inactive() {
        assert_eq!(seen(&installed()), (Some(DockerState::Inactive), Some(0)));
    }

    #[test]
    fn groups_that_come_later_are_seen_at_the_next_read() {
        let board = installed();
        let hierarchy = group(&board, "memory");
        let mut source = DockerSource::new(board.path(), None);
        for _ in 0..2 {
            assert_eq!(source.read().unwrap().health.containers, Some(0));
        }
        fs::create_dir_all(hierarchy.join("docker").join(id('7'))).unwrap();
        assert_eq!(source.read().unwrap().health.containers, Some(1));
    }

    #[test]
    fn version_2_with_systemd_s_driver_counts_scopes_and_nothing_else() {
        let board = installed();
        let service = group(&board, "system.slice/docker.service");
        fs::write(service.join("cgroup.events"), "populated 1\nfrozen 0\n").unwrap();
        group(&board, &format!("system.slice/docker-{}.scope", id('a')));
        group(&board, &format!("system.slice/docker-{}.scope", id('b')));
        group(&board, &format!("system.slice/libpod-{}.scope", id('c')));
        group(&board, "system.slice/docker-prune.service");
        group(&board, "system.slice/ssh.service");
        assert_eq!(seen(&board), (Some(DockerState::Active), Some(2)));
        fs::write(service.join("cgroup.events"), "populated 0\nfrozen 0\n").unwrap();
        assert_eq!(seen(&board), (Some(DockerState::Inactive), Some(2)), "live-restored containers run on");
    }

    #[test]
    fn version_1_counts_a_container_once_though_every_controller_has_its_group() {
        let board = installed();
        group(&board, "systemd/system.slice/docker.service");
        group(&board, "memory/system.slice/docker.service");
        for controller in ["systemd", "memory"] {
            group(&board, &format!("{controller}/docker/{}", id('1')));
            group(&board, &format!("{controller}/docker/{}", id('2')));
            group(&board, &format!("{controller}/docker/buildkit"));
        }
        assert_eq!(seen(&board), (Some(DockerState::Active), Some(2)));
    }

    #[test]
    fn a_masked_unit_is_no_installation_and_containers_without_systemd_are_counted() {
        let board = tempfile::tempdir().unwrap();
        fs::create_dir_all(board.path().join("etc/systemd/system")).unwrap();
        std::os::unix::fs::symlink("/dev/null", board.path().join("etc/systemd/system/docker.service"))
            .unwrap();
        assert_eq!(seen(&board), (None, None));
        group(&board, &format!("memory/docker/{}", id('d')));
        assert_eq!(seen(&board), (None, Some(1)));
    }
}
