//! A record written down as rows: one or two for its history, one for what is newest.

use super::row::{Cell, Row};
use super::table::Table;
use crate::record::{Body, ClockState, DockerState, Gap, GapReason, Health, Quality, Reading, Record};

const MILLISECONDS_A_DAY: i64 = 86_400_000;
const MILLISECONDS_AN_HOUR: i64 = 3_600_000;

/// The rows of a record's history.
///
/// # Errors
/// With the reason, when a number is beyond what Cassandra's types hold.
pub(super) fn history(record: &Record) -> Result<Vec<(Table, Row)>, String> {
    match &record.body {
        Body::Reading(reading) => Ok(vec![(Table::Readings, reading_row(Table::Readings, record, reading)?)]),
        Body::Health(health) => [Table::HealthByNode, Table::HealthByDate]
            .into_iter()
            .map(|table| Ok((table, health_row(table, record, health)?)))
            .collect(),
        Body::Gap(gap) => Ok(vec![(Table::Gaps, gap_row(record, gap)?)]),
    }
}

/// The row that shows the record as the newest; none for a kind of which only the history counts.
///
/// # Errors
/// As for [`history`].
pub(super) fn newest(record: &Record) -> Result<Option<(Table, Row)>, String> {
    match &record.body {
        Body::Reading(reading) => {
            Ok(Some((Table::SensorLatest, reading_row(Table::SensorLatest, record, reading)?)))
        }
        Body::Health(health) => {
            Ok(Some((Table::HealthLatest, health_row(Table::HealthLatest, record, health)?)))
        }
        Body::Gap(_) => Ok(None),
    }
}

fn reading_row(table: Table, record: &Record, reading: &Reading) -> Result<Row, String> {
    let mut row = Row::with_capacity(table.absent(), 256);
    row.push(Cell::Text(record.board.as_str()));
    row.push(Cell::Text(&reading.sensor));
    if table == Table::Readings {
        row.push(date(record));
    }
    row.push(Cell::Text(reading.quantity.name()));
    place(&mut row, record)?;
    moment(&mut row, record);
    row.push(Cell::Text(&reading.chip));
    row.push(Cell::Text(reading.quantity.unit()));
    row.push(Cell::Double(reading.value));
    row.push(Cell::Text(quality(reading.quality)));
    Ok(row)
}

fn health_row(table: Table, record: &Record, health: &Health) -> Result<Row, String> {
    let mut row = Row::with_capacity(table.absent(), 640);
    if table == Table::HealthByDate {
        row.push(date(record));
        row.push(hour(record));
        place(&mut row, record)?;
        row.push(Cell::Text(record.board.as_str()));
    } else {
        row.push(Cell::Text(record.board.as_str()));
        if table == Table::HealthByNode {
            row.push(date(record));
        }
        place(&mut row, record)?;
    }
    moment(&mut row, record);
    facts(&mut row, health)?;
    Ok(row)
}

/// The fields of a health, in the order of its columns.
fn facts(row: &mut Row, health: &Health) -> Result<(), String> {
    let double = |value: Option<f64>| value.map_or(Cell::Absent, Cell::Double);
    let truth = |value: Option<bool>| value.map_or(Cell::Absent, Cell::Boolean);
    let count = |value: Option<u32>| value.map_or(Cell::Absent, |value| Cell::Bigint(value.into()));
    let cells = [
        double(health.cpu_ratio),
        count(health.cpu_count),
        double(health.load_1m),
        double(health.load_5m),
        double(health.load_15m),
        bytes("memory_used_bytes", health.memory_used_bytes)?,
        bytes("memory_total_bytes", health.memory_total_bytes)?,
        bytes("swap_used_bytes", health.swap_used_bytes)?,
        bytes("swap_total_bytes", health.swap_total_bytes)?,
        double(health.cpu_temperature_celsius),
        bytes("storage_free_bytes", health.storage_free_bytes)?,
        bytes("storage_total_bytes", health.storage_total_bytes)?,
        bytes("data_free_bytes", health.data_free_bytes)?,
        bytes("data_total_bytes", health.data_total_bytes)?,
        bytes("network_receive_bytes_total", health.network_receive_bytes_total)?,
        bytes("network_transmit_bytes_total", health.network_transmit_bytes_total)?,
        double(health.uptime_seconds),
        double(health.supply_volts),
        double(health.supply_amperes),
        double(health.supply_watts),
        truth(health.under_voltage),
        truth(health.throttled),
        health.docker.map_or(Cell::Absent, |state| Cell::Text(docker(state))),
        count(health.containers),
        text(health.hostname.as_deref()),
        text(health.address.as_deref()),
        text(health.os.as_deref()),
        text(health.kernel.as_deref()),
    ];
    cells.into_iter().for_each(|cell| row.push(cell));
    Ok(())
}

