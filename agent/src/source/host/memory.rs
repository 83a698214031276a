//! Memory and swap, by `sysinfo`: only `/proc/meminfo` is refreshed.

use std::io;

use sysinfo::System;

use super::host_error;
use crate::record::Health;
use crate::source::{Observation, Source, SourceError};

const REMEDY: &str = "see that /proc is mounted and readable to the agent";

/// Memory and swap.
#[derive(Debug)]
pub(super) struct MemorySource {
    system: Option<System>,
}

impl MemorySource {
    pub(super) fn new() -> Self {
        Self { system: System::new().ok() }
    }
}

impl Source for MemorySource {
    fn name(&self) -> &'static str {
        "memory"
    }

    fn read(&mut self) -> Result<Observation, SourceError> {
        let failed = |kind: io::ErrorKind| host_error("/proc/meminfo", REMEDY, kind.into());
        let system = self.system.as_mut().ok_or_else(|| failed(io::ErrorKind::Unsupported))?;
        system.refresh_memory();
        let memory = Amount { total: system.total_memory(), left: system.available_memory() };
        let swap = Amount { total: system.total_swap(), left: system.free_swap() };
        // sysinfo keeps silent about a file it could not read; a machine without memory gives it away.
        if memory.total == 0 {
            return Err(failed(io::ErrorKind::NotFound));
        }
        Ok(Observation { health: health(memory, swap), ..Observation::default() })
    }
}

/// Bytes in all, and how many of them can be had.
#[derive(Clone, Copy)]
struct Amount {
    total: u64,
    left: u64,
}

impl Amount {
    fn used(self) -> u64 {
        self.total.saturating_sub(self.left)
    }
}

fn health(memory: Amount, swap: Amount) -> Health {
    let swap = Some(swap).filter(|swap| swap.total > 0);
    Health {
        memory_used_bytes: Some(memory.used()),
        memory_total_bytes: Some(memory.total),
        swap_used_bytes: swap.map(Amount::used),
        swap_total_bytes: swap.map(|swap| swap.total),
        ..Health::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEMORY: Amount = Amount { total: 8_000, left: 6_000 };

    #[test]
    fn memory_in_use_is_what_could_not_be_made_available() {
        let health = health(MEMORY, Amount { total: 200, left: 150 });
        assert_eq!((health.memory_used_bytes, health.memory_total_bytes), (Some(2_000), Some(8_000)));
        assert_eq!((health.swap_used_bytes, health.swap_total_bytes), (Some(50), Some(200)));
    }

    #[test]
    fn a_board_without_swap_has_no_swap_rather_than_none_in_use() {
        let health = health(MEMORY, Amount { total: 0, left: 0 });
        assert_eq!((health.swap_used_bytes, health.swap_total_bytes), (None, None));
    }

    #[test]
    fn more_available_than_there_is_means_that_none_is_used() {
        let health = health(Amount { total: 10, left: 11 }, Amount { total: 0, left: 0 });
        assert_eq!(health.memory_used_bytes, Some(0));
    }
}
