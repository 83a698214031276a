//! Text in sections, each begun by a line with a mark that nobody else knows.

use std::collections::BTreeMap;

/// Sections by name.
pub(super) struct Sections(BTreeMap<String, String>);

impl Sections {
    pub(super) fn read(text: &str, mark: &str) -> Self {
        let mut all: BTreeMap<String, String> = BTreeMap::new();
        let mut current: Option<&mut String> = None;
        for line in text.lines() {
            match line.strip_prefix(mark) {
                Some(name) => current = Some(all.entry(name.trim().to_owned()).or_default()),
                None => {
                    if let Some(section) = &mut current {
                        section.push_str(line);
                        section.push('\n');
                    }
                }
            }
        }
        Self(all)
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|text| text.trim_end())
    }

    pub(super) fn text(&self, name: &str) -> &str {
        self.get(name).unwrap_or_default().trim()
    }

    /// What it says, where it says anything.
    pub(super) fn said(&self, name: &str) -> Option<String> {
        Some(self.text(name)).filter(|text| !text.is_empty()).map(str::to_owned)
    }

    /// Its lines that say something.
    pub(super) fn lines(&self, name: &str) -> impl Iterator<Item = &str> {
        self.get(name).unwrap_or_default().lines().filter(|line| !line.trim().is_empty())
    }
}

/// `KEY="value" OTHER=value`, as lsblk, findmnt and os-release write them. Values have no quotes in them.
pub(super) fn pairs(line: &str) -> impl Iterator<Item = (String, String)> {
    let mut rest = line.trim();
    std::iter::from_fn(move || {
        let (key, after) = rest.split_once('=')?;
        let (value, left) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => after.split_once(' ').unwrap_or((after, "")),
        };
        rest = left.trim_start();
        Some((key.trim().to_owned(), value.to_owned()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_ends_where_the_next_begins_and_may_be_empty() {
        let sections = Sections::read("noise\n=7= a\n1\n\n2\n=7= b\n=7= c\n= 3\n", "=7=");
        assert_eq!(sections.lines("a").collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!((sections.get("b"), sections.get("c"), sections.get("d")), (Some(""), Some("= 3"), None));
    }

    #[test]
    fn pairs_are_read_with_quotes_and_without() {
        let read: Vec<_> = pairs(r#"ID=debian NAME="a b" EMPTY="" LAST=x"#).collect();
        let expected = [("ID", "debian"), ("NAME", "a b"), ("EMPTY", ""), ("LAST", "x")];
        assert_eq!(read, expected.map(|(key, value)| (key.to_owned(), value.to_owned())));
    }
}
