//! Where brokers listen. A listener's name says who comes by, its security how: the two never mix, so that a
//! listener which is secured one day keeps its name and its port.

use std::collections::BTreeMap;

use super::settings::ListenerSettings;
use super::{Mistake, mistake};

const RACK: &str = "RACK";
const CONTROLLER: &str = "CONTROLLER";
const GUEST: &str = "GUEST";

/// One listener of every broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listener {
    /// Where.
    pub port: u16,
    /// How it is secured.
    pub security: Security,
}

/// How a listener is secured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// Not at all: for a network of one's own.
    Plaintext,
}

impl Security {
    /// As Kafka names the protocol.
    #[must_use]
    pub fn protocol(self) -> &'static str {
        match self {
            Self::Plaintext => "PLAINTEXT",
        }
    }
}

/// The three that every rack has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Listeners {
    pub(super) rack: Listener,
    pub(super) controller: Listener,
    pub(super) guest: Listener,
}

impl Listeners {
    /// The listeners, or everything that is wrong with them.
    pub(super) fn checked(settings: &BTreeMap<String, ListenerSettings>) -> Result<Self, Vec<Mistake>> {
        let strange = settings.keys().filter(|name| ![RACK, CONTROLLER, GUEST].contains(&name.as_str()));
        let mut wrong: Vec<Mistake> = strange
            .map(|name| {
                let what = format!("a rack has no listener {name}");
                mistake(&["listeners", name.as_str()], what, "the listeners are RACK, CONTROLLER and GUEST")
            })
            .collect();
        let mut one = |name| listener(name, settings.get(name)).map_err(|mistake| wrong.push(mistake)).ok();
        let (Some(rack), Some(controller), Some(guest)) = (one(RACK), one(CONTROLLER), one(GUEST)) else {
            return Err(wrong);
        };
        let listeners = Self { rack, controller, guest };
        let [first, second, third] = listeners.named();
        for ((one, listener), (other, beside)) in [(first, second), (first, third), (second, third)] {
            if listener.port == beside.port {
                let what = format!("listeners {one} and {other} are both on port {}", listener.port);
                wrong.push(mistake(&["listeners", other], what, "give each a port of its own"));
            }
        }
        if wrong.is_empty() { Ok(listeners) } else { Err(wrong) }
    }

    fn named(self) -> [(&'static str, Listener); 3] {
        [(RACK, self.rack), (CONTROLLER, self.controller), (GUEST, self.guest)]
    }

    /// The properties that follow, the same on every node.
    pub(super) fn shared(self) -> [(&'static str, String); 3] {
        let protocols =
            self.named().map(|(name, listener)| format!("{name}:{}", listener.security.protocol()));
        [
            ("listener.security.protocol.map", protocols.join(",")),
            ("inter.broker.listener.name", RACK.to_owned()),
            ("controller.listener.names", CONTROLLER.to_owned()),
        ]
    }

    /// And those of a node at this address.
    pub(super) fn places(self, part: Part, address: &str) -> Vec<(&'static str, String)> {
        let at = |(name, listener): (&str, Listener)| format!("{name}://{address}:{}", listener.port);
        let [rack, controller, guest] = self.named().map(at);
        // Clients are never sent to a controller: Kafka refuses to start with that.
        let told = ("advertised.listeners", format!("{rack},{guest}"));
        match part {
            Part::Both => vec![("listeners", format!("{rack},{controller},{guest}")), told],
            Part::Broker => vec![("listeners", format!("{rack},{guest}")), told],
            Part::Controller => vec![("listeners", controller)],
        }
    }

    /// The ports that a node listens on.
    pub(super) fn ports(self, part: Part) -> Vec<u16> {
        let Self { rack, controller, guest } = self;
        let listeners = match part {
            Part::Both => vec![rack, controller, guest],
            Part::Broker => vec![rack, guest],
            Part::Controller => vec![controller],
        };
        listeners.into_iter().map(|listener| listener.port).collect()
    }
}

/// What a node is in the cluster: `process.roles`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Keeps messages, and votes among the controllers.
    Both,
    /// Keeps messages.
    Broker,
    /// Votes.
    Controller,
}

impl Part {
    /// As Kafka names it.
    #[must_use]
    pub fn roles(self) -> &'static str {
        match self {
            Self::Both => "broker,controller",
            Self::Broker => "broker",
            Self::Controller => "controller",
        }
    }
}

fn listener(name: &str, settings: Option<&ListenerSettings>) -> Result<Listener, Mistake> {
    let settings = settings.cloned().unwrap_or_default();
    let wrong = |what, remedy| mistake(&["listeners", name], what, remedy);
    let port = match settings.port {
        None | Some(0) => {
            return Err(wrong(format!("listener {name} has no port"), "give it one, as port = 9094"));
        }
        Some(port) => port,
    };
    let security = match settings.security.as_deref() {
        Some("plaintext") => Security::Plaintext,
        None => return Err(wrong(format!("listener {name} does not say how it is secured"), PLAINTEXT)),
        Some(other) => {
            return Err(wrong(format!("listener {name} asks for security = \"{other}\""), PLAINTEXT));
        }
    };
    Ok(Listener { port, security })
}

const PLAINTEXT: &str = "only plaintext is built: write security = \"plaintext\", and keep the listener's port from whom it is not meant for with the network";
