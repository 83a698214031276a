//! Chunks on their way: a bounded number at once, until each is acknowledged or the cluster is in trouble.
//!
//! Invariant: a row is blamed only on evidence, for whoever is blamed is set aside for good. The driver itself
//! could not write it down; or the cluster has found it invalid twice, alone, while it took other rows of the
//! same table. "Invalid" alone says little: a node that has not heard of a table yet says so, too.

use std::collections::{HashSet, VecDeque};

use futures_util::stream::{FuturesUnordered, StreamExt};
use scylla::errors::{BadQuery, DbError, ExecutionError, RequestAttemptError};
use scylla::statement::batch::{Batch, BatchStatement, BatchType};

use super::connection::Connection;
use super::plan::Chunk;
use super::table::Table;

/// What came of some chunks.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// Records of which a row is not acknowledged, by their place in the batch.
    pub(super) open: Vec<usize>,
    /// Rows that were not taken, each sent alone.
    pub(super) blamed: Vec<Blamed>,
    /// The tables of which rows were taken.
    pub(super) taken: HashSet<Table>,
    /// What is wrong with the cluster.
    pub(super) trouble: Option<ExecutionError>,
}

/// A row that was not taken.
#[derive(Debug)]
pub(super) struct Blamed {
    /// The row, alone.
    pub(super) chunk: Chunk,
    /// In the words of who would not take it.
    pub(super) reason: String,
    /// Whether it is the row's own fault beyond doubt.
    pub(super) certain: bool,
}

/// Whose fault an error is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The row's: it is no use to send it again as it is.
    Row,
    /// The row's, or that of a cluster whose nodes do not agree.
    Doubtful,
    /// The cluster's, or the network's.
    Cluster,
}

impl Outcome {
    /// Takes what has to be proven out of the blamed, for a second try.
    pub(super) fn doubtful(&mut self) -> Vec<Chunk> {
        let (certain, doubtful) = std::mem::take(&mut self.blamed).into_iter().partition(|row| row.certain);
        self.blamed = certain;
        doubtful.into_iter().map(|row: Blamed| row.chunk).collect()
    }

    /// Adds what came of the second try.
    pub(super) fn join(&mut self, second: Self) {
        self.open.extend(second.open);
        self.taken.extend(second.taken);
        self.blamed.extend(second.blamed);
        self.trouble = self.trouble.take().or(second.trouble);
    }

    /// A row whose table took no other, so that nothing proves it to be the row's own fault.
    pub(super) fn unproven(&self) -> Option<&Blamed> {
        self.blamed.iter().find(|row| !row.certain && !self.taken.contains(&row.chunk.table))
    }
}

/// Writes all chunks, `at_once` at a time. After the first trouble no more are begun. A chunk that the
/// cluster refuses is sent again row by row, to know which of them it was.
pub(super) async fn write(connection: &Connection, chunks: Vec<Chunk>, at_once: usize) -> Outcome {
    let mut outcome = Outcome::default();
    let mut waiting = VecDeque::from(chunks);
    let mut flying = FuturesUnordered::new();
    loop {
        while flying.len() < at_once
            && outcome.trouble.is_none()
            && let Some(chunk) = waiting.pop_front()
        {
            flying.push(send(connection, chunk));
        }
        let Some((chunk, sent)) = flying.next().await else { break };
        let error = match sent {
            Ok(()) => {
                outcome.taken.insert(chunk.table);
                continue;
            }
            Err(error) => error,
        };
        match fault(&error) {
            Fault::Cluster => {
                outcome.open.extend(chunk.records);
                outcome.trouble = Some(error);
            }
            Fault::Row | Fault::Doubtful if chunk.rows.len() > 1 => waiting.extend(chunk.split()),
            fault => {
                let (reason, certain) = (error.to_string(), fault == Fault::Row);
                outcome.blamed.push(Blamed { chunk, reason, certain });
            }
        }
    }
    outcome.open.extend(waiting.into_iter().flat_map(|chunk| chunk.records));
    outcome
}

async fn send(connection: &Connection, chunk: Chunk) -> (Chunk, Result<(), ExecutionError>) {
    let statement = connection.insert(chunk.table);
    let steady = matches!(chunk.table, Table::SensorLatest | Table::HealthLatest);
    let sent = if let [row] = chunk.rows.as_slice()
        && !steady
    {
        connection.session.execute_unpaged(statement, row).await
    } else {
        let statements = vec![BatchStatement::PreparedStatement(statement.clone()); chunk.rows.len()];
        let mut batch = Batch::new_with_statements(BatchType::Unlogged, statements);
        batch.set_is_idempotent(true);
        if steady {
            batch.set_load_balancing_policy(Some(connection.steady.clone()));
        }
        connection.session.batch(&batch, chunk.rows.as_slice()).await
    };
    (chunk, sent.map(|_| ()))
}

/// Whose fault it is that a row was not taken.
fn fault(error: &ExecutionError) -> Fault {
    match error {
        ExecutionError::BadQuery(BadQuery::ValuesTooLongForKey(..) | BadQuery::SerializationError(_)) => {
            Fault::Row
        }
        ExecutionError::LastAttemptError(attempt) => match attempt {
            RequestAttemptError::SerializationError(_) | RequestAttemptError::CqlRequestSerialization(_) => {
                Fault::Row
            }
            RequestAttemptError::DbError(DbError::Invalid, message) if is_about_the_row(message) => {
                Fault::Doubtful
            }
            _ => Fault::Cluster,
        },
        _ => Fault::Cluster,
    }
}

/// Whether what a node finds invalid can be a row at all. That it does not know the table is told by its
/// schema, and most guardrails look at the cluster: its disks, its consistency levels (`Guardrails.java`).
fn is_about_the_row(message: &str) -> bool {
    let schema = ["unconfigured table", "does not exist", "Undefined column", "Unknown identifier"];
    let guardrail = message.strip_prefix("Guardrail ").and_then(|rest| rest.split(' ').next());
    !schema.iter().any(|said| message.contains(said)) && guardrail.is_none_or(|name| name.ends_with("_size"))
}

#[cfg(test)]
mod tests;
