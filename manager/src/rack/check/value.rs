//! One value each: texts to names, sizes, times, paths, and lists of boards.

use std::ops::{Range, RangeInclusive};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use pirack_agent::config::{Written, distance, is_near};
use pirack_swarm::desired::{Image, NameError};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::super::code::Code;
use super::super::file::List;
use super::super::{BoardName, Bytes, span};
use super::{Boards, Checker, Door};
use crate::stack::memory::{self, Share};

/// Words in the names of the sections' images.
const CALLED: [&str; 4] = ["kafka", "cassandra", "coordinator", "graphqlapi"];
/// What to do about a young part that is none.
pub(super) const YOUNG: &str = "write a smaller one, a quarter of the heap, or take it out";

impl Checker<'_> {
    /// A name of any kind.
    pub(super) fn name<T: FromStr<Err = NameError>>(&mut self, written: &Spanned<String>) -> Option<T> {
        match written.get_ref().parse() {
            Ok(name) => Some(name),
            Err(NameError { text, what, remedy }) => {
                self.say(Code::Name, written.span(), format!("\"{text}\" is not {what}"), remedy);
                None
            }
        }
    }

    pub(super) fn size(&mut self, written: &Written<String>) -> Option<Bytes> {
        let written = written.as_ref()?;
        match written.get_ref().parse::<Bytes>() {
            Ok(Bytes(0)) => {
                self.say(
                    Code::Size,
                    written.span(),
                    "nothing is no size",
                    "write for example 512MiB, or take the key out",
                );
                None
            }
            Ok(size) => Some(size),
            Err(_) => {
                self.say(
                    Code::Size,
                    written.span(),
                    format!("\"{}\" is no size", written.get_ref()),
                    "write a number and KiB, MiB, GiB or TiB, for example \"512MiB\" or \"1.5GiB\"",
                );
                None
            }
        }
    }

    /// A time between two others, each with its own writing.
    pub(super) fn time(
        &mut self,
        written: &Written<String>,
        (least, most): (&str, &str),
        example: &str,
    ) -> Option<Duration> {
        let written = written.as_ref()?;
        let Some(time) = span::span(written.get_ref()) else {
            let what = format!("\"{}\" is no time", written.get_ref());
            self.say(
                Code::Time,
                written.span(),
                what,
                format!("write for example \"{example}\"; units are ms, s, m, h, d, w"),
            );
            return None;
        };
        let below = span::span(least).is_some_and(|least| time < least);
        if below || span::span(most).is_some_and(|most| time > most) {
            let what = format!("\"{}\" is not between {least} and {most}", written.get_ref());
            self.say(Code::Range, written.span(), what, format!("write for example \"{example}\""));
            return None;
        }
        Some(time)
    }

    pub(super) fn number<T: TryFrom<i64>>(
        &mut self,
        written: &Written<i64>,
        range: RangeInclusive<i64>,
        remedy: &str,
    ) -> Option<T> {
        let written = written.as_ref()?;
        let number = *written.get_ref();
        let fits =
            Some(number).filter(|number| range.contains(number)).and_then(|number| T::try_from(number).ok());
        if fits.is_none() {
            let what = format!("{number} is not between {} and {}", range.start(), range.end());
            self.say(Code::Range, written.span(), what, remedy);
        }
        fits
    }

    pub(super) fn port(&mut self, written: &Written<i64>, otherwise: u16) -> u16 {
        self.number(written, 1..=65_535, "give a port, or take the key out").unwrap_or(otherwise)
    }

    /// A path of this machine's: `~` is the user's folder, and a relative one begins at the rack file's.
    pub(super) fn path(&mut self, written: &Written<String>) -> Option<PathBuf> {
        let written = written.as_ref()?;
        match self.door.resolve(written.get_ref()) {
            Ok(path) => Some(path),
            Err((what, remedy)) => {
                self.say(Code::Path, written.span(), what, remedy);
                None
            }
        }
    }

    pub(super) fn image(&mut self, written: &Written<String>, otherwise: &str) -> Option<Image> {
        let (text, span) = match written {
            Some(written) => (written.get_ref().as_str(), Some(written.span())),
            None => (otherwise, None),
        };
        match text.parse() {
            Ok(image) => Some(image),
            Err(NameError { text, remedy, .. }) => {
                let (code, what) = if remedy.starts_with("name a version") {
                    (Code::ImageVersion, format!("\"{text}\" does not say which version runs"))
                } else {
                    (Code::Image, format!("\"{text}\" is not an image"))
                };
                self.say(code, span, what, remedy);
                None
            }
        }
    }

    /// That the image is not one of another section's, by what it is called.
    pub(super) fn of_section(&mut self, written: &Written<String>, own: &str) {
        let Some(written) = written else { return };
        let text = written.get_ref().as_str();
        let path = text.split('@').next().unwrap_or_default();
        let last = path.rsplit('/').next().unwrap_or_default();
        let name = last.split(':').next().unwrap_or_default();
        let other = CALLED.iter().find(|word| **word != own && name.contains(**word));
        if let Some(other) = other.filter(|_| !name.contains(own)) {
            let what = format!("\"{text}\" is called like an image of {other}");
            self.say(Code::OtherImage, written.span(), what, format!("name an image of {own} here"));
        }
    }

    /// The boards that a list names, those at least that there are; nothing where there is no list.
    pub(super) fn named(&mut self, list: &List, boards: &Boards) -> Option<Vec<BoardName>> {
        let mut named: Vec<BoardName> = vec![];
        for item in list.as_ref()?.get_ref() {
            let text = item.get_ref();
            let Some(board) = boards.written(text) else {
                if boards.are_named() {
                    let what = format!("there is no board \"{text}\"");
                    self.say(Code::NoSuchBoard, item.span(), what, nearest(text, boards));
                }
                continue;
            };
            let Some(name) = &board.name else { continue };
            if named.contains(name) {
                self.named_twice(item);
            } else {
                named.push(name.clone());
            }
        }
        Some(named)
    }

    /// An item that its list has already.
    pub(super) fn named_twice(&mut self, item: &Spanned<String>) {
        let what = format!("\"{}\" is named twice", item.get_ref());
        self.say(Code::NamedTwice, item.span(), what, "name it once");
    }

    /// A heap and its limit, as far as the file says them: the rule is the stacks' own.
    pub(super) fn heap(&mut self, heap: &Written<String>, limit: &Written<String>) {
        let share = memory::settled(None, bytes(heap), bytes(limit));
        if let Some(Share { heap: within, limit: around }) = share.filter(|share| !share.fits()) {
            self.say(
                Code::Heap,
                heap.as_ref().or(limit.as_ref()).map(Spanned::span),
                format!("a heap of {within} within a limit of {around}"),
                format!("a JVM needs {} beside its heap, and a heap of {}", memory::BESIDE, memory::LEAST),
            );
        }
    }

    /// A young part and its heap, where both are said.
    pub(super) fn young(&mut self, young: &Written<String>, heap: &Written<String>) {
        if let (Some(part), Some(whole)) = (bytes(young), bytes(heap))
            && part >= whole
        {
            let what = format!("a young part of {part} within a heap of {whole}");
            self.say(Code::Heap, super::span_of(young.as_ref()), what, YOUNG);
        }
    }

    /// Where the key stands that this path leads to, or the last of it that is written.
    pub(super) fn key<'k>(&self, path: impl Iterator<Item = &'k str>) -> Option<Range<usize>> {
        let (tree, _) = DeTable::parse_recoverable(self.text);
        let (mut table, mut span) = (tree.get_ref(), None);
        for name in path {
            let Some((key, value)) = table.get_key_value(name) else { break };
            span = Some(key.span());
            let DeValue::Table(inner) = value.get_ref() else { break };
            table = inner;
        }
        span
    }

    /// A key without a default that is not in its table. Not told where something there could not be read that it may
    /// have been.
    pub(super) fn missing(
        &mut self,
        (table, key): (&[&str], &str),
        span: Option<Range<usize>>,
        what: &str,
        remedy: &str,
    ) {
        if !self.lost.may_be(table, key) {
            self.say(Code::Missing, span, what, remedy);
        }
    }
}

