//! Chunks on their way: a bounded number at once, until each is acknowledged or the cluster is in trouble.

use std::collections::VecDeque;

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
    /// Rows that the cluster will not take, each sent alone, with its reason.
    pub(super) blamed: Vec<(usize, String)>,
    /// What is wrong with the cluster.
    pub(super) trouble: Option<ExecutionError>,
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
        match sent {
            Ok(()) => {}
            Err(error) if !is_refusal(&error) => {
                outcome.open.extend(chunk.records);
                outcome.trouble = Some(error);
            }
            Err(_) if chunk.rows.len() > 1 => waiting.extend(chunk.split()),
            Err(error) => {
                outcome.blamed.extend(chunk.records.into_iter().map(|record| (record, error.to_string())))
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

/// Whether it may be the row's own fault: then it is no use to send it again as it is.
fn is_refusal(error: &ExecutionError) -> bool {
    match error {
        ExecutionError::BadQuery(BadQuery::ValuesTooLongForKey(..) | BadQuery::SerializationError(_)) => true,
        ExecutionError::LastAttemptError(attempt) => match attempt {
            RequestAttemptError::SerializationError(_) | RequestAttemptError::CqlRequestSerialization(_) => {
                true
            }
            RequestAttemptError::DbError(kind, _) => matches!(kind, DbError::Invalid),
            _ => false,
        },
        _ => false,
    }
}
