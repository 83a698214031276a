//! A service that should run.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::{
    AbsolutePath, Capability, ConfigName, Constraint, EnvKey, HostName, Image, LabelKey, Limited, Log,
    NetworkName, SecretName, ServiceName, StopSignal, User, VolumeName,
};
use crate::spec::{EndpointMode, HealthCheck, PortSpec, Resources, Restart, Scale, Span, Ulimit, Update};

/// Where a mount's content lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A named volume on the node, made when it is missing. A plan never removes one.
    Volume(VolumeName),
    /// A path on the node, which must be there.
    Bind(AbsolutePath),
    /// Memory, empty at each start: what a container may write that keeps nothing.
    Tmpfs {
        /// The most bytes; it counts against the service's limit.
        size_bytes: u64,
    },
}

/// A volume or a path of the node, in the container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    /// What is mounted.
    pub source: Source,
    /// Where in the container.
    pub target: AbsolutePath,
    /// Whether the task may only read.
    pub read_only: bool,
}

/// Which networks a service's tasks are on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attachment {
    /// The node's own: its addresses are the tasks', and no overlay is between peers.
    Host,
    /// These overlays; none leaves Docker's bridge on each node.
    Overlays(BTreeSet<NetworkName>),
}

/// A line of the container's hosts file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HostEntry {
    /// The address that the name stands for.
    pub address: IpAddr,
    /// The name.
    pub name: HostName,
}

/// A config or a secret as a file in the container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File<N> {
    /// Which config or secret.
    pub source: N,
    /// Where in the container.
    pub target: AbsolutePath,
    /// The owning user's number; by default 0.
    pub uid: Option<u32>,
    /// The owning group's number; by default 0.
    pub gid: Option<u32>,
    /// The file's mode; by default 0444.
    pub mode: Option<u32>,
}

impl<N> File<N> {
    /// A file with Docker's defaults.
    #[must_use]
    pub fn new(source: N, target: AbsolutePath) -> Self {
        Self { source, target, uid: None, gid: None, mode: None }
    }
}

/// One service. Every field's type is checked where it is made; [`super::Draft::check`] checks them together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// Its name.
    pub name: ServiceName,
    /// Its image.
    pub image: Image,
    /// In place of the image's entry point, where not empty.
    pub entrypoint: Vec<String>,
    /// In place of the image's command, where not empty.
    pub command: Vec<String>,
    /// Environment variables. They are shown to whoever may list services: secrets are files.
    pub env: BTreeMap<EnvKey, String>,
    /// Whom its processes run as; by default the image's user.
    pub user: Option<User>,
    /// Whether an init process reaps what its processes leave behind; by default as the node's engine is set.
    pub init: Option<bool>,
    /// Whether its containers cannot write to their own root.
    pub read_only_root: bool,
    /// How it tells that it is well; by default the image's way.
    pub health: Option<HealthCheck>,
    /// Bounds on the kernel's resources.
    pub ulimits: BTreeMap<Limited, Ulimit>,
    /// Powers of root besides Docker's usual ones.
    pub capabilities_added: BTreeSet<Capability>,
    /// Powers of root that it has not.
    pub capabilities_dropped: BTreeSet<Capability>,
    /// Where its output is kept; by default as the node's engine is set.
    pub log: Option<Log>,
    /// Volumes and paths of the node.
    pub mounts: Vec<Mount>,
    /// Its networks.
    pub network: Attachment,
    /// Lines for its containers' hosts file.
    pub hosts: BTreeSet<HostEntry>,
    /// Where its tasks may run: where all of these hold.
    pub placement: BTreeSet<Constraint>,
    /// How many tasks.
    pub scale: Scale,
    /// How its name resolves on overlays; by default to a virtual address.
    pub endpoint: Option<EndpointMode>,
    /// Ports published on the node that runs the task.
    pub ports: BTreeSet<PortSpec>,
    /// What a task may use at most.
    pub limits: Resources,
    /// What a node must have free for a task.
    pub reservations: Resources,
    /// When a task ends.
    pub restart: Restart,
    /// When the service changes.
    pub update: Update,
    /// What asks it to end; by default the image's signal.
    pub stop_signal: Option<StopSignal>,
    /// From the stop signal to the kill; by default 10 s.
    pub stop_grace: Option<Span>,
    /// Labels on the service itself.
    pub labels: BTreeMap<LabelKey, String>,
    /// Configs as files.
    pub configs: Vec<File<ConfigName>>,
    /// Secrets as files.
    pub secrets: Vec<File<SecretName>>,
}

impl Service {
    /// One task of this image, with Docker's defaults.
    #[must_use]
    pub fn new(name: ServiceName, image: Image) -> Self {
        Self {
            name,
            image,
            entrypoint: vec![],
            command: vec![],
            env: BTreeMap::new(),
            user: None,
            init: None,
            read_only_root: false,
            health: None,
            ulimits: BTreeMap::new(),
            capabilities_added: BTreeSet::new(),
            capabilities_dropped: BTreeSet::new(),
            log: None,
            mounts: vec![],
            network: Attachment::Overlays(BTreeSet::new()),
            hosts: BTreeSet::new(),
            placement: BTreeSet::new(),
            scale: Scale::Replicas(1),
            endpoint: None,
            ports: BTreeSet::new(),
            limits: Resources::default(),
            reservations: Resources::default(),
            restart: Restart::default(),
            update: Update::default(),
            stop_signal: None,
            stop_grace: None,
            labels: BTreeMap::new(),
            configs: vec![],
            secrets: vec![],
        }
    }
}
