//! `defaults.toml`, and what a rack says otherwise: one shape, of which a rack gives as much as it wants.

use std::collections::BTreeMap;

use serde::Deserialize;

/// What may be said of every broker; whatever is absent stays as it was.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Where brokers listen, by the listener's name.
    pub listeners: BTreeMap<String, ListenerSettings>,
    /// How often a message is kept.
    pub replication: ReplicationSettings,
    /// Server properties by Kafka's names.
    pub properties: BTreeMap<String, PropertySetting>,
}

/// What may be said of a listener.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ListenerSettings {
    /// Its port.
    pub port: Option<u16>,
    /// How it is secured.
    pub security: Option<String>,
}

/// What may be said of replication.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ReplicationSettings {
    /// Never more replicas than this.
    pub most: Option<usize>,
    /// Writing goes on while so many of them are away.
    pub spare: Option<usize>,
}

/// A server property's value, with or without its reason.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum PropertySetting {
    /// As the rack's own file has it.
    Explained {
        /// The value.
        value: toml::Value,
        /// Why it is not Kafka's own.
        reason: String,
    },
    /// As somebody writes who needs no reason.
    Plain(toml::Value),
}

impl Settings {
    /// These, but where the other says something, that.
    pub(super) fn under(mut self, other: &Self) -> Self {
        for (name, said) in &other.listeners {
            let listener = self.listeners.entry(name.clone()).or_default();
            listener.port = said.port.or(listener.port);
            listener.security = said.security.clone().or(listener.security.take());
        }
        self.replication.most = other.replication.most.or(self.replication.most);
        self.replication.spare = other.replication.spare.or(self.replication.spare);
        self.properties.extend(other.properties.clone());
        self
    }
}

impl PropertySetting {
    pub(super) fn value(&self) -> &toml::Value {
        match self {
            Self::Explained { value, .. } | Self::Plain(value) => value,
        }
    }
}