fn gap_row(record: &Record, gap: &Gap) -> Result<Row, String> {
    let mut row = Row::with_capacity(Table::Gaps.absent(), 192);
    row.push(Cell::Text(record.board.as_str()));
    row.push(date(record));
    place(&mut row, record)?;
    moment(&mut row, record);
    row.push(Cell::Uuid(gap.of));
    row.push(Cell::Bigint(bigint("from", gap.from)?));
    row.push(Cell::Bigint(bigint("to", gap.to)?));
    row.push(Cell::Text(reason(gap.reason)));
    row.push(Cell::Bigint(bigint("count", gap.count)?));
    row.push(text(gap.sink.as_deref()));
    Ok(row)
}

/// `time, queue, sequence`.
fn place(row: &mut Row, record: &Record) -> Result<(), String> {
    row.push(Cell::Timestamp(record.moment.time.as_millisecond()));
    row.push(Cell::Uuid(record.identity.queue));
    row.push(Cell::Bigint(bigint("sequence", record.identity.sequence)?));
    Ok(())
}

/// `clock, boot, boottime_seconds`.
fn moment(row: &mut Row, record: &Record) {
    row.push(Cell::Text(match record.moment.clock {
        ClockState::Synchronised => "synchronised",
        ClockState::Unsynchronised => "unsynchronised",
    }));
    row.push(Cell::Uuid(record.moment.boot));
    row.push(Cell::Double(record.moment.boottime_seconds));
}

/// The UTC day.
fn date(record: &Record) -> Cell<'static> {
    let days = record.moment.time.as_millisecond().div_euclid(MILLISECONDS_A_DAY);
    // jiff's times lie within years -9999 and 9999: days fit.
    Cell::Date(i32::try_from(days).unwrap_or_default())
}

/// The UTC hour of the day, 0 to 23.
fn hour(record: &Record) -> Cell<'static> {
    let within = record.moment.time.as_millisecond().rem_euclid(MILLISECONDS_A_DAY);
    Cell::Int(i32::try_from(within / MILLISECONDS_AN_HOUR).unwrap_or_default())
}

fn bytes(field: &str, value: Option<u64>) -> Result<Cell<'static>, String> {
    value.map_or(Ok(Cell::Absent), |value| Ok(Cell::Bigint(bigint(field, value)?)))
}

/// Cassandra knows no unsigned numbers.
fn bigint(field: &str, value: u64) -> Result<i64, String> {
    i64::try_from(value).map_err(|_| format!("{field} {value} is more than a bigint holds"))
}

fn text(value: Option<&str>) -> Cell<'_> {
    value.map_or(Cell::Absent, Cell::Text)
}

fn docker(state: DockerState) -> &'static str {
    match state {
        DockerState::Active => "active",
        DockerState::Inactive => "inactive",
        DockerState::Failed => "failed",
    }
}

fn quality(quality: Quality) -> &'static str {
    match quality {
        Quality::Good => "good",
        Quality::OutOfRange => "out_of_range",
        Quality::Suspect => "suspect",
    }
}

fn reason(reason: GapReason) -> &'static str {
    match reason {
        GapReason::QueueFull => "queue_full",
        GapReason::DiskFull => "disk_full",
        GapReason::WriteFailed => "write_failed",
        GapReason::Corrupt => "corrupt",
        GapReason::Vanished => "vanished",
        GapReason::Refused => "refused",
    }
}

#[cfg(test)]
mod tests;
