//! What is wrong with a configuration, where, and what to do about it.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// Of a long line, so much is shown.
const WIDEST: usize = 120;

/// Where a value was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A line of the file, counted from 1; line 0 stands for the file as a whole.
    Line {
        /// The file.
        file: PathBuf,
        /// The line.
        line: usize,
        /// What stands there, trimmed.
        text: String,
    },
    /// An environment variable.
    Variable(&'static str),
}

/// One thing that is wrong, with its remedy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where.
    pub place: Place,
    /// The bytes of the file that say so, where it is a line of it.
    pub span: Option<Range<usize>>,
    /// What is wrong, the value included.
    pub what: String,
    /// What to do.
    pub remedy: String,
}

/// Everything that is wrong, in the order of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq, thiserror::Error)]
pub struct Problems(pub Vec<Problem>);

impl Place {
    /// The order in which a person reads: the file from its top, then the environment.
    pub(super) fn rank(&self) -> (usize, &str) {
        match self {
            Self::Line { line, .. } => (*line, ""),
            Self::Variable(name) => (usize::MAX, name),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line { file, line: 0, .. } => write!(f, "{}", file.display()),
            Self::Line { file, line, .. } => write!(f, "{}:{line}", file.display()),
            Self::Variable(name) => write!(f, "environment variable {name}"),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.what)?;
        if let Place::Line { line, text, .. } = &self.place
            && !text.is_empty()
        {
            write!(f, "\n  {line:>4} | {text}")?;
        }
        write!(f, "\n       = {}", self.remedy)
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            let gap = if index == 0 { "" } else { "\n" };
            write!(f, "{gap}{problem}")?;
        }
        Ok(())
    }
}

/// Turns a value's span into the place it was written.
///
/// Spans inside the text are bytes of the file; a variable's value carries a span past the text's
/// end, one position a variable, so that both kinds of value travel as the same `Spanned`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Origins<'a> {
    pub(super) file: &'a Path,
    pub(super) text: &'a str,
    pub(super) variables: &'a [&'static str],
}

impl Origins<'_> {
    pub(super) fn place(&self, span: &Range<usize>) -> Place {
        if let Some(past) = span.start.checked_sub(self.text.len() + 1)
            && let Some(name) = self.variables.get(past)
        {
            return Place::Variable(name);
        }
        let upto = &self.text[..self.text.floor_char_boundary(span.start)];
        let line = upto.matches('\n').count();
        let text = self.text.lines().nth(line).unwrap_or_default().trim().chars().take(WIDEST).collect();
        Place::Line { file: self.file.to_owned(), line: line + 1, text }
    }

    pub(super) fn whole(&self) -> Place {
        Place::Line { file: self.file.to_owned(), line: 0, text: String::new() }
    }

    /// The span that stands for a variable.
    pub(super) fn variable(&self, name: &str) -> Range<usize> {
        let index = self.variables.iter().position(|known| *known == name).unwrap_or_default();
        let at = self.text.len() + 1 + index;
        at..at
    }
}
