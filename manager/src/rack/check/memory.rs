//! Memory: what may be taken on a board against what the file says that it has.

use std::ops::Range;

use toml::Spanned;

use super::super::code::Code;
use super::super::file::File;
use super::super::{App, Board, Bytes, Rack};
use super::Checker;
use super::port::{boards_of, may_run};
use super::value::YOUNG;
use crate::stack::cassandra::share as cassandra_share;
use crate::stack::memory;

impl Checker<'_> {
    pub(super) fn memory(&mut self, rack: &Rack, file: &File) {
        for (board, section) in rack.boards.iter().zip(&file.board) {
            if let (Some(has), Some(written)) = (board.memory, &section.get_ref().memory) {
                self.board_memory(rack, board, has, written);
            }
        }
        self.young_parts(rack, file);
        for (app, section) in rack.apps.iter().zip(&file.app) {
            if let (Some(limit), Some(written)) = (app.limit, &section.get_ref().limit) {
                self.app_memory(rack, app, limit, written.span());
            }
        }
    }

    /// A young part within the heap of each board: the smallest says it.
    fn young_parts(&mut self, rack: &Rack, file: &File) {
        let written = file.cassandra.as_ref().and_then(|section| section.get_ref().young.as_ref());
        let Some((ring, written)) = rack.cassandra.as_ref().zip(written) else { return };
        let heap = |board: &Board| Some(cassandra_share(ring, board.memory?)?.heap);
        let nodes = rack.boards.iter().filter(|board| ring.nodes.contains(&board.name));
        let least = nodes.filter_map(|board| Some((heap(board)?, &board.name))).min();
        if let (None, Some(young), Some((heap, board))) = (ring.heap, ring.young, least)
            && young >= heap
        {
            let what = format!("a young part of {young}, and the heap on {board} is {heap}");
            self.say(Code::Heap, Spanned::span(written), what, YOUNG);
        }
    }

    /// Room for an app's tasks beside what the rack itself runs, where all its boards say what they have.
    fn app_memory(&mut self, rack: &Rack, app: &App, limit: Bytes, span: Range<usize>) {
        let boards = rack.boards.iter().filter(|board| may_run(app, board));
        let rooms: Option<Vec<u64>> = boards.map(|board| room(rack, board)).collect();
        let Some(rooms) = rooms else { return };
        let tasks = rooms.iter().map(|room| room / limit.0.max(1)).fold(0, u64::saturating_add);
        if tasks < app.replicas {
            let most = Bytes(rooms.into_iter().max().unwrap_or(0));
            let what = format!(
                "{} of {} at {limit} each have room for {tasks}: beside the rack's own services a board has {most} at the most",
                app.replicas, app.name
            );
            self.say(Code::Memory, span, what, "lower the limit or the replicas, or give it more boards");
        }
    }

    fn board_memory(&mut self, rack: &Rack, board: &Board, has: Bytes, written: &Spanned<String>) {
        let mut parts = vec![("the system".to_owned(), memory::OWN)];
        for (service, share) in memory::shares(rack, has, &board.name) {
            match share {
                Some(share) => parts.push((service, share.limit)),
                None => self.say(
                    Code::Memory,
                    written.span(),
                    format!("{service} has no room on {}, which has {has}", board.name),
                    "give the service another board; with little data its section may say a smaller heap and limit",
                ),
            }
        }
        parts.extend(apps(rack, board));
        let sum = Bytes(parts.iter().fold(0, |sum: u64, (_, Bytes(limit))| sum.saturating_add(*limit)));
        if sum > has {
            let list: Vec<String> = parts.iter().map(|(name, limit)| format!("{name} {limit}")).collect();
            self.say(
                Code::Memory,
                written.span(),
                format!("{} has {has}, and what runs on it may take {sum}: {}", board.name, list.join(", ")),
                "lower a limit, or move something to another board",
            );
        }
    }
}

/// What a board has beside its system and the rack's own services; nothing where it does not say.
fn room(rack: &Rack, board: &Board) -> Option<u64> {
    let has = board.memory?;
    let shares = memory::shares(rack, has, &board.name).into_iter().filter_map(|(_, share)| share);
    let taken = shares.fold(memory::OWN.0, |sum, share| sum.saturating_add(share.limit.0));
    Some(has.0.saturating_sub(taken))
}

/// What apps may take here at the least: Swarm spreads an app's tasks evenly.
fn apps(rack: &Rack, board: &Board) -> Vec<(String, Bytes)> {
    let mut parts = vec![];
    for app in rack.apps.iter().filter(|app| may_run(app, board)) {
        let boards = u64::try_from(boards_of(rack, app)).unwrap_or(u64::MAX).max(1);
        let tasks = app.replicas / boards;
        if let Some(Bytes(limit)) = app.limit.filter(|_| tasks > 0) {
            let of = if tasks == 1 { String::new() } else { format!("{tasks} of ") };
            parts.push((format!("{of}{}", app.name), Bytes(limit.saturating_mul(tasks))));
        }
    }
    parts
}
