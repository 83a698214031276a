//! The agent on a board: which package, and what its configuration says.
//!
//! A board's configuration names the fixed few that clients begin with, Kafka's voters and Cassandra's seeds, so
//! that a board which is added changes no other board's file.

use std::fmt;
use std::path::{Path, PathBuf};

use pirack_agent::config::{CassandraSection, File, HostSection, KafkaSection, MetricsSection, QueueSection};
use sha2::{Digest, Sha256};
use toml::Spanned;

use crate::rack::{Board, BoardName, Identity, Rack};
use crate::stack::cassandra;

/// Its configuration on a board.
pub const CONFIGURATION: &str = "/etc/pirack/agent.toml";
/// Where a board notes which package was installed by us: its version and the beginning of its hash. Not in the
/// agent's own folder, which its package makes.
pub const NOTE: &str = "/var/lib/pirack-manager/package";
/// What a package's file is called: `pirack-agent_VERSION_ARCHITECTURE.deb`.
const NAME: &str = "pirack-agent_";

/// One package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    path: PathBuf,
    version: String,
}

/// The packages at hand, one an architecture at most.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Packages {
    /// Where they were looked for.
    folders: Vec<PathBuf>,
    packages: Vec<(String, Package)>,
}

/// Why packages cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum PackagesError {
    /// The folder or a file in it cannot be read.
    #[error(
        "cannot read {path}: name the folder of the agent's packages as agent.packages, or make them with make deb"
    )]
    Read {
        /// Which.
        path: PathBuf,
        /// What came of it.
        #[source]
        source: std::io::Error,
    },
    /// Two of one architecture.
    #[error("{folder} has two packages for {architecture}: leave the one that boards should have")]
    Two {
        /// Where.
        folder: PathBuf,
        /// Debian's name for it.
        architecture: String,
    },
}

impl Package {
    /// The version, with the beginning of the file's SHA-256: two builds of one version are two packages.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl fmt::Display for Package {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.version)
    }
}

impl Packages {
    /// Those in this folder.
    ///
    /// # Errors
    /// When it cannot be read, or holds two for one architecture.
    pub fn in_folder(folder: &Path) -> Result<Self, PackagesError> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| PackagesError::Read { path, source }
        };
        let mut packages: Vec<(String, Package)> = vec![];
        for entry in std::fs::read_dir(folder).map_err(failed(folder))? {
            let path = entry.map_err(failed(folder))?.path();
            let name = path.file_name().and_then(|name| name.to_str());
            let parts = name.and_then(|name| name.strip_prefix(NAME)?.strip_suffix(".deb")?.rsplit_once('_'));
            let Some((version, architecture)) = parts else { continue };
            if packages.iter().any(|(known, _)| known == architecture) {
                let (folder, architecture) = (folder.to_owned(), architecture.to_owned());
                return Err(PackagesError::Two { folder, architecture });
            }
            let bytes = std::fs::read(&path).map_err(failed(&path))?;
            let version = format!("{version} {}", &digest(&bytes)[..12]);
            packages.push((architecture.to_owned(), Package { path: path.clone(), version }));
        }
        Ok(Self { folders: vec![folder.to_owned()], packages })
    }

    /// Those in the first of these folders that is there; none where none is.
    ///
    /// # Errors
    /// As [`Packages::in_folder`].
    pub fn in_first_of(folders: Vec<PathBuf>) -> Result<Self, PackagesError> {
        match folders.iter().find(|folder| folder.exists()) {
            Some(folder) => Self::in_folder(folder),
            None => Ok(Self { folders, packages: vec![] }),
        }
    }

    /// The one for a processor, as Docker's engine names it.
    #[must_use]
    pub fn of(&self, architecture: &str) -> Option<&Package> {
        let wanted = debian(architecture)?;
        self.packages.iter().find(|(known, _)| known == wanted).map(|(_, package)| package)
    }

    /// What to say where there is none for it.
    #[must_use]
    pub fn missing(&self, architecture: &str) -> String {
        match debian(architecture) {
            Some(name) => {
                let folders: Vec<_> =
                    self.folders.iter().map(|folder| folder.display().to_string()).collect();
                format!(
                    "there is no {NAME}*_{name}.deb in {}: make it with make deb, name its folder as packages under [agent], or say enabled = false there",
                    folders.join(" or ")
                )
            }
            None => format!("there is no package for the processor {architecture}"),
        }
    }
}

