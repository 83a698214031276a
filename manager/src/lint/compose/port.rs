//! A service's published ports, short and long form.

use std::ops::RangeInclusive;

use super::word::Word;
use crate::lint::yaml::{Node, Span};

/// One published port, or a range of them.
#[derive(Debug)]
pub(in crate::lint) struct Port {
    /// Every number in it that is known.
    pub(in crate::lint) numbers: Vec<i64>,
    /// Where others come to, where the file says it.
    published: Option<RangeInclusive<i64>>,
    protocol: String,
    /// Whether it is a port of the board's own, not the swarm's.
    pub(in crate::lint) on_host: bool,
    pub(in crate::lint) span: Span,
}

impl Port {
    pub(super) fn of(node: &Node) -> Self {
        let span = node.span.clone();
        if let Some(word) = Word::of(node) {
            return short(&word);
        }
        let word = |key: &str| node.get(key).and_then(|node| Word::of(node));
        let published = word("published");
        let both = [word("target"), published.clone()];
        Self {
            numbers: both.iter().flatten().filter_map(Word::number).collect(),
            published: published.and_then(|word| range(word.known()?)),
            protocol: word("protocol").map_or_else(|| "tcp".to_owned(), |word| word.text),
            on_host: word("mode").is_some_and(|mode| mode.is("host")),
            span,
        }
    }

    /// Whether a number is published by both.
    pub(in crate::lint) fn clashes(&self, other: &Self) -> bool {
        let (Some(own), Some(theirs)) = (&self.published, &other.published) else { return false };
        let apart = own.end() < theirs.start() || theirs.end() < own.start();
        self.protocol == other.protocol && !apart
    }
}

/// `[IP:][PUBLISHED:]TARGET[/tcp]`, ranges included; always a port of the swarm's.
fn short(word: &Word) -> Port {
    let text = word.known().unwrap_or_default();
    let (text, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
    // What stands before two colons is an address.
    let parts: Vec<&str> = text.rsplit(':').take(2).collect();
    Port {
        numbers: parts
            .iter()
            .flat_map(|part| part.split('-'))
            .filter_map(|part| part.trim().parse().ok())
            .collect(),
        published: parts.get(1).and_then(|part| range(part)),
        protocol: protocol.to_owned(),
        on_host: false,
        span: word.span.clone(),
    }
}

fn range(text: &str) -> Option<RangeInclusive<i64>> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    Some(first.trim().parse().ok()?..=last.trim().parse().ok()?)
}
