//! A text of TOML to a file's own type, finding every misfit rather than the first.
//!
//! serde stops at the first value it cannot take. So each time it does, the misfit is noted, the entry that
//! caused it is taken out of the parsed tree, and the rest is read again, until the rest is whole.

use std::ops::Range;

use serde::de::DeserializeOwned;
use toml::de::{DeTable, DeValue, Deserializer, Error};

/// What kind of thing does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MisfitKind {
    /// The text is not TOML.
    Syntax,
    /// A key that nobody knows.
    Key,
    /// A value of another type than its key takes.
    Value,
}

/// One thing in the text that does not fit the file's type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// What kind of thing it is.
    pub kind: MisfitKind,
    /// The bytes of the text where it stands; the text as a whole where there are none.
    pub span: Option<Range<usize>>,
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub remedy: String,
    /// The way to the entry that was left out: keys, and numbers of items. Empty where nothing could be.
    pub path: Vec<String>,
}

/// Reads the text; what could be read, and the rest. A text that is not TOML gives no file: what stands
/// behind the first mistake is anybody's guess. `example` names the file that shows every key.
#[must_use]
pub fn recover<T: DeserializeOwned>(text: &str, example: &str) -> (Option<T>, Vec<Misfit>) {
    let (mut tree, errors) = DeTable::parse_recoverable(text);
    let syntax = |error: &Error| Misfit {
        kind: MisfitKind::Syntax,
        span: error.span(),
        what: error.message().to_owned(),
        remedy: format!("write it as TOML, as in {example}: key = value, texts in \"quotes\""),
        path: vec![],
    };
    let mut misfits: Vec<Misfit> = errors.iter().map(syntax).collect();
    if !misfits.is_empty() {
        return (None, misfits);
    }
    loop {
        let error = match T::deserialize(Deserializer::from(tree.clone())) {
            Ok(file) => return (Some(file), misfits),
            Err(error) => error,
        };
        let path = error.span().and_then(|span| remove(tree.get_mut(), &span));
        let is_left_out = path.is_some();
        misfits.push(Misfit { path: path.unwrap_or_default(), ..misfit(&error, example) });
        if !is_left_out {
            return (None, misfits);
        }
    }
}

fn misfit(error: &Error, example: &str) -> Misfit {
    let (span, message) = (error.span(), error.message());
    match message.strip_prefix("unknown field `").and_then(|rest| rest.split('`').next()) {
        Some(key) => Misfit {
            kind: MisfitKind::Key,
            span,
            what: format!("\"{key}\" is not a key here"),
            remedy: nearest(key, message),
            path: vec![],
        },
        None => Misfit {
            kind: MisfitKind::Value,
            span,
            what: clipped(message),
            remedy: remedy(message, example),
            path: vec![],
        },
    }
}

/// What to do about something that should be a table.
const TABLE: &str = "write a table, as key = value under its [header]";
/// serde's and Rust's words for kinds of values, and what people call them.
const KINDS: [(&str, &str); 14] = [
    ("f64", "a number"),
    ("i64", "a whole number"),
    ("u16", "a whole number in its range"),
    ("u32", "a whole number in its range"),
    ("u64", "a whole number in its range"),
    ("usize", "a whole number in its range"),
    ("struct", "a table"),
    ("enum", "one of several words"),
    ("type: map", "type: table"),
    ("type: sequence", "type: list"),
    ("a sequence", "a list"),
    ("a map", "a table"),
    ("a string", "a text"),
    ("string \"", "text \""),
];

/// What serde says of a value, without the whole of a huge one.
fn clipped(message: &str) -> String {
    // The value itself is anybody's, and stays as it is.
    let (value, expected) = message.rsplit_once(", expected ").unwrap_or((message, ""));
    let kind = expected.split(' ').next().unwrap_or_default();
    let expected = if matches!(kind, "struct" | "enum") { kind } else { expected };
    let plain = |text: &str| KINDS.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to));
    let (kind, shown) = value.split_at(value.find(['"', '`']).map_or(value.len(), |at| at + 1));
    let cut = shown.char_indices().nth(120).map(|(at, _)| format!("{}...", &shown[..at]));
    let shown = cut.unwrap_or_else(|| shown.to_owned());
    let expected =
        if expected.is_empty() { String::new() } else { format!(", expected {}", plain(expected)) };
    format!("{}{shown}{expected}", plain(kind))
}

fn remedy(message: &str, example: &str) -> String {
    let expected = message.rsplit("expected ").next().unwrap_or_default();
    if message.starts_with("invalid type: map") && expected.starts_with("a seq") {
        return "write its header in two pairs of brackets, [[...]]: there may be several such tables"
            .to_owned();
    }
    match expected.split([' ', '`']).next().unwrap_or_default() {
        "f64" => "give a number without quotes".to_owned(),
        "i64" => "give a whole number without quotes, in the range of 64 bits".to_owned(),
        "u16" | "u32" | "u64" | "usize" => {
            "give a whole number without quotes, not below 0 and not too large".to_owned()
        }
        "a" if expected.starts_with("a bool") => "write true or false".to_owned(),
        "a" if expected.starts_with("a string") => "write a text in \"quotes\"".to_owned(),
        "a" if expected.starts_with("a seq") => "write a list in [brackets]".to_owned(),
        "struct" => TABLE.to_owned(),
        "a" if expected.starts_with("a map") => TABLE.to_owned(),
        _ => format!("compare it with {example}"),
    }
}

/// The remedy for an unknown key: the nearest of the keys that serde expected there.
fn nearest(key: &str, message: &str) -> String {
    let expected: Vec<&str> = message
        .split_once("expected")
        .map_or("", |(_, expected)| expected)
        .split('`')
        .skip(1)
        .step_by(2)
        .collect();
    let list = expected.join(", ");
    match expected.iter().min_by_key(|known| distance(key, known)) {
        Some(known) if is_near(key, known) => format!("did you mean \"{known}\"? The keys here: {list}"),
        _ => format!("take it out; the keys here: {list}"),
    }
}

/// Whether somebody who wrote this word may have meant that one.
#[must_use]
pub fn is_near(written: &str, known: &str) -> bool {
    distance(written, known) <= written.len().div_ceil(3)
}

/// Levenshtein's distance between two short words.
#[must_use]
pub fn distance(a: &str, b: &str) -> usize {
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

/// Takes the innermost entry that covers the span out of the tree, and tells the way to it.
fn remove(table: &mut DeTable<'_>, span: &Range<usize>) -> Option<Vec<String>> {
    let covers = |range: Range<usize>| range.start <= span.start && span.start <= range.end;
    let mut found = None;
    for (key, value) in table.iter_mut() {
        if let Some(path) = within(value.get_mut(), span) {
            return Some(below(key.get_ref(), path));
        }
        if covers(key.span()) || covers(value.span()) {
            found = Some(key.clone());
        }
    }
    let key = found?;
    table.remove(&key)?;
    Some(below(key.get_ref(), vec![]))
}

/// The same below one value.
fn within(value: &mut DeValue<'_>, span: &Range<usize>) -> Option<Vec<String>> {
    match value {
        DeValue::Table(inner) => remove(inner, span),
        DeValue::Array(items) => {
            let mut items = items.iter_mut().enumerate();
            items.find_map(|(at, item)| Some(below(&at.to_string(), within(item.get_mut(), span)?)))
        }
        _ => None,
    }
}

fn below(name: &str, mut path: Vec<String>) -> Vec<String> {
    path.insert(0, name.to_owned());
    path
}
