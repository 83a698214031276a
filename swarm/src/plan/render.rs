//! What is desired, as an engine would hold it: names hashed, owners labelled, Docker's defaults filled in.

use std::collections::BTreeMap;

use crate::desired::{Attachment, Desired, File, Log, Mount, Network, Service, Source};
use crate::owned;
use crate::spec::rotated_name;
use crate::spec::{
    ConfigSpec, Content, FileUse, MountKind, MountSpec, NetworkSpec, SecretSpec, SecretValue, ServiceSpec,
};

/// Everything wanted, by its name at the engine.
pub(super) struct Wanted {
    pub(super) networks: BTreeMap<String, NetworkSpec>,
    pub(super) configs: BTreeMap<String, ConfigSpec>,
    pub(super) secrets: BTreeMap<String, (SecretSpec, SecretValue)>,
    pub(super) services: BTreeMap<String, ServiceSpec>,
}

pub(super) fn render(desired: &Desired) -> Wanted {
    let owner = desired.owner.as_str();
    let configs: BTreeMap<&str, String> = (desired.configs.values())
        .map(|config| (config.name.as_str(), rotated_name(config.name.as_str(), &config.content, &[])))
        .collect();
    let secrets: BTreeMap<&str, String> = (desired.secrets.values())
        .map(|secret| {
            let name = secret.name.as_str();
            (name, rotated_name(name, secret.value.reveal(), desired.secret_key.reveal()))
        })
        .collect();
    let engine_name = |names: &BTreeMap<&str, String>, name: &str| {
        names.get(name).cloned().unwrap_or_else(|| name.to_owned())
    };
    let mut wanted = Wanted {
        networks: desired.networks.values().map(|n| (n.name.to_string(), network(n, owner))).collect(),
        configs: BTreeMap::new(),
        secrets: BTreeMap::new(),
        services: BTreeMap::new(),
    };
    for config in desired.configs.values() {
        let name = engine_name(&configs, config.name.as_str());
        let labels = named(owner, config.name.as_str());
        let content = Content(config.content.clone());
        wanted.configs.insert(name.clone(), ConfigSpec { name, labels, content });
    }
    for secret in desired.secrets.values() {
        let name = engine_name(&secrets, secret.name.as_str());
        let labels = named(owner, secret.name.as_str());
        wanted.secrets.insert(name.clone(), (SecretSpec { name, labels }, secret.value.clone()));
    }
    for service in desired.services.values() {
        let spec = ServiceSpec {
            configs: files(&service.configs, |name| engine_name(&configs, name.as_str())),
            secrets: files(&service.secrets, |name| engine_name(&secrets, name.as_str())),
            ..self::service(service, owner)
        };
        wanted.services.insert(spec.name.clone(), spec.filled());
    }
    wanted
}

fn owned(owner: &str) -> BTreeMap<String, String> {
    [(owned::OWNER.to_owned(), owner.to_owned())].into()
}

fn named(owner: &str, name: &str) -> BTreeMap<String, String> {
    let mut labels = owned(owner);
    labels.insert(owned::NAME.to_owned(), name.to_owned());
    labels
}

fn network(network: &Network, owner: &str) -> NetworkSpec {
    let mut options = BTreeMap::new();
    if network.encrypted {
        // The overlay driver looks only whether the key is there.
        options.insert("encrypted".to_owned(), String::new());
    }
    if let Some(mtu) = network.mtu {
        options.insert("com.docker.network.driver.mtu".to_owned(), mtu.to_string());
    }
    NetworkSpec {
        name: network.name.to_string(),
        labels: owned(owner),
        driver: "overlay".to_owned(),
        attachable: network.attachable,
        internal: network.internal,
        subnet: network.subnet.map(|subnet| subnet.to_string()),
        options,
    }
}

fn files<N>(files: &[File<N>], engine_name: impl Fn(&N) -> String) -> BTreeMap<String, FileUse> {
    let number = |id: Option<u32>| id.map(|id| id.to_string());
    let one = |file: &File<N>| {
        let used = FileUse {
            source: engine_name(&file.source),
            uid: number(file.uid),
            gid: number(file.gid),
            mode: file.mode,
        };
        (file.target.to_string(), used)
    };
    files.iter().map(one).collect()
}

fn mount(mount: &Mount) -> (String, MountSpec) {
    let (kind, source, size_bytes) = match &mount.source {
        Source::Volume(name) => (MountKind::Volume, name.to_string(), None),
        Source::Bind(path) => (MountKind::Bind, path.to_string(), None),
        Source::Tmpfs { size_bytes } => (MountKind::Tmpfs, String::new(), Some(*size_bytes)),
    };
    let spec = MountSpec { kind, source, read_only: mount.read_only, size_bytes, mode: None };
    (mount.target.to_string(), spec)
}

fn service(service: &Service, owner: &str) -> ServiceSpec {
    let mut labels = owned(owner);
    labels.extend(service.labels.iter().map(|(key, value)| (key.to_string(), value.clone())));
    ServiceSpec {
        name: service.name.to_string(),
        labels,
        image: service.image.to_string(),
        entrypoint: service.entrypoint.clone(),
        command: service.command.clone(),
        env: service.env.iter().map(|(key, value)| (key.to_string(), value.clone())).collect(),
        user: service.user.map(|user| user.to_string()),
        init: service.init,
        read_only_root: service.read_only_root,
        health: service.health.clone(),
        ulimits: service.ulimits.iter().map(|(of, bound)| (of.as_str().to_owned(), *bound)).collect(),
        capabilities_added: service.capabilities_added.iter().map(ToString::to_string).collect(),
        capabilities_dropped: service.capabilities_dropped.iter().map(ToString::to_string).collect(),
        log: service.log.map(Log::spec),
        mounts: service.mounts.iter().map(mount).collect(),
        networks: match &service.network {
            Attachment::Host => ["host".to_owned()].into(),
            Attachment::Overlays(networks) => networks.iter().map(ToString::to_string).collect(),
        },
        hosts: service.hosts.iter().map(|host| format!("{} {}", host.address, host.name)).collect(),
        constraints: service.placement.iter().map(ToString::to_string).collect(),
        scale: service.scale,
        endpoint: service.endpoint,
        ports: service.ports.clone(),
        limits: service.limits,
        reservations: service.reservations,
        restart: service.restart,
        update: service.update,
        stop_signal: service.stop_signal.map(|signal| signal.as_str().to_owned()),
        stop_grace: service.stop_grace,
        configs: BTreeMap::new(),
        secrets: BTreeMap::new(),
        forced: 0,
        unmodelled: BTreeMap::new(),
    }
}
