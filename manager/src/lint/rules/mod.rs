//! The rules: one small pure function each, in files by theme, over a typed model of the file. A rule's row says
//! its code, how much it matters, why, and what to do; docs/lint.md has the same rows, held to these by a test.
//!
//! A code never changes its meaning and is never used again.

mod cassandra;
mod data;
mod deploy;
mod format;
mod images;
mod kafka;
mod keys;
mod memory;
mod network;
mod seeds;
mod stargate;
mod storage;

use super::compose::{Service, Stack};
use super::finding::Severity;
use super::yaml::Span;

/// One rule.
#[derive(Debug)]
pub struct Rule {
    /// For ever its own.
    pub code: &'static str,
    /// How much what it finds matters.
    pub severity: Severity,
    /// What it finds, in a few words.
    pub title: &'static str,
    /// Why that matters: a sentence without its full stop.
    pub reason: &'static str,
    /// What to do: likewise.
    pub remedy: &'static str,
    pub(super) check: fn(&Stack) -> Vec<Hit>,
}

/// A place where a rule does not hold, and how to say it with the file's own names.
#[derive(Clone, Debug)]
pub(super) struct Hit {
    pub(super) span: Span,
    pub(super) message: String,
}

/// All rules by theme, in the order of their codes.
pub const THEMES: &[(&str, &[Rule])] = &[
    ("Keys", keys::RULES),
    ("Images", images::RULES),
    ("Deployment", deploy::RULES),
    ("Storage", storage::RULES),
    ("Ports", network::RULES),
    ("Memory", memory::RULES),
    ("Services that keep data", data::RULES),
    ("Kafka", kafka::RULES),
    ("Cassandra", cassandra::RULES),
    ("Stargate", stargate::RULES),
];

/// All rules.
pub fn all() -> impl Iterator<Item = &'static Rule> {
    THEMES.iter().flat_map(|(_, rules)| rules.iter())
}

fn hit(span: &Span, message: String) -> Hit {
    Hit { span: span.clone(), message }
}

/// What a question finds in every service, at most once each.
fn each(stack: &Stack, ask: impl Fn(&Service) -> Option<Hit>) -> Vec<Hit> {
    stack.services.iter().filter_map(ask).collect()
}
