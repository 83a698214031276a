//! Where records come from: each [`Source`] reads one thing and says what it saw.
//!
//! A source knows what it reads and nothing of queues, sinks or time: whoever calls it notes the
//! moment. It may block (a bus, a hung network file system), so it is always called on a thread of
//! its own (see [`crate::schedule`]).

pub mod host;
pub mod i2c;

use crate::record::{Health, Reading};

/// What one read of a source saw. Empty is a fine answer: this board has not got it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Observation {
    /// The fields of the board's health that this source knows.
    pub health: Health,
    /// Single values.
    pub readings: Vec<Reading>,
}

/// Something that can be read again and again.
pub trait Source: Send {
    /// Its name in logs and in `pirack-agent read`: "cpu", "storage", "inlet".
    fn name(&self) -> &str;

    /// Reads it once. May block.
    ///
    /// # Errors
    /// When the thing is there and cannot be read now. The next read starts afresh.
    fn read(&mut self) -> Result<Observation, SourceError>;
}

/// Why a source could not be read.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The kernel did not give a file, or gave nonsense.
    #[error("cannot read {what}: {remedy}")]
    Host {
        /// What was read: a path, a system call.
        what: String,
        /// What to do.
        remedy: &'static str,
        /// What came of it.
        #[source]
        source: std::io::Error,
    },
    /// A chip on a bus.
    #[error(transparent)]
    I2c(#[from] i2c::I2cError),
}
