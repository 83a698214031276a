//! From what sources saw to durable records: assembles the board's health, names every record, and
//! commits in groups.
//!
//! Invariants: a record's time is the moment its source was read, fixed here and never again; a record
//! is appended exactly once; what the queue had to give up is said in a gap record, and said again until
//! that record is durable.
//!
//! Readings are appended as they come. Once an interval, shortly after the sources' common beat, the
//! parts of health that they saw become one health record, and everything appended since is committed
//! with one fsync; at intervals below [`COMMITS_APART`] together with what the next beats bring. A part older
//! than [`STALE_AFTER`] intervals is left out: absent, not old.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use crate::clock::Clock;
use crate::letter::chain;
use crate::queue::{Loss, Losses, QueueError, Writer};
use crate::record::{BoardName, Body, Gap, GapReason, Health, Identity, Moment, Record};
use crate::schedule::Observed;
use crate::tally::Tally;

/// A part of health is left out after so many of its source's intervals without news.
const STALE_AFTER: f64 = 3.5;

/// Between two commits, at the least: an fsync wears a card and costs more than what it makes durable.
const COMMITS_APART: Duration = Duration::from_millis(500);

/// Everything the recorder needs.
pub(crate) struct Recorder {
    pub(crate) board: BoardName,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) interval: Duration,
    /// When the sources' common beat begins.
    pub(crate) start: Instant,
    /// How often each source is read, in the order in which they were scheduled.
    pub(crate) sources: Vec<Duration>,
    pub(crate) tally: Arc<Tally>,
    /// The sequence behind the last durable record.
    pub(crate) durable: watch::Sender<u64>,
}

/// Records that a sink refused for good, ascending.
pub(crate) struct Refused {
    pub(crate) records: Vec<Identity>,
    /// Told once the gap that names them is durable.
    pub(crate) told: oneshot::Sender<()>,
}

impl Recorder {
    /// Records until every sender of `observed` is gone, then closes the queue cleanly. Returns what was
    /// given up, and how the queue was closed.
    pub(crate) async fn run(
        self,
        writer: Writer,
        mut observed: mpsc::Receiver<Observed>,
        mut refused: mpsc::Receiver<Refused>,
    ) -> (Vec<Loss>, Result<(), QueueError>) {
        let stale = |interval: &Duration| (*interval).max(self.interval).mul_f64(STALE_AFTER);
        let mut parts = Parts::new(self.sources.iter().map(stale));
        // Late enough for the beat's reads to be in, early enough to feel live.
        let lag = (self.interval / 4).min(Duration::from_millis(250));
        let mut beat = interval_at(self.start + lag, self.interval);
        beat.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut pen = Pen::new(&self, writer);
        let mut due: Option<Instant> = None;
        let mut soonest = self.start;
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
                    due = Some(soonest.max(Instant::now()));
                }
                () = commit_due => {
                    soonest = Instant::now() + COMMITS_APART;
                    pen.commit().await;
                    due = None;
                }
                Some(refused) = refused.recv() => {
                    pen.refuse(refused);
                    due.get_or_insert_with(|| soonest.max(Instant::now() + lag));
                }
                next = observed.recv() => match next {
                    Some(observed) => {
                        pen.observe(observed, &mut parts);
                        due.get_or_insert_with(|| soonest.max(Instant::now() + 2 * lag));
                    }
                    None => break,
                },
            }
        }
        // Whoever comes with a refusal from now on hears that nobody is here to write it down.
        refused.close();
        while let Some(refused) = refused.recv().await {
            pen.refuse(refused);
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
    /// Losses whose gap records are not durable yet.
    untold: Losses,
    /// Shippers that wait for that.
    waiting: Vec<oneshot::Sender<()>>,
    /// Records given up since the queue could last be written, while it cannot.
    failing: Option<u64>,
    /// Everything given up in this run, for whoever reckons at its end.
    given_up: Losses,
}

