//! What is wrong with a rack: one small rule for each thing that can be, each reason with what to do. Pure.
//!
//! - `down`: the rack does not do its work. No majority of managers, a partition that nobody leads, Kafka or
//!   Cassandra silent, rows that too few replicas have.
//! - `degraded`: it works, and something that is wanted is not so.
//! - `healthy`: there is no reason.

mod agents;
mod boards;
mod services;
mod stacks;
mod swarm;

use serde::Serialize;

use super::Report;
use crate::rack::Rack;

/// How a rack is, in a word; the order is from good to bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// All that is wanted is.
    Healthy,
    /// It works, and not all that is wanted is.
    Degraded,
    /// It does not do its work.
    Down,
}

impl Verdict {
    /// The word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Degraded => "degraded",
            Self::Down => "down",
        }
    }

    /// The exit status that says it.
    #[must_use]
    pub fn exit_status(self) -> u8 {
        match self {
            Self::Healthy => 0,
            Self::Degraded => 3,
            Self::Down => 4,
        }
    }
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// How bad it is.
    pub verdict: Verdict,
    /// What it is about: `board b2`, `service kafka-b1`.
    pub about: String,
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub remedy: String,
}

/// Reasons as they are found.
#[derive(Default)]
struct Reasons(Vec<Reason>);

impl Reasons {
    fn add(
        &mut self,
        verdict: Verdict,
        about: impl Into<String>,
        what: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.0.push(Reason { verdict, about: about.into(), what: what.into(), remedy: remedy.into() });
    }

    fn down(&mut self, about: impl Into<String>, what: impl Into<String>, remedy: impl Into<String>) {
        self.add(Verdict::Down, about, what, remedy);
    }

    fn degraded(&mut self, about: impl Into<String>, what: impl Into<String>, remedy: impl Into<String>) {
        self.add(Verdict::Degraded, about, what, remedy);
    }
}

/// Everything that is wrong: the worst first, then in the order of the report.
pub(super) fn reasons(rack: &Rack, report: &Report) -> Vec<Reason> {
    let mut reasons = Reasons::default();
    swarm::judge(report, &mut reasons);
    boards::judge(report, &mut reasons);
    stacks::kafka(rack, report, &mut reasons);
    stacks::cassandra(rack, report, &mut reasons);
    stacks::stargate(report, &mut reasons);
    services::judge(report, &mut reasons);
    agents::judge(rack, report, &mut reasons);
    let mut reasons = reasons.0;
    reasons.sort_by_key(|reason| std::cmp::Reverse(reason.verdict));
    reasons
}

/// `1 thing`, `2 things`.
fn counted(number: usize, one: &str, many: &str) -> String {
    match number {
        1 => format!("1 {one}"),
        number => format!("{number} {many}"),
    }
}

/// The first few of them, and how many more.
fn listed<T: AsRef<str>>(names: &[T]) -> String {
    const SHOWN: usize = 5;
    let shown: Vec<&str> = names.iter().take(SHOWN).map(AsRef::as_ref).collect();
    let more = names.len().saturating_sub(SHOWN);
    let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{rest}", shown.join(", "))
}
