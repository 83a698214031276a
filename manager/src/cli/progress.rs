//! How an operation looks where it was started: on a terminal one line that lives and a line for each step
//! done; in a pipe plain lines with their times.

use std::io::{IsTerminal, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use jiff::Timestamp;
use pirack::operation::{Audience, Operation, Progress, StepState};

/// On standard error, so that standard output is the answer alone.
pub(crate) fn on_stderr() -> Arc<dyn Audience> {
    if std::io::stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb") {
        Arc::new(Live::on(ProgressDrawTarget::stderr_with_hz(10)))
    } else {
        Arc::new(Lines)
    }
}

/// The time of day in UTC, which the Z says: boards and whoever looks may be anywhere.
pub(crate) fn clock(time: Timestamp) -> String {
    time.strftime("%H:%M:%SZ").to_string()
}

/// Plain lines.
struct Lines;

impl Audience for Lines {
    fn hear(&self, _: &Operation, at: Timestamp, progress: &Progress) {
        if let Some(line) = line(at, progress) {
            // A reader that has gone is no reason to end what is under way.
            let _gone = writeln!(std::io::stderr().lock(), "{line}");
        }
    }
}

/// A progress as one line, where it is worth one.
fn line(at: Timestamp, progress: &Progress) -> Option<String> {
    let words = match progress {
        Progress::Scheduled | Progress::Started => return None,
        Progress::Step { number, of, what, state } => {
            let step = format!("[{number}/{of}] {what}");
            match state {
                StepState::Begun { left } => format!("{step} (about {} left)", span(*left)),
                StepState::Waiting { why } => format!("{step}: {why}"),
                StepState::Done { seconds } => format!("{step}: done in {seconds:.1} s"),
            }
        }
        Progress::Note { note } => note.clone(),
        Progress::Completed { outcome, took } => format!("{} in {took}", steps(outcome.steps)),
        // The error itself is told at the end, by whoever ran it.
        Progress::Failed { took, .. } => format!("stopped after {took}"),
    };
    Some(format!("{} {words}", clock(at)))
}

/// So many steps, in words.
pub(crate) fn steps(many: usize) -> String {
    if many == 1 { "1 step".to_owned() } else { format!("{many} steps") }
}

fn span(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..90 => format!("{seconds} s"),
        seconds => format!("{} min", seconds.div_ceil(60)),
    }
}

/// One line that lives, below a line for each step done.
struct Live {
    bar: ProgressBar,
    underway: Mutex<Underway>,
}

/// Steps that are under way, boards' side by side: the line is of the one that was heard of last.
#[derive(Default)]
struct Underway {
    /// Each with its number, its name and what it waits for.
    steps: Vec<(usize, String, Option<String>)>,
    left: Duration,
}

impl Underway {
    /// Takes what was heard of a step; the number and the line to show from here on.
    fn hear(&mut self, number: usize, what: &str, state: &StepState) -> Option<(usize, String)> {
        self.steps.retain(|(known, ..)| *known != number);
        match state {
            StepState::Begun { left } => {
                self.left = *left;
                self.steps.push((number, what.to_owned(), None));
            }
            StepState::Waiting { why } => self.steps.push((number, what.to_owned(), Some(why.clone()))),
            StepState::Done { .. } => {}
        }
        let (number, what, why) = self.steps.last()?;
        let why = why.as_ref().map(|why| format!(" · {why}")).unwrap_or_default();
        Some((*number, format!("{what} · about {} left{why}", span(self.left))))
    }
}

impl Live {
    fn on(target: ProgressDrawTarget) -> Self {
        let bar = ProgressBar::with_draw_target(Some(1), target);
        let style = ProgressStyle::with_template("{spinner} [{pos}/{len}] {wide_msg} {elapsed}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.enable_steady_tick(Duration::from_millis(200));
        Self { bar, underway: Mutex::default() }
    }
}

impl Audience for Live {
    fn hear(&self, _: &Operation, _: Timestamp, progress: &Progress) {
        match progress {
            Progress::Scheduled | Progress::Started => {}
            Progress::Step { number, of, what, state } => {
                if let StepState::Done { seconds } = state {
                    self.bar.suspend(|| eprintln!("✓ {what} ({seconds:.1} s)"));
                }
                let mut underway = self.underway.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some((number, text)) = underway.hear(*number, what, state) {
                    self.bar.set_length(u64::try_from(*of).unwrap_or(u64::MAX));
                    self.bar.set_position(u64::try_from(number).unwrap_or(u64::MAX));
                    self.bar.set_message(text);
                }
            }
            Progress::Note { note } => self.bar.suspend(|| eprintln!("{note}")),
            Progress::Completed { .. } | Progress::Failed { .. } => self.bar.finish_and_clear(),
        }
    }
}

#[cfg(test)]
mod tests {
    use pirack::operation::{Kind, Stopped, Took};

    use super::*;

    #[test]
    fn the_line_on_a_terminal_has_time_left_and_each_reason_under_its_own_step() {
        let live = Live::on(ProgressDrawTarget::hidden());
        let operation = Operation::new(Kind::Apply, "desk", "pi@desk");
        let hear = |number, state| {
            let what = format!("add board b{number}");
            live.hear(&operation, Timestamp::UNIX_EPOCH, &Progress::Step { number, of: 24, what, state });
            (live.bar.position(), live.bar.message())
        };
        let minutes = |many: u64| StepState::Begun { left: Duration::from_secs(60 * many) };
        let waits = |why: &str| StepState::Waiting { why: why.to_owned() };
        assert_eq!(hear(1, minutes(3)), (1, "add board b1 · about 3 min left".to_owned()));
        assert_eq!(hear(2, minutes(2)), (2, "add board b2 · about 2 min left".to_owned()));
        assert_eq!(
            hear(1, waits("no answer yet")),
            (1, "add board b1 · about 2 min left · no answer yet".to_owned())
        );
        assert_eq!(
            hear(2, waits("its clock")),
            (2, "add board b2 · about 2 min left · its clock".to_owned())
        );
        let of_the_first = (1, "add board b1 · about 2 min left · no answer yet".to_owned());
        assert_eq!(hear(2, StepState::Done { seconds: 1.0 }), of_the_first, "the other goes on");
        assert_eq!(live.bar.length(), Some(24));
        let failed = Err(Stopped::Failed("b1 has gone".into()));
        live.hear(&operation, Timestamp::UNIX_EPOCH, &Progress::end(failed, Took::default()));
        assert!(live.bar.is_finished());
    }

    #[test]
    fn a_pipe_gets_a_line_for_what_is_worth_one() {
        let step = |state| Progress::Step { number: 3, of: 24, what: "add board b2".into(), state };
        let at: Timestamp = "2026-11-21T08:00:00.9Z".parse().unwrap();
        let told = |progress: &Progress| line(at, progress).unwrap_or_default();
        let left = Duration::from_secs(150);
        assert_eq!(
            told(&step(StepState::Begun { left })),
            "08:00:00Z [3/24] add board b2 (about 3 min left)"
        );
        assert_eq!(
            told(&step(StepState::Done { seconds: 1.26 })),
            "08:00:00Z [3/24] add board b2: done in 1.3 s"
        );
        assert_eq!(
            told(&step(StepState::Waiting { why: "the ring is whole: b1 is joining".into() })),
            "08:00:00Z [3/24] add board b2: the ring is whole: b1 is joining"
        );
        assert_eq!(line(at, &Progress::Scheduled), None);
    }
}
