//! When a list of mounts, interfaces or zones is read again.

use std::time::{Duration, Instant};

/// How old a list may grow. Lists are costly (many small files), and what is on them seldom changes.
pub(super) const EVERY: Duration = Duration::from_secs(60);

/// Says when a list is to be read again: at first, when it is old, and when a read has shown it stale.
#[derive(Debug)]
pub(super) struct Relist {
    every: Duration,
    listed: Option<Instant>,
}

impl Relist {
    pub(super) fn every(every: Duration) -> Self {
        Self { every, listed: None }
    }

    /// Whether to list now. Asking is a promise to do it.
    pub(super) fn due(&mut self) -> bool {
        let due = self.listed.is_none_or(|listed| listed.elapsed() >= self.every);
        if due {
            self.listed = Some(Instant::now());
        }
        due
    }

    /// The list has proven stale: the next question is answered by yes.
    pub(super) fn stale(&mut self) {
        self.listed = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read_at_first_then_when_old_or_stale() {
        let mut hourly = Relist::every(Duration::from_secs(3600));
        assert!(hourly.due());
        assert!(!hourly.due());
        hourly.stale();
        assert!(hourly.due());
        let mut always = Relist::every(Duration::ZERO);
        assert!(always.due() && always.due());
    }
}
