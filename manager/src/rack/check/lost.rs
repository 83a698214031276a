//! What of the file could not be read, and is left out of what is judged.
//!
//! Nobody shall read two problems of one mistake: what seems to be missing where something was left out may be
//! just that. Everything else is judged all the same.

use pirack_agent::config::{MisfitKind, is_near};

/// The ways to all that was left out, keys and numbers of items, each with why.
#[derive(Debug, Default)]
pub(super) struct Lost(pub(super) Vec<(Vec<String>, MisfitKind)>);

impl Lost {
    /// Whether this key of the table may have been left out: under its name, one like it, or one that nobody knows.
    pub(super) fn may_be(&self, table: &[&str], key: &str) -> bool {
        self.key(table, key) || self.right_in(table).any(|(_, kind)| *kind == MisfitKind::Key)
    }

    /// Whether it is this key of the table, or one that is written like it.
    pub(super) fn key(&self, table: &[&str], key: &str) -> bool {
        let mut lost = self.right_in(table).filter_map(|(way, _)| way.last());
        lost.any(|lost| lost == key || is_near(lost, key))
    }

    /// Whether it is anything in this part of the file, however deep.
    pub(super) fn below(&self, part: &[&str]) -> bool {
        self.0.iter().any(|(way, _)| is_below(way, part))
    }

    fn right_in(&self, table: &[&str]) -> impl Iterator<Item = &(Vec<String>, MisfitKind)> {
        self.0.iter().filter(move |(way, _)| way.len() == table.len() + 1 && is_below(way, table))
    }
}

fn is_below(way: &[String], part: &[&str]) -> bool {
    way.len() >= part.len() && way.iter().zip(part).all(|(one, other)| one == other)
}
