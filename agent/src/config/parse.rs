//! Text to [`File`], every problem with its place.

use super::file::File;
use super::problem::{Origins, Problem};
use super::recover::recover;

/// Reads the text; the file holds what could be read, `problems` the rest.
pub(super) fn parse(origins: Origins<'_>, problems: &mut Vec<Problem>) -> Option<File> {
    let (file, misfits) = recover(origins.text, "agent.example.toml");
    problems.extend(misfits.into_iter().map(|misfit| Problem {
        place: misfit.span.as_ref().map_or_else(|| origins.whole(), |span| origins.place(span)),
        span: misfit.span,
        what: misfit.what,
        remedy: misfit.remedy,
    }));
    file
}
