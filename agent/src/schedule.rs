//! When each source is read: sources of one interval share a beat, and a slow one delays nobody for long.
//!
//! All beats begin at the same instant, so that what was seen together becomes durable with a single fsync.
//! On a beat one thread reads its sources one after the other, those first that were quick the last time:
//! handing each to a thread of its own costs more than most of them do. A source that takes longer than
//! [`PATIENCE`] keeps its thread to itself, and another thread takes over the rest. A source that takes longer
//! than its interval misses beats; it is never read twice at once, and never hurries to catch up.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep_until};

use crate::clock::Clock;
use crate::letter::chain;
use crate::record::Moment;
use crate::source::{Observation, Source, SourceError};

/// The longest that one source holds up another.
const PATIENCE: Duration = Duration::from_millis(20);

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
    let mut beats: BTreeMap<Duration, Vec<Player>> = BTreeMap::new();
    for (index, Scheduled { source, interval }) in sources.into_iter().enumerate() {
        let player = Player { index, source, mood: Mood::default(), took: Duration::ZERO };
        beats.entry(interval).or_default().push(player);
    }
    let mut tasks = JoinSet::new();
    for (interval, resting) in beats {
        let round =
            Arc::new(Round { clock: Arc::clone(clock), due: Mutex::default(), done: Mutex::default() });
        let beat = Beat { interval, start, out: out.clone(), round, resting, hands: JoinSet::new() };
        let mut stop = stop.clone();
        tasks.spawn(async move {
            tokio::select! {
                biased;
                _ = stop.wait_for(|stop| *stop) => {}
                () = beat.keep() => {}
            }
        });
    }
    tasks
}

/// A source, and how its last read went.
struct Player {
    index: usize,
    source: Box<dyn Source>,
    mood: Mood,
    took: Duration,
}

/// A read that is over: whose, when it began, and what came of it.
type Read = (Player, Moment, Result<Observation, SourceError>);

/// What the threads of one beat share.
struct Round {
    clock: Arc<dyn Clock>,
    due: Mutex<VecDeque<Player>>,
    done: Mutex<Vec<Read>>,
}

impl Round {
    /// Reads what is due, until nothing is.
    fn play(&self) {
        loop {
            // Not in the loop's head: there the lock would be held while the source is read.
            let next = locked(&self.due).pop_front();
            let Some(mut player) = next else { return };
            let (began, moment) = (Instant::now(), self.clock.now());
            let outcome = player.source.read();
            player.took = began.elapsed();
            locked(&self.done).push((player, moment, outcome));
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The sources of one interval.
struct Beat {
    interval: Duration,
    start: Instant,
    out: mpsc::Sender<Observed>,
    round: Arc<Round>,
    /// The sources that are not being read.
    resting: Vec<Player>,
    /// The threads that read the others.
    hands: JoinSet<()>,
}

impl Beat {
    async fn keep(mut self) {
        let mut ticks = interval_at(self.start, self.interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut patience: Option<Instant> = None;
        loop {
            let out_of_patience = async {
                match patience {
                    Some(at) => sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                _ = ticks.tick() => {
                    self.resting.sort_by_key(|player| player.took);
                    locked(&self.round.due).extend(self.resting.drain(..));
                }
                // A source that panicked is gone, and its thread; the rest is taken over.
                Some(_) = self.hands.join_next() => {}
                () = out_of_patience => {}
            }
            if self.tell().await.is_err() {
                return;
            }
            patience = self.lend_a_hand(patience);
        }
    }

    /// A thread for what is due, unless one is at it that has not used up the patience; until when that lasts.
    fn lend_a_hand(&mut self, patience: Option<Instant>) -> Option<Instant> {
        let now = Instant::now();
        let waiting = !locked(&self.round.due).is_empty();
        let busy = !self.hands.is_empty() && patience.is_some_and(|until| now < until);
        if waiting && !busy {
            let round = Arc::clone(&self.round);
            self.hands.spawn_blocking(move || round.play());
            return Some(now + PATIENCE);
        }
        // Once more after the last source was taken: what was read beside a slow one is told without it.
        patience.filter(|until| now < *until && !self.hands.is_empty())
    }

    /// Hands on what was read; fails when nobody listens any more.
    async fn tell(&mut self) -> Result<(), mpsc::error::SendError<Observed>> {
        let done = std::mem::take(&mut *locked(&self.round.done));
        for (mut player, moment, outcome) in done {
            player.mood.note(player.source.name(), player.took, self.interval, outcome.as_ref().err());
            let index = player.index;
            self.resting.push(player);
            if let Ok(observation) = outcome {
                self.out.send(Observed { index, moment, observation }).await?;
            }
        }
        Ok(())
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
        for index in 0..9 {
            assert_eq!(observed.recv().await.map(|observed| observed.index), Some(index));
        }
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
