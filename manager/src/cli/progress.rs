//! How an operation looks where it was started: on a terminal one line that lives and a line for each step
//! done; in a pipe plain lines with their times. And what is shown while somebody waits for a look alone.
//!
//! Invariant: what lives is on standard error, is on a terminal alone, and is gone before the answer is written.

use std::io::{IsTerminal, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use jiff::Timestamp;
use pirack::operation::{Audience, Operation, Progress, StepState};

use super::global::Output;

/// How an operation is told on standard error, so that standard output is the answer alone. It begins with a look at
/// so many boards.
pub(crate) fn on_stderr(boards: usize) -> Arc<dyn Audience> {
    match stderr() {
        Some(target) => Arc::new(Live::on(target, boards)),
        None => Arc::new(Lines),
    }
}

/// Shown while so many boards are looked at for an answer to people, until it is dropped.
pub(crate) fn looking(boards: usize, output: Output) -> Option<Spinner> {
    stderr().filter(|_| output == Output::Table).map(|target| Spinner::on(target, boards))
}

/// Standard error, where a line can live on it.
fn stderr() -> Option<ProgressDrawTarget> {
    let lives = std::io::stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb");
    lives.then(|| ProgressDrawTarget::stderr_with_hz(10))
}

/// A line that lives, until it is dropped.
pub(crate) struct Spinner(ProgressBar);

impl Spinner {
    /// Says that so many boards are looked at, and has nothing to count yet.
    fn on(target: ProgressDrawTarget, boards: usize) -> Self {
        let boards = if boards == 1 { "1 board".to_owned() } else { format!("{boards} boards") };
        let bar = ProgressBar::with_draw_target(None, target);
        bar.set_style(style("{spinner} {wide_msg} {elapsed}"));
        bar.set_message(format!("looking at {boards}"));
        bar.enable_steady_tick(Duration::from_millis(200));
        Self(bar)
    }
}

impl Drop for Spinner {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// Without colours, whatever the terminal can.
fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner())
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
    spinner: Spinner,
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
    fn on(target: ProgressDrawTarget, boards: usize) -> Self {
        Self { spinner: Spinner::on(target, boards), underway: Mutex::default() }
    }
}

impl Audience for Live {
    fn hear(&self, _: &Operation, _: Timestamp, progress: &Progress) {
        let Spinner(bar) = &self.spinner;
        match progress {
            Progress::Scheduled | Progress::Started => {}
            Progress::Step { number, of, what, state } => {
                if let StepState::Done { seconds } = state {
                    bar.suspend(|| eprintln!("✓ {what} ({seconds:.1} s)"));
                }
                let mut underway = self.underway.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some((number, text)) = underway.hear(*number, what, state) {
                    if bar.length().is_none() {
                        bar.set_style(style("{spinner} [{pos}/{len}] {wide_msg} {elapsed}"));
                    }
                    bar.set_length(u64::try_from(*of).unwrap_or(u64::MAX));
                    bar.set_position(u64::try_from(number).unwrap_or(u64::MAX));
                    bar.set_message(text);
                }
            }
            Progress::Note { note } => bar.suspend(|| eprintln!("{note}")),
            Progress::Completed { .. } | Progress::Failed { .. } => bar.finish_and_clear(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use indicatif::TermLike;
    use pirack::operation::{Kind, Stopped, Took};

    use super::*;

    #[test]
    fn the_line_on_a_terminal_has_time_left_and_each_reason_under_its_own_step() {
        let live = Live::on(ProgressDrawTarget::hidden(), 3);
        assert_eq!(
            (live.spinner.0.message().as_str(), live.spinner.0.length()),
            ("looking at 3 boards", None)
        );
        let operation = Operation::new(Kind::Apply, "desk", "pi@desk");
        let hear = |number, state| {
            let what = format!("add board b{number}");
            live.hear(&operation, Timestamp::UNIX_EPOCH, &Progress::Step { number, of: 24, what, state });
            (live.spinner.0.position(), live.spinner.0.message())
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
        assert_eq!(live.spinner.0.length(), Some(24));
        let failed = Err(Stopped::Failed("b1 has gone".into()));
        live.hear(&operation, Timestamp::UNIX_EPOCH, &Progress::end(failed, Took::default()));
        assert!(live.spinner.0.is_finished());
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

    /// All that a terminal was sent: lines, and `<` where one was cleared.
    #[derive(Clone, Debug, Default)]
    struct Screen(Arc<Mutex<String>>);

    impl Screen {
        fn put(&self, text: &str) -> io::Result<()> {
            self.0.lock().unwrap().push_str(text);
            Ok(())
        }

        fn shown(&self) -> String {
            self.0.lock().unwrap().clone()
        }
    }

    impl TermLike for Screen {
        fn width(&self) -> u16 {
            80
        }
        fn move_cursor_up(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_down(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_right(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_left(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn write_line(&self, text: &str) -> io::Result<()> {
            self.put(text)
        }
        fn write_str(&self, text: &str) -> io::Result<()> {
            self.put(text)
        }
        fn clear_line(&self) -> io::Result<()> {
            self.put("<")
        }
        fn flush(&self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_look_is_said_in_words_without_a_count_or_colours_and_is_gone_before_the_answer() {
        let screen = Screen::default();
        let target = ProgressDrawTarget::term_like_with_hz(Box::new(screen.clone()), 10);
        let looking = Spinner::on(target, 1);
        let shown = screen.shown();
        assert!(shown.contains(" looking at 1 board "), "{shown:?}");
        assert!(!shown.contains('[') && !shown.contains('\u{1b}'), "{shown:?}");
        drop(looking);
        let shown = screen.shown();
        assert!(shown.rsplit('<').next().is_some_and(|after| after.trim().is_empty()), "{shown:?}");
    }
}
