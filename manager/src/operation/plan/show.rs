//! A plan, for people: what each step does and why, what is left and why, and how much there is.

use std::fmt;

use pirack_swarm::plan::Move;

use super::{Left, Plan, Step};

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sign, word) = match self.r#move {
            Move::Add => ('+', "add"),
            Move::Change => ('~', "change"),
            Move::Replace => ('±', "replace"),
            Move::Remove => ('-', "remove"),
            Move::Forbidden => ('!', "forbidden"),
        };
        write!(f, "{sign} {word:<9} {}", self.subject)?;
        self.reasons.iter().try_for_each(|reason| write!(f, "\n      {reason}"))
    }
}

impl fmt::Display for Left {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.subject.strip_prefix("board ").unwrap_or(&self.subject);
        let rest = behind_name(name, &self.reason).unwrap_or(&self.reason);
        write!(f, "{}: {rest}", self.subject)?;
        match &self.code {
            Some(code) => write!(f, " (to do it all the same: --allow {code})"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for left in &self.refused {
            writeln!(f, "! {:<9} {left}", "forbidden")?;
        }
        for left in &self.undone {
            writeln!(f, "? {:<9} {left}", "not now")?;
        }
        for step in &self.steps {
            writeln!(f, "{step}")?;
        }
        let count = |r#move| self.count(r#move);
        write!(
            f,
            "{} to add, {} to change, {} to replace, {} to remove, {} forbidden, {} not now",
            count(Move::Add),
            count(Move::Change),
            count(Move::Replace),
            count(Move::Remove),
            self.refused.len(),
            self.undone.len()
        )
    }
}

/// The rest of words that begin with a board's name, for where that name stands already.
pub(crate) fn behind_name<'a>(name: &str, words: &'a str) -> Option<&'a str> {
    words.strip_prefix(name)?.strip_prefix(' ')
}

/// These words as a sentence that others may follow.
pub(in crate::operation) fn sentence(words: &str) -> String {
    let end = if words.ends_with(['.', '?', '!']) { "" } else { "." };
    format!("{words}{end}")
}

impl Step {
    /// The step in a few words: `add board b2`.
    #[must_use]
    pub fn title(&self) -> String {
        let word = match self.r#move {
            Move::Add => "add",
            Move::Change => "change",
            Move::Replace => "replace",
            Move::Remove => "remove",
            Move::Forbidden => "leave",
        };
        format!("{word} {}", self.subject)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(subject: &str, reason: &str, code: Option<&str>) -> Left {
        let (subject, reason, code) = (subject.to_owned(), reason.to_owned(), code.map(str::to_owned));
        Left { subject, reason, code, unknown: false }
    }

    #[test]
    fn what_is_left_is_its_subject_once_and_why() {
        let told = |subject, reason, code| left(subject, reason, code).to_string();
        assert_eq!(
            told("board b1", "b1 does not answer: is it on?", None),
            "board b1: does not answer: is it on?"
        );
        assert_eq!(told("board b1", "b12 is in the way", None), "board b1: b12 is in the way");
        assert_eq!(
            told("kafka-b4", "it holds what no other does", Some("AL005")),
            "kafka-b4: it holds what no other does (to do it all the same: --allow AL005)"
        );
    }

    #[test]
    fn refusals_stand_beside_each_other_as_sentences() {
        let refused =
            vec![left("board b1", "b1 does not answer: is it on?", None), left("board zz", "no such", None)];
        assert_eq!(
            crate::operation::OperationError::Refused(refused).to_string(),
            "nothing more is done: board b1: does not answer: is it on? board zz: no such"
        );
    }
}
