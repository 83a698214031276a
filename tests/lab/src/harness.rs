//! Tests that share one lab: a test binary with `harness = false` hands them over and gets its exit status.
//!
//! The images that its boards will pull are made, and the lab is brought up, before the first test; it is entered while the process has one thread, tests run one after
//! another in the order given, and the lab is taken down after the last. Where this machine cannot hold a lab, or make
//! those images, every test is left out by name with the reason; with `CI=true` that is a failure.

use std::io::{self, Write as _};
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use libtest_mimic::{Arguments, Conclusion, Failed, Trial};

use crate::images::{self, Architecture};
use crate::lab::{Lab, Spec};
use crate::requirements;

/// What a test says at its end: nothing, or what is wrong. A panic is a failure too.
pub type Outcome = Result<(), Failed>;
/// A test's name, which is a promise, and its body.
pub type Test = (&'static str, fn(&Lab) -> Outcome);
/// A part of a story: its name, and what happens. It panics where the promise is broken.
pub type Chapter<World> = (&'static str, Box<dyn FnOnce(&mut World) + Send>);
/// A [`Chapter`] that needs nothing but the world.
pub type Promise<World> = (&'static str, fn(&mut World));
/// As [`Test`], for one that makes labs of its own.
pub type LoneTest = (&'static str, fn() -> Outcome);

/// Runs the tests over one lab, as the command line says (`--list`, `--exact`, names).
#[must_use]
pub fn conduct(spec: &Spec, tests: &[Test]) -> ExitCode {
    conduct_together(spec, 1, tests)
}

/// As [`conduct`], but up to so many tests at one time, begun in the order given. They keep out of each other's way
/// by themselves; the threads they run on are in the lab's network, as all that begin after it was entered.
#[must_use]
pub fn conduct_together(spec: &Spec, most: usize, tests: &[Test]) -> ExitCode {
    let names: Vec<_> = tests.iter().map(|(name, _)| *name).collect();
    gated(Some(spec), &names, |arguments| {
        let lab = match entered(spec) {
            Ok(lab) => Arc::new(lab),
            Err(error) => return all(arguments, &names, &Err(error)),
        };
        let trials = tests.iter().map(|(name, test)| {
            let (lab, test) = (Arc::clone(&lab), *test);
            Trial::test(*name, move || test(&lab))
        });
        let arguments = Arguments { test_threads: Some(most), ..arguments.clone() };
        libtest_mimic::run(&arguments, trials.collect())
    })
}

/// Runs the chapters of one story, each over what the one before it left of a world that `begin` made of a lab.
/// Once a chapter fails the rest are not told: each would only wait in vain. The world keeps the lab, and drops it
/// last. Each that holds tells how long it took.
#[must_use]
pub fn conduct_story<World: Send + 'static>(
    spec: &Spec,
    begin: impl FnOnce(Lab) -> Result<World, Failed>,
    chapters: Vec<Chapter<World>>,
) -> ExitCode {
    let names: Vec<_> = chapters.iter().map(|(name, _)| *name).collect();
    gated(Some(spec), &names, |arguments| {
        let world = match entered(spec).and_then(begin) {
            Ok(world) => Arc::new(Mutex::new(world)),
            Err(error) => return all(arguments, &names, &Err(error)),
        };
        let trials = chapters.into_iter().map(|(name, tell)| {
            let world = Arc::clone(&world);
            let told = move || match world.lock() {
                Ok(mut world) => {
                    let began = Instant::now();
                    tell(&mut world);
                    // Between its name and its end, which libtest-mimic writes there too.
                    drop(write!(io::stdout().lock(), "({:.0} s) ", began.elapsed().as_secs_f64()));
                    Ok(())
                }
                Err(_) => Err("not told: a chapter before it failed".into()),
            };
            Trial::test(name, told)
        });
        libtest_mimic::run(arguments, trials.collect())
    })
}

/// Promises as the chapters of a story, in their order.
#[must_use]
pub fn chapters<World: 'static>(promises: &[&[Promise<World>]]) -> Vec<Chapter<World>> {
    let all = promises.iter().copied().flatten();
    all.map(|&(name, hold)| (name, Box::new(hold) as _)).collect()
}

/// A lab to this specification, which this thread has entered, with its images in the registry. Errors have the
/// whole chain of causes.
fn entered(spec: &Spec) -> Result<Lab, Failed> {
    if !spec.images.is_empty() {
        let made = Architecture::of_this_machine()
            .and_then(|own| images::make(&spec.images, own, spec.agent.as_deref()));
        made.map_err(|error| chain(&error))?;
    }
    let lab = Lab::begin(&spec.clone().waiting()).and_then(|mut lab| lab.enter().map(|()| lab));
    lab.map_err(|error| chain(&error).into())
}

/// Runs tests that make labs of their own, one after another.
#[must_use]
pub fn conduct_alone(tests: &[LoneTest]) -> ExitCode {
    let names: Vec<_> = tests.iter().map(|(name, _)| *name).collect();
    gated(None, &names, |arguments| {
        let trials = tests.iter().map(|(name, test)| Trial::test(*name, *test));
        libtest_mimic::run(arguments, trials.collect())
    })
}

/// Why no test can run.
enum Unready {
    /// This machine lacks something.
    Lacking(String),
    /// Something is wrong.
    Broken(String),
}

fn ready(spec: Option<&Spec>) -> Result<(), Unready> {
    Lab::requirements().map_err(|missing| Unready::Lacking(missing.to_string()))?;
    if spec.is_some_and(|spec| spec.package) {
        requirements::check_package().map_err(|missing| Unready::Lacking(missing.to_string()))?;
    }
    let Some(spec) = spec.filter(|spec| !spec.images.is_empty()) else { return Ok(()) };
    let able = Architecture::of_this_machine()
        .and_then(|own| images::requirements(&spec.images, own, spec.agent.as_deref()));
    able.map_err(|error| match error.is_about_this_machine() {
        true => Unready::Lacking(chain(&error)),
        false => Unready::Broken(chain(&error)),
    })
}

/// Runs what needs a lab, and those images, where there can be both.
fn gated(
    spec: Option<&Spec>,
    names: &[&'static str],
    run: impl FnOnce(&Arguments) -> Conclusion,
) -> ExitCode {
    let mut arguments = Arguments::from_args();
    // One lab, so one test at a time; on the main thread, which has entered it.
    arguments.test_threads = Some(1);
    if arguments.list {
        return all(&arguments, names, &Ok(())).exit_code();
    }
    let must_run = std::env::var("CI").as_deref() == Ok("true");
    let conclusion = match ready(spec) {
        Ok(()) => run(&arguments),
        Err(Unready::Lacking(reason)) if !must_run => leave_out(&arguments, names, &reason),
        Err(Unready::Lacking(reason) | Unready::Broken(reason)) => {
            all(&arguments, names, &Err(reason.into()))
        }
    };
    conclusion.exit_code()
}

/// The form that `tests/run.sh` counts; see `skip` in the scenarios' own library.
fn leave_out(arguments: &Arguments, names: &[&'static str], reason: &str) -> Conclusion {
    let trials = names.iter().map(|name| {
        // On a line of its own: the test's name stands on this one already.
        let line = format!("\nskipped: {name}: {reason}\n");
        Trial::test(*name, move || {
            // A test has nowhere to report that standard error is closed.
            drop(io::stderr().lock().write_all(line.as_bytes()));
            Ok(())
        })
    });
    libtest_mimic::run(arguments, trials.collect())
}

/// The same end for all of them.
fn all(arguments: &Arguments, names: &[&'static str], outcome: &Outcome) -> Conclusion {
    let trials = names.iter().map(|name| {
        let outcome = outcome.clone();
        Trial::test(*name, move || outcome)
    });
    libtest_mimic::run(arguments, trials.collect())
}

/// An error with all its causes, as a test tells it.
#[must_use]
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    text
}
