//! Where a chart's points come from: the same question and the same answer, whoever keeps the records.

use std::sync::Arc;

use jiff::Timestamp;

use super::archive::Archive;
use super::history::{History, HistoryError, Points};

/// Whoever keeps the records.
#[derive(Clone)]
pub enum Charts {
    /// The history of this program: an embedded rack, or one without Cassandra.
    History(Arc<History>),
    /// The rack's Cassandra.
    Cassandra(Arc<Archive>),
}

impl Charts {
    /// The points of a chart from `since` to `until`, as [`History::points`] has them.
    ///
    /// # Errors
    /// When a health record has no such number, or whoever keeps them cannot be read.
    pub async fn points(
        &self,
        board: &str,
        series: &str,
        since: Timestamp,
        until: Timestamp,
    ) -> Result<Points, HistoryError> {
        match self {
            Self::Cassandra(archive) => archive.points(board, series, since, until).await,
            Self::History(history) => {
                let (history, board, series) = (Arc::clone(history), board.to_owned(), series.to_owned());
                // SQLite blocks: it runs beside the requests, not among them.
                let asked = tokio::task::spawn_blocking(move || history.points(&board, &series, since));
                asked.await.unwrap_or(Err(HistoryError::Ended))
            }
        }
    }
}
