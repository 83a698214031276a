//! What one pass over all host sources costs: reads each of them N times, as the agent does, and prints
//! the processor time of a pass as one line of JSON.
//!
//! ```text
//! host_pass [PASSES] [MILLISECONDS BETWEEN PASSES]     defaults: 100 250
//! ```
//!
//! Passes keep their distance, because `sysinfo` reads the processors at most every 0.2 s: passes without
//! a pause would measure less work than the agent does. The first pass, which makes every list, counts.

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use pirack_agent::source::host::{HostSettings, sources};
use rustix::time::{ClockId, clock_gettime};

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let passes: u32 = arguments.next().map_or(Ok(100), |text| text.parse()).context("PASSES")?;
    let pause: u64 = arguments.next().map_or(Ok(250), |text| text.parse()).context("MILLISECONDS")?;
    anyhow::ensure!(passes > 0, "a pass is the least that can be measured");

    let settings = HostSettings { data_disk: Some(PathBuf::from("/")), ..HostSettings::default() };
    let mut sources = sources(&settings);
    let mut spent = vec![0.0; sources.len()];
    let mut readings = 0;
    for _ in 0..passes {
        std::thread::sleep(Duration::from_millis(pause));
        readings = 0;
        for (source, spent) in sources.iter_mut().zip(&mut spent) {
            let before = processor_microseconds();
            let name = source.name().to_owned();
            readings += source.read().with_context(|| name)?.readings.len();
            *spent += processor_microseconds() - before;
        }
    }

    let per_pass = |sum: f64| (sum / f64::from(passes) * 10.0).round() / 10.0;
    let by_source: serde_json::Map<String, serde_json::Value> = sources
        .iter()
        .zip(&spent)
        .map(|(source, sum)| (source.name().to_owned(), per_pass(*sum).into()))
        .collect();
    let line = serde_json::json!({
        "passes": passes,
        "readings": readings,
        "cpu_microseconds_per_pass": per_pass(spent.iter().sum()),
        "by_source": by_source,
    });
    writeln!(std::io::stdout(), "{line}")?;
    Ok(())
}

/// User and system time of this process so far; finer than `getrusage(2)`, and of the same account.
fn processor_microseconds() -> f64 {
    let spent = clock_gettime(ClockId::ProcessCPUTime);
    #[expect(clippy::cast_precision_loss, reason = "a benchmark runs for less than 2^52 nanoseconds")]
    let microseconds = spent.tv_sec as f64 * 1e6 + spent.tv_nsec as f64 / 1e3;
    microseconds
}
