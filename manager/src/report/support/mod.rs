//! A bundle for whoever helps: a folder of plain texts, each without secrets, that can be read before it is sent.
//!
//! A folder and no archive: who sends it can look through it, take out what they would rather keep, and pack it
//! with whatever is at hand. What is kept: no text gets into it but through [`Bundle::put`], which passes it
//! through the [`Redactor`]; and what could not be had says why in its place, so that a bundle of half a rack is
//! a bundle.

mod gather;
mod names;
pub mod redact;

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use serde::Serialize;

pub use gather::{Text, gather};
pub use redact::Redactor;

/// Why there is no bundle.
#[derive(Debug, thiserror::Error)]
pub enum SupportError {
    /// The folder is there already.
    #[error("{0} is there already: name another with --out, or remove it")]
    Exists(PathBuf),
    /// Something of it cannot be written.
    #[error("cannot write {path}")]
    Write {
        /// What.
        path: PathBuf,
        /// What came of it.
        #[source]
        source: io::Error,
    },
}

/// What is in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Its path in the folder.
    pub name: String,
    /// Its size.
    pub bytes: usize,
    /// How many places were taken out of it.
    pub redacted: usize,
}

/// A folder that is being filled; for its user alone.
#[derive(Debug)]
pub struct Bundle {
    folder: PathBuf,
    redactor: Redactor,
    entries: Vec<Entry>,
}

impl Bundle {
    /// A new one.
    ///
    /// # Errors
    /// When the folder is there already, or cannot be made.
    pub fn begin(folder: &Path, redactor: Redactor) -> Result<Self, SupportError> {
        match fs::DirBuilder::new().mode(0o700).create(folder) {
            Ok(()) => Ok(Self { folder: folder.to_owned(), redactor, entries: vec![] }),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                Err(SupportError::Exists(folder.to_owned()))
            }
            Err(source) => Err(SupportError::Write { path: folder.to_owned(), source }),
        }
    }

    /// Writes a text, without secrets.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn put(&mut self, text: &Text) -> Result<(), SupportError> {
        let (cleaned, redacted) = self.redactor.clean(&text.content);
        let name = safe(&text.name);
        let path = self.folder.join(&name);
        let failed = |source| SupportError::Write { path: path.clone(), source };
        if let Some(parent) = path.parent() {
            fs::DirBuilder::new().mode(0o700).recursive(true).create(parent).map_err(failed)?;
        }
        let file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        file.and_then(|mut file| file.write_all(cleaned.as_bytes())).map_err(failed)?;
        self.entries.push(Entry { name, bytes: cleaned.len(), redacted });
        Ok(())
    }

    /// What is in it.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Where it is.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

/// A path below the folder, whatever a board or a service is called.
fn safe(name: &str) -> String {
    let part = |part: &str| -> String {
        let plain = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '_' };
        part.chars().map(plain).collect()
    };
    let parts = name.split('/').map(part).filter(|part| !part.is_empty() && part != "." && part != "..");
    parts.collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn text(name: &str, content: &str) -> Text {
        Text { name: name.to_owned(), content: content.to_owned() }
    }

    #[test]
    fn nothing_gets_into_a_bundle_with_its_secrets_and_others_cannot_read_it() {
        let scratch = tempfile::tempdir().unwrap();
        let folder = scratch.path().join("bundle");
        let redactor = Redactor::knowing(["correct horse".to_owned()]).unwrap();
        let mut bundle = Bundle::begin(&folder, redactor).unwrap();
        bundle.put(&text("boards/b1/log.txt", "a correct horse, SWMTKN-1-a-b\n")).unwrap();
        let path = folder.join("boards/b1/log.txt");
        assert_eq!(fs::read_to_string(&path).unwrap(), "a [redacted], [redacted]\n");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o077, 0);
        assert_eq!(fs::metadata(&folder).unwrap().permissions().mode() & 0o077, 0);
        let entry = Entry { name: "boards/b1/log.txt".to_owned(), bytes: 25, redacted: 2 };
        assert_eq!(bundle.entries(), [entry]);
    }

    #[test]
    fn a_folder_that_is_there_is_never_written_into() {
        let scratch = tempfile::tempdir().unwrap();
        let refused = Bundle::begin(scratch.path(), Redactor::knowing([]).unwrap());
        assert!(matches!(refused, Err(SupportError::Exists(_))));
    }

    #[test]
    fn a_name_leads_nowhere_outside() {
        assert_eq!(safe("services/../../etc/passwd"), "services/etc/passwd");
        assert_eq!(safe("/boards/b1/a b:c"), "boards/b1/a_b_c");
    }
}
