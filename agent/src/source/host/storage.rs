//! How full the file systems are: `statvfs(2)` on each of [`super::mounts`].
//!
//! Local and network file systems are two sources, because a `statvfs` on a hung NFS mount does not
//! return: the board's own card is told all the same.

use std::io;
use std::path::{Path, PathBuf};

use super::host_error;
use super::mounts::{self, Place};
use super::relist::{EVERY, Relist};
use crate::record::{Health, Quality, Quantity, Reading};
use crate::source::{Observation, Source, SourceError};

/// What the kernel says of the file system at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Usage {
    free: u64,
    total: u64,
    /// The device number: another one means that another file system is mounted at the path. Not the
    /// identity that `statvfs` gives, which two cards cloned from one image share.
    device: u64,
}

type Probe = Box<dyn FnMut(&Path) -> io::Result<Usage> + Send>;

struct FileSystem {
    point: PathBuf,
    label: String,
    device: Option<u64>,
    failing: bool,
}

/// Every file system at one [`Place`]; the local one also knows the board's root and data disk.
pub(super) struct StorageSource {
    mountinfo: PathBuf,
    place: Place,
    data_disk: Option<PathBuf>,
    probe: Probe,
    relist: Relist,
    list: Vec<FileSystem>,
}

impl StorageSource {
    /// File systems on this board.
    pub(super) fn local(root: &Path, data_disk: Option<PathBuf>) -> Self {
        Self::new(root, Place::Local, data_disk, Box::new(ask))
    }

    /// File systems behind a network.
    pub(super) fn network(root: &Path) -> Self {
        Self::new(root, Place::Network, None, Box::new(ask))
    }

    fn new(root: &Path, place: Place, data_disk: Option<PathBuf>, probe: Probe) -> Self {
        let mountinfo = root.join("proc/self/mountinfo");
        Self { mountinfo, place, data_disk, probe, relist: Relist::every(EVERY), list: Vec::new() }
    }

    fn list(&mut self) -> io::Result<()> {
        // Names on a mount may be any bytes; a lossy name only fails its own probe.
        let text = std::fs::read(&self.mountinfo)?;
        let mounts = mounts::file_systems(&String::from_utf8_lossy(&text), self.place);
        let known = std::mem::take(&mut self.list);
        self.list = mounts
            .into_iter()
            .map(|mount| FileSystem {
                failing: known.iter().any(|other| other.point == mount.point && other.failing),
                label: mount.point.to_string_lossy().into_owned(),
                point: mount.point,
                device: None,
            })
            .collect();
        Ok(())
    }

    /// Usage of all, in the list's order; none where a file system does not answer.
    fn probe_all(&mut self) -> Vec<Option<Usage>> {
        let Self { list, probe, relist, .. } = self;
        list.iter_mut()
            .map(|system| {
                let usage = system.note(probe(&system.point))?;
                if system.device.replace(usage.device).is_some_and(|known| known != usage.device) {
                    // Unmounted: the path shows what lay beneath, which is not this file system.
                    system.device = None;
                    relist.stale();
                    return None;
                }
                Some(usage).filter(|usage| usage.total > 0)
            })
            .collect()
    }

    fn health(&mut self, usages: &[Option<Usage>]) -> Health {
        let at_root = self.list.iter().position(|system| system.point == Path::new("/"));
        let root = at_root.and_then(|index| usages.get(index).copied().flatten());
        let data = self.data_disk.as_deref().and_then(|path| (self.probe)(path).ok());
        let data = data.filter(|data| root.is_none_or(|root| root.device != data.device));
        Health {
            storage_free_bytes: root.map(|usage| usage.free),
            storage_total_bytes: root.map(|usage| usage.total),
            data_free_bytes: data.map(|usage| usage.free),
            data_total_bytes: data.map(|usage| usage.total),
            ..Health::default()
        }
    }
}

impl FileSystem {
    /// Says once when it stops answering, and once when it answers again.
    fn note(&mut self, usage: io::Result<Usage>) -> Option<Usage> {
        match usage {
            Ok(usage) => {
                if std::mem::take(&mut self.failing) {
                    tracing::info!(mount = self.label, "the file system answers again");
                }
                Some(usage)
            }
            Err(error) => {
                if !std::mem::replace(&mut self.failing, true) {
                    tracing::warn!(mount = self.label, %error, "the file system does not tell its size");
                }
                None
            }
        }
    }
}

impl Source for StorageSource {
    fn name(&self) -> &'static str {
        match self.place {
            Place::Local => "storage",
            Place::Network => "network-storage",
        }
    }

    fn read(&mut self) -> Result<Observation, SourceError> {
        if self.relist.due()
            && let Err(error) = self.list()
        {
            self.relist.stale();
            let remedy = "see that /proc is mounted and readable to the agent";
            return Err(host_error(self.mountinfo.display().to_string(), remedy, error));
        }
        let usages = self.probe_all();
        let pairs = self.list.iter().zip(&usages);
        let readings = pairs.filter_map(|(system, usage)| Some(readings(&system.label, (*usage)?))).flatten();
        let readings = readings.collect();
        Ok(Observation { health: self.health(&usages), readings })
    }
}

fn readings(label: &str, usage: Usage) -> [Reading; 2] {
    #[expect(clippy::cast_precision_loss, reason = "a reading is a double: exact up to 8 PiB")]
    [(Quantity::StorageFree, usage.free as f64), (Quantity::StorageTotal, usage.total as f64)].map(
        |(quantity, value)| Reading {
            sensor: label.to_owned(),
            chip: "filesystem".to_owned(),
            quantity,
            value,
            quality: Quality::Good,
        },
    )
}

