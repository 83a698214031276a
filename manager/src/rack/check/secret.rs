//! Secrets: the file says where each is read, never what it is.
//!
//! Somebody will write one all the same. It is refused without being repeated: neither by a problem's words nor
//! in the lines of the file that are shown with it.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;

use pirack_agent::config::MisfitKind;
use pirack_swarm::desired::SecretName;
use toml::de::{DeTable, DeValue};
use toml::{Spanned, Value};

use super::super::SecretSource;
use super::super::code::Code;
use super::super::file::{AppSection, File};
use super::Checker;
use crate::suspect::{is_likely, is_likely_flag};

const REMEDY: &str =
    "write where it is read: { file = \"secrets/NAME\" }, or { env = \"NAME\" } for a variable of yours";

impl Checker<'_> {
    pub(super) fn secrets(&mut self, section: &AppSection) -> BTreeMap<SecretName, SecretSource> {
        let mut secrets = BTreeMap::new();
        for (key, value) in &section.secrets {
            let Some(name) = self.name::<SecretName>(key) else { continue };
            let Value::Table(table) = value.get_ref() else {
                let what = format!("the secret {name} has its value here, where everybody reads it");
                self.say(Code::SecretValue, value.span(), what, REMEDY);
                continue;
            };
            let text = |key: &str| table.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
            let source = match (text("file"), text("env"), table.len()) {
                (Some(file), None, 1) => self.secret_file(value, file).map(SecretSource::File),
                (None, Some(variable), 1) => Some(SecretSource::Environment(variable.to_owned())),
                (Some(_), Some(_), 2) => {
                    let what = format!("the secret {name} is read from a file and from a variable");
                    self.say(Code::SecretReference, value.span(), what, "take one of them out");
                    None
                }
                _ => {
                    let what = format!("the secret {name} is read neither from a file nor from a variable");
                    self.say(Code::SecretReference, value.span(), what, REMEDY);
                    None
                }
            };
            secrets.extend(source.map(|source| (name, source)));
        }
        secrets
    }

    fn secret_file(&mut self, value: &Spanned<Value>, file: &str) -> Option<PathBuf> {
        let path = self.door.resolve(file);
        path.map_err(|(what, remedy)| self.say(Code::Path, value.span(), what, remedy)).ok()
    }

    /// A secret has one name in the swarm, so two apps that name it mean the same one.
    pub(super) fn secret_twins(&mut self, file: &File) {
        let mut seen: BTreeMap<&str, &Value> = BTreeMap::new();
        for (key, value) in file.app.iter().flat_map(|app| &app.get_ref().secrets) {
            if *seen.entry(key.get_ref()).or_insert(value.get_ref()) != value.get_ref() {
                let what = format!("the secret {} is another one in another app", key.get_ref());
                self.say(Code::SecretReference, key.span(), what, "give it another name, or the same source");
            }
        }
    }

    /// Whatever looks like a secret and nobody has complained of yet.
    pub(super) fn secret_likes(&mut self) {
        let told: Vec<Range<usize>> =
            self.problems.iter().filter_map(|problem| problem.span.clone()).collect();
        let is_new = |blot: &Range<usize>| !told.iter().any(|span| overlap(span, blot));
        for blot in self.blots.clone().into_iter().filter(is_new) {
            self.say(
                Code::SecretLike,
                blot,
                "this looks like a secret, and stands here for everybody who reads the file, its plans and the swarm",
                "of an app: write [app.secrets] NAME = { file = \"...\" }, and it is found in /run/secrets; of anything else: name a file on the board that has it",
            );
        }
    }

    /// What a misfit says, unless a secret stands where it is: serde repeats the values that it refuses.
    pub(super) fn told(&self, kind: MisfitKind, span: Option<&Range<usize>>, what: String) -> String {
        let overlaps = |blot: &Range<usize>| span.is_some_and(|span| overlap(span, blot));
        if kind == MisfitKind::Value && self.blots.iter().any(overlaps) {
            "this is nothing that the key takes".to_owned()
        } else {
            what
        }
    }
}

fn overlap(one: &Range<usize>, other: &Range<usize>) -> bool {
    one.start < other.end && other.start < one.end
}

/// Where secrets stand, by what the text looks like.
pub(super) fn suspects(text: &str) -> Vec<Range<usize>> {
    let (tree, errors) = DeTable::parse_recoverable(text);
    let mut found = vec![];
    within(tree.get_ref(), &mut found);
    if !errors.is_empty() {
        lines(text, &mut found);
    }
    found
}

fn within(table: &DeTable<'_>, found: &mut Vec<Range<usize>>) {
    for (key, value) in table {
        let is_text = matches!(value.get_ref(), DeValue::String(_));
        if key.get_ref().eq_ignore_ascii_case("secrets") {
            references(value, found);
        } else if is_text && is_likely(key.get_ref()) {
            found.push(value.span());
        }
        below(value, found);
    }
}

