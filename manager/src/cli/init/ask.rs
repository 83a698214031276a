//! Questions on a terminal: what a flag gave is not asked, an empty answer takes what stands in brackets, and a
//! wrong one is told why and asked again.

use std::io::{BufRead, Write};

use anyhow::{Context, bail};

use super::answers::{self, Answers, DataDisks, Given, NAME, STACKS, Stacks, USER};

/// So often a wrong answer is asked again: a script that feeds answers shall end.
const PATIENCE: usize = 5;

/// Asks for what is not given.
pub(super) fn ask(
    given: Given,
    input: &mut impl BufRead,
    output: &mut impl Write,
) -> anyhow::Result<Answers> {
    let mut asking = Asking { input, output };
    let name = match given.name {
        Some(name) => name,
        None => asking.one("The rack's name", NAME, answers::name)?,
    };
    let boards = match given.boards {
        Some(boards) => boards,
        None => {
            let question = "Its boards, as b1=10.0.0.11,b2=10.0.0.12, or b1..b3=10.0.0.11 for three in a row";
            asking.one(question, "", answers::boards)?
        }
    };
    let user = match given.user {
        Some(user) => user,
        None => asking.one("As whom ssh reaches them", USER, answers::user)?,
    };
    let stacks = match given.stacks {
        Some(stacks) => stacks,
        None => asking.stacks()?,
    };
    let data_disks = match given.data_disks {
        Some(disks) => disks,
        None => asking.data_disks(&boards)?,
    };
    Ok(Answers { name, boards, user, stacks, data_disks })
}

struct Asking<'a, I, O> {
    input: &'a mut I,
    output: &'a mut O,
}

impl<I: BufRead, O: Write> Asking<'_, I, O> {
    fn one<T>(
        &mut self,
        question: &str,
        otherwise: &str,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> anyhow::Result<T> {
        for _ in 0..PATIENCE {
            let hint = if otherwise.is_empty() { String::new() } else { format!(" [{otherwise}]") };
            write!(self.output, "{question}{hint}: ").and_then(|()| self.output.flush())?;
            let mut line = String::new();
            if self.input.read_line(&mut line).context("cannot read the answer")? == 0 {
                bail!("no answer came: nothing is written");
            }
            let answer = if line.trim().is_empty() { otherwise } else { line.trim() };
            match read(answer) {
                Ok(answer) => return Ok(answer),
                Err(why) => writeln!(self.output, "  {why}")?,
            }
        }
        bail!(
            "{PATIENCE} answers were no good: nothing is written; docs/rack.md tells what a rack's file takes"
        )
    }

    fn stacks(&mut self) -> anyhow::Result<Stacks> {
        let kafka = self.one("Kafka on it, yes or no", yes_or_no(STACKS.kafka), truth)?;
        let cassandra = self.one("Cassandra, yes or no", yes_or_no(STACKS.cassandra), truth)?;
        let stargate = cassandra
            && self.one(
                "Stargate for GraphQL, which wants Cassandra 4.0 and a board of its own, yes or no",
                yes_or_no(STACKS.stargate),
                truth,
            )?;
        Ok(Stacks { kafka, cassandra, stargate })
    }

    fn data_disks(&mut self, boards: &answers::Boards) -> anyhow::Result<DataDisks> {
        let question = "Disks for data, as b1=UUID,b2=UUID (lsblk -o NAME,UUID tells them); they are mounted at /srv/data; none keeps data on the system's disk";
        self.one(question, "none", |text| {
            let disks = if text == "none" { DataDisks::default() } else { answers::data_disks(text)? };
            match disks.stray(boards) {
                Some(why) => Err(why),
                None => Ok(disks),
            }
        })
    }
}

fn yes_or_no(truth: bool) -> &'static str {
    if truth { "yes" } else { "no" }
}

fn truth(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "y" | "yes" => Ok(true),
        "n" | "no" => Ok(false),
        _ => Err("answer yes or no".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(given: Given, input: &str) -> (anyhow::Result<Answers>, String) {
        let mut output = vec![];
        let answers = ask(given, &mut input.as_bytes(), &mut output);
        (answers, String::from_utf8(output).unwrap())
    }

    #[test]
    fn a_wrong_answer_is_told_why_and_asked_again() {
        let (answers, told) = answered(Given::default(), "\nb1\nb1..b3=10.0.0.11\n\n\nperhaps\nno\nb9=x\n\n");
        let answers = answers.unwrap();
        assert_eq!((answers.name.as_str(), answers.boards.0.len(), answers.user.as_str()), ("desk", 3, "pi"));
        assert_eq!(answers.stacks, Stacks { kafka: true, cassandra: false, stargate: false });
        for why in ["has no address", "answer yes or no", "is no UUID"] {
            assert!(told.contains(why), "{why:?} is not in {told}");
        }
        assert!(!told.contains("Stargate"), "without Cassandra nobody asks for it");
    }

    #[test]
    fn what_a_flag_gave_is_not_asked_and_an_end_writes_nothing() {
        let given = Given { name: Some("booth".to_owned()), ..Given::default() };
        let (answers, told) = answered(given, "");
        assert!(answers.unwrap_err().to_string().contains("nothing is written"));
        assert!(!told.contains("name"), "{told}");
    }
}
