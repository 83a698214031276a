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
        Arc::new(Live::new())
    } else {
        Arc::new(Lines)
    }
}

/// Plain lines.
struct Lines;

impl Audience for Lines {
    fn hear(&self, _: &Operation, progress: &Progress) {
        if let Some(line) = line(progress) {
            let now = Timestamp::now().strftime("%H:%M:%S");
            // A reader that has gone is no reason to end what is under way.
            let _gone = writeln!(std::io::stderr().lock(), "{now} {line}");
        }
    }
}

/// A progress as one line, where it is worth one.
fn line(progress: &Progress) -> Option<String> {
    Some(match progress {
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
    })
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
    what: Mutex<String>,
}

impl Live {
    fn new() -> Self {
        let bar = ProgressBar::with_draw_target(Some(1), ProgressDrawTarget::stderr_with_hz(10));
        let style = ProgressStyle::with_template("{spinner} [{pos}/{len}] {wide_msg} {elapsed}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.enable_steady_tick(Duration::from_millis(200));
        Self { bar, what: Mutex::default() }
    }

    fn what(&self) -> std::sync::MutexGuard<'_, String> {
        self.what.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Audience for Live {
    fn hear(&self, _: &Operation, progress: &Progress) {
        match progress {
            Progress::Scheduled | Progress::Started => {}
            Progress::Step { number, of, what, state } => {
                self.bar.set_length(u64::try_from(*of).unwrap_or(u64::MAX));
                self.bar.set_position(u64::try_from(*number).unwrap_or(u64::MAX));
                match state {
                    StepState::Begun { left } => {
                        *self.what() = format!("{what} · about {} left", span(*left));
                        self.bar.set_message(self.what().clone());
                    }
                    StepState::Waiting { why } => self.bar.set_message(format!("{} · {why}", self.what())),
                    StepState::Done { seconds } => {
                        self.bar.suspend(|| eprintln!("✓ {what} ({seconds:.1} s)"));
                    }
                }
            }
            Progress::Note { note } => self.bar.suspend(|| eprintln!("{note}")),
            Progress::Completed { .. } | Progress::Failed { .. } => self.bar.finish_and_clear(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pipe_gets_a_line_for_what_is_worth_one() {
        let step = |state| Progress::Step { number: 3, of: 24, what: "add board b2".into(), state };
        let told = |progress: &Progress| line(progress).unwrap_or_default();
        let left = Duration::from_secs(150);
        assert_eq!(told(&step(StepState::Begun { left })), "[3/24] add board b2 (about 3 min left)");
        assert_eq!(told(&step(StepState::Done { seconds: 1.26 })), "[3/24] add board b2: done in 1.3 s");
        assert_eq!(
            told(&step(StepState::Waiting { why: "the ring is whole: b1 is joining".into() })),
            "[3/24] add board b2: the ring is whole: b1 is joining"
        );
        assert_eq!(line(&Progress::Scheduled), None);
    }
}
