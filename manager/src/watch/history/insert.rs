//! Records into the history: a batch is one transaction.

use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;

use jiff::Timestamp;
use pirack_agent::record::{Body, Reading, Record};
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};
use serde::Serialize;

use super::{History, HistoryError, Queue, Writer, json, signed};
use crate::watch::ranges::Ranges;

/// What came of a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stored {
    /// For each record of the batch, in its order: whether it was new. The others were held already.
    pub fresh: Vec<bool>,
}

impl Stored {
    /// How many records were new.
    #[must_use]
    pub fn added(&self) -> u64 {
        self.fresh.iter().filter(|&&fresh| fresh).count() as u64
    }

    /// How many were held already: Kafka brought them again.
    #[must_use]
    pub fn held(&self) -> u64 {
        self.fresh.len() as u64 - self.added()
    }
}

impl History {
    /// Stores a batch that has just arrived, whole or not at all.
    ///
    /// # Errors
    /// When the disk or the file does not let it; then the batch can be offered again.
    pub fn insert(&self, batch: &[Record]) -> Result<Stored, HistoryError> {
        self.insert_at(batch, Timestamp::now())
    }

    /// Stores a batch that arrived at that moment.
    ///
    /// # Errors
    /// As [`History::insert`].
    pub fn insert_at(&self, batch: &[Record], arrived: Timestamp) -> Result<Stored, HistoryError> {
        let mut writer = self.writer();
        let outcome = writer.insert(batch, arrived.as_millisecond());
        if outcome.is_err() {
            // The transaction was undone, and with it the rows behind these numbers.
            writer.forget();
        }
        outcome.map_err(|source| self.writing(source))
    }
}

impl Writer {
    fn insert(&mut self, batch: &[Record], arrived: i64) -> rusqlite::Result<Stored> {
        let Self { connection, queues, series, boots } = self;
        boots.hear(batch, arrived);
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut fresh = Vec::with_capacity(batch.len());
        for record in batch {
            let queue = queue(&transaction, queues, record)?;
            let new = !queue.pruned.contains(record.identity.sequence)
                && insert_one(&transaction, queue.id, series, record, boots.times(record, arrived))?;
            fresh.push(new);
        }
        transaction.commit()?;
        Ok(Stored { fresh })
    }

    fn forget(&mut self) {
        self.series.clear();
        match super::prune::load(&self.connection) {
            Ok(queues) => self.queues = queues,
            Err(error) => tracing::debug!(%error, "cannot read the history's queues back"),
        }
    }
}

type SeriesIds = HashMap<String, HashMap<(String, String, &'static str), i64>>;

fn insert_one(
    connection: &Connection,
    queue: i64,
    series: &mut SeriesIds,
    record: &Record,
    [time, chart, arrived]: [i64; 3],
) -> rusqlite::Result<bool> {
    let sequence = signed(record.identity.sequence);
    let changed = match &record.body {
        Body::Reading(reading) => {
            let series = series_id(connection, series, record.board.as_str(), reading)?;
            connection
                .prepare_cached("INSERT OR IGNORE INTO readings VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")?
                .execute(params![
                    queue,
                    sequence,
                    time,
                    chart,
                    arrived,
                    series,
                    reading.value,
                    word(&reading.quality)?
                ])?
        }
        Body::Health(health) => connection
            .prepare_cached("INSERT OR IGNORE INTO health VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?
            .execute(params![queue, sequence, time, chart, arrived, json(health)?])?,
        Body::Gap(gap) => connection
            .prepare_cached("INSERT OR IGNORE INTO gaps VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)")?
            .execute(params![
                queue,
                sequence,
                time,
                chart,
                arrived,
                gap.of.to_string(),
                signed(gap.from),
                signed(gap.to),
                word(&gap.reason)?,
                signed(gap.count)
            ])?,
    };
    Ok(changed == 1)
}

fn queue<'a>(
    connection: &Connection,
    known: &'a mut HashMap<(String, uuid::Uuid), Queue>,
    record: &Record,
) -> rusqlite::Result<&'a Queue> {
    let key = (record.board.as_str().to_owned(), record.identity.queue);
    match known.entry(key) {
        Slot::Occupied(slot) => Ok(slot.into_mut()),
        Slot::Vacant(slot) => {
            let (board, queue) = slot.key();
            connection.execute(
                "INSERT INTO queues (board, queue) VALUES (?1, ?2)",
                params![board, queue.to_string()],
            )?;
            Ok(slot.insert(Queue { id: connection.last_insert_rowid(), pruned: Ranges::new() }))
        }
    }
}

fn series_id(
    connection: &Connection,
    known: &mut SeriesIds,
    board: &str,
    reading: &Reading,
) -> rusqlite::Result<i64> {
    let of_board = match known.get_mut(board) {
        Some(of_board) => of_board,
        None => known.entry(board.to_owned()).or_default(),
    };
    let key = (reading.sensor.clone(), reading.chip.clone(), reading.quantity.name());
    if let Some(id) = of_board.get(&key) {
        return Ok(*id);
    }
    let name = params![board, reading.sensor, reading.chip, reading.quantity.name()];
    let find = "SELECT id FROM series WHERE board = ?1 AND sensor = ?2 AND chip = ?3 AND quantity = ?4";
    let id = match connection.query_row(find, name, |row| row.get(0)).optional()? {
        Some(id) => id,
        None => {
            let add = "INSERT INTO series (board, sensor, chip, quantity, unit) VALUES (?1, ?2, ?3, ?4, ?5)";
            let unit = reading.quantity.unit();
            connection
                .execute(add, params![board, reading.sensor, reading.chip, reading.quantity.name(), unit])?;
            connection.last_insert_rowid()
        }
    };
    of_board.insert(key, id);
    Ok(id)
}

/// The bare word that an enum of the record's contract is on the wire.
fn word(value: &impl Serialize) -> rusqlite::Result<String> {
    Ok(json(value)?.trim_matches('"').to_owned())
}
