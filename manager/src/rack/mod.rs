//! The rack as its file says it should be: plain data that cannot be wrong.
//!
//! `file` has the text's shape, `check` turns it into a [`Rack`] or tells everything that is wrong with it at
//! once, each with its line and its remedy. Behind that door nobody checks again: names are unique, every
//! board that a stack names exists, managers are one at least, voters are an odd number of the brokers'
//! quorum. docs/rack.md documents every key.
//!
//! What a rack remembers of itself from one run to the next is not here but in [`identity`].

pub mod bytes;
mod check;
mod code;
mod file;
pub mod identity;
mod problem;
mod read;
mod secrets;
pub mod span;

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::time::Duration;

use pirack_agent::config::SensorSection;
use pirack_swarm::desired::{EnvKey, Image, LabelKey, NetworkName, SecretName, ServiceName};
use pirack_swarm::spec::{PortSpec, SecretValue};

pub use bytes::Bytes;
pub use check::VERSION;
pub use code::{Code, Severity};
pub use identity::Identity;
/// A board's name: its host name, the name of its node in the swarm, and the value of its node's label `board`.
pub use pirack_swarm::desired::HostName as BoardName;
/// A rack's name: the owner of everything that it has in the swarm.
pub use pirack_swarm::desired::Owner as RackName;
pub use problem::{Position, Problem, Problems};
pub use read::{examine, examine_text, parse, read};
pub use secrets::{SecretError, SecretErrors, SecretsRead};

use crate::stack::kafka::defaults::Defaults;

/// One rack.
#[derive(Clone, Debug)]
pub struct Rack {
    /// Its name.
    pub name: RackName,
    /// Its boards, in the file's order; at least one of them a manager.
    pub boards: Vec<Board>,
    /// How boards are reached that say nothing else.
    pub ssh: SshAccess,
    /// Clocks, addresses, packets.
    pub network: Network,
    /// The agents' settings.
    pub agent: Agent,
    /// Kafka, where the rack has it.
    pub kafka: Option<Kafka>,
    /// Cassandra, where the rack has it.
    pub cassandra: Option<Cassandra>,
    /// Stargate, where the rack has it; never without Cassandra 4.0.
    pub stargate: Option<Stargate>,
    /// Whatever else runs on the rack, by the file's order.
    pub apps: Vec<App>,
}

/// What a board is for; it may be several things.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Runs `pirack serve` and is the rack's time server. Needs not be in the swarm.
    Admin,
    /// Holds the swarm's state with the other managers.
    Manager,
    /// Runs the data services.
    Worker,
    /// Runs apps.
    App,
}

/// One board.
#[derive(Clone, Debug)]
pub struct Board {
    /// Its name.
    pub name: BoardName,
    /// Its own stable address.
    pub address: Ipv4Addr,
    /// What it is for; never empty for a board of the file.
    pub roles: BTreeSet<Role>,
    /// How it is reached.
    pub access: Access,
    /// The memory that heaps and limits are reckoned from; what the board reports where nothing is said.
    pub memory: Option<Bytes>,
    /// The disk that data lie on; where there is none, the root's.
    pub data_disk: Option<DataDisk>,
    /// Which boards share a plug or a switch: Cassandra's rack and Kafka's `broker.rack`.
    pub place: String,
    /// Labels of its node, besides those that the manager sets itself.
    pub labels: BTreeMap<LabelKey, String>,
    /// Its chips, as its agent's file has them.
    pub sensors: Vec<SensorSection>,
}

impl Board {
    /// A board of which no more is known than where it is: one that the file does not name.
    #[must_use]
    pub fn at(name: BoardName, address: Ipv4Addr, access: Access) -> Self {
        Self {
            name,
            address,
            roles: BTreeSet::new(),
            access,
            memory: None,
            data_disk: None,
            place: String::new(),
            labels: BTreeMap::new(),
            sensors: vec![],
        }
    }
}

/// A disk for data, by the UUID of its file system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataDisk {
    /// As `blkid` tells it.
    pub uuid: String,
    /// Where it is mounted, an absolute path: `/srv/data` or any other of its own.
    pub mount: String,
    /// The device to make that file system on, where the file names one: only with `--format`.
    pub device: Option<String>,
}

