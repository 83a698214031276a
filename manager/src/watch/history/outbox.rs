//! The outbox: events lie here from the moment they happen until the broker has confirmed them.
//!
//! Invariant: in a new boot of this machine the events of the last minute before are published again. Where all of a rack's
//! boards lost their power, the brokers among them have forgotten what they had confirmed and not yet written to their
//! disks; whoever still has an event drops the second by its id. Uptimes are compared, for they never step.

use std::fs::File;
use std::time::Duration;

use pirack_agent::queue::SETTLED_AFTER;
use rusqlite::{Connection, OptionalExtension as _, params};
use uuid::Uuid;

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

    /// Notes that the outbox is published in this boot from now on. In a new one those that were confirmed last before
    /// wait again; returns how many.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(in crate::watch) fn publishes_in(&self, boot: Uuid) -> Result<usize, HistoryError> {
        let boot = boot.to_string();
        let settled_after = i64::try_from(SETTLED_AFTER.as_millis()).unwrap_or(i64::MAX);
        let mut writer = self.writer();
        let mut note = || -> rusqlite::Result<usize> {
            let transaction = writer.begin_lasting()?;
            let last: Option<String> =
                transaction.query_row("SELECT boot FROM publisher", [], |row| row.get(0)).optional()?;
            if last.as_ref() == Some(&boot) {
                return Ok(0);
            }
            let again = "UPDATE events SET published = 0 WHERE published = 1 AND confirmed_uptime_ms > 0 \
                AND confirmed_uptime_ms > (SELECT max(confirmed_uptime_ms) FROM events) - ?1";
            let again = transaction.execute(again, [settled_after])?;
            transaction
                .execute("UPDATE events SET confirmed_uptime_ms = 0 WHERE confirmed_uptime_ms > 0", [])?;
            transaction.execute("DELETE FROM publisher", [])?;
            transaction.execute("INSERT INTO publisher (boot) VALUES (?1)", [boot.as_str()])?;
            transaction.commit()?;
            Ok(again)
        };
        note().map_err(|source| self.writing(source))
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

    /// Notes that the broker has confirmed these events, so long after this machine's boot.
    ///
    /// # Errors
    /// When the file cannot be written; then they are published again, with the same ids.
    pub(in crate::watch) fn mark_published(
        &self,
        numbers: &[i64],
        uptime: Duration,
    ) -> Result<(), HistoryError> {
        if numbers.is_empty() {
            return Ok(());
        }
        let uptime = i64::try_from(uptime.as_millis()).unwrap_or(i64::MAX);
        let mut writer = self.writer();
        let mut mark = || -> rusqlite::Result<()> {
            let transaction = writer.begin()?;
            for number in numbers {
                transaction
                    .prepare_cached(
                        "UPDATE events SET published = 1, confirmed_uptime_ms = ?2 WHERE id = ?1",
                    )?
                    .execute(params![number, uptime])?;
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
