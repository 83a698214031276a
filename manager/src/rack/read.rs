//! The way into a rack: a path or a text, to a [`Rack`] or everything that is wrong with it.

use std::io::Read;
use std::path::{Path, PathBuf};

use super::Rack;
use super::check::{Door, check};
use super::code::{Code, Severity};
use super::problem::{Problem, Problems};
use crate::reach::chain;
use crate::text::{self, LARGEST, TextError};

/// The rack that this file describes.
///
/// # Errors
/// With everything that is wrong; warnings alone are no error.
pub fn read(path: &Path) -> Result<Rack, Problems> {
    let (rack, problems) = examine(path);
    rack.ok_or(problems)
}

/// The same of a text that comes by itself: relative paths in it begin at the folder it is read in.
#[must_use]
pub fn examine_text(source: impl Read) -> (Option<Rack>, Problems) {
    let name = "standard input";
    judged(text::of(source, name, LARGEST), Path::new(name))
}

/// The same, and in either case everything that somebody should know of it, warnings too.
#[must_use]
pub fn examine(path: &Path) -> (Option<Rack>, Problems) {
    judged(text::of_file(path, LARGEST), path)
}

fn judged(text: Result<String, TextError>, path: &Path) -> (Option<Rack>, Problems) {
    match text {
        Ok(text) => of_text(&text, path),
        Err(error) => (None, Problems::new(path, "", vec![unreadable(&error)], &[])),
    }
}

/// The rack of a text; `path` names it, and relative paths in it begin at that path's folder.
///
/// # Errors
/// With everything that is wrong; warnings alone are no error.
pub fn parse(text: &str, path: &Path) -> Result<Rack, Problems> {
    let (rack, problems) = of_text(text, path);
    rack.ok_or(problems)
}

/// Both: the rack, and what somebody should know of it.
pub(super) fn of_text(text: &str, path: &Path) -> (Option<Rack>, Problems) {
    let folder = std::path::absolute(path).ok().and_then(|path| path.parent().map(Path::to_owned));
    let home = std::env::var_os("HOME").map(PathBuf::from).filter(|home| home.is_absolute());
    let door =
        Door { file: path, folder: folder.as_deref().unwrap_or(Path::new("/")), home: home.as_deref() };
    check(text, door)
}

fn unreadable(error: &TextError) -> Problem {
    let remedy = match error {
        TextError::Missing { .. } => "write it with `pirack init`, or name another with --file",
        TextError::NoText { .. } => "write the file as UTF-8",
        TextError::Unreadable { .. } => "see who may read it, or name another with --file",
        TextError::Folder { .. } | TextError::Special { .. } | TextError::Large { .. } => {
            "name the rack's file with --file"
        }
    };
    Problem { code: Code::Unreadable, what: chain(error), span: None, remedy: remedy.to_owned() }
}

impl Problems {
    /// Whether there is no rack in the file.
    #[must_use]
    pub fn is_fatal(&self) -> bool {
        self.count(Severity::Error) > 0
    }
}
