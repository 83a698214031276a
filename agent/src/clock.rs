//! The kernel's clocks, and whether they can be trusted: where a [`Moment`] comes from.

use std::fs;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use rustix::time::{ClockId, clock_gettime};
use uuid::Uuid;

use crate::record::{ClockState, Moment};

/// The clock, one of the edges of the world.
pub trait Clock: Send + Sync {
    /// This moment.
    fn now(&self) -> Moment;
}

/// The kernel's clocks.
#[derive(Debug)]
pub struct SystemClock {
    boot: Uuid,
    told: Told,
}

/// For so many milliseconds what the kernel said of its clock is taken to hold: for one pass over all sources.
const HOLDS: u64 = 90;

/// Where the kernel tells its boot's identity (`random(4)`).
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

impl SystemClock {
    /// Reads the boot's identity, once.
    ///
    /// # Errors
    /// When the kernel does not tell it: `/proc` is not mounted, or holds something else.
    pub fn new() -> io::Result<Self> {
        let text = fs::read_to_string(BOOT_ID)?;
        let boot = text.trim().parse().map_err(|_| {
            io::Error::new(io::ErrorKind::InvalidData, format!("{BOOT_ID} holds no boot identity"))
        })?;
        Ok(Self { boot, told: Told::default() })
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Moment {
        let boottime = clock_gettime(ClockId::Boottime);
        #[expect(clippy::cast_precision_loss, reason = "an uptime past 2^52 seconds is beyond any board")]
        let seconds = boottime.tv_sec as f64 + boottime.tv_nsec as f64 / 1e9;
        Moment {
            time: Timestamp::now(),
            clock: self
                .told
                .at(boottime.tv_sec.cast_unsigned() * 1000 + boottime.tv_nsec.cast_unsigned() / 1_000_000),
            boot: self.boot,
            boottime_seconds: seconds,
        }
    }
}

/// What the kernel said last: the milliseconds since boot, doubled, and one more where the clock was disciplined.
#[derive(Debug, Default)]
struct Told(AtomicU64);

impl Told {
    /// The clock's state, asked for anew where the last answer holds no longer.
    fn at(&self, milliseconds: u64) -> ClockState {
        let told = self.0.load(Ordering::Relaxed);
        if told > 0 && milliseconds.saturating_sub(told >> 1) < HOLDS {
            return if told & 1 == 1 { ClockState::Synchronised } else { ClockState::Unsynchronised };
        }
        let state = kernel_clock_state();
        self.0.store(milliseconds << 1 | u64::from(state == ClockState::Synchronised), Ordering::Relaxed);
        state
    }
}

/// Asks the kernel whether a time server disciplines the clock (`adjtimex(2)`).
#[expect(unsafe_code, reason = "no safe crate offers adjtimex; with modes = 0 it only reads")]
fn kernel_clock_state() -> ClockState {
    // SAFETY: `timex` is plain integers, for which zero is valid; with `modes` zero the call changes
    // nothing and writes only into the buffer that it is given.
    let (outcome, status) = unsafe {
        let mut timex: libc::timex = std::mem::zeroed();
        let outcome = libc::adjtimex(&raw mut timex);
        (outcome, timex.status)
    };
    if outcome >= 0 && outcome != libc::TIME_ERROR && status & libc::STA_UNSYNC == 0 {
        ClockState::Synchronised
    } else {
        ClockState::Unsynchronised
    }
}

/// A clock that stands where it is set.
#[cfg(any(test, feature = "testing"))]
pub mod testing {
    use std::sync::{Mutex, PoisonError};

    use super::{Clock, Moment};
    use crate::record::ClockState;

    /// Always the moment it was last set to; at first the epoch, unsynchronised, as a board without a battery wakes.
    #[derive(Debug)]
    pub struct FixedClock(Mutex<Moment>);

    impl FixedClock {
        /// Sets the moment.
        pub fn set(&self, moment: Moment) {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = moment;
        }
    }

    impl Default for FixedClock {
        fn default() -> Self {
            Self(Mutex::new(Moment {
                time: jiff::Timestamp::UNIX_EPOCH,
                clock: ClockState::Unsynchronised,
                boot: uuid::Uuid::from_u128(1),
                boottime_seconds: 0.0,
            }))
        }
    }

    impl Clock for FixedClock {
        fn now(&self) -> Moment {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner)
        }
    }
}
