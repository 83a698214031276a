//! From bare boards and one file to a running rack, and everything that a rack's owner then does or suffers.
//!
//! One story over three boards, six where it is told at length, with real engines, real SSH doors, real brokers,
//! real Cassandra nodes and the agent's own package: every chapter leaves a healthy rack for the next, until the rack
//! is taken away.

#![expect(clippy::unwrap_used, clippy::panic, reason = "what fails, fails the test")]
#![expect(clippy::print_stdout, reason = "how long a rack took is told to whoever runs it")]
#![allow(unreachable_pub, reason = "the modules of a program, told apart by what they offer each other")]

mod clients;
mod drift;
mod gone;
mod kill;
mod lock;
mod power;
mod rack;
mod roll;
mod seed;
mod serve;

use std::process::ExitCode;

use pirack_lab::{chapters, conduct_story};
use pirack_tests::skip;

use rack::Rack;

/// A chapter's name, and what it holds the rack to.
pub(crate) type Promise = pirack_lab::Promise<Rack>;

fn main() -> ExitCode {
    let at_length = |promises: &'static [Promise]| if skip::long() { promises } else { &[] };
    let promises = [
        rack::BEGIN,
        serve::PROMISES,
        drift::PROMISES,
        roll::PROMISES,
        lock::PROMISES,
        at_length(kill::EVERY_STEP_OF_A_ROLL),
        power::PROMISES,
        rack::END,
        gone::PROMISES,
        at_length(kill::EVERY_STEP_FROM_BARE_BOARDS),
    ];
    conduct_story(&Rack::spec(), Rack::begin, chapters(&promises))
}