/// How a board is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    /// OpenSSH: a shell, and the engine's socket through it.
    Ssh(SshAccess),
    /// The engine over TLS: no shell, so neither preflight's fixes nor the agent's package.
    Tls(TlsAccess),
    /// This machine itself: its own shell and socket.
    Local,
}

/// An SSH door.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SshAccess {
    /// As whom; root, or somebody with `sudo` without a password.
    pub user: String,
    /// 22 by default.
    pub port: u16,
    /// The private key; ssh's own choice where nothing is said.
    pub identity: Option<PathBuf>,
    /// Files of known host keys, besides the user's own.
    pub known_hosts: Option<PathBuf>,
    /// The board's host keys from the rack file, each `TYPE BASE64`. Where there are any, no other is taken.
    pub host_keys: Vec<String>,
}

/// An engine's TLS door.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsAccess {
    /// 2376 by default.
    pub port: u16,
    /// Who signed the engine's certificate.
    pub authority: PathBuf,
    /// Ours.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
}

/// What holds for all boards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    /// The greatest packet in bytes.
    pub mtu: u16,
    /// How far a board's clock may be from another's.
    pub clock_offset: Duration,
    /// Whether the router keeps the boards' addresses for them: a lease is then well.
    pub addresses_reserved: bool,
    /// Registries that boards' engines may use without TLS, `host:port`.
    pub insecure_registries: Vec<String>,
}

/// What every agent is told.
#[derive(Clone, Debug)]
pub struct Agent {
    /// Whether agents are installed at all.
    pub enabled: bool,
    /// The folder of `.deb` packages, one an architecture; beside the manager's own program where nothing is said.
    pub packages: Option<PathBuf>,
    /// Between two readings.
    pub interval: Duration,
    /// The most bytes of a board's queue.
    pub queue: Bytes,
}

/// Kafka.
#[derive(Clone, Debug)]
pub struct Kafka {
    /// What runs.
    pub image: Image,
    /// Boards with a broker, in the file's order.
    pub brokers: Vec<BoardName>,
    /// Boards whose controllers vote: 1, 3 or 5. One that is no broker runs a controller alone.
    pub voters: Vec<BoardName>,
    /// Whether the file names them; else they are the first of each place in turn, and what [`identity`] remembers holds.
    pub voters_named: bool,
    /// The heap of each; a share of the board's memory where nothing is said.
    pub heap: Option<Bytes>,
    /// The limit of each, likewise.
    pub limit: Option<Bytes>,
    /// Settings of every broker.
    pub defaults: Defaults,
    /// How long the rack's own topics keep; the topics' own where nothing is said.
    pub retention: Option<Duration>,
    /// More options of the JVM.
    pub jvm_options: Option<String>,
}

/// Which Cassandra: what speaks to it depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CassandraVersion {
    /// 4.0, which Stargate 2 knows.
    V4_0,
    /// 4.1.
    V4_1,
    /// 5.0.
    V5_0,
}

/// Cassandra.
#[derive(Clone, Debug)]
pub struct Cassandra {
    /// What runs.
    pub image: Image,
    /// Which version that is.
    pub version: CassandraVersion,
    /// The ring's name.
    pub cluster_name: String,
    /// Its data centre.
    pub datacenter: String,
    /// Boards with a node, in the file's order.
    pub nodes: Vec<BoardName>,
    /// Of those, where others begin: two or three of them, fewer where there are fewer.
    pub seeds: Vec<BoardName>,
    /// Whether the file names them; else they are the first of each place in turn, and what [`identity`] remembers holds.
    pub seeds_named: bool,
    /// Copies of each row in the rack's own keyspace; never more than nodes.
    pub replication: u32,
    /// The heap of each; a share of the board's memory where nothing is said.
    pub heap: Option<Bytes>,
    /// Its young part, likewise.
    pub young: Option<Bytes>,
    /// The limit of each, likewise.
    pub limit: Option<Bytes>,
    /// More options of the JVM.
    pub jvm_options: Option<String>,
}

/// Stargate 2: a coordinator and its GraphQL door on each of its boards.
#[derive(Clone, Debug)]
pub struct Stargate {
    /// The coordinator's image.
    pub coordinator: Image,
    /// The GraphQL door's.
    pub graphql: Image,
    /// Boards; none of Cassandra's.
    pub boards: Vec<BoardName>,
}

