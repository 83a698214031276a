//! A board whose data lie on a disk of their own: from an empty disk and one file to a running rack, what its owner
//! then changes, and what becomes of it without that disk.
//!
//! One board has it all, with Cassandra 4.0: what needs several is told by `one_file`.

#![expect(clippy::unwrap_used, reason = "what fails, fails the test")]
#![allow(unreachable_pub, reason = "the modules of a program, told apart by what they offer each other")]

mod change;
mod disk;
mod load;
mod order;
mod rack;

use std::process::ExitCode;

use pirack_lab::{chapters, conduct_story};
use pirack_tests::skip;

use rack::Rack;

/// A chapter's name, and what it holds the rack to.
pub(crate) type Promise = pirack_lab::Promise<Rack>;

fn main() -> ExitCode {
    let again = if skip::long() { disk::AGAIN } else { &[] };
    let promises =
        [disk::BEGIN, change::PROMISES, load::PROMISES, order::PROMISES, disk::END, disk::GONE, again];
    conduct_story(&Rack::spec(), Rack::begin, chapters(&promises))
}
