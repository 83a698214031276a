//! Promises of the report: each rule alone, and whole reports as people see them.

mod golden;
pub(crate) mod racks;
mod rules;