impl Door<'_> {
    /// Where a path of the file leads.
    pub(super) fn resolve(self, text: &str) -> Result<PathBuf, (String, &'static str)> {
        if text.trim().is_empty() {
            return Err(("the path is empty".to_owned(), "name a file, or take the key out"));
        }
        if let Some(rest) = text.strip_prefix('~') {
            let Some(inner) = rest.strip_prefix('/').or(rest.is_empty().then_some("")) else {
                let remedy = "only ~/ is known, for your own folder: write the whole path";
                return Err((format!("\"{text}\" is another user's folder"), remedy));
            };
            let home = self.home.ok_or_else(|| {
                (format!("\"{text}\" begins at your folder, and HOME is not set"), "write the whole path")
            })?;
            return Ok(home.join(inner));
        }
        Ok(self.folder.join(Path::new(text)))
    }
}

/// The tag of an image, where it has one.
pub(super) fn tag(image: &Image) -> Option<&str> {
    let path = image.as_str().split('@').next()?;
    path.rsplit('/').next()?.split_once(':').map(|(_, tag)| tag)
}

fn bytes(written: &Written<String>) -> Option<Bytes> {
    written.as_ref()?.get_ref().parse().ok().filter(|Bytes(bytes)| *bytes > 0)
}

fn nearest(text: &str, boards: &Boards) -> String {
    let names: Vec<&str> = boards.all.iter().filter_map(|board| board.text.as_deref()).collect();
    if names.is_empty() {
        return "write [[board]] for it, with its name and its address".to_owned();
    }
    let list = names.join(", ");
    match names.iter().min_by_key(|name| distance(text, name)) {
        Some(name) if is_near(text, name) => {
            format!("did you mean \"{name}\"? The boards: {list}")
        }
        _ => format!("name one of {list}"),
    }
}
