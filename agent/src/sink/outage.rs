//! What keeps a sink from taking records, as far as anybody knows: said once, and said again only when
//! it changed or ended.
//!
//! It outlives the sink's connections, so that a client that is built anew does not say the same again.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::SinkName;
use crate::record::BoardName;

/// One sink's outage, or none.
#[derive(Debug)]
pub struct Outage {
    board: BoardName,
    sink: SinkName,
    cause: Mutex<Option<String>>,
}

impl Outage {
    /// No outage, of this board's way to this sink.
    #[must_use]
    pub fn none(board: BoardName, sink: SinkName) -> Self {
        Self { board, sink, cause: Mutex::new(None) }
    }

    /// Records wait, for this cause: a sentence that names what, where and the remedy, and never a secret.
    pub fn because(&self, cause: &str) {
        self.because_of(cause, None);
    }

    /// The same, with the client's own words, which may change from one try to the next without being news.
    pub fn because_of(&self, cause: &str, detail: Option<&str>) {
        let mut known = self.lock();
        if known.as_deref() != Some(cause) {
            tracing::warn!(board = %self.board, sink = %self.sink, cause, detail, "records wait in the queue");
            *known = Some(cause.to_owned());
        }
    }

    /// The sink takes records.
    pub fn over(&self) {
        if self.lock().take().is_some() {
            tracing::info!(board = %self.board, sink = %self.sink, "records flow again");
        }
    }

    /// The cause, while there is one.
    #[must_use]
    pub fn cause(&self) -> Option<String> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Option<String>> {
        self.cause.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_is_known_until_it_is_over() {
        let outage = Outage::none("w3".parse().unwrap(), SinkName::Kafka);
        assert_eq!(outage.cause(), None);
        outage.because("no broker answers");
        outage.because("the topic is unknown");
        assert_eq!(outage.cause().as_deref(), Some("the topic is unknown"));
        outage.over();
        assert_eq!(outage.cause(), None);
    }
}
