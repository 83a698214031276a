//! The stacks of a rack: what each is made of, and how it is kept healthy.
//!
//! [`desired()`] says what should run, [`health`] asks what does, and what a change must wait for stands
//! between. Each engine's own knowledge is in its own folder; nothing in here knows how a board is reached.

pub mod app;
mod ask;
pub mod cassandra;
mod desired;
mod error;
pub mod exec;
pub mod health;
mod http;
pub mod kafka;
pub mod logs;
pub mod memory;
mod place;
pub mod port;
pub mod roll;
mod service;
pub mod stargate;

#[cfg(test)]
mod tests;

pub use ask::ask;
pub use desired::desired;
pub use error::StackError;
pub use health::{Answer, StackHealth, Stopped, of_tasks};
pub use memory::Memory;
pub use place::{Folder, Port, folders, keepers, ports};
pub use service::{BOARD, Engine, PLACE, STACK};

/// The first names, so many at most, and how many more there are.
fn some(names: &[String], most: usize) -> String {
    let named = names.iter().take(most).cloned().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(most) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}
