//! What the scenarios in `tests/` stand on: the built programs, and the outside clients that look at them.
//!
//! Nothing here reaches into the programs: they are started as a person starts them, and seen through
//! their output, their HTTP interface, their topics and their history. Every wait has a deadline and
//! says what it waited for; whatever is started here ends with the test that started it.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a crate that is only tests: what fails, fails the test"
)]

pub mod browser;
pub mod demo;
pub mod fleet;
pub mod http;
pub mod ledger;
pub mod mounted;
pub mod program;
pub mod rack;
pub mod schema;
pub mod skip;
pub mod stacks;
pub mod terminal;
pub mod topics;
pub mod wait;
