//! When each source is read: sources of one interval share a beat, and a slow one delays nobody for long.
//!
//! All beats begin at the same instant, so that what was seen together becomes durable with a single fsync.
//! On a beat one thread reads its sources one after the other, those first that were quick the last time:
//! handing each to a thread of its own costs more than most of them do, and so would waking the runtime for
//! the beat; the thread waits for it by itself. What beats bring that come faster than [`HELD`] is handed on
//! together. A source that takes longer than [`PATIENCE`] keeps its thread to itself, and another thread takes
//! over the rest. A source that takes longer than its interval misses beats; it is never read twice at once,
//! and never hurries to catch up.

mod mood;
mod round;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use self::mood::Mood;
use self::round::{Player, Round};
use crate::clock::Clock;
use crate::record::Moment;
use crate::source::{Observation, Source};

/// The longest that one source holds up another, where each beat is told of on its own; where several are told
/// of together it may hold up the first of them all, once.
const PATIENCE: Duration = Duration::from_millis(20);

/// The longest that what was read waits for what the next beats bring.
pub(crate) const HELD: Duration = Duration::from_secs(1);

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
    /// When the read began, by the clock that no one sets.
    pub read: Instant,
    /// The same moment, as it travels.
    pub moment: Moment,
    /// What it saw.
    pub observation: Observation,
}

/// Reads every source on its beat until `stop` turns true or nobody listens any more. What is sent together
/// stands in the order in which the reads ended.
pub fn spawn(
    sources: Vec<Scheduled>,
    clock: &Arc<dyn Clock>,
    start: Instant,
    out: &mpsc::Sender<Vec<Observed>>,
    stop: &watch::Receiver<bool>,
) -> JoinSet<()> {
    let mut beats: BTreeMap<Duration, Vec<Player>> = BTreeMap::new();
    for (index, Scheduled { source, interval }) in sources.into_iter().enumerate() {
        let player = Player { index, source, mood: Mood::default(), took: Duration::ZERO };
        beats.entry(interval).or_default().push(player);
    }
    let mut tasks = JoinSet::new();
    for (interval, players) in beats {
        let round = Arc::new(Round::new(Arc::clone(clock), interval, start, players));
        let beat = Beat { out: out.clone(), round };
        let stop = stop.clone();
        tasks.spawn(async move { beat.keep(stop).await });
    }
    tasks
}

/// Whoever fetches what a round's threads read, and has another take over from one that takes too long.
struct Beat {
    out: mpsc::Sender<Vec<Observed>>,
    round: Arc<Round>,
}

impl Beat {
    async fn keep(self, mut stop: watch::Receiver<bool>) {
        self.round.take_over();
        loop {
            let stopped = tokio::select! {
                biased;
                _ = stop.wait_for(|stop| *stop) => true,
                () = self.round.told.notified() => false,
                () = sleep_until(self.round.patience()) => {
                    self.round.take_over();
                    false
                }
            };
            // At the end, too: what was held is handed on.
            let done = self.round.fetch();
            if (!done.is_empty() && self.out.send(done).await.is_err()) || stopped {
                return;
            }
        }
    }
}

impl Drop for Beat {
    fn drop(&mut self) {
        self.round.end();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::testing::FixedClock;
    use crate::source::SourceError;
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

    struct Telling(blocking::Sender<std::thread::ThreadId>);

    impl Source for Telling {
        fn name(&self) -> &'static str {
            "telling"
        }

        fn read(&mut self) -> Result<Observation, SourceError> {
            let _ = self.0.send(std::thread::current().id());
            Ok(Observation::default())
        }
    }

    #[tokio::test]
    async fn quick_sources_of_one_interval_are_read_by_one_thread() {
        let (tell, told) = blocking::channel();
        let interval = Duration::from_secs(3600);
        let telling = |_| Scheduled { source: Box::new(Telling(tell.clone())) as _, interval };
        let (out, mut observed) = mpsc::channel(16);
        let (_stop, stopped) = watch::channel(false);
        let clock: Arc<dyn Clock> = Arc::new(FixedClock::default());
        let _tasks = spawn((0..9).map(telling).collect(), &clock, Instant::now(), &out, &stopped);
        let pass = observed.recv().await.unwrap_or_default();
        assert_eq!(
            pass.iter().map(|observed| observed.index).collect::<Vec<_>>(),
            (0..9).collect::<Vec<_>>()
        );
        let threads: std::collections::HashSet<_> = told.try_iter().collect();
        assert_eq!(threads.len(), 1);
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
        let mut seen = async || -> Vec<usize> {
            observed.recv().await.unwrap_or_default().iter().map(|observed| observed.index).collect()
        };
        let mut quick = 0;
        while quick < 5 {
            let indices = seen().await;
            assert!(indices.iter().all(|index| *index == 1), "{indices:?}");
            quick += indices.len();
        }
        open.send(()).unwrap();
        while !seen().await.contains(&0) {}
        drop(open);
        stop.send(true).unwrap();
        while tasks.join_next().await.is_some() {}
    }

    #[tokio::test]
    async fn what_is_held_when_the_beats_stop_is_handed_on() {
        let (tell, told) = blocking::channel();
        let interval = Duration::from_millis(1);
        let sources = vec![Scheduled { source: Box::new(Telling(tell)), interval }];
        let (out, mut observed) = mpsc::channel(16);
        let (stop, stopped) = watch::channel(false);
        let clock: Arc<dyn Clock> = Arc::new(FixedClock::default());
        let mut tasks = spawn(sources, &clock, Instant::now(), &out, &stopped);
        let first = observed.recv().await.unwrap_or_default().len();
        // The second read is over once the third has begun.
        let wait = move || (told.recv(), told.recv(), told.recv(), told);
        let _told = tokio::task::spawn_blocking(wait).await.unwrap();
        stop.send(true).unwrap();
        while tasks.join_next().await.is_some() {}
        drop(out);
        let mut held = 0;
        while let Some(pass) = observed.recv().await {
            held += pass.len();
        }
        assert!(first >= 1 && first + held >= 2, "{first} and {held}");
    }
}
