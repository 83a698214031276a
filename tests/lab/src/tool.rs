//! Running the programs that the lab is made with, and waiting for what they bring about.

use std::ffi::OsStr;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::error::LabError;

/// How often a condition is looked at: often enough to cost no one a second.
const LOOK: Duration = Duration::from_millis(20);

/// Runs a program to its end and returns what it printed.
///
/// # Errors
/// When it cannot be started or exits with anything but 0; the letter has the end of its standard error.
pub(crate) fn run(what: &str, command: &mut Command) -> Result<String, LabError> {
    let program = command.get_program().to_string_lossy().into_owned();
    let complaint = |said: String| LabError::Tool { what: what.to_owned(), program: program.clone(), said };
    let output = command.stdin(Stdio::null()).output().map_err(|error| complaint(error.to_string()))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(complaint(format!("{} ({})", last_lines(&said, 4), output.status)))
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
