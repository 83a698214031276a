//! Who may do what, by a token that only they know.
//!
//! The file has a line a token: `viewer TOKEN` or `operator TOKEN`, and nobody but its owner may read it. A token
//! is 24 to 128 letters, digits, `-` and `_`: long enough that nobody guesses it, and at home in a header and a
//! cookie. What is kept:
//! - In memory there are their SHA-256 alone; every one is compared to its last byte, so that the time which a
//!   comparison takes tells nothing.
//! - No error, log or address ever has one.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::bootstrap::link::quoted;

const SHORTEST: usize = 24;
const LONGEST: usize = 128;
/// Random bytes of a new one.
const BYTES: usize = 32;

/// What somebody may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grade {
    /// Look.
    Viewer,
    /// Look, and ask for operations.
    Operator,
}

impl Grade {
    /// The word, as in the file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
        }
    }
}

impl std::str::FromStr for Grade {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        let all = [Self::Viewer, Self::Operator];
        all.into_iter().find(|grade| grade.name() == word).ok_or_else(|| "say viewer or operator".to_owned())
    }
}

/// Why there are no tokens.
#[derive(Debug, thiserror::Error)]
pub enum TokensError {
    /// The file.
    #[error("cannot use the file of tokens {}: {}", path.display(), remedy(path, source))]
    File {
        /// Which.
        path: PathBuf,
        /// What came of it.
        #[source]
        source: io::Error,
    },
    /// Others may read it.
    #[error("others than its owner may read the file of tokens {}: chmod 600 {}", path.display(), path.display())]
    Open {
        /// Which.
        path: PathBuf,
    },
    /// One of its lines.
    #[error("line {line} of {} is no token: write viewer or operator, a space, and {SHORTEST} to {LONGEST} letters, digits, - or _", path.display())]
    Line {
        /// Which file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
    },
    /// Nobody could come in.
    #[error("there is no token in {}: make one with pirack serve --new-token operator --tokens {}", path.display(), word(path))]
    Empty {
        /// Which file.
        path: PathBuf,
    },
}

/// The path as a shell takes it.
fn word(path: &Path) -> String {
    quoted(&path.display().to_string())
}

fn remedy(path: &Path, source: &io::Error) -> String {
    match source.kind() {
        io::ErrorKind::NotFound
            if path.parent().is_some_and(|folder| folder.is_dir() || folder == Path::new("")) =>
        {
            format!("make one with pirack serve --new-token operator --tokens {}", word(path))
        }
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
            "name a file in a folder that is there".to_owned()
        }
        io::ErrorKind::PermissionDenied => {
            "run pirack as the user whose file it is, or name a file of your own".to_owned()
        }
        io::ErrorKind::IsADirectory => "it is a folder: name a file in it".to_owned(),
        io::ErrorKind::InvalidData => {
            "it is no text: name a file that pirack serve --new-token wrote".to_owned()
        }
        _ => "see to it that it can be read and written, or name another".to_owned(),
    }
}

/// All there are.
#[derive(Clone, Default)]
pub struct Tokens(Vec<([u8; 32], Grade)>);

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} tokens", self.0.len())
    }
}

impl Tokens {
    /// Reads the file.
    ///
    /// # Errors
    /// When it cannot be read, others may read it, or one of its lines is no token.
    pub fn read(path: &Path) -> Result<Self, TokensError> {
        let failed = |source| TokensError::File { path: path.to_owned(), source };
        let mut file = File::open(path).map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        if metadata.is_dir() {
            return Err(failed(io::ErrorKind::IsADirectory.into()));
        }
        if metadata.permissions().mode() & 0o077 != 0 {
            return Err(TokensError::Open { path: path.to_owned() });
        }
        let mut text = String::new();
        Read::by_ref(&mut file).take(1 << 20).read_to_string(&mut text).map_err(failed)?;
        let mut tokens = Self::default();
        for (at, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let found = line.split_once(' ').and_then(|(grade, token)| {
                Some((grade.parse().ok()?, Some(token.trim()).filter(|token| is_token(token))?))
            });
            let Some((grade, token)) = found else {
                return Err(TokensError::Line { path: path.to_owned(), line: at + 1 });
            };
            tokens.add(token, grade);
        }
        if tokens.0.is_empty() {
            return Err(TokensError::Empty { path: path.to_owned() });
        }
        Ok(tokens)
    }

    /// Adds one.
    pub fn add(&mut self, token: &str, grade: Grade) {
        self.0.push((Sha256::digest(token).into(), grade));
    }

