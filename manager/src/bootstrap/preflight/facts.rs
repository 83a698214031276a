//! What a board is like, as plain data. `read` makes it of what `gather.sh` prints.
//!
//! What a board does not say is absent, never guessed: a check that lacks its fact finds nothing.

mod read;

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::time::Duration;

use crate::rack::Bytes;

pub(super) use self::read::read;

/// One board's facts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// `uname -m`.
    pub machine: String,
    /// What its packages are for: `arm64`, `armhf`, `amd64`.
    pub userland: Option<String>,
    /// `ID` of os-release, and those it is like.
    pub os: BTreeSet<String>,
    /// `PRETTY_NAME` of os-release.
    pub os_name: String,
    /// Its host name.
    pub host_name: String,
    /// Its machine-id.
    pub machine_id: Option<String>,
    /// What the kernel calls `MemTotal`.
    pub memory: Option<Bytes>,
    /// Devices and files that are swapped to.
    pub swaps: Vec<String>,
    /// Whether memory can be limited; nothing where the kernel does not say.
    pub memory_cgroup: Option<bool>,
    /// What is mounted.
    pub mounts: Vec<Mount>,
    /// Disks and their parts.
    pub disks: Vec<Disk>,
    /// SD cards among the disks, by name: eMMC is none.
    pub cards: BTreeSet<String>,
    /// The device that has the data disk's UUID.
    pub labelled: Option<String>,
    /// The lines of fstab that mount something.
    pub fstab: Vec<Vec<String>>,
    /// Its addresses.
    pub addresses: Vec<Address>,
    /// Its network devices.
    pub links: Vec<NetworkDevice>,
    /// Who listens at which port.
    pub listeners: Vec<Listener>,
    /// Programs that keep the time.
    pub time_daemons: BTreeSet<String>,
    /// Whom its time daemon asks, by address or name; nothing where it does not say.
    pub time_sources: Option<BTreeSet<String>>,
    /// The boards, by address, that its chrony answers, and those that it does not.
    pub time_served: BTreeMap<Ipv4Addr, bool>,
    /// The hottest of its sensors.
    pub temperature_millicelsius: Option<i64>,
    /// Whether the supply is too low now.
    pub under_voltage: Option<bool>,
    /// The firmware's flags.
    pub throttled: Option<u32>,
    /// Whether its kernel has VXLAN.
    pub vxlan: Option<bool>,
    /// Whether its kernel has overlay file systems.
    pub overlay: Option<bool>,
    /// The groups of whoever logs in.
    pub groups: BTreeSet<String>,
    /// What `ufw status verbose` says.
    pub ufw: String,
    /// `iptables -S INPUT`.
    pub input: String,
    /// `iptables -S DOCKER-USER`.
    pub docker_user: String,
    /// `nft -j list ruleset`, where the board has nft.
    pub nftables: Option<serde_json::Value>,
    /// The engine's own file; an error where it is no JSON.
    pub daemon: Option<Result<serde_json::Value, String>>,
    /// `/etc/hosts`.
    pub hosts: String,
    /// Whether Docker comes from a snap.
    pub snap: bool,
    /// Whether there is an engine's socket.
    pub socket: bool,
    /// Whether an engine is installed.
    pub dockerd: bool,
    /// Whether it has `ping`.
    pub ping: bool,
    /// Whether systemd runs it.
    pub systemd: bool,
    /// What its resolver makes of boards' names.
    pub names: BTreeMap<String, BTreeSet<Ipv4Addr>>,
    /// Its neighbours: whether they answer, and whether they do to packets of the rack's size.
    pub pings: Vec<Ping>,
    /// How far its clock is from ours.
    pub clock: Option<Clock>,
    /// What its engine says of itself.
    pub engine: Option<Result<EngineFacts, String>>,
}

/// A mount.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mount {
    /// Where.
    pub target: String,
    /// What.
    pub source: String,
    /// Of which kind.
    pub kind: String,
    /// `ro`, `rw` and others.
    pub options: BTreeSet<String>,
    /// In all.
    pub size: Option<Bytes>,
    /// Left.
    pub available: Option<Bytes>,
}

/// A disk or a part of one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Disk {
    /// `nvme0n1p1`.
    pub name: String,
    /// `nvme0n1`, of a part.
    pub parent: String,
    /// `disk`, `part`, `loop`.
    pub kind: String,
    /// Its size.
    pub size: Option<Bytes>,
    /// The file system on it.
    pub file_system: String,
    /// Of that.
    pub uuid: String,
    /// Where it is mounted.
    pub mounted: String,
}

/// An address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// Of which device.
    pub device: String,
    /// Itself.
    pub address: Ipv4Addr,
    /// Whether it was leased: it ends unless it is renewed.
    pub leased: bool,
}

/// A network device.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NetworkDevice {
    /// `eth0`.
    pub name: String,
    /// In bytes.
    pub mtu: u32,
    /// Its hardware address.
    pub mac: String,
    /// Whether it is wireless.
    pub wireless: bool,
    /// In megabits a second.
    pub speed: Option<u32>,
}

/// A port that somebody listens at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// UDP, or else TCP.
    pub udp: bool,
    /// Which.
    pub port: u16,
    /// Whether only at the loopback.
    pub local: bool,
    /// Who, where that may be seen.
    pub program: Option<String>,
    /// In which container.
    pub container: Option<String>,
}

/// What came of pinging a neighbour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ping {
    /// Whom.
    pub address: Ipv4Addr,
    /// Whether it answers.
    pub answers: bool,
    /// Whether it answers packets of the rack's size that may not be split.
    pub carried: bool,
}

/// How far a clock is from ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    /// The board's less ours, in nanoseconds.
    pub offset_nanos: i128,
    /// How much that may be wrong: half of the round trip.
    pub uncertainty: Duration,
}

/// What an engine says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EngineFacts {
    /// `20.10.24`.
    pub version: String,
    /// The newest API it speaks: `1.41`.
    pub api: String,
    /// Containers outlive it; swarm does not take that.
    pub live_restore: bool,
    /// Registries without TLS.
    pub insecure_registries: BTreeSet<String>,
    /// In a swarm.
    pub in_swarm: bool,
    /// The addresses of that swarm's managers.
    pub managers: BTreeSet<String>,
    /// Containers of swarm services by id, and which service's.
    pub containers: BTreeMap<String, String>,
    /// Ports that its proxies publish for containers of swarm services, and which service's.
    pub published: BTreeMap<u16, String>,
    /// Whether it can limit memory.
    pub memory_limit: Option<bool>,
}
