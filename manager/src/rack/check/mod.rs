//! The file's text to a [`Rack`], or everything that is wrong with it.
//!
//! Each value is checked once, where it stands; then all are held against each other. What could not be read is
//! told once, and is not missing as well: nobody shall read two problems of one mistake. And a mistake hides no
//! other: a board counts, by the name that is written, whether or not the rest of it can be used.

mod access;
mod app;
mod board;
mod boards;
mod cassandra;
mod kafka;
mod lost;
mod memory;
pub(super) mod port;
mod role;
mod secret;
mod settings;
mod stargate;
mod value;

use std::ops::Range;
use std::path::Path;

use pirack_agent::config::{Misfit, MisfitKind, recover};
use toml::Spanned;
use toml::de::DeTable;

use super::Rack;
use super::code::{Code, Severity};
use super::file::File;
use super::problem::{Problem, Problems};
use crate::excerpt::shortened;
use boards::{Boards, Known};
use lost::Lost;

/// The version of the format that this program reads.
pub const VERSION: i64 = 1;
/// Where every key is shown.
const EXAMPLE: &str = "docs/rack.md";

/// Where a file stands: what its relative paths and its `~` mean.
#[derive(Clone, Copy, Debug)]
pub(super) struct Door<'a> {
    pub(super) file: &'a Path,
    pub(super) folder: &'a Path,
    pub(super) home: Option<&'a Path>,
}

/// What a check knows and finds.
pub(super) struct Checker<'a> {
    door: Door<'a>,
    text: &'a str,
    problems: Vec<Problem>,
    blots: Vec<Range<usize>>,
    lost: Lost,
}

/// The rack, where there is one, and all that is wrong, warnings too.
pub(super) fn check(text: &str, door: Door<'_>) -> (Option<Rack>, Problems) {
    let mut checker = Checker { door, text, problems: vec![], blots: vec![], lost: Lost::default() };
    let rack = checker.file();
    let well = checker.problems.iter().all(|problem| problem.code.severity() == Severity::Warning);
    let Checker { problems, blots, .. } = checker;
    (rack.filter(|_| well), Problems::new(door.file, text, problems, &blots))
}

impl Checker<'_> {
    fn say(
        &mut self,
        code: Code,
        span: impl Into<Option<Range<usize>>>,
        what: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.problems.push(Problem {
            code,
            span: span.into(),
            what: shortened(&what.into()),
            remedy: remedy.into(),
        });
    }

    fn file(&mut self) -> Option<Rack> {
        self.blots.extend(secret::suspects(self.text));
        if !self.version() {
            return None;
        }
        let (file, misfits) = recover::<File>(self.text, EXAMPLE);
        self.lost = Lost(misfits.iter().map(|misfit| (misfit.path.clone(), misfit.kind)).collect());
        for Misfit { kind, span, what, remedy, .. } in misfits {
            let code = match kind {
                MisfitKind::Syntax => Code::Syntax,
                MisfitKind::Key => Code::UnknownKey,
                MisfitKind::Value => Code::WrongKind,
            };
            let what = self.told(kind, span.as_ref(), what);
            self.say(code, span, what, remedy);
        }
        let rack = self.rack(&file?);
        self.secret_likes();
        rack
    }

    /// Another version's keys are not judged by this one's rules, so the version goes before all else.
    fn version(&mut self) -> bool {
        let (tree, errors) = DeTable::parse_recoverable(self.text);
        if !errors.is_empty() {
            return true;
        }
        let Some(written) = tree.get_ref().get("version") else {
            self.say(
                Code::NoVersion,
                None,
                "the file does not say which version of the format it is",
                format!("write version = {VERSION} as its first line"),
            );
            return true;
        };
        let number = written
            .get_ref()
            .as_integer()
            .and_then(|integer| i64::from_str_radix(integer.as_str(), integer.radix()).ok());
        match number {
            Some(VERSION) | None => true,
            Some(newer) if newer > VERSION => {
                self.say(
                    Code::OtherVersion,
                    written.span(),
                    format!("the file is of version {newer}, and this program reads version {VERSION}"),
                    format!("use a newer pirack, or write the file anew for version {VERSION}, as {EXAMPLE} has it"),
                );
                false
            }
            Some(other) => {
                let what = format!("there is no version {other} of the format");
                self.say(Code::OtherVersion, written.span(), what, format!("write version = {VERSION}"));
                false
            }
        }
    }

    fn rack(&mut self, file: &File) -> Option<Rack> {
        let name = self.rack_name(file);
        let boards = self.boards(file);
        let network = self.network(&file.network);
        let agent = self.agent(&file.agent);
        let kafka = file.kafka.as_ref().map(|section| self.kafka(section, &boards));
        let cassandra =
            file.cassandra.as_ref().map(|section| self.cassandra(section, &boards, name.as_ref()));
        let stargate =
            (file.stargate.as_ref()).map(|section| self.stargate(section, &boards, cassandra.as_ref()));
        let apps: Vec<_> =
            file.app.iter().enumerate().map(|(at, section)| self.app(at, section, &boards)).collect();
        self.app_twins(file);
        self.secret_twins(file);
        let (network, agent) = (network?, agent?);
        if let Some(all) = boards.placed() {
            // A part of which something could not be read would seem to be where it is not.
            let whole = |part: &str| !self.lost.below(&[part]);
            let known = apps.iter().zip(&file.app).enumerate().filter_map(|(at, (app, section))| {
                let whole = !self.lost.below(&["app", &at.to_string()]);
                app.clone().filter(|_| whole).map(|app| (app, section.clone()))
            });
            let (apps, sections) = known.unzip();
            let rack = Rack {
                name: name.clone().or_else(|| "rack".parse().ok())?,
                boards: all,
                ssh: boards.ssh.clone(),
                network: network.clone(),
                agent: agent.clone(),
                kafka: kafka.clone().flatten().filter(|_| whole("kafka")),
                cassandra: cassandra.clone().flatten().filter(|_| whole("cassandra")),
                stargate: stargate.clone().flatten().filter(|_| whole("stargate")),
                apps,
            };
            let file = File { app: sections, ..file.clone() };
            self.ports(&rack, &file);
            self.memory(&rack, &file);
        }
        Some(Rack {
            name: name?,
            boards: boards.whole()?,
            ssh: boards.ssh,
            network,
            agent,
            kafka: kafka.transpose_part()?,
            cassandra: cassandra.transpose_part()?,
            stargate: stargate.transpose_part()?,
            apps: apps.into_iter().collect::<Option<_>>()?,
        })
    }
}

/// A part that may be absent, and may be wrong where it is not.
trait TransposePart<T> {
    /// Nothing where it is wrong.
    fn transpose_part(self) -> Option<Option<T>>;
}

impl<T> TransposePart<T> for Option<Option<T>> {
    fn transpose_part(self) -> Option<Option<T>> {
        match self {
            None => Some(None),
            Some(part) => part.map(Some),
        }
    }
}

/// The place of something that may not be there.
fn span_of<T>(written: Option<&Spanned<T>>) -> Option<Range<usize>> {
    written.map(Spanned::span)
}
