//! The outbox: events lie here from the moment they happen until the broker has confirmed them.

use std::fs::File;

use rusqlite::{Connection, params};

use super::{History, HistoryError};
use crate::watch::events::Event;

/// The right to publish the outbox: of all programs at one file, one has it. The kernel gives it back with the
/// program's end.
#[derive(Debug)]
pub(in crate::watch) struct OutboxClaim(#[expect(dead_code, reason = "held for its lock")] File);

/// Puts one event into the outbox.
pub(super) fn put(connection: &Connection, event: &Event) -> rusqlite::Result<()> {
    let sql = "INSERT INTO events (subject, body) VALUES (?1, ?2)";
    connection.prepare_cached(sql)?.execute(params![event.subject, super::json(event)?])?;
    Ok(())
}

impl History {
    /// Takes the right to publish the outbox; nothing where another program has it.
    ///
    /// It is a lock on the file `HISTORY-publisher`. Where there can be no such file nobody else can have one
    /// either, so then the right is not given.
    pub(in crate::watch) fn claim_outbox(&self) -> Option<OutboxClaim> {
        let mut name = self.path.clone().into_os_string();
        name.push("-publisher");
        let file = File::options().create(true).append(true).open(&name);
        let file =
            file.inspect_err(|error| tracing::debug!(%error, "no right to publish the outbox")).ok()?;
        file.try_lock().ok()?;
        Some(OutboxClaim(file))
    }

    /// Puts events into the outbox, in their order, all or none.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(crate) fn put_events(&self, events: &[Event]) -> Result<(), HistoryError> {
        if events.is_empty() {
            return Ok(());
        }
        let mut writer = self.writer();
        let mut put = || -> rusqlite::Result<()> {
            let transaction = writer.begin_lasting()?;
            events.iter().try_for_each(|event| self::put(&transaction, event))?;
            transaction.commit()
        };
        put().map_err(|source| self.writing(source))
    }

    /// Up to `most` events after number `after` that the broker has not confirmed: number, subject and JSON.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(in crate::watch) fn waiting_events(
        &self,
        after: i64,
        most: u32,
    ) -> Result<Vec<(i64, String, String)>, HistoryError> {
        let reader = self.reader();
        let ask = || -> rusqlite::Result<Vec<(i64, String, String)>> {
            let mut statement = reader.prepare_cached(
                "SELECT id, subject, body FROM events WHERE published = 0 AND id > ?1 ORDER BY id LIMIT ?2",
            )?;
            let rows = statement
                .query_map(params![after, most], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
            rows.collect()
        };
        ask().map_err(|source| self.reading(source))
    }

    /// Notes that the broker has confirmed these events.
    ///
    /// # Errors
    /// When the file cannot be written; then they are published again, with the same ids.
    pub(in crate::watch) fn mark_published(&self, numbers: &[i64]) -> Result<(), HistoryError> {
        if numbers.is_empty() {
            return Ok(());
        }
        let mut writer = self.writer();
        let mut mark = || -> rusqlite::Result<()> {
            let transaction = writer.begin()?;
            for number in numbers {
                transaction
                    .prepare_cached("UPDATE events SET published = 1 WHERE id = ?1")?
                    .execute([number])?;
            }
            transaction.commit()
        };
        mark().map_err(|source| self.writing(source))
    }

    /// The newest events, newest first.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn events(&self, most: u32) -> Result<Vec<Event>, HistoryError> {
        let reader = self.reader();
        let ask = || -> rusqlite::Result<Vec<String>> {
            let mut statement = reader.prepare_cached("SELECT body FROM events ORDER BY id DESC LIMIT ?1")?;
            let rows = statement.query_map([most], |row| row.get(0))?;
            rows.collect()
        };
        let bodies = ask().map_err(|source| self.reading(source))?;
        Ok(bodies.iter().filter_map(|body| serde_json::from_str(body).ok()).collect())
    }

    /// How many events the broker has not confirmed.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn events_waiting(&self) -> Result<u64, HistoryError> {
        let counted =
            self.reader().query_row("SELECT count(*) FROM events WHERE published = 0", [], |row| row.get(0));
        counted.map(super::unsigned).map_err(|source| self.reading(source))
    }
}
