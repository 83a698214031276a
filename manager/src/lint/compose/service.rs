//! One service, as rules ask of it.

use std::rc::Rc;

use super::engine::Engine;
use super::image::repository;
use super::mount::Mount;
use super::port::Port;
use super::word::Word;
use crate::lint::yaml::{Key, Node, Span};

/// One service.
#[derive(Debug)]
pub(in crate::lint) struct Service {
    pub(in crate::lint) name: Key,
    pub(in crate::lint) node: Rc<Node>,
    pub(in crate::lint) image: Option<Word>,
    /// What it runs as a server, where lint knows that.
    pub(in crate::lint) engine: Option<Engine>,
    pub(in crate::lint) variables: Vec<Variable>,
    /// Whether all that sets the program up stands in `variables`: no `env_file`, no command of its own, no mounted
    /// configuration. Else nothing is said to be missing.
    pub(in crate::lint) complete: bool,
    pub(in crate::lint) mounts: Vec<Mount>,
    pub(in crate::lint) ports: Vec<Port>,
    pub(in crate::lint) networks: Vec<Reference>,
    pub(in crate::lint) configs: Vec<Reference>,
    pub(in crate::lint) secrets: Vec<Reference>,
    pub(in crate::lint) deploy: Deploy,
}

/// One variable; without a value where it comes from the shell of whoever deploys.
#[derive(Debug)]
pub(in crate::lint) struct Variable {
    pub(in crate::lint) name: Key,
    pub(in crate::lint) value: Word,
}

/// A name that a service uses and the file must declare.
#[derive(Debug)]
pub(in crate::lint) struct Reference {
    pub(in crate::lint) name: Key,
}

/// What stands under `deploy`, of what rules ask.
#[derive(Debug, Default)]
pub(in crate::lint) struct Deploy {
    pub(in crate::lint) replicas: Option<Word>,
    pub(in crate::lint) mode: Option<Word>,
    pub(in crate::lint) endpoint_mode: Option<Word>,
    pub(in crate::lint) order: Option<Word>,
    pub(in crate::lint) max_attempts: Option<Word>,
    pub(in crate::lint) limits: Amounts,
    pub(in crate::lint) reservations: Amounts,
    pub(in crate::lint) constraints: Vec<Word>,
    pub(in crate::lint) per_node: Option<Word>,
}

/// What it may take at most of its board, or what is kept free for it.
#[derive(Debug, Default)]
pub(in crate::lint) struct Amounts {
    pub(in crate::lint) cpus: Option<Word>,
    pub(in crate::lint) memory: Option<Word>,
}

impl Deploy {
    /// Whether its tasks are to end: nothing of it stays.
    pub(super) fn is_job(&self) -> bool {
        self.mode.as_ref().is_some_and(|mode| mode.is("replicated-job") || mode.is("global-job"))
    }

    pub(in crate::lint) fn is_global(&self) -> bool {
        self.mode.as_ref().is_some_and(|mode| mode.is("global"))
    }

    /// More than one task, as far as the file says.
    pub(in crate::lint) fn many(&self) -> Option<(i64, Span)> {
        let replicas = self.replicas.as_ref()?;
        replicas.number().filter(|number| *number > 1).map(|number| (number, replicas.span.clone()))
    }

    /// Key and value of every constraint that is an equation.
    pub(in crate::lint) fn equations(&self) -> impl Iterator<Item = (&str, &str)> {
        self.constraints.iter().filter_map(|constraint| {
            let (key, value) = constraint.text.split_once("==")?;
            Some((key.trim(), value.trim()))
        })
    }

    /// Whether the file says on which boards its tasks are; a role alone says little.
    pub(in crate::lint) fn is_placed(&self) -> bool {
        self.equations().any(|(key, _)| key != "node.role" && !key.starts_with("node.platform"))
    }

    /// Whether two services are on one and the same board.
    pub(in crate::lint) fn is_beside(&self, other: &Self) -> bool {
        let named = |key: &str, value: &str| OF_ONE_BOARD.contains(&key) && !value.contains('$');
        let same = |own: (&str, &str)| named(own.0, own.1) && other.equations().any(|theirs| theirs == own);
        self.equations().any(same) && !self.is_apart_from(other)
    }

    /// Whether two services can never be on one board.
    pub(in crate::lint) fn is_apart_from(&self, other: &Self) -> bool {
        self.equations().any(|(key, value)| {
            let fixed = |text: &str| !text.contains('$');
            let mut theirs = other.equations().filter(|(theirs, _)| *theirs == key);
            fixed(value) && theirs.any(|(_, theirs)| fixed(theirs) && theirs != value)
        })
    }
}

/// Labels by which people name single boards.
const OF_ONE_BOARD: [&str; 7] = [
    "node.id",
    "node.hostname",
    "node.labels.board",
    "node.labels.host",
    "node.labels.hostname",
    "node.labels.name",
    "node.labels.node",
];

impl Service {
    /// A variable that the file sets.
    pub(in crate::lint) fn variable(&self, name: &str) -> Option<&Variable> {
        self.variables.iter().find(|variable| variable.name.text == name)
    }

    /// Its value as a word.
    pub(in crate::lint) fn value(&self, name: &str) -> Option<&Word> {
        self.variable(name).map(|variable| &variable.value)
    }

    /// Whether a variable is certainly not set, or set to nothing.
    pub(in crate::lint) fn lacks(&self, name: &str) -> bool {
        match self.value(name) {
            None => self.complete,
            Some(value) => value.is(""),
        }
    }

    /// Its image without registry port, tag and digest.
    pub(in crate::lint) fn repository(&self) -> &str {
        self.image.as_ref().map_or("", |image| repository(&image.text))
    }

    /// Its image's tag, where the file says one.
    pub(in crate::lint) fn tag(&self) -> Option<&str> {
        let image = self.image.as_ref()?.known()?;
        let name = image.split('@').next().unwrap_or_default();
        name.strip_prefix(repository(name))?.strip_prefix(':')
    }

    /// Its image sizes its heap from the container's limit by itself.
    pub(in crate::lint) fn sizes_its_heap(&self) -> bool {
        self.repository().contains("pirack/")
    }

    /// The names that other services reach it by: its own, and those of tasks behind it.
    pub(in crate::lint) fn is_called(&self, host: &str) -> bool {
        let hostname = self.node.get("hostname").and_then(|node| Word::of(node));
        let host = host.strip_prefix("tasks.").unwrap_or(host);
        host == self.name.text || hostname.is_some_and(|name| name.is(host))
    }

    /// A scalar of the service's own.
    pub(in crate::lint) fn word(&self, key: &str) -> Option<Word> {
        self.node.get(key).and_then(|node| Word::of(node))
    }

    /// Where a key of it stands.
    pub(in crate::lint) fn key(&self, key: &str) -> Option<&Key> {
        self.node.pairs().iter().map(|(name, _)| name).find(|name| name.text == key)
    }
}
