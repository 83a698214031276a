//! A service's published ports, short and long form.

use std::net::IpAddr;
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
    /// The one address that it is to be open on, where the file says it; a stack's long form has no key for it.
    pub(in crate::lint) address: Option<IpAddr>,
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
            address: None,
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
        address: address(&word.text),
        on_host: false,
        span: word.span.clone(),
    }
}

/// The address before a short form's ports, of IPv6 in brackets; whatever variables come behind it.
fn address(text: &str) -> Option<IpAddr> {
    let address = match text.strip_prefix('[') {
        Some(inside) => inside.split(']').next(),
        None => text.split(':').next(),
    };
    // 0.0.0.0 is where a swarm opens it anyway.
    address?.parse().ok().filter(|address: &IpAddr| !address.is_unspecified())
}

fn range(text: &str) -> Option<RangeInclusive<i64>> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    Some(first.trim().parse().ok()?..=last.trim().parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_what_stands_before_the_ports() {
        for (port, expected) in [
            ("127.0.0.1:9000:9000", Some("127.0.0.1")),
            ("10.0.0.11::9000/udp", Some("10.0.0.11")),
            ("127.0.0.1:${PORT:-9000}:9000", Some("127.0.0.1")),
            ("[fd00::11]:9000-9001:9000-9001", Some("fd00::11")),
            ("0.0.0.0:80:8080", None),
            ("[::]:80:8080", None),
            ("${ADDRESS}:80:8080", None),
            ("80:8080", None),
            ("8080", None),
        ] {
            let read = Port::of(&crate::lint::yaml::parse(&format!("\"{port}\"")).unwrap()).address;
            assert_eq!(read.map(|address| address.to_string()).as_deref(), expected, "{port}");
        }
    }
}
