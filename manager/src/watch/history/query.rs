//! Questions to the history: how much it holds, which records, and the points of a chart.

use jiff::Timestamp;
use pirack_agent::record::{BoardName, Gap, GapReason};
use rusqlite::{Connection, OptionalExtension, Params, params};
use serde::Serialize;
use uuid::Uuid;

use super::{History, HistoryError, unsigned};
use crate::watch::ranges::Ranges;

/// Points of one chart, at most; what is more is thinned evenly.
pub(in crate::watch) const MOST_POINTS: i64 = 1000;

/// The numbers of a health record and their units.
pub(in crate::watch) const HEALTH_FIELDS: [(&str, &str); 21] = [
    ("cpu_ratio", "ratio"),
    ("cpu_count", "count"),
    ("load_1m", "load"),
    ("load_5m", "load"),
    ("load_15m", "load"),
    ("memory_used_bytes", "bytes"),
    ("memory_total_bytes", "bytes"),
    ("swap_used_bytes", "bytes"),
    ("swap_total_bytes", "bytes"),
    ("cpu_temperature_celsius", "celsius"),
    ("storage_free_bytes", "bytes"),
    ("storage_total_bytes", "bytes"),
    ("data_free_bytes", "bytes"),
    ("data_total_bytes", "bytes"),
    ("network_receive_bytes_total", "bytes"),
    ("network_transmit_bytes_total", "bytes"),
    ("uptime_seconds", "seconds"),
    ("supply_volts", "volts"),
    ("supply_amperes", "amperes"),
    ("supply_watts", "watts"),
    ("containers", "count"),
];

/// A chart's points.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Points {
    /// The series as it was asked for.
    pub series: String,
    /// The unit of its values; empty when nothing is known of the series.
    pub unit: String,
    /// Unix seconds and value, oldest first, at most 1000.
    pub points: Vec<(f64, f64)>,
}

/// A gap record that the history holds: what a queue said it had to give up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredGap {
    /// The board whose queue it was.
    pub board: BoardName,
    /// The queue that said so.
    pub queue: Uuid,
    /// Where in that queue.
    pub sequence: u64,
    /// What it said.
    pub gap: Gap,
}

impl History {
    /// How many distinct records were ever taken in, counted by SQLite.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn count(&self) -> Result<u64, HistoryError> {
        let sql = "SELECT (SELECT count(*) FROM readings) + (SELECT count(*) FROM health)
            + (SELECT count(*) FROM gaps)
            + (SELECT coalesce(sum(to_sequence - from_sequence + 1), 0) FROM pruned)";
        let counted = self.reader().query_row(sql, [], |row| row.get(0));
        counted.map(unsigned).map_err(|source| self.reading(source))
    }

    /// Which sequences of one queue were ever taken in.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn stored(&self, board: &str, queue: Uuid) -> Result<Ranges, HistoryError> {
        stored(&self.reader(), board, queue).map_err(|source| self.reading(source))
    }

    /// Every queue that the history knows: board and queue.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn queues(&self) -> Result<Vec<(String, Uuid)>, HistoryError> {
        let reader = self.reader();
        let ask = || -> rusqlite::Result<Vec<(String, Uuid)>> {
            let mut statement = reader.prepare_cached("SELECT board, queue FROM queues ORDER BY id")?;
            let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get::<_, String>(1)?.parse())))?;
            let parsed = rows.filter_map(|row| match row {
                Ok((board, queue)) => Some(Ok((board, queue.ok()?))),
                Err(error) => Some(Err(error)),
            });
            parsed.collect()
        };
        ask().map_err(|source| self.reading(source))
    }

    /// Every gap record that the history still holds, oldest first within a queue.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn gaps(&self) -> Result<Vec<StoredGap>, HistoryError> {
        gaps(&self.reader()).map_err(|source| self.reading(source))
    }

    /// The points of a chart from `since` on: `health.FIELD`, or `SENSOR/QUANTITY` split at the last `/`.
    ///
    /// # Errors
    /// When a health record has no such number, or the file cannot be read.
    pub fn points(&self, board: &str, series: &str, since: Timestamp) -> Result<Points, HistoryError> {
        let since = since.as_millisecond();
        let reader = self.reader();
        let found = if let Some((sensor, quantity)) = series.rsplit_once('/') {
            sensor_points(&reader, board, sensor, quantity, since)
        } else {
            let field = series.strip_prefix("health.").unwrap_or(series);
            let Some((field, unit)) = HEALTH_FIELDS.iter().find(|(name, _)| *name == field) else {
                return Err(HistoryError::UnknownField(field.to_owned()));
            };
            health_points(&reader, board, field, since).map(|points| ((*unit).to_owned(), points))
        };
        let (unit, points) = found.map_err(|source| self.reading(source))?;
        Ok(Points { series: series.to_owned(), unit, points })
    }
}

