//! What rules ask of a compose file, as types: services with their images, variables, mounts and placement, and
//! what the file declares beside them. Everything has the place where it stands.
//!
//! One file is one stack: a second file merged over it (`-c a.yaml -c b.yaml`) is not looked at.

mod engine;
mod image;
mod mount;
mod port;
mod program;
mod read;
mod service;
mod word;

use std::rc::Rc;

pub(super) use engine::{Engine, keeps_data, title};
pub(super) use image::meant;
pub(super) use mount::{Mount, MountKind};
pub(super) use port::Port;
pub(super) use read::read;
pub(super) use service::{Reference, Service};
pub(super) use word::{Word, bytes};

use super::yaml::{Key, Node};

/// One compose file.
#[derive(Debug)]
pub(super) struct Stack {
    /// The file as it was written.
    pub(super) root: Rc<Node>,
    pub(super) services: Vec<Service>,
    pub(super) networks: Vec<Declared>,
    pub(super) volumes: Vec<Declared>,
    pub(super) configs: Vec<Declared>,
    pub(super) secrets: Vec<Declared>,
}

/// A network, volume, config or secret that the file declares.
#[derive(Debug)]
pub(super) struct Declared {
    pub(super) name: Key,
    pub(super) node: Rc<Node>,
}

impl Declared {
    /// A scalar of its own.
    pub(super) fn word(&self, key: &str) -> Option<Word> {
        self.node.get(key).and_then(|node| Word::of(node))
    }

    /// Whether it is made elsewhere.
    pub(super) fn is_external(&self) -> bool {
        self.node.get("external").is_some_and(|node| {
            !node.pairs().is_empty() || Word::of(node).is_some_and(|word| word.is("true"))
        })
    }

    /// The name that the engine knows it by, where the file says one.
    pub(super) fn real_name(&self) -> Option<String> {
        let inside = || self.node.get("external").and_then(|node| node.get("name")).and_then(|n| Word::of(n));
        self.word("name").or_else(inside)?.known().map(str::to_owned)
    }
}

impl Stack {
    /// Whether a service runs in its board's own network.
    pub(super) fn on_host(&self, service: &Service) -> bool {
        service.networks.iter().any(|reference| {
            let declared = self.networks.iter().find(|network| network.name.text == reference.name.text);
            let real = declared.and_then(Declared::real_name);
            declared.is_some_and(Declared::is_external)
                && real.as_deref().unwrap_or(&reference.name.text) == "host"
        })
    }

    /// Whether a named volume lies on whichever board a task starts.
    pub(super) fn is_local(&self, volume: &str) -> bool {
        self.volumes.iter().find(|declared| declared.name.text == volume).is_some_and(|declared| {
            let driver = declared.word("driver");
            // `local` with options may be NFS, which follows.
            driver.is_none_or(|driver| driver.is("local")) && declared.node.get("driver_opts").is_none()
        })
    }

    /// The services that are of this engine.
    pub(super) fn running(&self, engine: Engine) -> Vec<&Service> {
        self.services.iter().filter(|service| service.engine == Some(engine)).collect()
    }
}
