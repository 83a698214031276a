//! Three boards, three brokers, three Cassandra nodes, three agents, and everything that goes wrong on a
//! desk: nothing is missing, nothing out of order, nothing twice.
//!
//! One world for all: a story whose chapters each leave the rack whole for the next, and then what is promised
//! of Kafka and of Cassandra, over the same clusters. Sources are read ten times a second, so that a minute
//! holds ten minutes of a rack that reads once a second.

#![expect(clippy::unwrap_used, clippy::panic, reason = "what fails, fails the test")]
#![allow(unreachable_pub, reason = "the modules of a program, told apart by what they offer each other")]

mod cassandra;
mod kafka;
mod load;
mod rack;
mod story;
mod topics;

use std::process::ExitCode;

use pirack_lab::{chapters, conduct_story};
use pirack_tests::skip;

use rack::Rack;

fn main() -> ExitCode {
    let long = if skip::long() { load::LONG } else { &[] };
    let mut all = chapters(&[story::STORY, kafka::PROMISES, load::PROMISES, long]);
    all.extend(cassandra::chapters());
    conduct_story(&Rack::spec(), Rack::start, all)
}