/// Debian's name for what the engine names so.
fn debian(architecture: &str) -> Option<&'static str> {
    match architecture {
        "x86_64" | "amd64" => Some("amd64"),
        "aarch64" | "arm64" => Some("arm64"),
        "armv7l" | "armhf" => Some("armhf"),
        _ => None,
    }
}

/// A board's configuration file.
#[must_use]
pub fn configuration(rack: &Rack, identity: &Identity, board: &Board) -> String {
    let addresses = |names: &[String], port: u16| -> Vec<Spanned<String>> {
        let address = |name: &String| rack.board(&name.parse::<BoardName>().ok()?).map(|board| board.address);
        names.iter().filter_map(address).map(|address| written(format!("{address}:{port}"))).collect()
    };
    let kafka = rack.kafka.as_ref().zip(identity.kafka.as_ref()).map(|(kafka, remembered)| KafkaSection {
        bootstrap: Some(addresses(&remembered.voters_that_are_brokers(kafka), kafka.defaults.rack().port)),
        ..KafkaSection::default()
    });
    let cassandra =
        rack.cassandra.as_ref().zip(identity.cassandra.as_ref()).map(|(cassandra, remembered)| {
            CassandraSection {
                contact_points: Some(addresses(&remembered.seeds, cassandra::CQL)),
                datacenter: Some(written(cassandra.datacenter.clone())),
                ..CassandraSection::default()
            }
        });
    let file = File {
        board: Some(written(board.name.to_string())),
        interval_seconds: Some(written(rack.agent.interval.as_secs_f64())),
        log: None,
        queue: QueueSection {
            max_bytes: i64::try_from(rack.agent.queue.0).ok().map(written),
            ..QueueSection::default()
        },
        kafka,
        cassandra,
        metrics: MetricsSection::default(),
        host: HostSection {
            data_disk: Some(written(
                board
                    .data_disk
                    .as_ref()
                    .map_or_else(|| "/var/lib/docker".to_owned(), |disk| disk.mount.clone()),
            )),
            ..HostSection::default()
        },
        sensor: board.sensors.clone(),
    };
    let text = toml::to_string(&file).unwrap_or_default();
    format!("# Written by pirack for the rack {}: what is changed here is written over.\n{text}", rack.name)
}

fn written<T>(value: T) -> Spanned<T> {
    Spanned::new(0..0, value)
}

/// The SHA-256 of a file's content, as `sha256sum` prints it.
#[must_use]
pub fn digest(content: &[u8]) -> String {
    Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_are_in_the_first_folder_that_is_there_and_who_misses_one_hears_where_it_was_looked_for() {
        let scratch = tempfile::tempdir().unwrap();
        let [own, built] = ["packages", "debian"].map(|name| scratch.path().join(name));
        let found = || Packages::in_first_of(vec![own.clone(), built.clone()]).unwrap();
        let told = found().missing("aarch64");
        assert!(told.contains(&format!("_arm64.deb in {} or {}", own.display(), built.display())), "{told}");
        for folder in [&built, &own] {
            std::fs::create_dir(folder).unwrap();
            std::fs::write(folder.join("pirack-agent_0.1.0_arm64.deb"), "a package").unwrap();
            assert!(found().of("aarch64").is_some_and(|package| package.path().starts_with(folder)));
        }
        let told = found().missing("armv7l");
        assert!(told.contains(&format!("in {}:", own.display())), "{told}");
    }
}
