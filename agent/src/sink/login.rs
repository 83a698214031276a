//! As whom a sink goes to its far side: a name, and a password that nobody ever prints.
//!
//! The password lies in a file of its own, so that the configuration can be shown to anybody. It is read
//! once, with the configuration: an agent that is to take another password is started again.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// No password is longer.
const LONGEST: u64 = 4096;

/// A text that never shows, whoever prints it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Hides a text.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The text itself, for the far side only.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

/// A user and the password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// Who it is.
    pub user: String,
    /// What only it knows.
    pub password: Secret,
}

impl fmt::Display for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.user)
    }
}

/// Why there is no password.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// There is no such file.
    #[error("there is no password file {}: write the password into it, and nothing else", path.display())]
    Missing {
        /// Which file.
        path: PathBuf,
    },
    /// It cannot be read.
    #[error("the password file {} cannot be read: let the agent's user own it, with mode 0600", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// What came of it.
        #[source]
        source: io::Error,
    },
    /// It holds no password.
    #[error("the password file {} {what}: write the password into it, and nothing else", path.display())]
    NoPassword {
        /// Which file.
        path: PathBuf,
        /// What it holds instead.
        what: &'static str,
    },
}

impl Login {
    /// Reads the password of `user` from `path`; one newline at its end is not part of it. With it comes a
    /// warning when people other than the file's owner and group may read the file.
    ///
    /// # Errors
    /// When the file is missing, cannot be read, or holds nothing that is a password.
    pub fn read(user: &str, path: &Path) -> Result<(Self, Option<String>), LoginError> {
        let unreadable = |source: io::Error| match source.kind() {
            io::ErrorKind::NotFound => LoginError::Missing { path: path.to_owned() },
            _ => LoginError::Unreadable { path: path.to_owned(), source },
        };
        let no_password = |what| LoginError::NoPassword { path: path.to_owned(), what };
        let metadata = std::fs::metadata(path).map_err(unreadable)?;
        // A pipe would be waited on for ever.
        if !metadata.is_file() {
            return Err(no_password("is not a regular file"));
        }
        let mut bytes = Vec::new();
        File::open(path)
            .and_then(|file| file.take(LONGEST + 1).read_to_end(&mut bytes))
            .map_err(unreadable)?;
        if bytes.len() as u64 > LONGEST {
            return Err(no_password("is longer than a password"));
        }
        let text = String::from_utf8(bytes).map_err(|_| no_password("is not UTF-8 text"))?;
        let password = text.strip_suffix('\n').unwrap_or(&text);
        let password = password.strip_suffix('\r').unwrap_or(password);
        if password.is_empty() {
            return Err(no_password("is empty"));
        }
        let mode = metadata.permissions().mode();
        let warning = (mode & 0o004 != 0).then(|| {
            format!(
                "everybody on this board may read the password file {} (mode {:04o}, owner {}): chmod 0600 it",
                path.display(),
                mode & 0o7777,
                metadata.uid()
            )
        });
        Ok((Self { user: user.to_owned(), password: Secret::new(password.to_owned()) }, warning))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(content: &[u8], mode: u32) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("password");
        std::fs::write(&path, content).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        (folder, path)
    }

    #[test]
    fn a_password_is_the_file_without_its_newline_and_never_shows() {
        let (_folder, path) = file(b"open sesame\n", 0o600);
        let (login, warning) = Login::read("w3", &path).unwrap();
        assert_eq!(login.password.expose(), "open sesame");
        assert_eq!(warning, None);
        let shown = format!("{login} {login:?} {:?}", login.password);
        assert!(shown.contains("w3") && !shown.contains("sesame"), "{shown}");
    }

    #[test]
    fn a_password_that_everybody_may_read_is_taken_with_a_warning() {
        let (_folder, path) = file(b"x", 0o644);
        let (_, warning) = Login::read("w3", &path).unwrap();
        assert!(warning.unwrap().contains("chmod 0600"));
    }

    #[test]
    fn what_is_no_password_says_which_file_and_what_to_do() {
        let missing = Login::read("w3", Path::new("/nowhere/password")).unwrap_err().to_string();
        assert!(missing.contains("/nowhere/password") && missing.contains("write the password"), "{missing}");
        let long = [b'x'; 5000];
        for (content, what) in
            [(&b""[..], "empty"), (b"\n", "empty"), (b"\xff", "not UTF-8"), (&long, "longer")]
        {
            let (_folder, path) = file(content, 0o600);
            let told = Login::read("w3", &path).unwrap_err().to_string();
            assert!(told.contains(what), "{told}");
        }
        let folder = tempfile::tempdir().unwrap();
        let told = Login::read("w3", folder.path()).unwrap_err().to_string();
        assert!(told.contains("not a regular file"), "{told}");
    }
}
