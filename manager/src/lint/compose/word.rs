//! A scalar as a rule sees it: its text, where it stands, and whether it can be known from the file alone.

use std::time::Duration;

use crate::lint::yaml::{Node, Span, Value};

/// A scalar.
#[derive(Clone, Debug)]
pub(in crate::lint) struct Word {
    /// As written, variables and all.
    pub(in crate::lint) text: String,
    pub(in crate::lint) span: Span,
    /// Its value, where the file alone says it: without `${X}` and without Docker's `{{.Node.Hostname}}`.
    value: Option<String>,
}

impl Word {
    pub(in crate::lint) fn new(text: &str, span: Span) -> Self {
        Self { text: text.to_owned(), span, value: interpolated(text) }
    }

    /// A scalar that is not null.
    pub(in crate::lint) fn of(node: &Node) -> Option<Self> {
        match &node.value {
            Value::Scalar(scalar) if !node.is_null() => Some(Self::new(&scalar.text, node.span.clone())),
            _ => None,
        }
    }

    /// One whose value nobody knows.
    pub(super) fn unknown(span: Span) -> Self {
        Self { text: String::new(), span, value: None }
    }

    /// What it is, where that is known.
    pub(in crate::lint) fn known(&self) -> Option<&str> {
        self.value.as_deref()
    }

    pub(in crate::lint) fn is(&self, value: &str) -> bool {
        self.known() == Some(value)
    }

    /// A whole number.
    pub(in crate::lint) fn number(&self) -> Option<i64> {
        self.known()?.trim().parse().ok()
    }

    /// A span of time as compose files have it: `90s`, `1m30s`.
    pub(in crate::lint) fn duration(&self) -> Option<Duration> {
        duration(self.known()?)
    }

    /// An amount of memory, in bytes, as compose files and the JVM have it: `512m`, `1.5G`, `2GiB`.
    pub(in crate::lint) fn bytes(&self) -> Option<u64> {
        bytes(self.known()?)
    }

    /// The items of a comma-separated list.
    pub(in crate::lint) fn list(&self) -> Option<Vec<&str>> {
        Some(self.known()?.split(',').map(str::trim).filter(|item| !item.is_empty()).collect())
    }
}

/// A span of time as Go has it, for `docker stack deploy` is written in it.
fn duration(text: &str) -> Option<Duration> {
    let (mut seconds, mut rest) = (0.0, if text == "0" { "" } else { text });
    while !rest.is_empty() {
        let (number, behind) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit() && c != '.')?);
        let end = behind.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(behind.len());
        let (unit, next) = behind.split_at(end);
        let scale = match unit {
            "ns" => 1e-9,
            "us" | "µs" => 1e-6,
            "ms" => 1e-3,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            _ => return None,
        };
        seconds += number.parse::<f64>().ok()? * scale;
        rest = next;
    }
    (!text.is_empty()).then(|| Duration::try_from_secs_f64(seconds).ok()).flatten()
}

/// An amount of memory, in bytes; powers of 1024, as Docker and the JVM count.
pub(in crate::lint) fn bytes(text: &str) -> Option<u64> {
    let lower = text.trim().to_ascii_lowercase();
    let end = lower.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(lower.len());
    let (number, unit) = lower.split_at(end);
    let power: i32 = match unit.trim() {
        "" | "b" => 0,
        "k" | "kb" | "kib" => 1,
        "m" | "mb" | "mib" => 2,
        "g" | "gb" | "gib" => 3,
        "t" | "tb" | "tib" => 4,
        "p" | "pb" | "pib" => 5,
        _ => return None,
    };
    let bytes = number.parse::<f64>().ok()? * 1024_f64.powi(power);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "checked, and bytes are whole"
    )]
    (bytes.is_finite() && (0.0..1e18).contains(&bytes)).then_some(bytes as u64)
}

/// A text without variables; `$$` is a dollar sign.
fn interpolated(text: &str) -> Option<String> {
    if text.contains("{{") {
        return None;
    }
    let mut known = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        if letter == '$' {
            match letters.peek() {
                Some('$') => _ = letters.next(),
                Some(next) if *next == '{' || *next == '_' || next.is_ascii_alphabetic() => return None,
                _ => {}
            }
        }
        known.push(letter);
    }
    Some(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(text: &str) -> Word {
        Word::new(text, 0..text.len())
    }

    #[test]
    fn a_variable_is_never_guessed_not_even_by_its_default() {
        for unknown in ["${X}", "$X", "a-${X:-y}", "kafka:${TAG:-4.1}", "{{.Task.Slot}}"] {
            assert_eq!(word(unknown).known(), None, "{unknown}");
        }
        assert_eq!(word("5$").known(), Some("5$"));
        assert_eq!(word("a$$b").known(), Some("a$b"));
    }

    #[test]
    fn memory_and_time_are_read_as_compose_files_have_them() {
        assert_eq!(word("512M").bytes(), Some(512 << 20));
        assert_eq!(word("1.5g").bytes(), Some(3 << 29));
        assert_eq!(word("2GiB").bytes(), Some(2 << 30));
        assert_eq!(word("1000").bytes(), Some(1000));
        assert_eq!(word("1m30s").duration(), Some(Duration::from_secs(90)));
        assert_eq!(word("1.5h").duration(), Some(Duration::from_secs(5400)));
        for wrong in ["", "lots", "1.2.3m", "12q", "1 d", "-5s", "."] {
            assert_eq!((word(wrong).bytes(), word(wrong).duration()), (None, None), "{wrong}");
        }
    }
}
