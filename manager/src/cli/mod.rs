//! The commands, one file each: their options, what they print, and with which status they end; and what
//! they have in common: how they read a time, where they log, how they answer.

pub(crate) mod answer;
pub(crate) mod apply;
pub(crate) mod check;
pub(crate) mod demo;
pub(crate) mod destroy;
pub(crate) mod global;
pub(crate) mod init;
pub(crate) mod inject;
pub(crate) mod lint;
mod log;
pub(crate) mod logs;
mod manager;
pub(crate) mod manual;
pub(crate) mod operations;
pub(crate) mod preflight;
mod progress;
mod rack;
pub(crate) mod schema;
pub(crate) mod serve;
mod span;
pub(crate) mod status;
pub(crate) mod support;
pub(crate) mod topics;
pub(crate) mod trust;
mod waiting;
mod work;

use answer::say;
