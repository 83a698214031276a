//! Operations in the history: what was asked for, how it goes, what came of it.
//!
//! Invariant: a progress, what it makes of its operation, and the event that tells of it are written in one
//! transaction, so that an event never speaks of what is not in the table, nor the other way round.

use jiff::Timestamp;
use pirack_agent::record::milliseconds;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{History, HistoryError, unsigned};
use crate::operation::{Kind, Operation, Progress};
use crate::watch::events::Event;

/// Operations kept; what is older goes with its progress.
const KEPT: i64 = 500;

/// How far an operation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OperationState {
    /// Asked for.
    Scheduled,
    /// Under way.
    Running,
    /// Ended well.
    Completed,
    /// Ended otherwise.
    Failed,
}

impl OperationState {
    /// The word, as in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Failed => "failed",
        }
    }

    /// Whether it is over.
    #[must_use]
    pub fn is_over(self) -> bool {
        matches!(self, Self::Completed | Self::Failed)
    }

    fn of_name(name: &str) -> Self {
        let all = [Self::Scheduled, Self::Running, Self::Completed];
        all.into_iter().find(|state| state.name() == name).unwrap_or(Self::Failed)
    }
}

/// An operation as the history has it: the JSON of `GET /api/operations`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StoredOperation {
    /// Which.
    #[serde(flatten)]
    pub operation: Operation,
    /// How far it is.
    pub state: OperationState,
    /// When it was asked for.
    #[serde(with = "milliseconds")]
    pub scheduled: Timestamp,
    /// When it began.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// Steps that were taken, where it went through.
    pub steps: Option<u64>,
    /// How long it took.
    pub seconds: Option<f64>,
    /// Why it did not end well.
    pub why: Option<String>,
}

/// One progress of an operation as the history has it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StoredProgress {
    /// Its place in the order of all. A step has a number of its own.
    pub place: i64,
    /// When it was heard.
    #[serde(with = "milliseconds")]
    pub time: Timestamp,
    /// What was heard.
    #[serde(flatten)]
    pub progress: Progress,
}

/// A progress on its way into the history.
pub(crate) struct Note {
    pub(crate) at: Timestamp,
    pub(crate) operation: Operation,
    pub(crate) progress: Progress,
    pub(crate) event: Option<Event>,
}

impl History {
    /// Writes progresses and their events, all or none; `owner` runs the operations.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(crate) fn note(&self, owner: &str, notes: &[Note]) -> Result<(), HistoryError> {
        let mut writer = self.writer();
        let mut put = || -> rusqlite::Result<()> {
            let transaction = writer.begin_lasting()?;
            for note in notes {
                write(&transaction, owner, note)?;
            }
            transaction.commit()
        };
        put().map_err(|source| self.writing(source))
    }

    /// The newest operations, newest first.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn operations(&self, most: u32) -> Result<Vec<StoredOperation>, HistoryError> {
        let reader = self.reader();
        let ask = || -> rusqlite::Result<Vec<StoredOperation>> {
            let sql =
                format!("SELECT {COLUMNS} FROM operations ORDER BY scheduled_ms DESC, rowid DESC LIMIT ?1");
            reader.prepare_cached(&sql)?.query_map([most], stored)?.collect()
        };
        ask().map_err(|source| self.reading(source))
    }

    /// One operation, where there is one of that id.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn operation(&self, id: Uuid) -> Result<Option<StoredOperation>, HistoryError> {
        let sql = format!("SELECT {COLUMNS} FROM operations WHERE id = ?1");
        let found = self.reader().query_row(&sql, [id.to_string()], stored).optional();
        found.map_err(|source| self.reading(source))
    }

    /// Up to `most` progresses of an operation after place `after`, in their order.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn progress(&self, id: Uuid, after: i64, most: u32) -> Result<Vec<StoredProgress>, HistoryError> {
        let reader = self.reader();
        let ask = || -> rusqlite::Result<Vec<Option<StoredProgress>>> {
            let mut statement = reader.prepare_cached(
                "SELECT number, time_ms, body FROM progress WHERE operation = ?1 AND number > ?2
                 ORDER BY number LIMIT ?3",
            )?;
            let rows = statement.query_map(params![id.to_string(), after, most], |row| {
                // What another version of this program heard and this one cannot read is passed over.
                let progress = serde_json::from_str(&row.get::<_, String>(2)?).ok();
                let (place, time) = (row.get(0)?, moment(row.get(1)?));
                Ok(progress.map(|progress| StoredProgress { place, time, progress }))
            })?;
            rows.collect()
        };
        let found = ask().map_err(|source| self.reading(source))?;
        Ok(found.into_iter().flatten().collect())
    }

    /// Operations that are not over, each with the process that ran it and when it was last heard of.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(crate) fn unfinished(&self) -> Result<Vec<(StoredOperation, String, Timestamp)>, HistoryError> {
        let reader = self.reader();
        let ask = || -> rusqlite::Result<Vec<(StoredOperation, String, Timestamp)>> {
            let sql = format!(
                "SELECT {COLUMNS}, owner, (SELECT max(time_ms) FROM progress WHERE operation = id)
                 FROM operations WHERE ended_ms IS NULL ORDER BY scheduled_ms"
            );
            let mut statement = reader.prepare(&sql)?;
            let rows = statement.query_map([], |row| {
                let stored = stored(row)?;
                let heard: Option<i64> = row.get(12)?;
                let heard = heard.map_or(stored.scheduled, moment);
                Ok((stored, row.get(11)?, heard))
            })?;
            rows.collect()
        };
        ask().map_err(|source| self.reading(source))
    }
}

