//! Secrets are read when something needs them and not before, from where the rack file says.
//!
//! Invariant: an error names the file or the variable, never the value.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use pirack_swarm::desired::SecretName;
use pirack_swarm::spec::SecretValue;

use super::{Rack, SecretSource, Secrets};

/// Docker takes no larger one.
const LARGEST: u64 = 500 * 1024;
/// Whoever else may do anything with the file.
const OTHERS: u32 = 0o077;

/// Why one secret is not there.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// Its file cannot be read.
    #[error("secret {name}: cannot read {} ({source}): write the value into it, mode 0600", path.display())]
    Unreadable {
        /// Which secret.
        name: SecretName,
        /// Which file.
        path: PathBuf,
        /// What came of it.
        source: io::Error,
    },
    /// Its file is open to others.
    #[error(
        "secret {name}: {} has mode {mode:04o}, so others than its owner may use it: chmod 600 it, and change the secret if others had a login here",
        path.display()
    )]
    Open {
        /// Which secret.
        name: SecretName,
        /// Which file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// Its file is no file, or holds nothing, or too much.
    #[error("secret {name}: {} {what}", path.display())]
    Unfit {
        /// Which secret.
        name: SecretName,
        /// Which file.
        path: PathBuf,
        /// What is wrong, and what to do.
        what: &'static str,
    },
    /// Its variable is not there.
    #[error(
        "secret {name}: the environment variable {variable} is not set, or empty: set it to the secret's value"
    )]
    Unset {
        /// Which secret.
        name: SecretName,
        /// Which variable.
        variable: String,
    },
}

/// Why there are not all secrets: every reason at once.
#[derive(Debug)]
pub struct SecretErrors(pub Vec<SecretError>);

impl fmt::Display for SecretErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}

impl std::error::Error for SecretErrors {}

/// What came of reading secrets.
#[derive(Debug)]
pub struct SecretsRead {
    /// Those that could be read: to be used, or to be taken out of texts.
    pub known: Secrets,
    /// Why others could not.
    errors: SecretErrors,
}

impl SecretsRead {
    /// All of them.
    ///
    /// # Errors
    /// With each that could not be read.
    pub fn all(&self) -> Result<&Secrets, &SecretErrors> {
        if self.errors.0.is_empty() { Ok(&self.known) } else { Err(&self.errors) }
    }
}

impl Rack {
    /// Reads every secret that an app names.
    #[must_use]
    pub fn read_secrets(&self) -> SecretsRead {
        self.secrets_with(|variable| std::env::var_os(variable).map(|value| value.into_encoded_bytes()))
    }

    /// The same, with variables from elsewhere.
    pub(super) fn secrets_with(&self, variable: impl Fn(&str) -> Option<Vec<u8>>) -> SecretsRead {
        let named: BTreeSet<_> =
            self.apps.iter().flat_map(|app| &app.secrets).map(|(name, _)| name).collect();
        let sources: BTreeMap<_, _> = self.apps.iter().flat_map(|app| &app.secrets).collect();
        let (mut secrets, mut errors) = (Secrets::new(), vec![]);
        for name in named {
            let Some(source) = sources.get(name) else { continue };
            let value = match source {
                SecretSource::File(path) => of_file(name, path),
                SecretSource::Environment(key) => variable(key)
                    .filter(|value| !value.is_empty())
                    .ok_or_else(|| SecretError::Unset { name: name.clone(), variable: key.clone() }),
            };
            match value {
                Ok(value) => {
                    secrets.insert(name.clone(), SecretValue::new(value));
                }
                Err(error) => errors.push(error),
            }
        }
        SecretsRead { known: secrets, errors: SecretErrors(errors) }
    }
}

fn of_file(name: &SecretName, path: &Path) -> Result<Vec<u8>, SecretError> {
    let unreadable = |source| SecretError::Unreadable { name: name.clone(), path: path.to_owned(), source };
    let unfit = |what| SecretError::Unfit { name: name.clone(), path: path.to_owned(), what };
    // Looked at before it is opened: a pipe would wait for ever for its writer.
    if !std::fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err(unfit("is no regular file: name one that holds the value"));
    }
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let mode = file.metadata().map_err(unreadable)?.permissions().mode() & 0o7777;
    if mode & OTHERS != 0 {
        return Err(SecretError::Open { name: name.clone(), path: path.to_owned(), mode });
    }
    let mut value = vec![];
    file.take(LARGEST + 1).read_to_end(&mut value).map_err(unreadable)?;
    match u64::try_from(value.len()) {
        Ok(0) => Err(unfit("is empty: write the value into it")),
        Ok(length) if length <= LARGEST => Ok(value),
        _ => Err(unfit("is larger than 500 KiB, which Docker does not take: is it the right file?")),
    }
}
