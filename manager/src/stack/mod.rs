//! The stacks that a rack runs, and how each is kept as it should be.

pub mod kafka;
