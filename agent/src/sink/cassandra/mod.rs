//! Records to Cassandra: a record is safe when all its rows are acknowledged by a quorum of their replicas.
//!
//! A batch is written in two steps. First its history, partition by partition, many at once: these rows are
//! only ever added, so their order does not matter and a replay writes the same again. Then, of what is safe,
//! the newest record of each sensor and of the board into `sensor_latest` and `node_health_latest`: one row a
//! key, one write in flight a key, by the rule of [`newest`].
//!
//! The driver keeps no record past a call. Whatever goes wrong ends the call with a letter; [`crate::ship`]
//! then connects anew and offers the batch again. So a schema that is applied later, a cluster that comes
//! back and statements that have to be prepared again need no words of their own here.

mod connection;
mod history;
mod letter;
mod newest;
mod plan;
mod record;
mod row;
mod table;
mod write;

use std::collections::HashSet;

use scylla::errors::ExecutionError;
use scylla::value::CqlTimestamp;
use uuid::Uuid;

use self::connection::Connection;
use self::history::History;
use self::newest::{Key, Newest, Place, Subject};
use self::plan::{Bounds, Chunk, Plan};
use self::write::{Blamed, Outcome};
use super::login::Login;
use super::{Receipt, Sink, SinkError};
use crate::record::{BoardName, Entry, Quantity, Record};

/// Rows of one partition in one request: see `docs/figures.md` for what was measured. A batch within one
/// partition is one mutation, to which the cluster's thresholds for batches do not apply; it stays small
/// for the sake of a board's heap.
const BOUNDS: Bounds = Bounds { rows: 64, bytes: 16 * 1024 };
/// Requests under way at once.
const AT_ONCE: usize = 16;
/// How many records are laid out before others on the same thread have their turn.
const TURN: usize = 64;

/// Where and as whom records are stored.
#[derive(Clone, Debug)]
pub struct CassandraSettings {
    /// Nodes to begin with, each `host:port`.
    pub contact_points: Vec<String>,
    /// The keyspace.
    pub keyspace: String,
    /// The datacenter whose nodes are talked to; any where it is absent.
    pub datacenter: Option<String>,
    /// As whom.
    pub login: Option<Login>,
    /// The board.
    pub board: BoardName,
    /// The queues on the board's disk, see [`Reader::queues`](crate::queue::Reader::queues): they tell a
    /// replay from a new disk.
    pub queues: Vec<Uuid>,
}

/// The Cassandra sink.
pub struct Cassandra {
    settings: CassandraSettings,
    connection: Connection,
    newest: Newest,
    /// Why a newest value was refused last: it may be so in every batch.
    complaint: Option<String>,
}

impl Cassandra {
    /// Connects, and prepares what will be written.
    ///
    /// # Errors
    /// When no node answers, the login is refused, or the schema is not there.
    pub async fn connect(settings: &CassandraSettings) -> Result<Self, SinkError> {
        let connection = Connection::open(settings).await?;
        let newest = Newest::on(settings.queues.iter().copied());
        Ok(Self { settings: settings.clone(), connection, newest, complaint: None })
    }

    /// Writes the history of a batch; returns what of it is settled. With trouble something is.
    async fn write_history(&self, batch: &[Entry]) -> Result<History, SinkError> {
        let mut plan = Plan::default();
        for turn in batch.chunks(TURN) {
            turn.iter().for_each(|entry| plan.add(entry, BOUNDS));
            tokio::task::yield_now().await;
        }
        let mut outcome = write::write(&self.connection, plan.chunks(), AT_ONCE).await;
        let Plan { records, refused, .. } = plan;
        self.try_again(&mut outcome).await?;
        if let Some(Blamed { chunk, reason, .. }) = outcome.unproven() {
            return Err(letter::no_row(&self.settings, chunk.table, reason));
        }
        let history = History::of(records, refused, outcome);
        match &history.trouble {
            Some(trouble) if history.records.is_empty() => Err(self.letter(trouble)),
            _ => Ok(history),
        }
    }

    /// Tries what the cluster found invalid once more, alone, when all nodes have the tables that are needed.
    async fn try_again(&self, outcome: &mut Outcome) -> Result<(), SinkError> {
        let doubtful = outcome.doubtful();
        if doubtful.is_empty() {
            return Ok(());
        }
        self.connection.check(&self.settings).await?;
        let second = write::write(&self.connection, doubtful, AT_ONCE).await;
        outcome.join(second);
        Ok(())
    }

