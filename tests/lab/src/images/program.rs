//! Running the programs that images are made with, each within its deadline.

use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::images::ImageError;
use crate::tool;

/// Runs a program to its end, or kills it at the deadline.
pub(crate) fn run_within(
    what: &str,
    program: &'static str,
    deadline: Duration,
    command: &mut Command,
) -> Result<ExitStatus, ImageError> {
    let failed =
        |error: std::io::Error| ImageError::Tool { what: what.to_owned(), program, said: error.to_string() };
    let mut child = command.stdin(Stdio::null()).spawn().map_err(failed)?;
    let until = Instant::now() + deadline;
    loop {
        if let Some(status) = child.try_wait().map_err(failed)? {
            return Ok(status);
        }
        if Instant::now() >= until {
            // It may have ended by itself in between.
            drop(child.kill());
            child.wait().map_err(failed)?;
            return Err(ImageError::Late { what: what.to_owned(), deadline });
        }
        tool::pause();
    }
}