fn stored(connection: &Connection, board: &str, queue: Uuid) -> rusqlite::Result<Ranges> {
    let mut all = Ranges::new();
    let find = "SELECT id FROM queues WHERE board = ?1 AND queue = ?2";
    let id: Option<i64> =
        connection.query_row(find, params![board, queue.to_string()], |row| row.get(0)).optional()?;
    let Some(id) = id else { return Ok(all) };
    let mut pruned =
        connection.prepare_cached("SELECT from_sequence, to_sequence FROM pruned WHERE queue = ?1")?;
    let mut rows = pruned.query([id])?;
    while let Some(row) = rows.next()? {
        all.insert_range(unsigned(row.get(0)?)..=unsigned(row.get(1)?));
    }
    let mut held = connection.prepare_cached(
        "SELECT sequence FROM readings WHERE queue = ?1
         UNION ALL SELECT sequence FROM health WHERE queue = ?1
         UNION ALL SELECT sequence FROM gaps WHERE queue = ?1 ORDER BY 1",
    )?;
    let mut rows = held.query([id])?;
    while let Some(row) = rows.next()? {
        all.insert(unsigned(row.get(0)?));
    }
    Ok(all)
}

fn gaps(connection: &Connection) -> rusqlite::Result<Vec<StoredGap>> {
    let mut statement = connection.prepare_cached(
        "SELECT q.board, q.queue, g.sequence, g.of_queue, g.from_sequence, g.to_sequence, g.reason, g.count
         FROM gaps AS g JOIN queues AS q ON q.id = g.queue ORDER BY g.queue, g.sequence",
    )?;
    let mut rows = statement.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let text = |column| row.get::<_, String>(column);
        let number = |column| row.get(column).map(unsigned);
        let reason = serde_json::from_value::<GapReason>(text(6)?.into());
        let (Ok(board), Ok(queue), Ok(of), Ok(reason)) =
            (text(0)?.parse(), text(1)?.parse(), text(3)?.parse(), reason)
        else {
            continue;
        };
        let gap = Gap { of, from: number(4)?, to: number(5)?, reason, count: number(7)?, sink: None };
        found.push(StoredGap { board, queue, sequence: number(2)?, gap });
    }
    Ok(found)
}

fn sensor_points(
    connection: &Connection,
    board: &str,
    sensor: &str,
    quantity: &str,
    since: i64,
) -> rusqlite::Result<(String, Vec<(f64, f64)>)> {
    let known = "FROM series WHERE board = ?1 AND sensor = ?2 AND quantity = ?3";
    let unit: Option<String> = connection
        .query_row(&format!("SELECT unit {known} LIMIT 1"), params![board, sensor, quantity], |row| {
            row.get(0)
        })
        .optional()?;
    let Some(unit) = unit else { return Ok((String::new(), Vec::new())) };
    let sql = format!(
        "SELECT chart_ms, value FROM readings WHERE series IN (SELECT id {known}) AND chart_ms >= ?4"
    );
    Ok((unit, thinned(connection, &sql, params![board, sensor, quantity, since])?))
}

fn health_points(
    connection: &Connection,
    board: &str,
    field: &str,
    since: i64,
) -> rusqlite::Result<Vec<(f64, f64)>> {
    let sql = "SELECT h.chart_ms AS chart_ms, json_extract(h.body, '$.' || ?2) AS value FROM health AS h
        WHERE h.queue IN (SELECT id FROM queues WHERE board = ?1) AND h.chart_ms >= ?3 AND value IS NOT NULL";
    thinned(connection, sql, params![board, field, since])
}

/// Runs a query for `chart_ms` and `value` and keeps every n-th row, so that at most 1000 are left.
fn thinned(
    connection: &Connection,
    rows_sql: &str,
    parameters: impl Params,
) -> rusqlite::Result<Vec<(f64, f64)>> {
    let sql = format!(
        "SELECT chart_ms / 1000.0, CAST(value AS REAL) FROM (
            SELECT chart_ms, value, row_number() OVER (ORDER BY chart_ms) - 1 AS place, count(*) OVER () AS total
            FROM ({rows_sql})
        ) WHERE place % ((total + {MOST_POINTS} - 1) / {MOST_POINTS}) = 0 ORDER BY chart_ms"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let points = statement.query_map(parameters, |row| Ok((row.get(0)?, row.get(1)?)))?;
    points.collect()
}

#[cfg(test)]
mod tests {
    use pirack_agent::record::Health;

    use super::*;

    #[test]
    fn every_field_that_can_be_charted_is_a_field_of_a_health_record() {
        for (field, _) in HEALTH_FIELDS {
            let health: Health = serde_json::from_value(serde_json::json!({ field: 1 })).unwrap();
            assert_ne!(health, Health::default(), "{field}");
        }
    }
}
