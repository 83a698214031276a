//! Kafka: its brokers, its voters, its settings.

use std::collections::BTreeSet;
use std::ops::Range;

use pirack_agent::config::Written;
use toml::Spanned;

use super::super::code::Code;
use super::super::file::{KafkaSection, List};
use super::super::{BoardName, Kafka, Role};
use super::{Boards, Checker, Known};
use crate::stack::kafka::defaults::{Defaults, DefaultsError, Mistake};

/// The official image, of the version that this project's own is made of.
pub(in super::super) const IMAGE: &str = "apache/kafka:4.1.2";

/// Beginnings of options that would size a heap beside the keys that do.
const HEAP_OPTIONS: [&str; 8] = [
    "-Xmx",
    "-Xms",
    "-Xmn",
    "-XX:MaxHeapSize",
    "-XX:InitialHeapSize",
    "-XX:MaxRAM",
    "-XX:InitialRAMPercentage",
    "-XX:MaxNewSize",
];

impl Checker<'_> {
    pub(super) fn kafka(&mut self, section: &Spanned<KafkaSection>, boards: &Boards) -> Option<Kafka> {
        let written = section.get_ref();
        let image = self.image(&written.image, IMAGE);
        self.of_section(&written.image, "kafka");
        let brokers = self.workers(&written.brokers, boards, ("kafka", "brokers"), section.span()).names;
        let voters = self.voters(written, boards, &brokers);
        self.heap(&written.heap, &written.limit);
        let defaults = match &written.settings {
            None => Defaults::built_in(),
            Some(settings) => Defaults::with(settings.get_ref()),
        };
        match &defaults {
            Ok(_) => {}
            Err(DefaultsError::Wrong(mistakes)) => {
                for Mistake { at, what, remedy } in mistakes {
                    let path = ["kafka", "settings"].into_iter().chain(at.iter().map(String::as_str));
                    let span = self.key(path).or_else(|| written.settings.as_ref().map(Spanned::span));
                    self.say(Code::KafkaSettings, span, what, remedy);
                }
            }
            Err(error @ DefaultsError::Shape(_)) => {
                let span = written.settings.as_ref().map(Spanned::span);
                let remedy = "images/kafka/defaults.toml shows what can be set";
                self.say(Code::KafkaSettings, span, error.to_string(), remedy);
            }
        }
        let (heap, limit) = (self.size(&written.heap), self.size(&written.limit));
        let retention = self.time(&written.retention, ("1m", "3650d"), "1d");
        Some(Kafka {
            image: image?,
            brokers,
            voters,
            voters_named: written.voters.is_some(),
            heap,
            limit,
            defaults: defaults.ok()?,
            retention,
            jvm_options: self.options(&written.jvm_options),
        })
    }

    /// Options of a JVM; none where there are only blanks.
    pub(super) fn options(&mut self, written: &Written<String>) -> Option<String> {
        let written = written.as_ref()?;
        let options = written.get_ref().trim();
        let is_heap = |option: &&str| HEAP_OPTIONS.iter().any(|heap| option.starts_with(heap));
        for option in options.split_whitespace().filter(is_heap) {
            let what = format!("{option} among the options, and the heap is said by keys of their own");
            let remedy =
                "take it out, and write heap, limit and young: the container's limit follows from them";
            self.say(Code::Contradiction, written.span(), what, remedy);
        }
        (!options.is_empty()).then(|| options.to_owned())
    }

    fn voters(&mut self, section: &KafkaSection, boards: &Boards, brokers: &[BoardName]) -> Vec<BoardName> {
        let Some(named) = self.named(&section.voters, boards) else {
            let voters = if brokers.len() < 3 { 1 } else { 3 };
            return spread(brokers, boards, voters);
        };
        if let Some(list) = &section.voters
            && !matches!(list.get_ref().len(), 1 | 3 | 5)
        {
            self.say(
                Code::Voters,
                list.span(),
                format!("{} voters", list.get_ref().len()),
                "name 1, 3 or 5 boards: three may lose one and five two, and an even number no more than one less",
            );
        }
        self.in_swarm(&section.voters, boards);
        named
    }

    /// A controller is a service of the swarm's, so its board is in the swarm.
    fn in_swarm(&mut self, list: &List, boards: &Boards) {
        for item in list.iter().flat_map(|list| list.get_ref()) {
            let named = boards.written(item.get_ref()).filter(|board| !board.roles.is_empty());
            if named.is_some_and(|board| board.roles.iter().all(|role| *role == Role::Admin)) {
                let what = format!("{} is nothing but admin, and so not in the swarm", item.get_ref());
                self.say(Code::WrongRole, item.span(), what, "name a board with another role");
            }
        }
    }

    /// The boards of a data service: those that the list names, each with the role worker; else all workers.
    pub(super) fn workers(
        &mut self,
        list: &List,
        boards: &Boards,
        (table, key): (&str, &str),
        section: Range<usize>,
    ) -> Chosen {
        let is_worker = |board: &Known| board.roles.contains(&Role::Worker);
        for item in list.iter().flat_map(|list| list.get_ref()) {
            let named = boards.written(item.get_ref());
            if named.is_some_and(|board| !board.roles.is_empty() && !is_worker(board)) {
                let what = format!("{table}.{key} names {}, which has not the role worker", item.get_ref());
                self.say(Code::WrongRole, item.span(), what, "give the board that role, or name another");
            }
        }
        let lost = self.lost.key(&[table], key);
        let chosen = match (self.named(list, boards), list) {
            (Some(names), Some(list)) => {
                let most = list.get_ref().iter().map(Spanned::get_ref).collect::<BTreeSet<_>>().len();
                Chosen { known: names.len() == most, names, most: Some(most) }
            }
            _ => {
                let names = boards.all.iter().filter(|board| is_worker(board));
                let most = Some(boards.may_be(Role::Worker).count()).filter(|_| !boards.lost);
                let names = names.filter_map(|board| board.name.clone()).collect();
                Chosen { names, most, known: boards.have_roles() && boards.are_named() && !lost }
            }
        };
        if list.as_ref().map_or(boards.none_is(Role::Worker) && !lost, |list| list.get_ref().is_empty()) {
            let span = list.as_ref().map_or(section, Spanned::span);
            self.say(
                Code::NoBoards,
                span,
                format!("{table}.{key}: no board"),
                "give a board the role worker, or take the section out",
            );
        }
        chosen
    }
}

/// The boards of a data service, as far as they are known.
pub(super) struct Chosen {
    pub(super) names: Vec<BoardName>,
    /// No more than so many are meant.
    pub(super) most: Option<usize>,
    /// Whether it is just these.
    pub(super) known: bool,
}

/// So many of these boards, in turn from each place: whichever place loses its power, most of them remain.
pub(super) fn spread(names: &[BoardName], boards: &Boards, count: usize) -> Vec<BoardName> {
    let mut places: Vec<(&str, Vec<&BoardName>)> = vec![];
    for name in names {
        let place = boards.named(name).and_then(|board| board.place.as_deref()).unwrap_or_default();
        match places.iter_mut().find(|(known, _)| *known == place) {
            Some((_, there)) => there.push(name),
            None => places.push((place, vec![name])),
        }
    }
    let rounds = places.iter().map(|(_, there)| there.len()).max().unwrap_or(0);
    let in_turn = (0..rounds).flat_map(|round| places.iter().filter_map(move |(_, there)| there.get(round)));
    in_turn.take(count).map(|name| (*name).clone()).collect()
}
