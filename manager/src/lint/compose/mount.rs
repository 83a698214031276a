//! A service's mounts, short and long form.

use super::word::Word;
use crate::lint::yaml::{Node, Span};

/// Where a mount's content lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::lint) enum MountKind {
    /// A volume by name.
    Volume,
    /// A volume without a name: a new one for every task.
    Anonymous,
    /// A folder of the board's.
    Bind,
    /// Memory, a pipe, or whatever the file does not tell.
    Other,
}

/// One mount.
#[derive(Debug)]
pub(in crate::lint) struct Mount {
    pub(in crate::lint) kind: MountKind,
    /// The volume or the folder; empty where there is none.
    pub(in crate::lint) source: String,
    /// Where it is in the container; nothing where the file does not tell.
    pub(in crate::lint) target: Option<String>,
    pub(in crate::lint) span: Span,
}

impl Mount {
    pub(super) fn of(node: &Node) -> Self {
        match Word::of(node) {
            Some(word) => short(&word),
            // A bare `~` is YAML's null.
            None if node.is_null() => {
                let (source, span) = ("~".to_owned(), node.span.clone());
                Self { kind: MountKind::Bind, source, target: None, span }
            }
            None => long(node),
        }
    }

    /// Whether what is written under this folder of the container's lies on this mount.
    pub(in crate::lint) fn holds(&self, folder: &str) -> bool {
        self.target.as_deref().is_some_and(|target| {
            let target = target.trim_end_matches('/');
            folder.strip_prefix(target).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    }
}

/// `[SOURCE:]TARGET[:ro]`.
fn short(word: &Word) -> Mount {
    let span = word.span.clone();
    // What comes before a variable is known, but not where the source ends behind it.
    let Some(text) = word.known() else {
        let kind = if is_path(&word.text) { MountKind::Bind } else { MountKind::Other };
        return Mount { kind, source: word.text.clone(), target: None, span };
    };
    let mut parts = text.split(':');
    let (first, second) = (parts.next().unwrap_or_default(), parts.next());
    match second {
        None if is_path(first) && !first.starts_with('/') => {
            Mount { kind: MountKind::Bind, source: first.to_owned(), target: None, span }
        }
        None => {
            Mount { kind: MountKind::Anonymous, source: String::new(), target: Some(first.to_owned()), span }
        }
        Some(target) => {
            let kind = if is_path(first) { MountKind::Bind } else { MountKind::Volume };
            Mount { kind, source: first.to_owned(), target: Some(target.to_owned()), span }
        }
    }
}

fn long(node: &Node) -> Mount {
    let word = |key: &str| node.get(key).and_then(|node| Word::of(node));
    let source = word("source");
    let kind = match word("type").as_ref().and_then(Word::known) {
        Some("bind") => MountKind::Bind,
        Some("volume") if source.is_some() => MountKind::Volume,
        Some("volume") => MountKind::Anonymous,
        _ => MountKind::Other,
    };
    let span = source.as_ref().map_or(node.span.clone(), |source| source.span.clone());
    let known = source.as_ref().is_none_or(|source| source.known().is_some());
    let kind = if kind == MountKind::Volume && !known { MountKind::Other } else { kind };
    let target = word("target").and_then(|target| target.known().map(str::to_owned));
    Mount { kind, source: source.map(|source| source.text).unwrap_or_default(), target, span }
}

fn is_path(source: &str) -> bool {
    source.starts_with(['/', '.', '~'])
}
