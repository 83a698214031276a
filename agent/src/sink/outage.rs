//! What keeps a sink from taking records, as far as anybody knows. Each cause is said once in an outage: a
//! cluster of which one node is away and another refuses gives two, by turns, for as long as it lasts.
//!
//! It outlives the sink's connections, so that a client that is built anew does not say the same again.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::SinkName;
use crate::record::BoardName;

/// So many causes are remembered; of an outage with more the oldest may be said again.
const REMEMBERED: usize = 16;

/// One sink's outage, or none.
#[derive(Debug)]
pub struct Outage {
    board: BoardName,
    sink: SinkName,
    known: Mutex<Known>,
}

/// What is known of it.
#[derive(Debug, Default)]
struct Known {
    /// The newest cause, and the client's own words.
    now: Option<(String, Option<String>)>,
    /// What has been said of this outage, oldest first.
    said: VecDeque<String>,
}

impl Known {
    /// Takes a cause in; returns whether it is news.
    fn learn(&mut self, cause: &str, detail: Option<&str>) -> bool {
        self.now = Some((cause.to_owned(), detail.map(str::to_owned)));
        let news = !self.said.iter().any(|said| said == cause);
        if news {
            self.said.push_back(cause.to_owned());
            if self.said.len() > REMEMBERED {
                self.said.pop_front();
            }
        }
        news
    }
}

impl Outage {
    /// No outage, of this board's way to this sink.
    #[must_use]
    pub fn none(board: BoardName, sink: SinkName) -> Self {
        Self { board, sink, known: Mutex::default() }
    }

    /// Records wait, for this cause: a sentence that names what, where and the remedy, and never a secret.
    pub fn because(&self, cause: &str) {
        self.because_of(cause, None);
    }

    /// The same, with the client's own words, which may change from one try to the next without being news.
    pub fn because_of(&self, cause: &str, detail: Option<&str>) {
        if self.lock().learn(cause, detail) {
            tracing::warn!(board = %self.board, sink = %self.sink, cause, detail, "records wait in the queue");
        }
    }

    /// The sink takes records.
    pub fn over(&self) {
        let ended = std::mem::take(&mut *self.lock());
        if ended.now.is_some() {
            tracing::info!(board = %self.board, sink = %self.sink, "records flow again");
        }
    }

    /// The newest cause, while there is one, with the client's own words behind it.
    #[must_use]
    pub fn cause(&self) -> Option<String> {
        let (cause, detail) = self.lock().now.clone()?;
        Some(detail.map_or_else(|| cause.clone(), |detail| format!("{cause} ({detail})")))
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
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

    #[test]
    fn causes_that_come_by_turns_are_news_once_in_an_outage() {
        let mut known = Known::default();
        let by_turns = ["refuses the login", "is away"].into_iter().cycle().take(6);
        let news = by_turns.map(|cause| known.learn(cause, None)).collect::<Vec<_>>();
        assert_eq!(news, [true, true, false, false, false, false]);
        assert!(Known::default().learn("is away", None), "in the next outage it is news again");
    }

    #[test]
    fn other_words_of_the_client_are_no_news_but_are_shown() {
        let outage = Outage::none("w3".parse().unwrap(), SinkName::Cassandra);
        outage.because_of("cannot be reached", Some("refused"));
        assert!(!outage.lock().learn("cannot be reached", Some("no route")));
        assert_eq!(outage.cause().as_deref(), Some("cannot be reached (no route)"));
    }
}
