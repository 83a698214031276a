//! `versions.toml`: the one place where a version of what the images are made of is written.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::Deserialize;

use crate::images::ImageError;

/// What is pinned.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Versions {
    /// A Maven property without its `.version`, and its value.
    maven: BTreeMap<String, String>,
    /// A Debian suite, and the Java that it has.
    debian: BTreeMap<String, String>,
}

impl Versions {
    /// Reads them from the `images` folder.
    ///
    /// # Errors
    /// When the file cannot be read, or is not of this form.
    pub fn read(folder: &Path) -> Result<Self, ImageError> {
        let path = folder.join("versions.toml");
        let text = fs::read_to_string(&path).map_err(ImageError::file("reading", &path))?;
        toml::from_str(&text).map_err(|error| ImageError::Contents { path, said: error.to_string() })
    }

    /// The version of that key of `[maven]`.
    ///
    /// # Errors
    /// When there is none.
    pub fn maven(&self, key: &str) -> Result<&str, ImageError> {
        self.maven.get(key).map(String::as_str).ok_or_else(|| lacks("maven", key))
    }

    /// The Java of a Debian suite.
    ///
    /// # Errors
    /// When the suite is not there.
    pub fn java(&self, suite: &str) -> Result<&str, ImageError> {
        self.debian.get(suite).map(String::as_str).ok_or_else(|| lacks("debian", suite))
    }

    /// Maven's command line: every version as the property that a `pom.xml` takes it from.
    pub(crate) fn properties(&self) -> Vec<String> {
        self.maven.iter().map(|(key, version)| format!("-D{key}.version={version}")).collect()
    }
}

fn lacks(table: &str, key: &str) -> ImageError {
    ImageError::Contents {
        path: "images/versions.toml".into(),
        said: format!("[{table}] lacks {key}, which an image is made of"),
    }
}
