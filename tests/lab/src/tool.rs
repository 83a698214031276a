//! Running the programs that the lab is made with, and waiting for what they bring about.

use std::ffi::OsStr;
use std::io::Write as _;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use crate::error::LabError;

/// How often a condition is looked at: often enough to cost no one a second.
const LOOK: Duration = Duration::from_millis(20);

/// None of them takes longer on a machine that is fit to work on.
const DEADLINE: Duration = Duration::from_secs(60);

/// Runs a program to its end, with nothing on its standard input, and returns what it printed.
///
/// # Errors
/// When it cannot be started, does not end, or exits with anything but 0; the letter has the end of its standard
/// error.
pub(crate) fn run(what: &str, command: &mut Command) -> Result<String, LabError> {
    finish(what, command.stdin(Stdio::null()))
}

/// As [`run`], with the standard input that the command has. What it prints fits a pipe.
pub(crate) fn finish(what: &str, command: &mut Command) -> Result<String, LabError> {
    let program = command.get_program().to_string_lossy().into_owned();
    let complaint = |said: String| LabError::Tool { what: what.to_owned(), program: program.clone(), said };
    let spawned = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = spawned.map_err(|error| complaint(error.to_string()))?;
    if !ends(&child).map_err(LabError::kernel(what))? {
        drop(child.kill().and_then(|()| child.wait()));
        return Err(complaint(format!("nothing, for {} s", DEADLINE.as_secs())));
    }
    let output = child.wait_with_output().map_err(|error| complaint(error.to_string()))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(complaint(format!("{} ({})", last_lines(&said, 4), output.status)))
}

/// Whether the child ends before the deadline.
fn ends(child: &Child) -> rustix::io::Result<bool> {
    let handle = pidfd_open(Pid::from_child(child), PidfdFlags::empty())?;
    let limit = Timespec { tv_sec: i64::try_from(DEADLINE.as_secs()).unwrap_or(i64::MAX), tv_nsec: 0 };
    let mut watched = [PollFd::new(&handle, PollFlags::IN)];
    rustix::io::retry_on_intr(|| poll(&mut watched, Some(&limit))).map(|count| count > 0)
}

/// A command with its arguments.
pub(crate) fn command(program: &str, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Command {
    let mut command = Command::new(program);
    command.args(arguments);
    command
}

/// Waits until `condition` says so.
///
/// # Errors
/// The condition's own, at once; or that it never said so before the deadline.
pub(crate) fn wait_until(
    what: &str,
    deadline: Duration,
    mut condition: impl FnMut() -> Result<bool, LabError>,
) -> Result<(), LabError> {
    let until = Instant::now() + deadline;
    while !condition()? {
        if Instant::now() >= until {
            return Err(LabError::Late { what: what.to_owned(), deadline, hint: String::new() });
        }
        pause();
    }
    Ok(())
}

/// Does the same to each, all at once, and returns what came of it or the first failure.
///
/// # Errors
/// The first failure, after the end of all.
pub(crate) fn all_at_once<T: Sync, R: Send>(
    all: &[T],
    act: impl Fn(&T) -> Result<R, LabError> + Sync,
) -> Result<Vec<R>, LabError> {
    let ends = thread::scope(|scope| {
        let act = &act;
        let started: Vec<_> = all.iter().map(|one| scope.spawn(move || act(one))).collect();
        let ended = started.into_iter().map(|one| match one.join() {
            Ok(end) => end,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        ended.collect::<Vec<_>>()
    });
    ends.into_iter().collect()
}

/// A short wait between two looks at something.
pub(crate) fn pause() {
    thread::sleep(LOOK);
}

/// The end of a program's output, as one line.
pub(crate) fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    lines[lines.len().saturating_sub(count)..].join("; ")
}

/// A line for whoever waits: standard error, so that it mixes with nobody's output.
pub(crate) fn say(line: &str) {
    // Nobody can be told that standard error is closed.
    drop(writeln!(std::io::stderr().lock(), "lab: {line}"));
}
