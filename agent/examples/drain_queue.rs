//! Ships a queue to Cassandra as fast as the sink takes it, and prints what it took as one line of JSON: the
//! sink alone, without an agent around it.
//!
//! `drain_queue FOLDER HOST:PORT[,...]`

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use pirack_agent::queue::{self, Directory, Settings};
use pirack_agent::sink::Sink;
use pirack_agent::sink::cassandra::{Cassandra, CassandraSettings};
use uuid::Uuid;

fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt().with_max_level(tracing::Level::WARN).with_writer(std::io::stderr).init();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, contact_points] = arguments.as_slice() else {
        anyhow::bail!("drain_queue FOLDER HOST:PORT[,...]");
    };
    let storage = Arc::new(Directory::create(Path::new(folder))?);
    let mut opened = queue::open(storage, Settings::default(), Uuid::from_u128(0x5eed), &["drained"])?;
    let Some((mut reader, mut cursor)) = opened.readers.pop() else { anyhow::bail!("no reader") };
    let settings = CassandraSettings {
        contact_points: contact_points.split(',').map(str::to_owned).collect(),
        keyspace: "rack".into(),
        datacenter: None,
        login: None,
        board: "w3".parse()?,
        queues: reader.queues(),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let begin = Instant::now();
    let (mut records, mut refused) = (0, 0);
    runtime.block_on(async {
        let mut sink = Cassandra::connect(&settings).await?;
        loop {
            let batch = reader.read(cursor.position(), 2000, 768 * 1024)?;
            if batch.entries.is_empty() {
                return anyhow::Ok(());
            }
            let receipt = sink.deliver(&batch.entries).await?;
            records += receipt.settled;
            refused += receipt.refused.len();
            let next = batch.entries.get(receipt.settled).map_or(batch.next, |entry| entry.identity.sequence);
            cursor.advance(next)?;
        }
    })?;
    let seconds = begin.elapsed().as_secs_f64();
    let rusage = std::fs::read_to_string("/proc/self/stat")?;
    let ticks: f64 = rusage
        .rsplit(')')
        .next()
        .into_iter()
        .flat_map(str::split_whitespace)
        .skip(11)
        .take(2)
        .filter_map(|field| field.parse::<f64>().ok())
        .sum();
    let status = std::fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or_default();
    use std::io::Write;
    writeln!(
        std::io::stdout(),
        r#"{{"records":{records},"refused":{refused},"seconds":{seconds:.2},"records_per_second":{:.0},"cpu_us_per_record":{:.1},"peak":"{peak}"}}"#,
        records as f64 / seconds,
        ticks * 10_000.0 / records as f64
    )?;
    Ok(())
}
