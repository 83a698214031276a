//! What is said in the log of how a source's reads go: each change, once.

use std::time::Duration;

use crate::letter::chain;
use crate::source::SourceError;

/// What was last said of a source, so that only changes are logged.
#[derive(Default)]
pub(super) struct Mood {
    failing: Option<String>,
    slow: bool,
}

impl Mood {
    pub(super) fn note(
        &mut self,
        source: &str,
        took: Duration,
        interval: Duration,
        error: Option<&SourceError>,
    ) {
        let error = error.map(|error| chain(error));
        if error != self.failing {
            match &error {
                Some(error) => {
                    tracing::warn!(source, error, "source cannot be read; trying again at every beat")
                }
                None => tracing::info!(source, "source can be read again"),
            }
            self.failing = error;
        }
        let slow = took > interval;
        if slow != self.slow {
            self.slow = slow;
            let (took, interval) = (took.as_secs_f64(), interval.as_secs_f64());
            if slow {
                tracing::warn!(
                    source,
                    took,
                    interval,
                    "source takes longer than its interval; beats are left out"
                );
            } else {
                tracing::info!(source, took, interval, "source keeps its interval again");
            }
        }
    }
}
