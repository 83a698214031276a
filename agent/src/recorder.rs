//! From what sources saw to durable records: assembles the board's health, names every record, and
//! commits in groups.
//!
//! Invariants: a record's time is the moment its source was read, fixed here and never again; a record
//! is appended exactly once; what the queue had to give up is said in a gap record of the same queue.
//!
//! Readings are appended as they come. Once an interval, shortly after the sources' common beat, the
//! parts of health that they saw become one health record, and everything appended since is committed
//! with one fsync. A part older than [`STALE_AFTER`] intervals is left out: absent, not old.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use crate::clock::{Clock, Moment};
use crate::queue::{Loss, QueueError, Writer};
use crate::record::{BoardName, Body, Gap, GapReason, Health, Identity, Record};
use crate::schedule::Observed;
use crate::tally::Tally;

/// A part of health is left out after so many intervals without news.
const STALE_AFTER: f64 = 3.5;

/// Everything the recorder needs.
pub(crate) struct Recorder {
    pub(crate) board: BoardName,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) interval: Duration,
    /// When the sources' common beat begins.
    pub(crate) start: Instant,
    /// How many sources there are.
    pub(crate) sources: usize,
    pub(crate) tally: Arc<Tally>,
    /// The sequence behind the last durable record.
    pub(crate) durable: watch::Sender<u64>,
}

/// A record that a sink refused for good.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Refused(pub(crate) Identity);

impl Recorder {
    /// Records until every sender of `observed` is gone, then closes the queue cleanly. Returns what was given up.
    pub(crate) async fn run(
        self,
        writer: Writer,
        mut observed: mpsc::Receiver<Observed>,
        mut refused: mpsc::Receiver<Refused>,
    ) -> Result<Vec<Loss>, QueueError> {
        let mut parts = Parts::new(self.sources, self.interval.mul_f64(STALE_AFTER));
        // Late enough for the beat's reads to be in, early enough to feel live.
        let lag = (self.interval / 4).min(Duration::from_millis(250));
        let mut beat = interval_at(self.start + lag, self.interval);
        beat.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut pen = Pen { recorder: &self, writer: Some(writer), uncommitted: 0, given_up: Vec::new() };
        let mut due: Option<Instant> = None;
        loop {
            let commit_due = async {
                match due {
                    Some(at) => tokio::time::sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                _ = beat.tick() => {
                    if let Some((moment, health)) = parts.assemble(Instant::now()) {
                        pen.append(moment, Body::Health(Box::new(health)));
                    }
                    pen.commit().await;
                    due = None;
                }
                () = commit_due => {
                    pen.commit().await;
                    due = None;
                }
                Some(Refused(identity)) = refused.recv() => pen.refuse(identity),
                next = observed.recv() => match next {
                    Some(observed) => {
                        pen.observe(observed, &mut parts);
                        due.get_or_insert_with(|| Instant::now() + 2 * lag);
                    }
                    None => break,
                },
            }
        }
        pen.commit().await;
        pen.close().await
    }
}

/// Writes records into the queue.
struct Pen<'a> {
    recorder: &'a Recorder,
    /// Away only while a commit runs on its own thread.
    writer: Option<Writer>,
    uncommitted: u64,
    given_up: Vec<Loss>,
}

impl Pen<'_> {
    fn observe(&mut self, observed: Observed, parts: &mut Parts) {
        for reading in observed.observation.readings {
            // JSON has no infinity; a driver that computes one has read nonsense.
            if reading.value.is_finite() {
                self.append(observed.moment, Body::Reading(reading));
            }
        }
        parts.put(observed.index, observed.moment, observed.observation.health);
    }

    fn append(&mut self, moment: Moment, body: Body) {
        let Some(writer) = &mut self.writer else { return };
        let board = self.recorder.board.clone();
        let tag = body.kind().tag();
        let identity = writer.append(tag, |identity| {
            // Encoding a record of our own making fails only when memory does.
            Record { board, identity, moment, body }.encode().unwrap_or_default()
        });
        self.uncommitted += 1;
        self.recorder.tally.appended(identity.sequence);
    }

    fn refuse(&mut self, Identity { queue, sequence }: Identity) {
        self.give_up(&Loss { queue, from: sequence, to: sequence, reason: GapReason::Refused, count: 1 });
    }

    fn give_up(&mut self, loss: &Loss) {
        self.recorder.tally.dropped(loss.count);
        let gap =
            Gap { of: loss.queue, from: loss.from, to: loss.to, reason: loss.reason, count: loss.count };
        tracing::warn!(queue = %loss.queue, from = loss.from, to = loss.to, count = loss.count, reason = ?loss.reason,
            "records are given up");
        self.append(self.recorder.clock.now(), Body::Gap(gap));
        // Losses come in runs, so joining neighbours keeps this list short however long the run.
        match self.given_up.last_mut().filter(|last| last.queue == loss.queue && last.to + 1 == loss.from) {
            Some(last) => (last.to, last.count) = (loss.to, last.count + loss.count),
            None => self.given_up.push(loss.clone()),
        }
    }

    /// Makes everything appended durable, and says in the stream what had to be given up for it.
    async fn commit(&mut self) {
        if self.uncommitted > 0
            && let Some(mut writer) = self.writer.take()
        {
            let committing = tokio::task::spawn_blocking(move || {
                let outcome = writer.commit();
                (writer, outcome)
            });
            let Ok((writer, outcome)) = committing.await else { return };
            self.writer = Some(writer);
            self.uncommitted = 0;
            match outcome {
                Ok(commit) => {
                    self.recorder.tally.durable(commit.durable);
                    self.recorder.durable.send_replace(commit.durable);
                }
                Err(error) => {
                    tracing::error!(error = &error as &dyn std::error::Error, "the queue cannot be written")
                }
            }
        }
        let losses = self.writer.as_mut().map(Writer::take_losses).unwrap_or_default();
        for loss in &losses {
            self.give_up(loss);
        }
    }

    async fn close(self) -> Result<Vec<Loss>, QueueError> {
        if let Some(writer) = self.writer {
            tokio::task::spawn_blocking(move || writer.close()).await.unwrap_or(Ok(()))?;
        }
        Ok(self.given_up)
    }
}

/// The newest part of health that each source gave.
struct Parts {
    parts: Vec<Option<Part>>,
    stale_after: Duration,
}

struct Part {
    arrived: Instant,
    moment: Moment,
    health: Health,
}

impl Parts {
    fn new(sources: usize, stale_after: Duration) -> Self {
        Self { parts: std::iter::repeat_with(|| None).take(sources).collect(), stale_after }
    }

    fn put(&mut self, index: usize, moment: Moment, health: Health) {
        if let Some(part) = self.parts.get_mut(index) {
            *part = Some(Part { arrived: Instant::now(), moment, health });
        }
    }

    /// All fresh parts as one health, at the moment of the newest; nothing when no part is fresh.
    fn assemble(&self, now: Instant) -> Option<(Moment, Health)> {
        let fresh = || self.parts.iter().flatten().filter(|part| now - part.arrived <= self.stale_after);
        let newest = fresh().max_by_key(|part| part.arrived)?;
        let mut health = Health::default();
        for part in fresh() {
            health.merge(part.health.clone());
        }
        (health != Health::default()).then_some((newest.moment, health))
    }
}