/// A service that is none of the rack's own.
#[derive(Clone, Debug)]
pub struct App {
    /// Its name.
    pub name: ServiceName,
    /// What runs.
    pub image: Image,
    /// In place of the image's command.
    pub command: Vec<String>,
    /// How many tasks, on boards with the role app.
    pub replicas: u64,
    /// Boards it may run on, where it must be some of them.
    pub boards: Vec<BoardName>,
    /// Variables.
    pub env: BTreeMap<EnvKey, String>,
    /// Ports of its boards.
    pub ports: BTreeSet<PortSpec>,
    /// Overlays that it shares with other apps; it finds their tasks by name (dnsrr).
    pub networks: BTreeSet<NetworkName>,
    /// The most memory of a task.
    pub limit: Option<Bytes>,
    /// Secrets, as files in `/run/secrets`.
    pub secrets: BTreeMap<SecretName, SecretSource>,
}

/// Where a secret is read: never in the rack file itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SecretSource {
    /// A file; in the rack file relative to its folder, here a path from anywhere.
    File(PathBuf),
    /// An environment variable of the manager's.
    Environment(String),
}

/// Secrets as they were read, by name.
pub type Secrets = BTreeMap<SecretName, SecretValue>;

impl Rack {
    /// The board of this name.
    #[must_use]
    pub fn board(&self, name: &BoardName) -> Option<&Board> {
        self.boards.iter().find(|board| board.name == *name)
    }

    /// The addresses of these boards.
    pub fn addresses<'a>(&'a self, names: &'a [BoardName]) -> impl Iterator<Item = Ipv4Addr> + 'a {
        names.iter().filter_map(|name| self.board(name)).map(|board| board.address)
    }

    /// The boards with this role, in the file's order.
    pub fn with_role(&self, role: Role) -> impl Iterator<Item = &Board> {
        self.boards.iter().filter(move |board| board.roles.contains(&role))
    }

    /// The boards that are in the swarm: every one but an admin that is nothing else.
    pub fn members(&self) -> impl Iterator<Item = &Board> {
        self.boards.iter().filter(|board| board.roles.iter().any(|role| *role != Role::Admin))
    }

    /// Every image that it runs; one may come more than once.
    pub fn images(&self) -> impl Iterator<Item = &Image> {
        let kafka = self.kafka.iter().map(|kafka| &kafka.image);
        let cassandra = self.cassandra.iter().map(|cassandra| &cassandra.image);
        let stargate = self.stargate.iter().flat_map(|stargate| [&stargate.coordinator, &stargate.graphql]);
        kafka.chain(cassandra).chain(stargate).chain(self.apps.iter().map(|app| &app.image))
    }

    /// The same, to be pinned.
    pub fn images_mut(&mut self) -> impl Iterator<Item = &mut Image> {
        let kafka = self.kafka.iter_mut().map(|kafka| &mut kafka.image);
        let cassandra = self.cassandra.iter_mut().map(|cassandra| &mut cassandra.image);
        let stargate =
            self.stargate.iter_mut().flat_map(|stargate| [&mut stargate.coordinator, &mut stargate.graphql]);
        kafka.chain(cassandra).chain(stargate).chain(self.apps.iter_mut().map(|app| &mut app.image))
    }

    /// The images that tasks on this board may need, each once.
    #[must_use]
    pub fn images_on(&self, board: &Board) -> BTreeSet<&Image> {
        let on = |boards: &[BoardName]| boards.contains(&board.name);
        let kafka = self.kafka.iter().filter(|kafka| on(&kafka.brokers) || on(&kafka.voters));
        let cassandra = self.cassandra.iter().filter(|cassandra| on(&cassandra.nodes));
        let stargate = self.stargate.iter().filter(|stargate| on(&stargate.boards));
        let apps = self.apps.iter().filter(|app| {
            if app.boards.is_empty() { board.roles.contains(&Role::App) } else { on(&app.boards) }
        });
        (kafka.map(|kafka| &kafka.image))
            .chain(cassandra.map(|cassandra| &cassandra.image))
            .chain(stargate.flat_map(|stargate| [&stargate.coordinator, &stargate.graphql]))
            .chain(apps.map(|app| &app.image))
            .collect()
    }

    /// The board where a new swarm begins: the first manager.
    #[must_use]
    pub fn first_manager(&self) -> Option<&Board> {
        self.with_role(Role::Manager).next()
    }
}

#[cfg(test)]
pub(crate) mod tests;
