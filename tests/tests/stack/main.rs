//! What `stack` says of a rack, held against real engines: a quorum apart from its brokers, rolls behind their
//! gates while somebody writes, a node that goes and one that lost its disk.
//!
//! It takes some minutes, so only `--include-ignored` tells it (`make test-long`). The rack's own way there
//! (one file, ssh, agents) is another scenario's.

#![expect(clippy::unwrap_used, clippy::panic, reason = "what fails, fails the test")]
#![allow(unreachable_pub, reason = "the modules of a program, told apart by what they offer each other")]

mod story;
mod world;

use std::process::ExitCode;

use pirack_lab::{chapters, conduct_story};

use world::World;

fn main() -> ExitCode {
    if !pirack_tests::skip::long() {
        return ExitCode::SUCCESS;
    }
    conduct_story(&World::spec(), World::begin, chapters(&[story::STORY]))
}
