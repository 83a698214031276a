//! What of the file could not be read, and is left out of what is judged.
//!
//! Nobody shall read two problems of one mistake: what seems to be missing where something was left out may be
//! just that. Everything else is judged all the same.

use pirack_agent::config::is_near;

/// The ways to all that was left out: keys, and numbers of items.
#[derive(Debug, Default)]
pub(super) struct Lost(pub(super) Vec<Vec<String>>);

impl Lost {
    /// Whether it is something right in this table, whatever its key.
    pub(super) fn any_in(&self, table: &[&str]) -> bool {
        self.keys(table).next().is_some()
    }

    /// Whether it is this key of the table, or one that is written like it.
    pub(super) fn key(&self, table: &[&str], key: &str) -> bool {
        self.keys(table).any(|lost| lost == key || is_near(lost, key))
    }

    /// Whether it is anything in this part of the file, however deep.
    pub(super) fn below(&self, part: &[&str]) -> bool {
        self.0.iter().any(|way| is_below(way, part))
    }

    fn keys(&self, table: &[&str]) -> impl Iterator<Item = &str> {
        let right_in = move |way: &&Vec<String>| way.len() == table.len() + 1 && is_below(way, table);
        self.0.iter().filter(right_in).filter_map(|way| way.last()).map(String::as_str)
    }
}

fn is_below(way: &[String], part: &[&str]) -> bool {
    way.len() >= part.len() && way.iter().zip(part).all(|(one, other)| one == other)
}
