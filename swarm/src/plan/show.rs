//! A plan for people: a line a step, its reasons below, the sum at the end.

use std::fmt;

use super::{Move, Plan, Step};

impl Move {
    fn word(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Change => "change",
            Self::Replace => "replace",
            Self::Remove => "remove",
            Self::Forbidden => "forbidden",
        }
    }

    fn sign(self) -> char {
        match self {
            Self::Add => '+',
            Self::Change => '~',
            Self::Replace => '*',
            Self::Remove => '-',
            Self::Forbidden => '!',
        }
    }
}

impl fmt::Display for Move {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

impl Step {
    /// Which half of a replacement it is; empty for any other step.
    fn half(&self) -> &'static str {
        use super::Action::{CreateNetwork, CreateService, RemoveNetwork, RemoveService};
        match (&self.action, self.r#move) {
            (Some(RemoveNetwork { .. } | RemoveService { .. }), Move::Replace) => " (the old one goes)",
            (Some(CreateNetwork { .. } | CreateService { .. }), Move::Replace) => " (the new one comes)",
            _ => "",
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:<9} {}{}", self.r#move.sign(), self.r#move, self.object, self.half())?;
        self.reasons.iter().try_for_each(|reason| write!(f, "\n      {reason}"))
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return writeln!(f, "nothing to do");
        }
        self.steps.iter().try_for_each(|step| writeln!(f, "{step}"))?;
        let all = [Move::Add, Move::Change, Move::Replace, Move::Remove];
        let sums: Vec<String> = all.iter().map(|m| format!("{} to {m}", self.count(*m))).collect();
        writeln!(f, "{}, {} forbidden", sums.join(", "), self.count(Move::Forbidden))
    }
}