fn ask(path: &Path) -> io::Result<Usage> {
    let device = rustix::fs::stat(path)?.st_dev;
    let told = rustix::fs::statvfs(path)?;
    let bytes = |blocks: u64| blocks.saturating_mul(told.f_frsize);
    Ok(Usage { free: bytes(told.f_bavail), total: bytes(told.f_blocks), device })
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::sync::{Arc, Mutex};

    use super::*;

    const MOUNTS: &str = "\
22 1 179:2 / / rw - ext4 /dev/mmcblk0p2 rw
31 22 8:1 / /srv/data rw - ext4 /dev/sda1 rw
34 22 0:51 / /mnt/nas rw - nfs4 10.0.0.9:/export rw
";
    const ROOT: Usage = Usage { free: 10, total: 30, device: 1 };
    const DISK: Usage = Usage { free: 400, total: 900, device: 2 };

    /// A board whose file systems the test changes at will.
    struct Board {
        root: tempfile::TempDir,
        disks: Arc<Mutex<HashMap<PathBuf, Usage>>>,
    }

    impl Board {
        fn new() -> Self {
            let board = Self { root: tempfile::tempdir().unwrap(), disks: Arc::default() };
            std::fs::create_dir_all(board.root.path().join("proc/self")).unwrap();
            board.mounts(MOUNTS);
            board.mount("/", ROOT);
            board.mount("/srv/data", DISK);
            board
        }

        fn mounts(&self, text: &str) {
            std::fs::write(self.root.path().join("proc/self/mountinfo"), text).unwrap();
        }

        fn mount(&self, point: &str, usage: Usage) {
            self.disks.lock().unwrap().insert(point.into(), usage);
        }

        fn source(&self, place: Place, data_disk: Option<&str>) -> StorageSource {
            let disks = Arc::clone(&self.disks);
            let probe = move |path: &Path| {
                disks.lock().unwrap().get(path).copied().ok_or(io::ErrorKind::NotFound.into())
            };
            StorageSource::new(self.root.path(), place, data_disk.map(PathBuf::from), Box::new(probe))
        }
    }

    fn sizes(observation: &Observation) -> Vec<(&str, f64)> {
        let free = observation.readings.iter().filter(|reading| reading.quantity == Quantity::StorageFree);
        free.map(|reading| (reading.sensor.as_str(), reading.value)).collect()
    }

    #[test]
    fn every_local_file_system_is_a_reading_and_the_root_and_data_disk_are_health() {
        let board = Board::new();
        let mut source = board.source(Place::Local, Some("/srv/data"));
        let seen = source.read().unwrap();
        assert_eq!(sizes(&seen), [("/", 10.0), ("/srv/data", 400.0)]);
        assert_eq!((seen.health.storage_free_bytes, seen.health.storage_total_bytes), (Some(10), Some(30)));
        assert_eq!((seen.health.data_free_bytes, seen.health.data_total_bytes), (Some(400), Some(900)));
    }

    #[test]
    fn a_data_disk_that_is_not_mounted_is_absent_rather_than_the_root_s_space() {
        let board = Board::new();
        board.mount("/srv/data", ROOT);
        let seen = board.source(Place::Local, Some("/srv/data")).read().unwrap();
        assert_eq!((seen.health.data_free_bytes, seen.health.data_total_bytes), (None, None));
    }

    #[test]
    fn a_disk_pulled_between_two_reads_is_never_told_with_the_root_s_numbers() {
        let board = Board::new();
        let mut source = board.source(Place::Local, None);
        assert_eq!(sizes(&source.read().unwrap()).len(), 2);
        board.mounts("22 1 179:2 / / rw - ext4 /dev/mmcblk0p2 rw\n");
        board.mount("/srv/data", ROOT);
        assert_eq!(sizes(&source.read().unwrap()), [("/", 10.0)]);
        assert_eq!(sizes(&source.read().unwrap()), [("/", 10.0)]);
        assert_eq!(source.list.len(), 1, "and the list was read again at once");
    }

    #[test]
    fn a_file_system_that_does_not_answer_leaves_the_others_their_readings() {
        let board = Board::new();
        board.disks.lock().unwrap().remove(Path::new("/srv/data"));
        let seen = board.source(Place::Local, None).read().unwrap();
        assert_eq!(sizes(&seen), [("/", 10.0)]);
    }

    #[test]
    fn network_file_systems_are_asked_only_by_their_own_source_and_know_no_root() {
        let board = Board::new();
        board.mount("/mnt/nas", Usage { free: 5, total: 6, device: 3 });
        let seen = board.source(Place::Network, None).read().unwrap();
        assert_eq!(sizes(&seen), [("/mnt/nas", 5.0)]);
        assert_eq!(seen.health, Health::default());
    }

    #[test]
    fn without_mountinfo_the_error_names_the_file_and_the_next_read_tries_again() {
        let board = Board::new();
        let mut source = board.source(Place::Local, None);
        std::fs::remove_file(board.root.path().join("proc/self/mountinfo")).unwrap();
        assert!(source.read().unwrap_err().to_string().contains("proc/self/mountinfo"));
        board.mounts(MOUNTS);
        assert_eq!(sizes(&source.read().unwrap()).len(), 2);
    }
}
