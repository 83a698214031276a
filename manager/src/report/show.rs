//! A report for people: what is wrong first, then everything that is, in at most a hundred columns.
//!
//! Pure: it gives lines, each with a tone, and a face paints them or does not.

mod tables;

use super::{Reason, Report, Swarm, Verdict};

/// As wide as a report gets.
pub const WIDTH: u16 = 100;

/// How a line is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// As any other.
    Plain,
    /// The head of a table.
    Head,
    /// All is well.
    Good,
    /// Something is not as it should be.
    Wary,
    /// Something does not work.
    Bad,
    /// Said beside.
    Faint,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// How it is meant.
    pub tone: Tone,
    /// What it says.
    pub text: String,
}

impl Line {
    /// A line.
    #[must_use]
    pub fn new(tone: Tone, text: impl Into<String>) -> Self {
        Self { tone, text: text.into() }
    }

    /// With the colours of a terminal.
    #[must_use]
    pub fn painted(&self) -> String {
        let code = match self.tone {
            Tone::Plain => return self.text.clone(),
            Tone::Head => "1",
            Tone::Good => "32",
            Tone::Wary => "33",
            Tone::Bad => "31",
            Tone::Faint => "2",
        };
        format!("\u{1b}[{code}m{}\u{1b}[0m", self.text)
    }
}

/// The whole report.
#[must_use]
pub fn lines(report: &Report) -> Vec<Line> {
    let mut lines = vec![head(report)];
    lines.extend(report.under_way.iter().map(|by| Line::new(Tone::Wary, format!("under way: {by}"))));
    lines.extend(report.reasons.iter().flat_map(reason));
    lines.push(blank());
    lines.push(Line::new(Tone::Plain, swarm(report)));
    for section in [
        tables::boards(report),
        tables::services(report),
        tables::kafka(report),
        tables::cassandra(report),
        tables::stargate(report),
        tables::agents(report),
    ] {
        if !section.is_empty() {
            lines.push(blank());
            lines.extend(section);
        }
    }
    lines
}

/// As much as fits on a screen: lines cut at its width, and of those that do not fit how many there are.
#[must_use]
pub fn fitted(lines: &[Line], width: usize, height: usize) -> Vec<Line> {
    let cut = |line: &Line| Line::new(line.tone, line.text.chars().take(width).collect::<String>());
    if lines.len() <= height {
        return lines.iter().map(cut).collect();
    }
    let shown = height.saturating_sub(1);
    let more = Line::new(Tone::Faint, format!("... and {} lines more", lines.len() - shown));
    lines.iter().take(shown).map(cut).chain([cut(&more)]).collect()
}

fn blank() -> Line {
    Line::new(Tone::Plain, "")
}

fn head(report: &Report) -> Line {
    let count = match report.reasons.len() {
        0 => String::new(),
        1 => " for 1 reason".to_owned(),
        many => format!(" for {many} reasons"),
    };
    let verdict = report.verdict.as_str();
    let text = format!("{}: {verdict}{count}, at {} ({:.1} s)", report.rack, report.at, report.took_seconds);
    Line::new(tone(report.verdict), text)
}

fn tone(verdict: Verdict) -> Tone {
    match verdict {
        Verdict::Healthy => Tone::Good,
        Verdict::Degraded => Tone::Wary,
        Verdict::Down => Tone::Bad,
    }
}

fn reason(reason: &Reason) -> Vec<Line> {
    let sign = if reason.verdict == Verdict::Down { '!' } else { '~' };
    let what = wrapped(&format!("{sign} {}: {}", reason.about, reason.what), "    ");
    let remedy = wrapped(&format!("    {}", reason.remedy), "    ");
    let tone = tone(reason.verdict);
    let what = what.into_iter().map(|text| Line::new(tone, text));
    what.chain(remedy.into_iter().map(|text| Line::new(Tone::Faint, text))).collect()
}

fn swarm(report: &Report) -> String {
    let Some(Swarm { managers, reachable, may_fail, leader }) = &report.swarm else {
        return "swarm: nobody speaks for it".to_owned();
    };
    let leader = leader.as_deref().unwrap_or("nobody");
    format!("swarm: {reachable} of {managers} managers answer, {leader} leads, {may_fail} more may fail")
}

/// Breaks a text at blanks; lines after the first begin with `indent`. A word that is too long stays whole.
fn wrapped(text: &str, indent: &str) -> Vec<String> {
    let beginning: String = text.chars().take_while(|c| *c == ' ').collect();
    let mut lines = vec![];
    let mut line = beginning.clone();
    let mut empty = true;
    for word in text.split_whitespace() {
        if !empty && line.chars().count() + 1 + word.chars().count() > usize::from(WIDTH) {
            lines.push(std::mem::replace(&mut line, indent.to_owned()));
            empty = true;
        }
        if !empty {
            line.push(' ');
        }
        line.push_str(word);
        empty = false;
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_sentence_is_broken_at_blanks_and_nothing_of_it_is_lost() {
        let text = format!("~ {}", "word ".repeat(60));
        let lines = wrapped(&text, "    ");
        assert!(lines.iter().all(|line| line.chars().count() <= usize::from(WIDTH)), "{lines:?}");
        assert!(lines[1..].iter().all(|line| line.starts_with("    word")));
        let words = lines.iter().flat_map(|line| line.split_whitespace()).count();
        assert_eq!(words, text.split_whitespace().count());
    }
}
