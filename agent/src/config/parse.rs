//! Text to [`File`], finding every problem rather than the first.
//!
//! serde stops at the first value it cannot take. So each time it does, the problem is noted, the
//! entry that caused it is taken out of the parsed tree, and the rest is read again, until the rest is whole.

use std::ops::Range;

use serde::Deserialize;
use toml::de::{DeTable, DeValue, Deserializer, Error};

use super::file::{
    CassandraSection, File, HostSection, KafkaSection, MetricsSection, QueueSection, SensorSection,
};
use super::problem::{Origins, Problem};

/// Reads the text; the file holds what could be read, `problems` the rest. A text that is not TOML
/// gives no file: what stands behind the first mistake is anybody's guess.
pub(super) fn parse(origins: Origins<'_>, problems: &mut Vec<Problem>) -> Option<File> {
    let (mut tree, errors) = DeTable::parse_recoverable(origins.text);
    problems.extend(errors.iter().map(|error| Problem {
        place: error.span().map_or_else(|| origins.whole(), |span| origins.place(&span)),
        what: error.message().to_owned(),
        remedy: "write it as TOML, as in the commented example: key = value, texts in \"quotes\"".to_owned(),
    }));
    if !errors.is_empty() {
        return None;
    }
    loop {
        let error = match File::deserialize(Deserializer::from(tree.clone())) {
            Ok(file) => return Some(file),
            Err(error) => error,
        };
        problems.push(problem(origins, &error));
        if !error.span().is_some_and(|span| remove(tree.get_mut(), &span)) {
            return None;
        }
    }
}

fn problem(origins: Origins<'_>, error: &Error) -> Problem {
    let place = error.span().map_or_else(|| origins.whole(), |span| origins.place(&span));
    let message = error.message();
    match message.strip_prefix("unknown field `").and_then(|rest| rest.split('`').next()) {
        Some(key) => {
            Problem { place, what: format!("\"{key}\" is not a key here"), remedy: nearest(key, message) }
        }
        None => Problem { place, what: clipped(message), remedy: remedy(message).to_owned() },
    }
}

/// What serde says of a value, without the whole of a huge one.
fn clipped(message: &str) -> String {
    message.replace("f64", "a number").replace("i64", "a whole number").chars().take(200).collect()
}

fn remedy(message: &str) -> &'static str {
    let expected = message.rsplit("expected ").next().unwrap_or_default();
    match expected.split([' ', '`']).next().unwrap_or_default() {
        "f64" => "give a number without quotes",
        "i64" => "give a whole number without quotes, in the range of 64 bits",
        "a" if expected.starts_with("a bool") => "write true or false",
        "a" if expected.starts_with("a string") => "write a text in \"quotes\"",
        "a" if expected.starts_with("a seq") => "write a list in [brackets]",
        _ => "compare it with agent.example.toml",
    }
}

/// The remedy for an unknown key: the nearest of the keys that serde expected there.
fn nearest(key: &str, message: &str) -> String {
    let expected: Vec<&str> = sections()
        .into_iter()
        .find(|keys| keys.iter().all(|known| message.contains(&format!("`{known}`"))))
        .unwrap_or_default()
        .to_vec();
    match expected.iter().min_by_key(|known| distance(key, known)) {
        Some(known) if distance(key, known) <= key.len().div_ceil(3) => {
            format!("did you mean \"{known}\"? The keys here: {}", expected.join(", "))
        }
        _ => format!("take it out; the keys here: {}", expected.join(", ")),
    }
}

fn sections() -> [&'static [&'static str]; 7] {
    [
        File::KEYS,
        SensorSection::KEYS,
        HostSection::KEYS,
        QueueSection::KEYS,
        KafkaSection::KEYS,
        CassandraSection::KEYS,
        MetricsSection::KEYS,
    ]
}

/// Levenshtein's distance between two short words.
pub(super) fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.bytes().enumerate() {
            let substituted = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

/// Takes the innermost entry that covers the span out of the tree; false where there is none.
fn remove(table: &mut DeTable<'_>, span: &Range<usize>) -> bool {
    let covers = |range: Range<usize>| range.start <= span.start && span.start <= range.end;
    let mut found = None;
    for (key, value) in table.iter_mut() {
        if within(value.get_mut(), span) {
            return true;
        }
        if covers(key.span()) || covers(value.span()) {
            found = Some(key.clone());
        }
    }
    found.is_some_and(|key| table.remove(&key).is_some())
}

/// The same below one value.
fn within(value: &mut DeValue<'_>, span: &Range<usize>) -> bool {
    match value {
        DeValue::Table(inner) => remove(inner, span),
        DeValue::Array(items) => items.iter_mut().any(|item| within(item.get_mut(), span)),
        _ => false,
    }
}
