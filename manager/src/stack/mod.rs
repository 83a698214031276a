//! The stacks of a rack: what each is made of, and how it is kept healthy.

pub mod cassandra;
pub mod kafka;
