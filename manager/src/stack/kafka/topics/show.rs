//! A plan for people: a line a step, its settings below.

use std::fmt;

use super::plan::{Change, Plan, Step};

impl Step {
    /// The step in two words.
    pub(super) fn title(&self) -> String {
        match self {
            Self::Create { topic, .. } => format!("create {topic}"),
            Self::Alter { topic, .. } => format!("alter {topic}"),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Create { topic, partitions, replicas, settings } => {
                write!(f, "+ create {topic}: partitions {partitions}, replicas {replicas}")?;
                settings.iter().try_for_each(|(setting, value)| write!(f, "\n      {setting} = {value}"))
            }
            Self::Alter { topic, changes, .. } => {
                write!(f, "~ alter  {topic}")?;
                changes.iter().try_for_each(|change| write!(f, "\n      {change}"))
            }
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let from = self.from.as_deref().unwrap_or("the broker's default");
        write!(f, "{}: {from} -> {}", self.setting, self.to)
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.steps.is_empty() && self.refused.is_empty() {
            writeln!(f, "nothing to do")?;
        }
        self.steps.iter().try_for_each(|step| writeln!(f, "{step}"))?;
        self.left.iter().try_for_each(|left| writeln!(f, "= {left}"))?;
        self.refused.iter().try_for_each(|refusal| writeln!(f, "! {refusal}"))
    }
}
