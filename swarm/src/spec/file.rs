//! Configs and secrets: files that the swarm carries to its tasks. Docker never lets their content change.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Serialize, Serializer};
use sha2::{Digest, Sha256};

/// A config's bytes. Not secret: shown and serialised as text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Content(pub Vec<u8>);

impl Serialize for Content {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(&String::from_utf8_lossy(&self.0))
    }
}

/// A secret's bytes. They leave by [`SecretValue::reveal`] alone: neither `Debug` nor `Serialize` shows them.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretValue(Vec<u8>);

impl SecretValue {
    /// Takes the value.
    #[must_use]
    pub fn new(value: Vec<u8>) -> Self {
        Self(value)
    }

    /// The value itself, for an engine.
    #[must_use]
    pub fn reveal(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SecretValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

impl Serialize for SecretValue {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str("[secret]")
    }
}

/// One config.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ConfigSpec {
    /// Its name at the engine.
    pub name: String,
    /// Its labels, the only part that may change.
    pub labels: BTreeMap<String, String>,
    /// Its content.
    pub content: Content,
}

/// One secret, as far as an engine tells: never its value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SecretSpec {
    /// Its name at the engine.
    pub name: String,
    /// Its labels, the only part that may change.
    pub labels: BTreeMap<String, String>,
}

/// The name that content takes at the engine: other content, other name, so that a rotation is a new
/// object that services move to.
///
/// The hash is of the logical name and the content, 12 hexadecimal digits of SHA-256; a secret's is keyed, once
/// inside and once around, so that a name which is shown in a plan or a log tests no guess at the value.
#[must_use]
pub(crate) fn rotated_name(name: &str, content: &[u8], key: &[u8]) -> String {
    let hash = || Sha256::new().chain_update(key);
    let mut digest = hash().chain_update(name).chain_update([0]).chain_update(content).finalize();
    if !key.is_empty() {
        digest = hash().chain_update(digest).finalize();
    }
    let hex: String = digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    format!("{name}-{hex}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secrets_value_is_in_no_text_made_of_it() {
        let value = SecretValue::new(b"hunter2".to_vec());
        assert_eq!(format!("{value:?}"), "[secret]");
        assert_eq!(serde_json::to_string(&value).unwrap(), "\"[secret]\"");
    }

    #[test]
    fn the_same_content_has_the_same_name_everywhere_and_other_content_another() {
        assert_eq!(rotated_name("a", b"x", b""), rotated_name("a", b"x", b""));
        assert_ne!(rotated_name("a", b"x", b""), rotated_name("a", b"y", b""));
        assert_eq!(rotated_name("server", b"port=9092\n", b"").len(), "server-".len() + 12);
    }

    #[test]
    fn without_the_key_a_guess_at_a_secret_cannot_be_tested_against_its_name() {
        let name = |key: &[u8]| rotated_name("login", b"hunter2", key);
        assert_eq!(name(b"one"), name(b"one"));
        assert!(name(b"one") != name(b"two") && name(b"one") != name(b""));
    }
}
