//! Leaving a test out, by name and with the reason, where the machine has not got what it needs.
//!
//! The line goes to standard error past libtest's capture, so that it is seen in a green run too, and
//! begins with `skipped: `, by which `tests/run.sh` counts it. With `CI=true` a machine is expected to
//! have whatever `tests/setup.sh` installs, and leaving a test out that needs no more is a failure.

use std::env;
use std::io::{self, Write};

/// The test's machine lacks something that `tests/setup.sh` would have installed.
///
/// # Panics
/// With `CI=true`.
pub fn lacking(test: &str, reason: &str) {
    assert!(env::var("CI").as_deref() != Ok("true"), "{test} must run in CI, and cannot: {reason}");
    say(test, reason);
}

/// The test's machine lacks something that nobody can install: a privilege, a piece of hardware.
pub fn impossible(test: &str, reason: &str) {
    say(test, reason);
}

fn say(test: &str, reason: &str) {
    let line = format!("skipped: {test}: {reason}\n");
    // A test has nowhere to report that standard error is closed.
    drop(io::stderr().lock().write_all(line.as_bytes()));
}

/// Whether the long campaigns are to be told too: `make test-long`, as with what libtest ignores.
#[must_use]
pub fn long() -> bool {
    env::args().any(|argument| argument == "--include-ignored")
}

/// Whether a command is on `PATH`.
#[must_use]
pub fn has(command: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|folder| folder.join(command).is_file())
}
