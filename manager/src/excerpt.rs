//! What is shown of a file beside a problem of it: the lines around its place, and of a file whose lines have no end
//! only what is near. A problem is as long as somebody can read, whatever the file holds.

use std::fmt;
use std::ops::Range;

use miette::{
    Diagnostic, GraphicalTheme, LabeledSpan, MietteError, MietteSpanContents, SourceCode, SourceSpan,
    SpanContents,
};

/// Lines of more bytes than this in all are not shown whole.
const MOST: usize = 2048;
/// So many bytes of them are then shown before the place.
const BEFORE: usize = 120;
/// And so many from its beginning on.
const BEHIND: usize = 240;
/// No sentence about a problem has more bytes: its middle is left out.
const SENTENCE: usize = 1000;

/// How a problem is drawn, in colour or without: the same for every command.
#[must_use]
pub fn theme(colour: bool) -> GraphicalTheme {
    if colour { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() }
}

/// A sentence that repeats what somebody wrote, in a length that can be read.
#[must_use]
pub fn shortened(text: &str) -> String {
    if text.len() <= SENTENCE {
        return text.to_owned();
    }
    let (head, tail) =
        (text.floor_char_boundary(SENTENCE / 2), text.ceil_char_boundary(text.len() - SENTENCE / 4));
    format!("{} ... {}", &text[..head], &text[tail..])
}

/// A file's text; its lines are found once, not anew for every problem.
#[derive(Debug)]
pub struct Source<'a> {
    name: String,
    text: &'a str,
    /// Where each line begins.
    lines: Vec<usize>,
}

impl<'a> Source<'a> {
    /// The text of the file that is shown by this name.
    #[must_use]
    pub fn new(name: String, text: &'a str) -> Self {
        let lines = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1));
        Self { name, text, lines: lines.collect() }
    }

    fn line_of(&self, at: usize) -> usize {
        self.lines.partition_point(|start| *start <= at).saturating_sub(1)
    }

    fn begin_of(&self, line: usize) -> usize {
        self.lines.get(line).copied().unwrap_or(self.text.len())
    }

    /// The lines around a place, or what of them is near.
    fn around(&self, place: &Range<usize>, before: usize, after: usize) -> Range<usize> {
        let start = self.begin_of(self.line_of(place.start).saturating_sub(before));
        let last = self.line_of(place.end.saturating_sub(1).max(place.start)) + after;
        let end = self.lines.get(last + 1).map_or(self.text.len(), |next| next - 1);
        if end.saturating_sub(start) <= MOST {
            return start..end;
        }
        let near = self.text.ceil_char_boundary(place.start.saturating_sub(BEFORE));
        start.max(near)..end.min(self.text.floor_char_boundary(place.start + BEHIND))
    }

    /// As much of a place as is shown.
    fn shown(&self, place: Range<usize>) -> Range<usize> {
        let end = self.around(&place, 1, 1).end;
        place.start..place.end.min(end).max(place.start)
    }
}

impl SourceCode for Source<'_> {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let place = span.offset()..span.offset() + span.len();
        // Without lines around it miette asks where the place itself begins.
        let Range { start, end } =
            if before == 0 && after == 0 { place } else { self.around(&place, before, after) };
        let (first, last) = (self.line_of(start), self.line_of(end));
        let column = start - self.begin_of(first);
        let bytes = self.text.as_bytes().get(start..end).ok_or(MietteError::OutOfBounds)?;
        let (span, count) = ((start, end - start).into(), last - first + 1);
        Ok(Box::new(MietteSpanContents::new_named(self.name.clone(), bytes, span, first, column, count)))
    }
}

/// A problem, with the lines that it speaks of.
#[derive(Debug)]
pub struct Shown<'a, D> {
    /// The problem.
    pub what: &'a D,
    /// The file that has it.
    pub source: &'a Source<'a>,
}

impl<D: Diagnostic> fmt::Display for Shown<'_, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.what, f)
    }
}

impl<D: Diagnostic> std::error::Error for Shown<'_, D> {}

impl<D: Diagnostic> Diagnostic for Shown<'_, D> {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.what.code()
    }

    fn severity(&self) -> Option<miette::Severity> {
        self.what.severity()
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.what.help()
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.what.labels().map(|_| self.source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let shown = |label: LabeledSpan| {
            let place = self.source.shown(label.offset()..label.offset() + label.len());
            LabeledSpan::new_with_span(label.label().map(str::to_owned), place)
        };
        Some(Box::new(self.what.labels()?.map(shown)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_keeps_its_beginning_and_its_end() {
        let told = shortened(&format!("\"{}\" is no size", "ä".repeat(20_000)));
        assert!(told.len() < 1000 && told.starts_with("\"ä") && told.ends_with("\" is no size"), "{told}");
        assert_eq!(shortened("short"), "short");
    }

    #[test]
    fn of_a_line_without_end_what_is_near_is_shown_and_of_others_all() {
        let text = format!("first\n{}HERE{}\nlast\n", "ö".repeat(10_000), "ü".repeat(10_000));
        let at = text.find("HERE").unwrap();
        let source = Source::new("x".to_owned(), &text);
        let near = &text[source.around(&(at..at + 4), 1, 1)];
        assert!(near.contains("öHEREü") && near.len() < 400, "{near}");
        assert_eq!(&text[source.around(&(0..5), 0, 0)], "first");
        // A place of many lines is cut as well.
        assert_eq!(source.shown(at..text.len()).len(), 240);
        assert_eq!(source.shown(0..text.len()).start, 0);
    }
}
