//! Fills a queue with the records of one board, for a sink to be measured with: what `pirack-agent run` then
//! ships is what a board makes that was cut off for a while.
//!
//! `fill_queue FOLDER RECORDS [BOARD]`: one health and eight readings of five sensors each 10 s, up to now.

use std::path::Path;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use pirack_agent::queue::{self, Directory, Settings};
use pirack_agent::record::{
    BoardName, Body, ClockState, DockerState, Health, Moment, Quality, Quantity, Reading, Record,
};
use uuid::Uuid;

/// What a pass over a board's sources gives, besides its health.
const READINGS: [(&str, &str, Quantity, f64); 8] = [
    ("inlet", "bme280", Quantity::Temperature, 21.44),
    ("inlet", "bme280", Quantity::RelativeHumidity, 0.4312),
    ("inlet", "bme280", Quantity::Pressure, 100_653.27),
    ("outlet", "tmp102", Quantity::Temperature, 34.0625),
    ("supply", "ina219", Quantity::Voltage, 5.104),
    ("supply", "ina219", Quantity::Current, 0.8521),
    ("cpu-thermal", "thermal_zone", Quantity::Temperature, 48.312),
    ("/", "filesystem", Quantity::StorageFree, 23_622_320_128.0),
];
/// Between two passes.
const PASS: SignedDuration = SignedDuration::from_secs(10);
/// Records made durable at once.
const COMMIT: u64 = 900;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, records, rest @ ..] = arguments.as_slice() else {
        anyhow::bail!("fill_queue FOLDER RECORDS [BOARD]");
    };
    let board: BoardName = rest.first().map_or("w3", |name| name).parse()?;
    fill(Path::new(folder), records.parse()?, &board)
}

fn fill(folder: &Path, records: u64, board: &BoardName) -> anyhow::Result<()> {
    let boot = Uuid::from_u128(0x5eed);
    let storage = Arc::new(Directory::create(folder)?);
    let mut opened = queue::open(storage, Settings::default(), boot, &["kafka", "cassandra"])?;
    let writer = &mut opened.writer;
    let passes = records / (READINGS.len() as u64 + 1) + 1;
    let begin = Timestamp::now() - PASS * i32::try_from(passes)?;
    for made in 0..records {
        let (pass, place) = (made / 9, usize::try_from(made % 9)?);
        let since = PASS * i32::try_from(pass)?;
        let moment = Moment {
            time: begin + since + SignedDuration::from_millis(i64::try_from(place)? * 7),
            clock: ClockState::Synchronised,
            boot,
            boottime_seconds: since.as_secs_f64() + 600.0,
        };
        let body = match READINGS.get(place) {
            Some(reading) => Body::Reading(wandered(reading, pass)),
            None => Body::Health(Box::new(health(pass))),
        };
        let board = board.clone();
        writer.append(body.kind().tag(), |identity| {
            Record { board, identity, moment, body }.encode().unwrap_or_default()
        });
        if made % COMMIT == 0 {
            writer.commit()?;
        }
    }
    opened.writer.close().outcome?;
    Ok(())
}

/// A value that moves a little from pass to pass, as measured ones do.
fn wandered((sensor, chip, quantity, value): &(&str, &str, Quantity, f64), pass: u64) -> Reading {
    Reading {
        sensor: (*sensor).to_owned(),
        chip: (*chip).to_owned(),
        quantity: *quantity,
        value: value * (1.0 + wave(pass) / 100.0),
        quality: Quality::Good,
    }
}

/// Between -1 and 1.
fn wave(pass: u64) -> f64 {
    let seconds = u32::try_from(pass % 8640).unwrap_or_default();
    (f64::from(seconds) / 137.0).sin()
}

fn health(pass: u64) -> Health {
    Health {
        cpu_ratio: Some(0.3 + wave(pass) / 4.0),
        cpu_count: Some(4),
        load_1m: Some(0.7 + wave(pass) / 2.0),
        load_5m: Some(0.61),
        load_15m: Some(0.55),
        memory_used_bytes: Some(1_204_289_536 + pass % 4096 * 4096),
        memory_total_bytes: Some(4_019_150_848),
        cpu_temperature_celsius: Some(48.312 + wave(pass)),
        storage_free_bytes: Some(23_622_320_128 - pass * 4096),
        storage_total_bytes: Some(31_268_536_320),
        data_free_bytes: Some(198_642_237_440),
        data_total_bytes: Some(250_375_106_560),
        network_receive_bytes_total: Some(7_516_192_768 + pass * 1_311),
        network_transmit_bytes_total: Some(2_147_483_648 + pass * 977),
        uptime_seconds: Some(600.0 + 10.0 * f64::from(u32::try_from(pass).unwrap_or(u32::MAX))),
        supply_volts: Some(5.104),
        supply_amperes: Some(0.8521),
        supply_watts: Some(4.349),
        under_voltage: Some(false),
        throttled: Some(false),
        docker: Some(DockerState::Active),
        containers: Some(6),
        hostname: Some("w3".into()),
        address: Some("10.0.0.13".into()),
        os: Some("Debian GNU/Linux 12 (bookworm)".into()),
        kernel: Some("6.12.34+rpt-rpi-v8".into()),
        ..Health::default()
    }
}
