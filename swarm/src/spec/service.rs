//! A service, as an engine takes and reports it.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{HealthCheck, LogSpec, Restart, Span, Ulimit, Update};

/// How many tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Scale {
    /// So many, wherever the constraints allow.
    Replicas(u64),
    /// One on every node that the constraints allow.
    Global,
}

/// How a service's name resolves on an overlay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EndpointMode {
    /// To one virtual address. Docker's default.
    Vip,
    /// To its tasks' own addresses: what peers that talk to each other need.
    Dnsrr,
}

/// A port's protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

/// A port published on the node that runs the task (`mode=host`; the ingress mesh is not offered).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct PortSpec {
    /// The node's port.
    pub published: u16,
    /// The container's port.
    pub target: u16,
    /// The protocol.
    pub protocol: Protocol,
}

/// Where a mount's content lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MountKind {
    /// A named volume on the node.
    Volume,
    /// A path on the node.
    Bind,
    /// Memory, gone with the container.
    Tmpfs,
}

/// A mount; its target is the key that it stands under.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MountSpec {
    /// Which kind.
    pub kind: MountKind,
    /// The volume's name or the node's path; empty for memory.
    pub source: String,
    /// Whether the task may only read.
    pub read_only: bool,
    /// The most bytes of memory; by default half of the node's.
    pub size_bytes: Option<u64>,
    /// The mode of memory's root; by default 1777.
    pub mode: Option<u32>,
}

/// A config or secret in a container; its path is the key that it stands under.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FileUse {
    /// The config's or secret's name at the engine.
    pub source: String,
    /// The owning user's number or name; Docker's default is 0.
    pub uid: Option<String>,
    /// The owning group's; Docker's default is 0.
    pub gid: Option<String>,
    /// The file's mode; Docker's default is 0444.
    pub mode: Option<u32>,
}

/// What a task may use at most, or must find at least. Nothing said is no bound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Resources {
    /// Billionths of a processor, Docker's own unit.
    pub nano_cpus: Option<u64>,
    /// Memory in bytes.
    pub memory_bytes: Option<u64>,
}

/// One service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ServiceSpec {
    /// Its name, which Docker never lets change.
    pub name: String,
    /// Its own labels.
    pub labels: BTreeMap<String, String>,
    /// The image reference.
    pub image: String,
    /// In place of the image's entry point (Docker's `ContainerSpec.Command`); empty keeps the image's.
    pub entrypoint: Vec<String>,
    /// In place of the image's command (Docker's `ContainerSpec.Args`); empty keeps the image's.
    pub command: Vec<String>,
    /// Environment variables.
    pub env: BTreeMap<String, String>,
    /// Whom its processes run as; by default the image's user.
    pub user: Option<String>,
    /// Whether an init process reaps what its processes leave behind; by default as the node's engine is set.
    pub init: Option<bool>,
    /// Whether the container cannot write to its own root.
    pub read_only_root: bool,
    /// How it tells that it is well; by default the image's way.
    pub health: Option<HealthCheck>,
    /// Bounds on the kernel's resources, by Docker's name for each.
    pub ulimits: BTreeMap<String, Ulimit>,
    /// Powers of root that it has besides Docker's usual ones.
    pub capabilities_added: BTreeSet<String>,
    /// Powers of root that it has not.
    pub capabilities_dropped: BTreeSet<String>,
    /// Where its output goes; by default as the node's engine is set.
    pub log: Option<LogSpec>,
    /// Mounts, by target.
    pub mounts: BTreeMap<String, MountSpec>,
    /// Networks by name; `host` is the node's own.
    pub networks: BTreeSet<String>,
    /// Lines of the container's hosts file: address, blank, name.
    pub hosts: BTreeSet<String>,
    /// Placement constraints, in Docker's notation.
    pub constraints: BTreeSet<String>,
    /// How many tasks.
    pub scale: Scale,
    /// How its name resolves.
    pub endpoint: Option<EndpointMode>,
    /// Ports published on the node.
    pub ports: BTreeSet<PortSpec>,
    /// At most.
    pub limits: Resources,
    /// At least.
    pub reservations: Resources,
    /// When a task ends.
    pub restart: Restart,
    /// When the service changes.
    pub update: Update,
    /// What asks it to end; by default the image's signal.
    pub stop_signal: Option<String>,
    /// From the stop signal to the kill; by default 10 s.
    pub stop_grace: Option<Span>,
    /// Configs, by path in the container.
    pub configs: BTreeMap<String, FileUse>,
    /// Secrets, by path in the container.
    pub secrets: BTreeMap<String, FileUse>,
    /// How often all of its tasks were made anew for no change (`docker service update --force`). A plan leaves it as it
    /// finds it: setting it back would make them anew once more.
    pub forced: u64,
    /// What the engine holds and this crate has no field for, by Docker's own name for it: always
    /// empty in what we write, so that whatever was set by hand is seen and set back.
    pub unmodelled: BTreeMap<String, String>,
}

impl FileUse {
    fn filled(self) -> Self {
        Self {
            uid: self.uid.or_else(|| Some("0".into())),
            gid: self.gid.or_else(|| Some("0".into())),
            mode: self.mode.or(Some(0o444)),
            ..self
        }
    }
}

impl ServiceSpec {
    /// With Docker's defaults where nothing was said.
    #[must_use]
    pub fn filled(self) -> Self {
        let files = |files: BTreeMap<String, FileUse>| {
            files.into_iter().map(|(path, file)| (path, file.filled())).collect()
        };
        Self {
            endpoint: self.endpoint.or(Some(EndpointMode::Vip)),
            restart: self.restart.filled(),
            update: self.update.filled(),
            stop_grace: self.stop_grace.or(Some(Span::seconds(10))),
            configs: files(self.configs),
            secrets: files(self.secrets),
            ..self
        }
    }
}
