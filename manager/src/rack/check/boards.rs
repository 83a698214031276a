//! The boards as others see them, whatever is wrong with them: a mistake in one board's table takes from nobody else
//! what is known of it.

use std::collections::BTreeSet;

use super::super::{Board, BoardName, Role, SshAccess};

/// The boards that were written.
pub(super) struct Boards {
    /// In the file's order.
    pub(super) all: Vec<Known>,
    /// Whether some could not be read at all.
    pub(super) lost: bool,
    /// How they are reached that say nothing else.
    pub(super) ssh: SshAccess,
}

/// What is known of a board, be it all that a board needs or not.
pub(super) struct Known {
    /// Its name as it is written, which is what others name it by.
    pub(super) text: Option<String>,
    /// The same, where it is a name.
    pub(super) name: Option<BoardName>,
    /// What it is for; empty where that is not known.
    pub(super) roles: BTreeSet<Role>,
    /// Where it is; nothing where that is not known.
    pub(super) place: Option<String>,
    /// What takes part in the judgement of the rest; nothing without a name.
    pub(super) board: Option<Board>,
    /// Whether that is the board, and nothing of it had to be left out.
    pub(super) whole: bool,
}

impl Boards {
    /// The one that is written so.
    pub(super) fn written(&self, text: &str) -> Option<&Known> {
        self.all.iter().find(|board| board.text.as_deref() == Some(text))
    }

    /// The one of this name.
    pub(super) fn named(&self, name: &BoardName) -> Option<&Known> {
        self.all.iter().find(|board| board.name.as_ref() == Some(name))
    }

    /// Whether the names of all are known, so that any other is nobody's.
    pub(super) fn are_named(&self) -> bool {
        !self.lost && self.all.iter().all(|board| board.text.is_some())
    }

    /// Whether it is known of all what they are for.
    pub(super) fn have_roles(&self) -> bool {
        !self.lost && self.all.iter().all(|board| !board.roles.is_empty())
    }

    /// Those that are for this, and those that may be.
    pub(super) fn may_be(&self, role: Role) -> impl Iterator<Item = &Known> {
        self.all.iter().filter(move |board| board.roles.is_empty() || board.roles.contains(&role))
    }

    /// Whether there are boards, and it is known that none of them is for this.
    pub(super) fn none_is(&self, role: Role) -> bool {
        !self.lost && !self.all.is_empty() && self.may_be(role).next().is_none()
    }

    /// All of them, where it is known of each what runs there.
    pub(super) fn placed(&self) -> Option<Vec<Board>> {
        let each = self.all.iter().map(|known| known.board.clone());
        each.collect::<Option<_>>().filter(|_| self.have_roles())
    }

    /// All of them, where none has anything wrong.
    pub(super) fn whole(&self) -> Option<Vec<Board>> {
        self.all.iter().map(|known| known.board.clone().filter(|_| known.whole)).collect()
    }
}
