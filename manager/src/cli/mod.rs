//! The commands, one file each: their options, what they print, and with which status they end.

pub(crate) mod demo;
pub(crate) mod schema;
pub(crate) mod topics;
