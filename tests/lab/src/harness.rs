//! Tests that share one lab: a test binary with `harness = false` hands them over and gets its exit status.
//!
//! The lab is brought up before the first test and entered while the process has one thread, tests run one after
//! another in the order given, and the lab is taken down after the last. Where this machine cannot hold a lab,
//! every test is left out by name with the reason; with `CI=true` that is a failure.

use std::io::{self, Write as _};
use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Failed, Trial};

use crate::lab::{Lab, Spec};

/// What a test says at its end: nothing, or what is wrong. A panic is a failure too.
pub type Outcome = Result<(), Failed>;
/// A test's name, which is a promise, and its body.
pub type Test = (&'static str, fn(&Lab) -> Outcome);

/// Runs the tests over one lab, as the command line says (`--list`, `--exact`, names).
#[must_use]
pub fn conduct(spec: &Spec, tests: &[Test]) -> ExitCode {
    let mut arguments = Arguments::from_args();
    // One lab, so one test at a time; on the main thread, which has entered it.
    arguments.test_threads = Some(1);
    if arguments.list {
        let listed = tests.iter().map(|(name, _)| Trial::test(*name, || Ok(())));
        return libtest_mimic::run(&arguments, listed.collect()).exit_code();
    }
    if let Err(missing) = Lab::requirements() {
        if std::env::var("CI").as_deref() == Ok("true") {
            return fail(&arguments, tests, &missing.to_string());
        }
        return leave_out(&arguments, tests, &missing.to_string());
    }
    let started = Lab::begin(spec).and_then(|mut lab| lab.enter().map(|()| lab));
    let lab = match started {
        Ok(lab) => Arc::new(lab),
        Err(error) => return fail(&arguments, tests, &chain(&error)),
    };
    let trials = tests.iter().map(|(name, test)| {
        let (lab, test) = (Arc::clone(&lab), *test);
        Trial::test(*name, move || test(&lab))
    });
    let conclusion = libtest_mimic::run(&arguments, trials.collect());
    drop(lab);
    conclusion.exit_code()
}

/// The form that `tests/run.sh` counts; see `skip` in the scenarios' own library.
fn leave_out(arguments: &Arguments, tests: &[Test], reason: &str) -> ExitCode {
    let trials = tests.iter().map(|(name, _)| {
        let line = format!("skipped: {name}: {reason}\n");
        Trial::test(*name, move || {
            // A test has nowhere to report that standard error is closed.
            drop(io::stderr().lock().write_all(line.as_bytes()));
            Ok(())
        })
    });
    libtest_mimic::run(arguments, trials.collect()).exit_code()
}

fn fail(arguments: &Arguments, tests: &[Test], reason: &str) -> ExitCode {
    let trials = tests.iter().map(|(name, _)| {
        let reason = reason.to_owned();
        Trial::test(*name, move || Err(reason.into()))
    });
    libtest_mimic::run(arguments, trials.collect()).exit_code()
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    text
}
