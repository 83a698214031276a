//! Letting go of what is too old: the rows go, their names stay as ranges.
//!
//! Age is counted from a record's arrival by this machine's clock, for a board's own may be in 1970.
//! Within a queue what arrived earlier stands lower, so pruning walks each queue from its lowest sequence
//! and stops at the first record that is young enough. One that arrived while this clock was far in the
//! future does not stop it: such a one goes together with the first that is old behind it. One step is
//! one short transaction a queue: the consumer never waits long.

use std::collections::HashMap;

use jiff::Timestamp;
use rusqlite::{Connection, TransactionBehavior, params};
use uuid::Uuid;

use super::{History, HistoryError, Queue, Writer, signed, unsigned};
use crate::watch::ranges::Ranges;

/// Records let go in one step, at most.
const STEP: usize = 500;
/// A record this much younger than the limit arrived while the clock was wrong: thirty days.
const FUTURE_MS: i64 = 30 * 86_400_000;
/// Published events kept for `GET /api/events`.
const KEPT_EVENTS: i64 = 10_000;
/// Events kept at all, for a rack whose Kafka never answers.
const MOST_EVENTS: i64 = 200_000;

impl History {
    /// Lets go of up to 500 records that arrived before `older_than`; returns how many. Zero means that none is left.
    ///
    /// # Errors
    /// When the file cannot be written; then nothing was let go.
    pub fn retain(&self, older_than: Timestamp) -> Result<usize, HistoryError> {
        let mut writer = self.writer();
        let outcome = writer.prune(older_than.as_millisecond());
        outcome.map_err(|source| self.writing(source))
    }
}

impl History {
    /// Lets go of the oldest events and operations, for a program that keeps no records here.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(crate) fn tidy(&self) -> Result<(), HistoryError> {
        tidy(&self.writer().connection).map_err(|source| self.writing(source))
    }
}

impl Writer {
    fn prune(&mut self, before_ms: i64) -> rusqlite::Result<usize> {
        let mut gone = 0;
        for queue in self.queues.values_mut() {
            let old = oldest(&self.connection, queue.id, before_ms, STEP - gone)?;
            let Some(&last) = old.last() else { continue };
            let mut pruned = queue.pruned.clone();
            old.iter().for_each(|&sequence| pruned.insert(sequence));
            let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            for table in ["readings", "health", "gaps"] {
                let delete = format!("DELETE FROM {table} WHERE queue = ?1 AND sequence <= ?2");
                transaction.prepare_cached(&delete)?.execute(params![queue.id, signed(last)])?;
            }
            save(&transaction, queue.id, &pruned)?;
            transaction.commit()?;
            queue.pruned = pruned;
            gone += old.len();
            if gone >= STEP {
                return Ok(gone);
            }
        }
        tidy(&self.connection)?;
        Ok(gone)
    }
}

/// Lets go of the oldest events and operations; those that were not published stay much longer.
fn tidy(connection: &Connection) -> rusqlite::Result<()> {
    let newest = "DELETE FROM events WHERE published = 1 AND id <= (SELECT max(id) FROM events) - ?1";
    connection.execute(newest, [KEPT_EVENTS])?;
    let all = "DELETE FROM events WHERE id <= (SELECT max(id) FROM events) - ?1";
    connection.execute(all, [MOST_EVENTS])?;
    super::operations::prune(connection)
}

/// The lowest sequences of a queue, ascending, up to the first that is young enough.
fn oldest(connection: &Connection, queue: i64, before_ms: i64, most: usize) -> rusqlite::Result<Vec<u64>> {
    let sql = "SELECT sequence, arrived_ms FROM (
            SELECT * FROM (SELECT sequence, arrived_ms FROM readings WHERE queue = ?1 ORDER BY sequence LIMIT ?2)
            UNION ALL
            SELECT * FROM (SELECT sequence, arrived_ms FROM health WHERE queue = ?1 ORDER BY sequence LIMIT ?2)
            UNION ALL
            SELECT * FROM (SELECT sequence, arrived_ms FROM gaps WHERE queue = ?1 ORDER BY sequence LIMIT ?2)
        ) ORDER BY sequence LIMIT ?2";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params![queue, i64::try_from(most).unwrap_or(i64::MAX)])?;
    let mut walked = Vec::new();
    let mut old = 0;
    while let Some(row) = rows.next()? {
        let arrived: i64 = row.get(1)?;
        walked.push(unsigned(row.get(0)?));
        if arrived < before_ms {
            old = walked.len();
        } else if arrived < before_ms.saturating_add(FUTURE_MS) {
            break;
        }
    }
    walked.truncate(old);
    Ok(walked)
}

fn save(connection: &Connection, queue: i64, pruned: &Ranges) -> rusqlite::Result<()> {
    connection.execute("DELETE FROM pruned WHERE queue = ?1", [queue])?;
    let mut insert = connection.prepare_cached("INSERT INTO pruned VALUES (?1, ?2, ?3)")?;
    for range in pruned.iter() {
        insert.execute(params![queue, signed(*range.start()), signed(*range.end())])?;
    }
    Ok(())
}

/// Every queue that the file knows, with what was let go of it.
pub(super) fn load(connection: &Connection) -> rusqlite::Result<HashMap<(String, Uuid), Queue>> {
    let mut statement = connection.prepare(
        "SELECT q.id, q.board, q.queue, p.from_sequence, p.to_sequence
         FROM queues AS q LEFT JOIN pruned AS p ON p.queue = q.id",
    )?;
    let mut rows = statement.query([])?;
    let mut queues = HashMap::new();
    while let Some(row) = rows.next()? {
        let id: i64 = row.get(0)?;
        let uuid: Uuid = row.get::<_, String>(2)?.parse().unwrap_or_default();
        let queue = queues.entry((row.get(1)?, uuid)).or_insert_with(|| Queue { id, pruned: Ranges::new() });
        if let (Some(from), Some(to)) = (row.get::<_, Option<i64>>(3)?, row.get::<_, Option<i64>>(4)?) {
            queue.pruned.insert_range(unsigned(from)..=unsigned(to));
        }
    }
    Ok(queues)
}
