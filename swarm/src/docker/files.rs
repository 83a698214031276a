//! Configs and secrets, from Docker's structures to ours and back. On the wire their content is base64.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bollard::models;

use super::node::version;
use super::write::unsorted;
use crate::object::Id;
use crate::observed::Held;
use crate::spec::{ConfigSpec, Content, SecretSpec, SecretValue};

pub(super) fn observed_config(config: models::Config) -> Option<Held<ConfigSpec>> {
    let spec = config.spec?;
    let content = STANDARD.decode(spec.data.unwrap_or_default()).ok()?;
    let labels = spec.labels.unwrap_or_default().into_iter().collect();
    Some(Held {
        id: Id(config.id?),
        version: version(config.version.as_ref()),
        spec: ConfigSpec { name: spec.name?, labels, content: Content(content) },
    })
}

pub(super) fn observed_secret(secret: models::Secret) -> Option<Held<SecretSpec>> {
    let spec = secret.spec?;
    let labels = spec.labels.unwrap_or_default().into_iter().collect();
    Some(Held {
        id: Id(secret.id?),
        version: version(secret.version.as_ref()),
        spec: SecretSpec { name: spec.name?, labels },
    })
}

pub(super) fn config(spec: &ConfigSpec) -> models::ConfigSpec {
    models::ConfigSpec {
        name: Some(spec.name.clone()),
        labels: Some(unsorted(&spec.labels)),
        data: Some(STANDARD.encode(&spec.content.0)),
        ..models::ConfigSpec::default()
    }
}

/// Without a value it changes labels alone.
pub(super) fn secret(spec: &SecretSpec, value: Option<&SecretValue>) -> models::SecretSpec {
    models::SecretSpec {
        name: Some(spec.name.clone()),
        labels: Some(unsorted(&spec.labels)),
        data: value.map(|value| STANDARD.encode(value.reveal())),
        ..models::SecretSpec::default()
    }
}
