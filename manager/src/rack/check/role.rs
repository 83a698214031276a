//! What each board is for.
//!
//! A rack of up to three boards needs not say it: all hold the swarm and the data and run apps, and the first
//! serves the rack as well. Of two only the first is a manager, for two fail sooner than one.

use std::collections::BTreeSet;

use toml::Spanned;

use super::super::Role;
use super::super::code::Code;
use super::super::file::{BoardSection, File};
use super::Checker;

/// So many boards need not say what they are for.
const SMALL: usize = 3;
const NAMES: [(&str, Role); 4] =
    [("admin", Role::Admin), ("manager", Role::Manager), ("worker", Role::Worker), ("app", Role::App)];

impl Checker<'_> {
    /// The roles of each board, in the file's order; empty where they are wrong.
    pub(super) fn roles(&mut self, file: &File) -> Vec<BTreeSet<Role>> {
        let boards = || file.board.iter().enumerate();
        let lost = |at: usize| self.lost.key(&["board", &at.to_string()], "roles");
        let said = boards().any(|(at, board)| board.get_ref().roles.is_some() || lost(at));
        let roles: Vec<_> = if said || file.board.len() > SMALL {
            boards().map(|(at, board)| self.said(at, board)).collect()
        } else {
            (0..file.board.len()).map(|index| of_small(index, file.board.len())).collect()
        };
        if !self.lost.key(&[], "board") && roles.iter().all(|roles| !roles.is_empty()) {
            self.quorum(file, &roles);
        }
        roles
    }

    fn said(&mut self, at: usize, board: &Spanned<BoardSection>) -> BTreeSet<Role> {
        let Some(list) = &board.get_ref().roles else {
            if !self.lost.key(&["board", &at.to_string()], "roles") {
                self.say(
                    Code::RolesMissing,
                    board.span(),
                    "the board does not say what it is for",
                    "write roles = [\"worker\"], or several of admin, manager, worker, app: only a rack of up to \
                     three boards, none of which says it, goes without",
                );
            }
            return BTreeSet::new();
        };
        let (mut roles, mut known) = (BTreeSet::new(), true);
        for item in list.get_ref() {
            match NAMES.iter().find(|(name, _)| name == item.get_ref()) {
                Some((_, role)) => {
                    if !roles.insert(*role) {
                        self.named_twice(item);
                    }
                }
                None => {
                    known = false;
                    self.say(
                        Code::RoleUnknown,
                        item.span(),
                        format!("there is no role \"{}\"", item.get_ref()),
                        "the roles are admin, manager, worker and app",
                    );
                }
            }
        }
        if list.get_ref().is_empty() {
            self.say(
                Code::RolesMissing,
                list.span(),
                "the board is for nothing",
                "name a role, or take the board out",
            );
        }
        if known { roles } else { BTreeSet::new() }
    }

    fn quorum(&mut self, file: &File, roles: &[BTreeSet<Role>]) {
        let with = |role| {
            let boards = file.board.iter().zip(roles);
            boards.filter(move |(_, roles)| roles.contains(&role)).map(|(board, _)| board)
        };
        let place = |board: &Spanned<BoardSection>| {
            board.get_ref().roles.as_ref().map_or_else(|| board.span(), Spanned::span)
        };
        let managers = with(Role::Manager).count();
        if managers == 0 && !file.board.is_empty() {
            self.say(
                Code::NoManager,
                None,
                "no board is a manager, and a swarm has one at least",
                "give one board the role manager, or three, of which one may be away",
            );
        } else if let Some(last) = with(Role::Manager).next_back().filter(|_| managers % 2 == 0) {
            let may_fail = (managers - 1) / 2;
            self.say(
                Code::EvenManagers,
                place(last),
                format!("{managers} managers: only {may_fail} may be away, as of {}", managers - 1),
                format!("have {} managers, or {}", managers - 1, managers + 1),
            );
        }
        let admins: Vec<_> = with(Role::Admin).collect();
        match admins[..] {
            [] if !file.board.is_empty() => self.say(
                Code::NoAdmin,
                None,
                "no board is the admin: none runs `pirack serve`, and none tells the others the time",
                "give one board the role admin; it may have others",
            ),
            [] | [_] => {}
            [_, second, ..] => self.say(
                Code::TwoAdmins,
                place(second),
                format!("{} boards are admin", admins.len()),
                "leave the role to one of them",
            ),
        }
    }
}

/// What a board of a small rack is for.
fn of_small(index: usize, boards: usize) -> BTreeSet<Role> {
    let first = index == 0;
    let manager = boards != 2 || first;
    let roles = [(Role::Admin, first), (Role::Manager, manager), (Role::Worker, true), (Role::App, true)];
    roles.into_iter().filter(|(_, has)| *has).map(|(role, _)| role).collect()
}
