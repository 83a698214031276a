//! The history: every record that came back from Kafka, in one SQLite file.
//!
//! Invariants:
//! - `(board, queue, sequence)` is held once. A record that comes again changes nothing and is counted
//!   as held, even after it was let go for its age (see `prune`).
//! - A batch is stored whole or not at all.
//! - [`History::count`] and [`History::stored`] speak of everything ever taken in: rows and pruned ones.
//!
//! The file runs in WAL mode with `synchronous=NORMAL`: a power cut may undo the newest batches, never
//! tear one. Kafka still has those, and the consumer begins at the earliest record after a restart.
//!
//! Writes go through one connection, charts through a second, so that neither waits for the other. Several
//! programs may have the file open: each waits up to five seconds for another's transaction. One of them publishes
//! the outbox (see `outbox`), and one takes records in.

mod boots;
mod error;
mod insert;
mod operations;
mod outbox;
mod prune;
mod query;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};
use rusqlite_migration::{M, Migrations};
use serde::Serialize;
use uuid::Uuid;

use super::ranges::Ranges;
use boots::Boots;
pub use error::HistoryError;
pub use insert::Stored;
pub(crate) use operations::Note;
pub use operations::{OperationState, StoredOperation, StoredProgress};
pub(in crate::watch) use outbox::OutboxClaim;
pub(in crate::watch) use query::{HEALTH_FIELDS, MOST_POINTS};
pub use query::{Points, StoredGap};

/// One entry a schema version, oldest first; an entry that was ever released is never changed.
const STEPS: &[M<'static>] = &[
    M::up(include_str!("schema.sql")),
    M::up(include_str!("operations.sql")),
    M::up(include_str!("outbox.sql")),
];

/// How a connection behaves: 2 MiB of page cache, checkpoints every 8 MiB of log.
const PRAGMAS: &str = "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -2048; \
    PRAGMA wal_autocheckpoint = 2000; PRAGMA journal_size_limit = 16777216; PRAGMA temp_store = MEMORY;";

/// For how long a file is begun anew that somebody else begins as well, and how long after each try.
const BEGUN: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(50);

/// The history file, open. Shared by `Arc`; every call blocks for as long as the disk takes.
#[derive(Debug)]
pub struct History {
    path: PathBuf,
    writer: Mutex<Writer>,
    reader: Mutex<Connection>,
}

/// The writing connection with the numbers that SQLite gave to names, so that a record needs no look-up.
#[derive(Debug)]
struct Writer {
    connection: Connection,
    queues: HashMap<(String, Uuid), Queue>,
    series: HashMap<String, HashMap<(String, String, &'static str), i64>>,
    boots: Boots,
}

#[derive(Clone, Debug)]
struct Queue {
    id: i64,
    pruned: Ranges,
}

/// Of two that begin one file, or upgrade it, the second finds it locked, for which SQLite does not wait where a read
/// becomes a write, or finds made what it was about to make: it tries again.
fn bring_up_to_date(connection: &mut Connection, path: &Path) -> Result<(), HistoryError> {
    let steps = Migrations::from_slice(STEPS);
    let until = Instant::now() + BEGUN;
    loop {
        let came = match connection.execute_batch(PRAGMAS) {
            Ok(()) => steps.to_latest(connection).map_err(|error| HistoryError::migration(path, error)),
            Err(error) => Err(HistoryError::open(path, error)),
        };
        match came {
            Err(error) if error.is_passing() && Instant::now() < until => {}
            other => return other,
        }
        std::thread::sleep(PAUSE);
    }
}

impl History {
    /// Opens the history at `path`, makes it if it is not there, and brings its schema up to date.
    ///
    /// # Errors
    /// When the file cannot be opened or written, is no SQLite file, or is of a newer program.
    pub fn open(path: &Path) -> Result<Self, HistoryError> {
        let failed = |source| HistoryError::open(path, source);
        let mut connection = Connection::open(path).map_err(failed)?;
        connection.busy_timeout(Duration::from_secs(5)).map_err(failed)?;
        bring_up_to_date(&mut connection, path)?;
        let reader = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(failed)?;
        reader.busy_timeout(Duration::from_secs(5)).map_err(failed)?;
        reader.execute_batch("PRAGMA cache_size = -2048; PRAGMA temp_store = MEMORY;").map_err(failed)?;
        let queues = prune::load(&connection).map_err(failed)?;
        let writer = Writer { connection, queues, series: HashMap::new(), boots: Boots::default() };
        Ok(Self { path: path.to_owned(), writer: Mutex::new(writer), reader: Mutex::new(reader) })
    }

    /// Where the file is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn writer(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn reader(&self) -> MutexGuard<'_, Connection> {
        self.reader.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn writing(&self, source: rusqlite::Error) -> HistoryError {
        HistoryError::write(&self.path, source)
    }

    fn reading(&self, source: rusqlite::Error) -> HistoryError {
        HistoryError::read(&self.path, source)
    }
}

impl Writer {
    /// Begins a transaction that has the right to write from its first moment: one that only reads at first could
    /// find, when it wants to write, that another program has written meanwhile, and would have to begin anew.
    fn begin(&mut self) -> rusqlite::Result<Transaction<'_>> {
        self.begin_synced("NORMAL")
    }

    /// The same for what nobody could tell again: it is on the disk once it is committed, also through a power cut.
    /// Records come again from Kafka, and to sync each batch of them would wear a card out.
    fn begin_lasting(&mut self) -> rusqlite::Result<Transaction<'_>> {
        self.begin_synced("FULL")
    }

    fn begin_synced(&mut self, synchronous: &str) -> rusqlite::Result<Transaction<'_>> {
        self.connection.pragma_update(None, "synchronous", synchronous)?;
        self.connection.transaction_with_behavior(TransactionBehavior::Immediate)
    }
}

fn json(value: &impl Serialize) -> rusqlite::Result<String> {
    serde_json::to_string(value).map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))
}

/// SQLite's integers are signed; a sequence past 2^63 would take longer than the sun lasts.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The way back; what [`signed`] wrote is never negative.
fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

#[cfg(test)]
mod tests;
