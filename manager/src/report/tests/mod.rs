//! Promises of the report: each rule alone, and whole reports as people see them.

mod golden;
mod racks;
mod rules;