    /// Shows the newest of these records, each of whose history is safe.
    async fn write_newest(&mut self, records: &[Option<Record>]) -> Result<(), SinkError> {
        let mut seen = HashSet::new();
        let (mut chunks, mut written): (Vec<Chunk>, Vec<(Key, Place)>) = Default::default();
        for (index, record) in records.iter().enumerate().rev() {
            let Some(record) = record else { continue };
            let Some(key) = Key::of(record) else { continue };
            if !seen.insert(key.clone()) {
                continue;
            }
            if self.newest.is_new(&record.board) {
                self.read_newest(&record.board).await?;
            }
            let place = Place::of(record);
            if !self.newest.admits(&key, place) {
                continue;
            }
            // Its numbers passed when its history was written.
            let Ok(Some((table, row))) = record::newest(record) else { continue };
            match chunks.iter_mut().find(|chunk| chunk.has_room(table, &row, BOUNDS)) {
                Some(chunk) => chunk.push(row, index),
                None => chunks.push(Chunk::alone(table, row, index)),
            }
            written.push((key, place));
        }
        let mut outcome = write::write(&self.connection, chunks, AT_ONCE).await;
        self.try_again(&mut outcome).await?;
        if let Some(trouble) = outcome.trouble {
            return Err(self.letter(&trouble));
        }
        if let Some(Blamed { reason, .. }) = outcome.blamed.first()
            && self.complaint.as_ref() != Some(reason)
        {
            self.complaint = Some(reason.clone());
            tracing::warn!(board = %self.settings.board, reason, "a newest value is refused; its history is kept");
        }
        written.into_iter().for_each(|(key, place)| self.newest.wrote(key, place));
        Ok(())
    }

    /// Reads what the cluster shows as newest of a board.
    async fn read_newest(&mut self, board: &BoardName) -> Result<(), SinkError> {
        let session = &self.connection.session;
        let health = session.execute_unpaged(&self.connection.select_health, (board.as_str(),)).await;
        let health = health.map_err(|error| self.letter(&error))?;
        let sensors = session.execute_unpaged(&self.connection.select_sensors, (board.as_str(),)).await;
        let sensors = sensors.map_err(|error| self.letter(&error))?;
        let unreadable = |error: &dyn std::error::Error| letter::failed(&self.settings, &error.to_string());
        let health = health.into_rows_result().map_err(|error| unreadable(&error))?;
        let sensors = sensors.into_rows_result().map_err(|error| unreadable(&error))?;
        let mut found = Vec::new();
        for row in health.rows::<HealthRow<'_>>().map_err(|error| unreadable(&error))? {
            let (queue, sequence, time, clock, written) = row.map_err(|error| unreadable(&error))?;
            found.push((Subject::Health, place(queue, sequence, time, clock, written)));
        }
        for row in sensors.rows::<SensorRow<'_>>().map_err(|error| unreadable(&error))? {
            let (sensor, quantity, queue, sequence, time, clock, written) =
                row.map_err(|error| unreadable(&error))?;
            if let Some(quantity) = Quantity::named(quantity) {
                let subject = Subject::Sensor(sensor.to_owned(), quantity);
                found.push((subject, place(queue, sequence, time, clock, written)));
            }
        }
        self.newest.found(board, found);
        Ok(())
    }

    fn letter(&self, error: &ExecutionError) -> SinkError {
        letter::no_execution(&self.settings, error)
    }
}

/// `queue, sequence, time, clock, writetime(clock)`; a row without them was written by nobody here.
type HealthRow<'a> = (Option<Uuid>, Option<i64>, Option<CqlTimestamp>, Option<&'a str>, Option<i64>);
/// The same behind `sensor, quantity`.
type SensorRow<'a> =
    (&'a str, &'a str, Option<Uuid>, Option<i64>, Option<CqlTimestamp>, Option<&'a str>, Option<i64>);

fn place(
    queue: Option<Uuid>,
    sequence: Option<i64>,
    time: Option<CqlTimestamp>,
    clock: Option<&str>,
    written: Option<i64>,
) -> Place {
    let sequence = sequence.and_then(|sequence| u64::try_from(sequence).ok()).unwrap_or_default();
    let time = time.map_or(0, |CqlTimestamp(milliseconds)| milliseconds);
    // The cluster's own stamps are microseconds.
    let written = written.unwrap_or_default() / 1000;
    Place::read(queue.unwrap_or_default(), sequence, time, clock.unwrap_or_default(), written)
}

impl Sink for Cassandra {
    async fn deliver(&mut self, batch: &[Entry]) -> Result<Receipt, SinkError> {
        let History { records, refused, trouble } = self.write_history(batch).await?;
        self.write_newest(&records).await?;
        let trouble = trouble.map(|error| self.letter(&error));
        Ok(Receipt { settled: records.len(), refused, trouble })
    }
}
