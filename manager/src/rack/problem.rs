//! What is wrong with a rack's file: all of it at once, each with its code, its place and its remedy.
//!
//! Invariant: no problem shows a secret, neither in its words nor in the lines of the file around it: the text
//! that is shown has every secret that was written into it blotted out.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use miette::{Diagnostic, GraphicalReportHandler, LabeledSpan};

use super::code::{Code, Severity};
use crate::excerpt::{Shown, Source, theme};

/// Narrower than this nothing reads well.
const NARROWEST: usize = 60;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Its code.
    pub code: Code,
    /// What is wrong, the value included.
    pub what: String,
    /// The bytes of the text where it stands; nothing where it is the file as a whole.
    pub span: Option<Range<usize>>,
    /// What to do.
    pub remedy: String,
}

/// Everything that is wrong, in the order of the file; never empty where it is an error.
#[derive(Clone, Debug)]
pub struct Problems {
    file: PathBuf,
    text: String,
    list: Vec<Problem>,
}

/// A line and a column, both counted from 1, and how many characters from there; line 0 stands for the file as
/// a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The column, in characters.
    pub column: usize,
    /// So many characters.
    pub length: usize,
}

impl Problems {
    /// In the order of the file; `blots` are the bytes of its text that nobody shall see.
    pub(super) fn new(file: &Path, text: &str, mut list: Vec<Problem>, blots: &[Range<usize>]) -> Self {
        list.sort_by_key(|problem| problem.span.as_ref().map_or(0, |span| span.start));
        Self { file: file.to_owned(), text: blotted(text, blots), list }
    }

    /// The file.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// The file's text as it may be shown: every secret in it is blotted out.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.list.iter()
    }

    /// Whether there are none, not even warnings.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// How many are this bad.
    #[must_use]
    pub fn count(&self, severity: Severity) -> usize {
        self.list.iter().filter(|problem| problem.code.severity() == severity).count()
    }

    /// Where a problem stands.
    #[must_use]
    pub fn position(&self, problem: &Problem) -> Position {
        let Some(span) = &problem.span else { return Position { line: 0, column: 0, length: 0 } };
        let upto = |end: usize| &self.text[..self.text.floor_char_boundary(end)];
        let before = upto(span.start);
        let line = before.rfind('\n').map_or(0, |newline| newline + 1);
        Position {
            line: before.matches('\n').count() + 1,
            column: before[line..].chars().count() + 1,
            length: upto(span.end).chars().count().saturating_sub(before.chars().count()),
        }
    }

    /// All of them for a person: code, what, the line with its caret, the remedy; so wide, and in colour where
    /// it is wanted.
    #[must_use]
    pub fn render(&self, width: usize, colour: bool) -> String {
        let handler = GraphicalReportHandler::new_themed(theme(colour))
            .with_width(width.max(NARROWEST))
            .with_context_lines(1)
            .without_syntax_highlighting()
            .with_break_words(false);
        let source = Source::new(self.file.display().to_string(), &self.text);
        let mut all = String::new();
        for problem in &self.list {
            let shown = Shown { what: &Told(problem), source: &source };
            if handler.render_report(&mut all, &shown).is_err() {
                all.push_str(&format!("{problem}\n"));
            }
            all.push('\n');
        }
        all
    }
}

/// The same text, so long, with every one of those bytes a star.
fn blotted(text: &str, blots: &[Range<usize>]) -> String {
    let mut blots = blots.to_vec();
    blots.sort_by_key(|blot| blot.start);
    let (mut next, mut until) = (blots.into_iter().peekable(), 0);
    let mut hidden = |at: usize| {
        while let Some(blot) = next.next_if(|blot| blot.start <= at) {
            until = until.max(blot.end);
        }
        at < until
    };
    let mut shown = String::with_capacity(text.len());
    for (at, letter) in text.char_indices() {
        if hidden(at) && letter != '\n' {
            shown.extend(std::iter::repeat_n('*', letter.len_utf8()));
        } else {
            shown.push(letter);
        }
    }
    shown
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}; {}", self.code, self.what, self.remedy)
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let errors = self.count(Severity::Error);
        let things = if errors == 1 { "is 1 problem" } else { "are problems" };
        write!(
            f,
            "{} cannot be used: there {things}\n\n{}",
            self.file.display(),
            self.render(100, false).trim_end()
        )
    }
}

impl std::error::Error for Problems {}

/// A problem as miette draws one.
#[derive(Debug)]
struct Told<'a>(&'a Problem);

impl fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.what)
    }
}

impl std::error::Error for Told<'_> {}

impl Diagnostic for Told<'_> {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(self.0.code))
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.0.code.severity() {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(&self.0.remedy))
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let span = self.0.span.clone()?;
        Some(Box::new(std::iter::once(LabeledSpan::new_with_span(None, span))))
    }
}
