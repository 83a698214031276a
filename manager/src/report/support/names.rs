//! Where in a text values stand beside names that are likely a secret's: `name = "value"`, `"name": "value"`,
//! `NAME=value`, `--name value`, `"--name", "value"`; in a string of JSON too, whose quotes are escaped.
//!
//! Which names those are says [`crate::suspect`].

use std::ops::Range;

use regex::{Captures, Match, Regex};

use crate::suspect::{is_likely, is_likely_flag};

/// What stands between a value that was and one that shall be, in a plan.
const BECOMES: &str = " -> ";

/// What it looks for.
#[derive(Debug)]
pub(super) struct Names {
    /// A name and what parts it from its value.
    beside: Regex,
    /// What a value in quotes begins with.
    quote: Regex,
    /// A value without quotes.
    bare: Regex,
}

impl Names {
    pub(super) fn new() -> Result<Self, regex::Error> {
        let set = r#"(?P<name>[\w.-]+)(?P<shut>\\*["'])?[^\S\n]*(?P<by>=>|:=|[=:])[^\S\n]*"#;
        // A list goes on behind a comma, or in the next line behind a dash.
        let passed =
            r#"(?P<flag>-{1,2}[A-Za-z][\w.-]*)(?:\\*["'])?(?P<then>\s*,\s*|\s*\n\s*-[^\S\n]+|[^\S\n]+)"#;
        Ok(Self {
            beside: Regex::new(&format!("{set}|{passed}"))?,
            quote: Regex::new(r#"^\\*["']"#)?,
            // Braces within are its own, as of a hash that begins with `{SSHA}`; others close what it stands in.
            bare: Regex::new(r#"^(?:\{[^\s"'{}\[\],;:\\]+\}|[^\s"'{}\[\],;\\])+"#)?,
        })
    }

    /// The bytes of each value that `is_told` does not say to be no secret, in the text's order.
    pub(super) fn values(&self, text: &str, is_told: impl Fn(&str) -> bool) -> Vec<Range<usize>> {
        let (mut found, mut from) = (vec![], 0);
        while let Some(beside) = self.beside.captures_at(text, from) {
            let at = beside.get(0).map_or(text.len(), |all| all.end());
            // Whatever is no value may be the next one's name.
            from = at;
            let mut value = self.beside(text, &beside, at);
            while let Some(Value { bytes, end }) = value {
                if !is_told(&text[bytes.clone()]) {
                    found.push(bytes);
                    from = end;
                }
                value =
                    text[end..].starts_with(BECOMES).then(|| self.value(text, end + BECOMES.len())).flatten();
            }
        }
        found
    }

    /// The value beside what was found to end here, where that is a name or a flag of a secret.
    fn beside(&self, text: &str, found: &Captures<'_>, at: usize) -> Option<Value> {
        if let Some(name) = found.name("name") {
            let open =
                found.name("shut").is_none() && &found["by"] == "=" && !self.quote.is_match(&text[at..]);
            return match opened(text, name).filter(|_| open) {
                _ if !is_likely(name.as_str()) => None,
                Some(quote) => within(text, at, quote),
                None => self.value(text, at),
            };
        }
        found.name("flag").filter(|flag| begins(text, *flag) && is_likely_flag(flag.as_str()))?;
        // A list over several lines is of JSON or TOML, and its items have quotes.
        let then = &found["then"];
        if then.contains('\n') && then.contains(',') && !self.quote.is_match(&text[at..]) {
            return None;
        }
        self.value(text, at).filter(|value| !text[value.bytes.start..].starts_with('-'))
    }

    /// The value that begins here.
    fn value(&self, text: &str, at: usize) -> Option<Value> {
        let rest = &text[at..];
        let Some(quote) = self.quote.find(rest) else {
            let bare = self.bare.find(rest)?;
            return Some(Value { bytes: at..at + bare.end(), end: at + bare.end() });
        };
        let start = at + quote.end();
        let close = closing(text, start, quote.as_str());
        // One that was cut off ends with its line.
        let end = close.unwrap_or_else(|| end_of_line(text, start));
        Some(Value { bytes: start..end, end: close.map_or(end, |close| close + quote.len()) })
    }
}

struct Value {
    bytes: Range<usize>,
    /// Where what follows it begins.
    end: usize,
}

/// The quote right before a name: `"NAME=value"` is a value to the quote's end, blanks and commas included.
fn opened<'t>(text: &'t str, name: Match<'_>) -> Option<&'t str> {
    let before = &text[..name.start()];
    let plain = before.strip_suffix(['"', '\''])?;
    Some(&before[plain.trim_end_matches('\\').len()..])
}

fn within(text: &str, at: usize, quote: &str) -> Option<Value> {
    let close = closing(text, at, quote).filter(|close| !text[at..*close].contains('\n'));
    let end = close.unwrap_or_else(|| end_of_line(text, at));
    Some(Value { bytes: at..end, end })
}

/// Where a string ends that such a quote has begun. Each string within a string doubles its backslashes, and adds
/// one to each quote.
fn closing(text: &str, start: usize, quote: &str) -> Option<usize> {
    let deep = quote.len() - 1;
    let rest = &text[start..];
    let ends = |at: &usize| {
        let backslashes = rest[..*at].bytes().rev().take_while(|byte| *byte == b'\\').count();
        backslashes >= deep && (backslashes - deep).is_multiple_of(2 * (deep + 1))
    };
    let at = rest.match_indices(&quote[deep..]).map(|(at, _)| at).find(ends)?;
    Some(start + at - deep)
}

fn end_of_line(text: &str, at: usize) -> usize {
    text[at..].find('\n').map_or(text.len(), |line| at + line)
}

/// Whether a flag is a word of its own, and not the end of another.
fn begins(text: &str, flag: Match<'_>) -> bool {
    !text[..flag.start()].ends_with(|last: char| last.is_alphanumeric() || "-_.".contains(last))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(text: &str) -> Vec<&str> {
        let values = Names::new().unwrap().values(text, str::is_empty);
        values.into_iter().map(|value| &text[value]).collect()
    }

    #[test]
    fn a_value_ends_where_its_quote_does_and_without_one_at_a_blank() {
        for (text, found) in [
            ("DB_PWD=a1 next=1", "a1"),
            ("DB_PWD = \"a, \\\"b\\\" c\", x", "a, \\\"b\\\" c"),
            ("\"MASTERKEY\": \"a b\",", "a b"),
            ("[\"DB_PASSWORD=a,b c\",\"X=1\"]", "a,b c"),
            ("{\\\"api_key\\\":\\\"a \\\\\\\"b\\\\\\\" c\\\",\\\"x\\\":1}", "a \\\\\\\"b\\\\\\\" c"),
            ("env: DB_PWD=a", "a"),
            ("ldap_password: {SSHA}W6ph5Mm5Pz8Gg next", "{SSHA}W6ph5Mm5Pz8Gg"),
            ("{x: {DB_PWD=p4ss{x}7}}", "p4ss{x}7"),
            ("x=\"y\"password=\"a b\"", "a b"),
            ("\"password='a b' c\"", "a b"),
            ("password: \"cut off\nnext", "cut off"),
            ("{:password=>\"a\"}", "a"),
        ] {
            assert_eq!(values(text), [found], "{text}");
        }
        assert_eq!(values("env.DB_PWD: \"old\" -> \"new\""), ["old", "new"]);
        assert_eq!(values("a=b=c: d e --port 80 x-token y"), Vec::<&str>::new());
    }

    #[test]
    fn a_flags_value_is_the_next_word_of_its_line_or_list() {
        for (text, found) in [
            ("run --token a1 --port 80", "a1"),
            ("run -token 'a b'", "a b"),
            ("[\"run\",\"--token\",\"a1\"]", "a1"),
            ("[\n  \"--token\",\n  \"a1\"\n]", "a1"),
            ("[\"run\", '--db-password' , 'a b']", "a b"),
            ("[\\\"--token\\\",\\\"a1\\\"]", "a1"),
            ("- --token\n- a1\n", "a1"),
            ("[run --token a1]", "a1"),
        ] {
            assert_eq!(values(text), [found], "{text}");
        }
        for text in [
            "--token --port 80",
            "[\"--token\",\"--port\"]",
            "needs --token\nnext line",
            "--port 80",
            "--token,\n ·  ──",
        ] {
            assert_eq!(values(text), Vec::<&str>::new(), "{text}");
        }
    }
}
