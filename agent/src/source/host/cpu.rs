//! How busy the processors are, by `sysinfo`: only `/proc/stat` and `/proc/loadavg` are refreshed.

use std::io;
use std::time::{Duration, Instant};

use sysinfo::{LoadAvg, MINIMUM_CPU_UPDATE_INTERVAL, System};

use super::host_error;
use super::relist::Relist;
use crate::record::Health;
use crate::source::{Observation, Source, SourceError};

const REMEDY: &str = "see that /proc is mounted and readable to the agent";

/// How old a load may grow: the kernel reckons it anew every 5 s (`LOAD_FREQ` in `include/linux/sched/loadavg.h`).
const LOAD_EVERY: Duration = Duration::from_millis(900);

/// Processors and load. A share needs two samples: the first is taken here, when the source is made, so
/// the first read tells the share since then, or none when it comes within `sysinfo`'s 0.2 s. The number of
/// processors is that of the first sample, too: `sysinfo` does not count again.
#[derive(Debug)]
pub(super) struct CpuSource {
    system: Option<System>,
    sampled: Instant,
    relist: Relist,
    load: LoadAvg,
}

impl CpuSource {
    pub(super) fn new() -> Self {
        Self {
            system: first_sample().ok(),
            sampled: Instant::now(),
            relist: Relist::every(LOAD_EVERY),
            load: LoadAvg::default(),
        }
    }

    fn load(&mut self) -> Result<LoadAvg, SourceError> {
        if self.relist.due() {
            let told = System::load_average().map_err(|error| {
                self.relist.stale();
                host_error("/proc/loadavg", REMEDY, io::Error::other(error))
            });
            self.load = told?;
        }
        Ok(self.load.clone())
    }
}

impl Source for CpuSource {
    fn name(&self) -> &'static str {
        "cpu"
    }

    fn read(&mut self) -> Result<Observation, SourceError> {
        let load = self.load()?;
        let Some(system) = &mut self.system else {
            let system = first_sample().map_err(|error| host_error("/proc/stat", REMEDY, error))?;
            let health = health(None, system.cpus().len(), &load);
            (self.system, self.sampled) = (Some(system), Instant::now());
            return Ok(Observation { health, ..Observation::default() });
        };
        system.refresh_cpu_usage();
        let percent =
            (self.sampled.elapsed() >= MINIMUM_CPU_UPDATE_INTERVAL).then(|| system.global_cpu_usage());
        let health = health(percent, system.cpus().len(), &load);
        Ok(Observation { health, ..Observation::default() })
    }
}

fn first_sample() -> io::Result<System> {
    let mut system = System::new().map_err(io::Error::other)?;
    system.refresh_cpu_usage();
    // sysinfo keeps silent about a file it could not read; a machine without processors gives it away.
    if system.cpus().is_empty() { Err(io::ErrorKind::NotFound.into()) } else { Ok(system) }
}

fn health(percent: Option<f32>, count: usize, load: &LoadAvg) -> Health {
    Health {
        // Four decimals: a second has 100 ticks a processor, and an f32's tail is noise in every record.
        cpu_ratio: percent
            .map(|percent| (f64::from(percent) * 100.0).round().clamp(0.0, 10_000.0) / 10_000.0),
        cpu_count: u32::try_from(count).ok().filter(|count| *count > 0),
        load_1m: Some(load.one),
        load_5m: Some(load.five),
        load_15m: Some(load.fifteen),
        ..Health::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOAD: LoadAvg = LoadAvg { one: 0.5, five: 0.25, fifteen: 0.125 };

    #[test]
    fn a_share_is_a_ratio_and_stays_between_0_and_1() {
        assert_eq!(health(Some(25.0), 4, &LOAD).cpu_ratio, Some(0.25));
        assert_eq!(health(Some(68.243_24), 4, &LOAD).cpu_ratio, Some(0.6824));
        assert_eq!(health(Some(100.5), 4, &LOAD).cpu_ratio, Some(1.0));
        assert_eq!(health(Some(-0.1), 4, &LOAD).cpu_ratio, Some(0.0));
    }

    #[test]
    fn before_the_second_sample_the_share_is_absent_and_the_rest_is_there() {
        let health = health(None, 4, &LOAD);
        assert_eq!(health.cpu_ratio, None);
        assert_eq!(health.cpu_count, Some(4));
        assert_eq!((health.load_1m, health.load_5m, health.load_15m), (Some(0.5), Some(0.25), Some(0.125)));
    }
}
