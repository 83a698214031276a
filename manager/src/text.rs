//! Text that somebody names on the command line: a file, or what comes on standard input.
//!
//! It is read whole and never without a bound. What is no regular file is not even opened: a pipe may wait for ever
//! for its writer, and a device may never end.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// No file that people write by hand is larger.
pub const LARGEST: u64 = 1 << 20;

/// Why there is no text.
#[derive(Debug, thiserror::Error)]
pub enum TextError {
    /// There is nothing of that name.
    #[error("there is no file {name}")]
    Missing {
        /// Which.
        name: String,
    },
    /// It is a folder.
    #[error("{name} is a folder")]
    Folder {
        /// Which.
        name: String,
    },
    /// It is a pipe, a device or a socket.
    #[error("{name} is no regular file")]
    Special {
        /// Which.
        name: String,
    },
    /// It is larger than anything that is wanted here.
    #[error("{name} is larger than {most} bytes")]
    Large {
        /// Which.
        name: String,
        /// How large it may be.
        most: u64,
    },
    /// It holds something else than text.
    #[error("line {line} of {name} is not UTF-8 text")]
    NoText {
        /// Which.
        name: String,
        /// The first line that is none, from 1.
        line: usize,
    },
    /// The system does not let it be read.
    #[error("{name} cannot be read")]
    Unreadable {
        /// Which.
        name: String,
        /// What came of it.
        #[source]
        source: io::Error,
    },
}

/// The text of a regular file of so many bytes at the most.
///
/// # Errors
/// When it is none, or cannot be read.
pub fn of_file(path: &Path, most: u64) -> Result<String, TextError> {
    let name = || path.display().to_string();
    let failed = |source: io::Error| match source.kind() {
        io::ErrorKind::NotFound => TextError::Missing { name: name() },
        _ => TextError::Unreadable { name: name(), source },
    };
    // Looked at before it is opened: to open a pipe is to wait.
    let metadata = std::fs::metadata(path).map_err(failed)?;
    if metadata.is_dir() {
        return Err(TextError::Folder { name: name() });
    }
    if !metadata.is_file() {
        return Err(TextError::Special { name: name() });
    }
    of(File::open(path).map_err(failed)?, &name(), most)
}

/// The text that comes from somewhere, which errors call `name`.
///
/// # Errors
/// When it is none, or more, or cannot be read.
pub fn of(source: impl Read, name: &str, most: u64) -> Result<String, TextError> {
    let mut bytes = vec![];
    let read = source.take(most + 1).read_to_end(&mut bytes);
    read.map_err(|source| TextError::Unreadable { name: name.to_owned(), source })?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > most) {
        return Err(TextError::Large { name: name.to_owned(), most });
    }
    String::from_utf8(bytes).map_err(|error| {
        let before = error.as_bytes().iter().take(error.utf8_error().valid_up_to());
        let line = before.filter(|byte| **byte == b'\n').count() + 1;
        TextError::NoText { name: name.to_owned(), line }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_end_is_not_read_to_it() {
        assert!(matches!(of_file(Path::new("/dev/zero"), LARGEST), Err(TextError::Special { .. })));
        assert!(matches!(of(io::repeat(b'a'), "standard input", LARGEST), Err(TextError::Large { .. })));
        assert_eq!(of(&b"as long as it may be"[..], "x", 20).unwrap(), "as long as it may be");
    }

    #[test]
    fn each_thing_that_is_no_text_is_called_what_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let latin = folder.path().join("latin");
        std::fs::write(&latin, b"a\ncaf\xe9\n").unwrap();
        let told = |path: &Path| of_file(path, LARGEST).unwrap_err().to_string();
        assert!(told(&folder.path().join("no")).starts_with("there is no file "));
        assert!(told(folder.path()).ends_with(" is a folder"));
        assert_eq!(told(&latin), format!("line 2 of {} is not UTF-8 text", latin.display()));
    }
}
