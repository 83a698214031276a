//! When something was observed: wall time, whether that time can be trusted, and the boot it fell in.
//!
//! A board without a battery wakes in 1970 and is corrected minutes later, so wall time alone orders
//! nothing. Every moment therefore also carries the boot's identity and the seconds since that boot
//! (`CLOCK_BOOTTIME`, which counts through suspend and never steps). A moment is taken once, when the
//! observation is made, and never corrected afterwards.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Whether the board's wall clock was synchronised when a record was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClockState {
    /// The kernel's clock was disciplined by a time server (`adjtimex(2)`: `STA_UNSYNC` unset).
    Synchronised,
    /// Nobody vouched for the clock.
    Unsynchronised,
}

/// One moment, as every record carries it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moment {
    /// Wall time, in UTC.
    pub time: Timestamp,
    /// Whether the kernel held the wall clock for synchronised at that moment.
    pub clock: ClockState,
    /// The kernel's own identity of this boot.
    pub boot: Uuid,
    /// Seconds since that boot.
    pub boottime_seconds: f64,
}
