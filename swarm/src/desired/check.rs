//! Desired things held against each other: what no single value can know.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::{AbsolutePath, Attachment, Desired, Draft, Service};
use crate::object::{Kind, Object};
use crate::owned;
use crate::spec::{HealthCheck, ProbeTest, Resources};

/// Docker's bound on a config's content, in bytes (swarmkit `MaxConfigSize`).
const CONFIG_BYTES: usize = 1000 * 1024;
/// Docker's bound on a secret's value, in bytes (swarmkit `MaxSecretSize`).
const SECRET_BYTES: usize = 500 * 1024;

/// One thing that does not fit with the rest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// Two objects of one kind share a name.
    #[error("{0} is there twice: give one of them another name")]
    Twice(Object),
    /// A reference leads nowhere.
    #[error("service {service} needs {needs}, which is not there: add it, or mend its name")]
    Missing {
        /// Who refers.
        service: String,
        /// To what.
        needs: Object,
    },
    /// Two mounts or files would be on one path.
    #[error("service {service} has two things at {path} in its container: move one of them")]
    SamePath {
        /// Which service.
        service: String,
        /// Which path.
        path: String,
    },
    /// A published port on the host's own network publishes nothing.
    #[error(
        "service {service} publishes ports and is on the host's own network, where every port is open already: remove the ports"
    )]
    PortsOnHost {
        /// Which service.
        service: String,
    },
    /// Two published ports are one.
    #[error("service {service} publishes port {port} twice: keep one")]
    SamePort {
        /// Which service.
        service: String,
        /// The node's port.
        port: u16,
    },
    /// A probe that runs nothing tells nothing.
    #[error("service {service} has a health check that runs nothing: name its program, or turn it off")]
    EmptyProbe {
        /// Which service.
        service: String,
    },
    /// It asks for more than it allows.
    #[error("service {service} reserves more than its limit: no task of it could ever start")]
    ReservesMore {
        /// Which service.
        service: String,
    },
    /// Docker's bound on content.
    #[error("{object} holds {bytes} bytes, and Docker takes 1 to {most}")]
    Size {
        /// Which.
        object: Object,
        /// How much it holds.
        bytes: usize,
        /// How much it may.
        most: usize,
    },
    /// The labels by which a plan knows its own.
    #[error(
        "{object} has a label {label}, and labels that begin with {} are this library's own: choose another",
        owned::PREFIX
    )]
    ReservedLabel {
        /// On what.
        object: Object,
        /// Which.
        label: String,
    },
}

/// Every flaw of a [`Draft`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DesiredError(pub Vec<Flaw>);

impl fmt::Display for DesiredError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "what is desired does not fit together in {} places", self.0.len())?;
        self.0.iter().try_for_each(|flaw| write!(f, "\n  {flaw}"))
    }
}

impl std::error::Error for DesiredError {}

pub(super) fn check(draft: Draft) -> Result<Desired, DesiredError> {
    let mut flaws = vec![];
    let desired = Desired {
        owner: draft.owner,
        nodes: unique(Kind::Node, draft.nodes, |node| node.name.clone(), &mut flaws),
        networks: unique(Kind::Network, draft.networks, |network| network.name.clone(), &mut flaws),
        configs: unique(Kind::Config, draft.configs, |config| config.name.clone(), &mut flaws),
        secrets: unique(Kind::Secret, draft.secrets, |secret| secret.name.clone(), &mut flaws),
        secret_key: draft.secret_key,
        services: unique(Kind::Service, draft.services, |service| service.name.clone(), &mut flaws),
    };
    sizes(&desired, &mut flaws);
    for node in desired.nodes.values() {
        reserved(&Object::new(Kind::Node, node.name.as_str()), node.labels.keys(), &mut flaws);
    }
    for service in desired.services.values() {
        references(service, &desired, &mut flaws);
        within(service, &mut flaws);
        reserved(&Object::new(Kind::Service, service.name.as_str()), service.labels.keys(), &mut flaws);
    }
    if flaws.is_empty() { Ok(desired) } else { Err(DesiredError(flaws)) }
}

fn unique<K: Ord + fmt::Display, T>(
    kind: Kind,
    items: Vec<T>,
    name: impl Fn(&T) -> K,
    flaws: &mut Vec<Flaw>,
) -> BTreeMap<K, T> {
    let mut all = BTreeMap::new();
    for item in items {
        let key = name(&item);
        let text = key.to_string();
        if all.insert(key, item).is_some() {
            flaws.push(Flaw::Twice(Object::new(kind, text)));
        }
    }
    all
}

fn sizes(desired: &Desired, flaws: &mut Vec<Flaw>) {
    let mut size = |kind, name: &str, bytes: usize, most: usize| {
        if !(1..=most).contains(&bytes) {
            flaws.push(Flaw::Size { object: Object::new(kind, name), bytes, most });
        }
    };
    for config in desired.configs.values() {
        size(Kind::Config, config.name.as_str(), config.content.len(), CONFIG_BYTES);
    }
    for secret in desired.secrets.values() {
        size(Kind::Secret, secret.name.as_str(), secret.value.reveal().len(), SECRET_BYTES);
    }
}