    /// What whoever has this token may do.
    #[must_use]
    pub fn grade(&self, token: &str) -> Option<Grade> {
        let asked: [u8; 32] = Sha256::digest(token).into();
        let mut found = None;
        for (known, grade) in &self.0 {
            let differs = known.iter().zip(&asked).fold(0, |differs, (a, b)| differs | (a ^ b));
            if std::hint::black_box(differs) == 0 {
                found = found.max(Some(*grade));
            }
        }
        found
    }
}

fn is_token(text: &str) -> bool {
    let lawful = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    (SHORTEST..=LONGEST).contains(&text.len()) && text.chars().all(lawful)
}

/// A new token, out of the kernel's randomness.
///
/// # Errors
/// When the kernel gives none.
pub fn new_token() -> io::Result<String> {
    let mut bytes = [0; BYTES];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// Adds a token to the file, which is made for its owner alone where there is none.
///
/// # Errors
/// When the file cannot be written, or others may read it.
pub fn keep(path: &Path, grade: Grade, token: &str) -> Result<(), TokensError> {
    let failed = |source| TokensError::File { path: path.to_owned(), source };
    let file = File::options().create(true).append(true).mode(0o600).open(path);
    let mut file = file.map_err(failed)?;
    if fs::metadata(path).map_err(failed)?.permissions().mode() & 0o077 != 0 {
        return Err(TokensError::Open { path: path.to_owned() });
    }
    writeln!(file, "{} {token}", grade.name()).and_then(|()| file.sync_all()).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "abcdefghijklmnopqrstuvwxyz";

    fn file(text: &str, mode: u32) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokens");
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        (folder, path)
    }

    #[test]
    fn a_new_token_opens_what_its_grade_may_and_no_other_does() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokens");
        let (viewer, operator) = (new_token().unwrap(), new_token().unwrap());
        keep(&path, Grade::Viewer, &viewer).unwrap();
        keep(&path, Grade::Operator, &operator).unwrap();
        let tokens = Tokens::read(&path).unwrap();
        assert_eq!(tokens.grade(&viewer), Some(Grade::Viewer));
        assert_eq!(tokens.grade(&operator), Some(Grade::Operator));
        for wrong in ["", TOKEN, &operator[1..], &format!("{operator}x")] {
            assert_eq!(tokens.grade(wrong), None);
        }
        assert!(!format!("{tokens:?}").contains(&operator));
    }

    #[test]
    fn a_file_that_others_may_read_is_refused_and_not_written() {
        let (_folder, path) = file(&format!("operator {TOKEN}\n"), 0o640);
        assert!(matches!(Tokens::read(&path), Err(TokensError::Open { .. })));
        assert!(matches!(keep(&path, Grade::Viewer, TOKEN), Err(TokensError::Open { .. })));
    }

    #[test]
    fn a_line_that_is_no_token_is_named_and_not_shown() {
        let odd = "operator short\n";
        let (_folder, path) = file(&format!("# ours\n\nviewer {TOKEN}\n{odd}"), 0o600);
        let error = Tokens::read(&path).unwrap_err().to_string();
        assert!(error.starts_with("line 4 of") && !error.contains("short"), "{error}");
        for line in ["king", &format!("king {TOKEN}"), &format!("viewer {TOKEN}!"), "viewer"] {
            let (_folder, path) = file(line, 0o600);
            assert!(matches!(Tokens::read(&path), Err(TokensError::Line { line: 1, .. })), "{line}");
        }
        let (_folder, path) = file("# nobody\n", 0o600);
        assert!(matches!(Tokens::read(&path), Err(TokensError::Empty { .. })));
    }

    #[test]
    fn what_to_do_about_a_file_of_tokens_depends_on_what_is_wrong_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokens");
        let read = |path: &Path| Tokens::read(path).unwrap_err().to_string();
        assert!(read(&path).contains("make one with"), "{}", read(&path));
        assert!(read(folder.path()).contains("it is a folder"), "{}", read(folder.path()));
        let nowhere = keep(&folder.path().join("no/tokens"), Grade::Viewer, TOKEN).unwrap_err().to_string();
        assert!(nowhere.contains("a folder that is there"), "{nowhere}");
        let kept = keep(folder.path(), Grade::Viewer, TOKEN).unwrap_err().to_string();
        assert!(kept.contains("it is a folder"), "{kept}");
        fs::write(&path, b"\xff").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        assert!(read(&path).contains("it is no text"), "{}", read(&path));
        let denied = TokensError::File { path, source: io::ErrorKind::PermissionDenied.into() }.to_string();
        assert!(
            denied.contains("as the user whose file it is") && !denied.contains("--new-token"),
            "{denied}"
        );
    }
}