impl<'a> Pen<'a> {
    fn new(recorder: &'a Recorder, writer: Writer) -> Self {
        let (untold, given_up) = (Losses::default(), Losses::default());
        Self {
            recorder,
            writer: Some(writer),
            uncommitted: 0,
            untold,
            waiting: Vec::new(),
            failing: None,
            given_up,
        }
    }

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

    fn refuse(&mut self, refused: Refused) {
        let mut losses = Losses::default();
        for Identity { queue, sequence } in refused.records {
            losses.add(queue, &(sequence..sequence + 1), GapReason::Refused);
        }
        self.give_up(losses.take());
        self.waiting.push(refused.told);
    }

    fn give_up(&mut self, losses: Vec<Loss>) {
        for loss in losses {
            let Loss { queue, from, to, reason, count } = loss;
            match &mut self.failing {
                Some(records) => *records += count,
                None => tracing::warn!(%queue, from, to, count, ?reason, "records are given up"),
            }
            self.recorder.tally.dropped(count);
            self.tell(&loss);
            self.untold.join(loss.clone());
            self.given_up.join(loss);
        }
    }

    fn tell(&mut self, loss: &Loss) {
        let gap =
            Gap { of: loss.queue, from: loss.from, to: loss.to, reason: loss.reason, count: loss.count };
        self.append(self.recorder.clock.now(), Body::Gap(gap));
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
                Ok(commit) => self.committed(commit.durable),
                Err(error) => {
                    if self.failing.is_none() {
                        tracing::error!(error = chain(&error), "the queue cannot be written; trying on");
                        self.failing = Some(0);
                    }
                    // The gaps went down with the rest, so they are said again before anything else.
                    for loss in self.untold.waiting().to_vec() {
                        self.tell(&loss);
                    }
                }
            }
        }
        let losses = self.writer.as_mut().map(Writer::take_losses).unwrap_or_default();
        self.give_up(losses);
    }

    fn committed(&mut self, durable: u64) {
        if let Some(writer) = &self.writer {
            self.recorder.tally.durable(&writer.status());
        }
        self.recorder.durable.send_replace(durable);
        drop(self.untold.take());
        if let Some(records) = self.failing.take() {
            tracing::info!(records, "the queue is written again; so many records were given up meanwhile");
        }
        for told in self.waiting.drain(..) {
            // A shipper that has gone in the meantime is offered the record again, and tells it again.
            let (Ok(()) | Err(())) = told.send(());
        }
    }

    async fn close(mut self) -> (Vec<Loss>, Result<(), QueueError>) {
        let closed = match self.writer.take() {
            Some(writer) => tokio::task::spawn_blocking(move || writer.close()).await.unwrap_or(Ok(())),
            None => Ok(()),
        };
        (self.given_up.take(), closed)
    }
}

/// The newest part of health that each source gave.
struct Parts(Vec<Slot>);

struct Slot {
    stale_after: Duration,
    newest: Option<Part>,
}

struct Part {
    arrived: Instant,
    moment: Moment,
    health: Health,
}

impl Parts {
    fn new(stale_after: impl Iterator<Item = Duration>) -> Self {
        Self(stale_after.map(|stale_after| Slot { stale_after, newest: None }).collect())
    }

    fn put(&mut self, index: usize, moment: Moment, health: Health) {
        if let Some(slot) = self.0.get_mut(index) {
            slot.newest = Some(Part { arrived: Instant::now(), moment, health });
        }
    }

    /// All fresh parts as one health, at the moment of the newest; nothing when no part is fresh.
    fn assemble(&self, now: Instant) -> Option<(Moment, Health)> {
        let fresh = |slot: &&Slot| {
            slot.newest.as_ref().is_some_and(|part| now.duration_since(part.arrived) <= slot.stale_after)
        };
        let parts = || self.0.iter().filter(fresh).filter_map(|slot| slot.newest.as_ref());
        let newest = parts().max_by_key(|part| part.arrived)?;
        let mut health = Health::default();
        for part in parts() {
            health.merge(part.health.clone());
        }
        (health != Health::default()).then_some((newest.moment, health))
    }
}

#[cfg(test)]
mod tests;
