//! The board's own health, read from its kernel.
//!
//! One source a subject, so that a hung network file system or a slow bus delays that subject alone.
//! The invariant of them all: what a board has not got is absent, neither zero nor an error. An error
//! means that something which is there could not be read.
//!
//! They are read every second on boards that have other work to do, so what seldom changes (mounts,
//! interfaces, zones, names) is listed once a minute, and sooner where a read shows that it changed;
//! values come from files that stay open in between. Processors, load, memory and names come from
//! `sysinfo`, refreshed narrowly; where it would read more than is asked (file systems, interfaces,
//! temperatures) the kernel's files are read here.

mod address;
mod cpu;
mod docker;
mod docker_socket;
mod kernel_file;
mod memory;
mod mounts;
mod network;
mod power;
mod relist;
mod storage;
mod system;
mod thermal;

use std::path::{Path, PathBuf};

use super::{Source, SourceError};

/// What the configuration says about the host sources.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostSettings {
    /// A path on the disk that holds the board's data (Cassandra, Kafka). Its fields stay absent while
    /// the path lies on the root file system: the disk is not mounted, or there is none.
    pub data_disk: Option<PathBuf>,
    /// Docker's socket (`/var/run/docker.sock`), to count containers by asking the engine.
    ///
    /// Whoever can open that socket is root on this board. Without it, the state comes from systemd's
    /// control groups and the count from the containers' own, which needs no privilege.
    pub docker_socket: Option<PathBuf>,
}

/// Every source of the board's own health. None is read yet; each may block on its own.
#[must_use]
pub fn sources(settings: &HostSettings) -> Vec<Box<dyn Source>> {
    sources_under(Path::new("/"), settings)
}

/// The same, for a board whose `/proc`, `/sys`, `/etc` and `/usr` lie under `root`.
fn sources_under(root: &Path, settings: &HostSettings) -> Vec<Box<dyn Source>> {
    vec![
        Box::new(cpu::CpuSource::new()),
        Box::new(memory::MemorySource::new()),
        Box::new(storage::StorageSource::local(root, settings.data_disk.clone())),
        Box::new(storage::StorageSource::network(root)),
        Box::new(thermal::ThermalSource::new(root)),
        Box::new(network::NetworkSource::new(root)),
        Box::new(power::PowerSource::new(root)),
        Box::new(docker::DockerSource::new(root, settings.docker_socket.clone())),
        Box::new(system::SystemSource::new(root)),
    ]
}

/// A kernel file that must be there and is not readable.
fn host_error(what: impl Into<String>, remedy: &'static str, source: std::io::Error) -> SourceError {
    SourceError::Host { what: what.into(), remedy, source }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Observation;

    #[test]
    fn every_source_has_a_name_of_its_own() {
        let sources = sources(&HostSettings::default());
        let names: Vec<&str> = sources.iter().map(|source| source.name()).collect();
        let expected = [
            "cpu",
            "memory",
            "storage",
            "network-storage",
            "thermal",
            "network",
            "power",
            "docker",
            "system",
        ];
        assert_eq!(names, expected);
    }

    #[test]
    fn a_board_without_zones_interfaces_alarms_or_docker_says_nothing_and_fails_at_nothing() {
        let bare = tempfile::tempdir().unwrap();
        let mut sources = sources_under(bare.path(), &HostSettings::default());
        for name in ["thermal", "network", "power", "docker"] {
            let source = sources.iter_mut().find(|source| source.name() == name).unwrap();
            assert_eq!(source.read().unwrap(), Observation::default(), "{name}");
        }
    }
}