/// Lets go of the oldest operations.
pub(super) fn prune(connection: &Connection) -> rusqlite::Result<()> {
    let old = "SELECT id FROM operations WHERE ended_ms IS NOT NULL
        ORDER BY scheduled_ms DESC, rowid DESC LIMIT -1 OFFSET ?1";
    connection.execute(&format!("DELETE FROM progress WHERE operation IN ({old})"), [KEPT])?;
    connection.execute(&format!("DELETE FROM operations WHERE id IN ({old})"), [KEPT])?;
    Ok(())
}

const COLUMNS: &str =
    "id, kind, rack, asked_by, state, scheduled_ms, started_ms, ended_ms, steps, seconds, why";

fn stored(row: &Row<'_>) -> rusqlite::Result<StoredOperation> {
    let time = |column| row.get::<_, Option<i64>>(column).map(|time| time.map(moment));
    let kind: String = row.get(1)?;
    Ok(StoredOperation {
        operation: Operation {
            id: row.get::<_, String>(0)?.parse().unwrap_or_default(),
            kind: Kind::ALL.into_iter().find(|known| known.name() == kind).unwrap_or(Kind::Apply),
            rack: row.get(2)?,
            by: row.get(3)?,
        },
        state: OperationState::of_name(&row.get::<_, String>(4)?),
        scheduled: moment(row.get(5)?),
        started: time(6)?,
        ended: time(7)?,
        steps: row.get::<_, Option<i64>>(8)?.map(unsigned),
        seconds: row.get(9)?,
        why: row.get(10)?,
    })
}

fn moment(milliseconds: i64) -> Timestamp {
    Timestamp::from_millisecond(milliseconds).unwrap_or_default()
}

/// Two programs may find the same operation left by a third: its end is told once.
fn is_over(connection: &Connection, id: &str) -> rusqlite::Result<bool> {
    let mut statement =
        connection.prepare_cached("SELECT ended_ms IS NOT NULL FROM operations WHERE id = ?1")?;
    Ok(statement.query_row([id], |row| row.get(0)).optional()?.unwrap_or(false))
}

fn write(connection: &Connection, owner: &str, note: &Note) -> rusqlite::Result<()> {
    let Note { at, operation, progress, event } = note;
    let (id, at) = (operation.id.to_string(), at.as_millisecond());
    if progress.is_end() && is_over(connection, &id)? {
        return Ok(());
    }
    connection
        .prepare_cached(
            "INSERT OR IGNORE INTO operations (id, kind, rack, asked_by, owner, state, scheduled_ms)
             VALUES (?1, ?2, ?3, ?4, ?5, 'scheduled', ?6)",
        )?
        .execute(params![id, operation.kind.name(), operation.rack, operation.by, owner, at])?;
    connection
        .prepare_cached("INSERT INTO progress (operation, time_ms, body) VALUES (?1, ?2, ?3)")?
        .execute(params![id, at, super::json(progress)?])?;
    match progress {
        Progress::Started => {
            let sql = "UPDATE operations SET state = 'running', started_ms = ?2 WHERE id = ?1";
            connection.prepare_cached(sql)?.execute(params![id, at])?;
        }
        Progress::Completed { outcome, took } => {
            let sql = "UPDATE operations SET state = 'completed', ended_ms = ?2, steps = ?3, seconds = ?4
                WHERE id = ?1";
            let steps = i64::try_from(outcome.steps).unwrap_or(i64::MAX);
            connection.prepare_cached(sql)?.execute(params![id, at, steps, took.seconds])?;
        }
        Progress::Failed { why, took, outcome, .. } => {
            let sql =
                "UPDATE operations SET state = 'failed', ended_ms = ?2, why = ?3, seconds = ?4, steps = ?5
                WHERE id = ?1";
            let steps = outcome.as_ref().map(|outcome| i64::try_from(outcome.steps).unwrap_or(i64::MAX));
            connection.prepare_cached(sql)?.execute(params![id, at, why, took.seconds, steps])?;
        }
        Progress::Scheduled | Progress::Step { .. } | Progress::Note { .. } => {}
    }
    event.iter().try_for_each(|event| super::outbox::put(connection, event))
}
