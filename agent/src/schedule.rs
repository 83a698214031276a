//! When each source is read: every source on its own beat, on a thread of its own, so that a slow
//! one delays nobody.
//!
//! All beats begin at the same instant. Sources of one interval are then read together, and what they
//! saw becomes durable with a single fsync. A source that takes longer than its interval misses beats;
//! it is never read twice at once, and never hurries to catch up.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use crate::clock::Clock;
use crate::letter::chain;
use crate::record::Moment;
use crate::source::{Observation, Source, SourceError};

/// A source and how often it is read.
pub struct Scheduled {
    /// What is read.
    pub source: Box<dyn Source>,
    /// Between the beginnings of two reads.
    pub interval: Duration,
}

/// What one read gave, and when it began.
pub struct Observed {
    /// The source's place in the list that was scheduled.
    pub index: usize,
    /// When the read began.
    pub moment: Moment,
    /// What it saw.
    pub observation: Observation,
}

/// Reads every source on its beat until `stop` turns true or nobody listens any more.
pub fn spawn(
    sources: Vec<Scheduled>,
    clock: &Arc<dyn Clock>,
    start: Instant,
    out: &mpsc::Sender<Observed>,
    stop: &watch::Receiver<bool>,
) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    for (index, scheduled) in sources.into_iter().enumerate() {
        let beat = Beat { index, start, clock: Arc::clone(clock), out: out.clone() };
        let mut stop = stop.clone();
        tasks.spawn(async move {
            tokio::select! {
                biased;
                _ = stop.wait_for(|stop| *stop) => {}
                () = beat.keep(scheduled) => {}
            }
        });
    }
    tasks
}

struct Beat {
    index: usize,
    start: Instant,
    clock: Arc<dyn Clock>,
    out: mpsc::Sender<Observed>,
}

impl Beat {
    async fn keep(self, scheduled: Scheduled) {
        let mut ticks = interval_at(self.start, scheduled.interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut source = scheduled.source;
        let mut mood = Mood::default();
        loop {
            ticks.tick().await;
            let began = Instant::now();
            let moment = self.clock.now();
            let reading = tokio::task::spawn_blocking(move || {
                let outcome = source.read();
                (source, outcome)
            });
            // A source that panicked is gone; the others go on.
            let Ok((back, outcome)) = reading.await else { return };
            source = back;
            mood.note(source.name(), began.elapsed(), scheduled.interval, outcome.as_ref().err());
            if let Ok(observation) = outcome {
                let observed = Observed { index: self.index, moment, observation };
                if self.out.send(observed).await.is_err() {
                    return;
                }
            }
        }
    }
}

/// What was last said of a source, so that only changes are logged.
#[derive(Default)]
struct Mood {
    failing: Option<String>,
    slow: bool,
}

impl Mood {
    fn note(&mut self, source: &str, took: Duration, interval: Duration, error: Option<&SourceError>) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::testing::FixedClock;
    use std::sync::mpsc as blocking;

    struct Gated(blocking::Receiver<()>);

    impl Source for Gated {
        fn name(&self) -> &'static str {
            "gated"
        }

        fn read(&mut self) -> Result<Observation, SourceError> {
            let _ = self.0.recv();
            Ok(Observation::default())
        }
    }

    struct Quick;

    impl Source for Quick {
        fn name(&self) -> &'static str {
            "quick"
        }

        fn read(&mut self) -> Result<Observation, SourceError> {
            Ok(Observation::default())
        }
    }

    #[tokio::test]
    async fn a_source_that_hangs_delays_no_other() {
        let (open, gate) = blocking::channel();
        let interval = Duration::from_millis(5);
        let sources = vec![
            Scheduled { source: Box::new(Gated(gate)), interval },
            Scheduled { source: Box::new(Quick), interval },
        ];
        let (out, mut observed) = mpsc::channel(16);
        let (stop, stopped) = watch::channel(false);
        let clock: Arc<dyn Clock> = Arc::new(FixedClock::default());
        let mut tasks = spawn(sources, &clock, Instant::now(), &out, &stopped);
        for _ in 0..5 {
            assert_eq!(observed.recv().await.map(|observed| observed.index), Some(1));
        }
        open.send(()).unwrap();
        while observed.recv().await.map(|observed| observed.index) != Some(0) {}
        drop(open);
        stop.send(true).unwrap();
        while tasks.join_next().await.is_some() {}
    }
}