fn references(service: &Service, desired: &Desired, flaws: &mut Vec<Flaw>) {
    let mut need = |kind, name: &str, there: bool| {
        if !there {
            let needs = Object::new(kind, name);
            flaws.push(Flaw::Missing { service: service.name.to_string(), needs });
        }
    };
    if let Attachment::Overlays(networks) = &service.network {
        for network in networks {
            need(Kind::Network, network.as_str(), desired.networks.contains_key(network));
        }
    }
    for file in &service.configs {
        need(Kind::Config, file.source.as_str(), desired.configs.contains_key(&file.source));
    }
    for file in &service.secrets {
        need(Kind::Secret, file.source.as_str(), desired.secrets.contains_key(&file.source));
    }
}

fn within(service: &Service, flaws: &mut Vec<Flaw>) {
    let name = || service.name.to_string();
    let mut paths = BTreeSet::new();
    let targets = (service.mounts.iter().map(|mount| &mount.target))
        .chain(service.configs.iter().map(|file| &file.target))
        .chain(service.secrets.iter().map(|file| &file.target));
    for path in targets.map(AbsolutePath::as_str) {
        if !paths.insert(path) {
            flaws.push(Flaw::SamePath { service: name(), path: path.to_owned() });
        }
    }
    if service.network == Attachment::Host && !service.ports.is_empty() {
        flaws.push(Flaw::PortsOnHost { service: name() });
    }
    let runs_nothing = |test: &ProbeTest| match test {
        ProbeTest::Command(words) => words.is_empty(),
        ProbeTest::Shell(line) => line.trim().is_empty(),
    };
    if matches!(&service.health, Some(HealthCheck::Probe(probe)) if runs_nothing(&probe.test)) {
        flaws.push(Flaw::EmptyProbe { service: name() });
    }
    let mut ports = BTreeSet::new();
    for port in &service.ports {
        if !ports.insert((port.published, port.protocol)) {
            flaws.push(Flaw::SamePort { service: name(), port: port.published });
        }
    }
    if exceeds(service.reservations, service.limits) {
        flaws.push(Flaw::ReservesMore { service: name() });
    }
}

fn exceeds(reserved: Resources, limit: Resources) -> bool {
    let over = |asked: Option<u64>, most: Option<u64>| matches!((asked, most), (Some(a), Some(m)) if a > m);
    over(reserved.nano_cpus, limit.nano_cpus) || over(reserved.memory_bytes, limit.memory_bytes)
}

fn reserved<'a>(object: &Object, labels: impl Iterator<Item = &'a super::LabelKey>, flaws: &mut Vec<Flaw>) {
    let ours = labels.filter(|key| key.as_str().starts_with(owned::PREFIX));
    flaws.extend(ours.map(|key| Flaw::ReservedLabel { object: object.clone(), label: key.to_string() }));
}

#[cfg(test)]
mod tests {
    use super::super::{Config, File, Mount, Source};
    use super::*;
    use crate::spec::{PortSpec, Probe, Protocol};

    fn service() -> Service {
        Service::new("web".parse().unwrap(), "web:1".parse().unwrap())
    }

    fn flaws(draft: Draft) -> Vec<Flaw> {
        draft.check().map(|_| ()).unwrap_err().0
    }

    #[test]
    fn every_flaw_is_told_at_once() {
        let mut draft = Draft::new("rack".parse().unwrap());
        let mut web = service();
        web.network = Attachment::Host;
        web.ports.insert(PortSpec { published: 80, target: 80, protocol: Protocol::Tcp });
        web.configs.push(File::new("gone".parse().unwrap(), "/etc/web".parse().unwrap()));
        let volume = Source::Volume("data".parse().unwrap());
        web.mounts.push(Mount { source: volume, target: "/etc/web".parse().unwrap(), read_only: false });
        web.health = Some(HealthCheck::Probe(Probe {
            test: ProbeTest::Command(vec![]),
            interval: None,
            timeout: None,
            start_period: None,
            retries: None,
        }));
        web.limits.memory_bytes = Some(1);
        web.reservations.memory_bytes = Some(2);
        web.labels.insert("io.pirack.owner".parse().unwrap(), "me".into());
        draft.services = vec![web.clone(), web];
        draft.configs.push(Config { name: "empty".parse().unwrap(), content: vec![] });
        let text = DesiredError(flaws(draft)).to_string();
        for part in [
            "in 8 places",
            "service web is there twice",
            "needs config gone",
            "two things at /etc/web",
            "on the host's own network",
            "health check that runs nothing",
            "reserves more",
            "holds 0 bytes",
            "label io.pirack.owner",
        ] {
            assert!(text.contains(part), "no \"{part}\" in: {text}");
        }
    }

    #[test]
    fn what_fits_together_passes() {
        let mut draft = Draft::new("rack".parse().unwrap());
        draft.services.push(service());
        assert_eq!(draft.check().unwrap().services().count(), 1);
    }
}
