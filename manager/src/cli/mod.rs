//! The commands, one file each: their options, what they print, and with which status they end; and what
//! they have in common: how they read a time, where they log.

pub(crate) mod demo;
mod log;
pub(crate) mod schema;
mod span;
pub(crate) mod topics;