fn below(value: &Spanned<DeValue<'_>>, found: &mut Vec<Range<usize>>) {
    match value.get_ref() {
        DeValue::Table(inner) => within(inner, found),
        DeValue::Array(items) => {
            let mut behind_flag = false;
            for item in items.iter() {
                let text = item.get_ref().as_str();
                if behind_flag && text.is_some_and(is_value) {
                    found.push(item.span());
                } else {
                    below(item, found);
                }
                behind_flag = text.is_some_and(is_likely_flag);
            }
        }
        DeValue::String(text) if has_one(text) => found.push(value.span()),
        _ => {}
    }
}

/// Of a table of secrets, all that is no reference.
fn references(value: &Spanned<DeValue<'_>>, found: &mut Vec<Range<usize>>) {
    let DeValue::Table(secrets) = value.get_ref() else {
        found.push(value.span());
        return;
    };
    for secret in secrets.values() {
        match secret.get_ref() {
            DeValue::Table(source) => {
                let others =
                    source.iter().filter(|(key, _)| !matches!(key.get_ref().as_ref(), "file" | "env"));
                found.extend(others.map(|(_, value)| value.span()));
            }
            _ => found.push(secret.span()),
        }
    }
}

/// In a text that is no TOML: everything behind a likely key's `=`, and below a header of secrets.
fn lines(text: &str, found: &mut Vec<Range<usize>>) {
    let (mut start, mut among) = (0, false);
    for line in text.split_inclusive('\n') {
        let trimmed = line.trim();
        if trimmed.starts_with('[') {
            among = trimmed.trim_end_matches(']').ends_with("secrets");
        }
        match line.split_once('=') {
            Some((key, value))
                if among || key.trim().starts_with("secrets") || is_likely(key.trim()) || has_one(value) =>
            {
                found.push(start + key.len() + 1..start + line.len());
            }
            None if among && !trimmed.starts_with('[') || has_one(line) => {
                found.push(start..start + line.len())
            }
            _ => {}
        }
        start += line.len();
    }
}

/// Whether a secret stands in a text, by what stands around it.
fn has_one(text: &str) -> bool {
    has_password(text) || sets_one(text) || passes_one(text)
}

/// Whether a text is, or has in it, an address with a password: `postgres://user:password@host/`.
fn has_password(text: &str) -> bool {
    text.split("://").skip(1).any(|rest| {
        let authority = rest.split(['/', '?', '#', ' ', '"', '\'']).next().unwrap_or_default();
        let login = authority.rsplit_once('@').map(|(login, _)| login);
        login.and_then(|login| login.split_once(':')).is_some_and(|(_, password)| !password.is_empty())
    })
}

/// Whether a text sets something that is likely a secret: `-DkeyStorePassword=changeit`, `password="changeit"`.
fn sets_one(text: &str) -> bool {
    let ends = text.match_indices('=').map(|(at, _)| text.split_at(at));
    ends.into_iter().any(|(before, after)| {
        let is_name = |letter: char| letter.is_ascii_alphanumeric() || "_-.".contains(letter);
        let name = before.rsplit(|letter| !is_name(letter)).next().unwrap_or_default();
        let value = after[1..].trim_start_matches(['"', '\'']);
        is_likely(name.trim_start_matches('-'))
            && value.starts_with(|first: char| first.is_ascii_alphanumeric())
    })
}

/// Whether a text passes something that is likely a secret: `run --token changeit`, `"--token", "changeit"`.
fn passes_one(text: &str) -> bool {
    let words =
        || text.split(|c: char| c.is_whitespace() || "\"',[]".contains(c)).filter(|word| !word.is_empty());
    words().zip(words().skip(1)).any(|(flag, value)| is_likely_flag(flag) && is_value(value))
}

/// Whether what stands behind a flag is its value itself, and neither another flag nor where the value is read.
fn is_value(text: &str) -> bool {
    text.starts_with(|first: char| !"-/~.$%{<".contains(first))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_argument_that_sets_a_secret_is_known_by_what_it_sets() {
        for text in [
            "--password=hunter2",
            "serve -Djavax.net.ssl.keyStorePassword=hunter2 -Xss1m",
            "org.apache.kafka.Login required username=\"ada\" password=\"hunter2\";",
            "https://host/?token=hunter2",
        ] {
            assert!(sets_one(text), "{text}");
        }
        for text in [
            "--password-file=/run/secrets/db",
            "-Dcassandra.ring_delay_ms=5000",
            "password=$PASSWORD",
            "a=b",
            "=",
        ] {
            assert!(!sets_one(text), "{text}");
        }
    }

    #[test]
    fn an_argument_behind_a_flag_is_its_secret_unless_it_says_where_that_is() {
        for text in ["run --token hunter2", "sh -c 'run -api-key \"hunter2\"'", "[\"--db-password\", \"!x\""]
        {
            assert!(passes_one(text), "{text}");
        }
        for text in [
            "run --token",
            "--token --port 80",
            "--token $TOKEN",
            "--tlskey /etc/key.pem",
            "--port 80",
            "token x",
        ] {
            assert!(!passes_one(text), "{text}");
        }
    }

    #[test]
    fn a_password_in_an_address_is_found() {
        assert!(has_password("postgres://u:hunter2@h/db") && has_password("--db=amqp://:hunter2@h"));
        for text in ["http://h:80/a@b:c", "http://u@h/", "http://u:@h", "u:p@h", "http://h/?x=a:b@c"] {
            assert!(!has_password(text), "{text}");
        }
    }
}
