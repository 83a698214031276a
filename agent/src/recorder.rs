//! From what sources saw to durable records: assembles the board's health, names every record, and
//! commits in groups.
//!
//! Invariants: a record's time is the moment its source was read, fixed here and never again; a record
//! is appended exactly once; what the queue had to give up is said in a gap record, and said again until
//! that record is durable.
//!
//! Readings are appended as they come. Once an interval, when every source of the board's own beat has been
//! read, and shortly after the beat where one of them is late, the parts of health that they saw become one
//! health record, and everything appended since is committed with one fsync. Beats that come faster than
//! [`HELD`] arrive together; then a source that is heard again shows that its last beat is over. A part older
//! than [`parts::STALE_AFTER`] intervals is left out: absent, not old.

mod parts;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep_until};

use self::parts::{Part, Parts};
use crate::clock::Clock;
use crate::letter::chain;
use crate::queue::{Closed, Loss, Losses, QueueError, Writer};
use crate::record::{BoardName, Body, Gap, GapReason, Health, Identity, Moment, Reading, Record};
use crate::schedule::{HELD, Observed};
use crate::sink::SinkName;
use crate::tally::Tally;

/// Between two commits, at the least: an fsync wears a card, and with a request to each sink behind it costs
/// more than what it makes durable. A little less than [`HELD`], so that what was handed on need not wait again.
const COMMITS_APART: Duration = Duration::from_millis(950);

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

/// Records that a sink refused for good, ascending. They are set aside by then.
pub(crate) struct Refused {
    pub(crate) sink: SinkName,
    pub(crate) records: Vec<Identity>,
    /// Told once the gap that names them is durable.
    pub(crate) told: oneshot::Sender<()>,
}

/// What the board's sources saw last.
#[derive(Debug, Default)]
pub(crate) struct Newest {
    /// The board as a whole, of its fresh parts; nothing when no part is fresh.
    pub(crate) health: Option<Health>,
    /// What each source read last, where that is fresh.
    pub(crate) readings: Vec<Reading>,
}

/// Where to answer with what is newest.
pub(crate) type Ask = oneshot::Sender<Newest>;

impl Recorder {
    /// Records until every sender of `observed` is gone, then closes the queue cleanly. Returns what was
    /// given up, and how the queue was closed.
    pub(crate) async fn run(
        self,
        writer: Writer,
        mut observed: mpsc::Receiver<Vec<Observed>>,
        mut refused: mpsc::Receiver<Refused>,
        mut asked: mpsc::Receiver<Ask>,
    ) -> (Vec<Loss>, Result<(), QueueError>) {
        let mut parts = Parts::new(&self.sources, self.interval);
        // Late enough for the beat's reads to be in, early enough to feel live.
        let lag = (self.interval / 4).min(Duration::from_millis(250));
        let late = sleep_until(self.start + lag);
        let between = self.interval.max(HELD);
        tokio::pin!(late);
        let mut pen = Pen::new(&self, writer);
        let mut due: Option<Instant> = None;
        let mut soonest = self.start;
        loop {
            let commit_due = async {
                match due {
                    Some(at) => sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = &mut late => {
                    pen.note_health(&mut parts, Instant::now());
                    late.set(sleep_until((late.deadline() + between).max(Instant::now())));
                    due = Some(soonest.max(Instant::now()));
                }
                () = commit_due => {
                    soonest = Instant::now() + COMMITS_APART;
                    pen.commit().await;
                    due = None;
                }
                // Whoever asked may have gone.
                Some(ask) = asked.recv() => drop(ask.send(parts.newest(Instant::now()))),
                Some(refused) = refused.recv() => {
                    pen.refuse(refused);
                    due.get_or_insert_with(|| soonest.max(Instant::now() + lag));
                }
                next = observed.recv() => match next {
                    Some(observed) => {
                        if pen.observe_all(observed, &mut parts) {
                            // Another, not the same one reset: that would wake at its old time, too.
                            late.set(sleep_until(Instant::now() + between + lag));
                            due = Some(soonest.max(Instant::now()));
                        }
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

/// The recorder's hand on the queue: appends, commits, and remembers which losses are not yet told durably.
struct Pen<'a> {
    recorder: &'a Recorder,
    /// Away only while a commit runs on its own thread.
    writer: Option<Writer>,
    uncommitted: u64,
    /// Losses whose gap records are not durable yet: the queue's own, and what each sink refused.
    untold: Vec<(Option<SinkName>, Losses)>,
    /// Shippers that wait for that.
    waiting: Vec<oneshot::Sender<()>>,
    /// Records given up since the queue could last be written, while it cannot.
    failing: Option<u64>,
    /// Everything given up in this run, for whoever reckons at its end.
    given_up: Losses,
}

impl<'a> Pen<'a> {
    fn new(recorder: &'a Recorder, writer: Writer) -> Self {
        let (untold, given_up) = (Vec::new(), Losses::default());
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

    /// Appends what was observed, and the health of every beat that is over; whether there was one.
    fn observe_all(&mut self, observed: Vec<Observed>, parts: &mut Parts) -> bool {
        let (mut noted, mut last) = (false, Instant::now());
        for observed in observed {
            if parts.heard_this_beat(observed.index) {
                self.note_health(parts, last);
                noted = true;
            }
            last = observed.read;
            self.observe(observed, parts);
            if parts.all_heard() {
                self.note_health(parts, last);
                noted = true;
            }
        }
        noted
    }

    fn observe(&mut self, observed: Observed, parts: &mut Parts) {
        let Observed { index, read, moment, observation } = observed;
        let mut readings = Vec::with_capacity(observation.readings.len());
        for reading in observation.readings {
            // JSON has no infinity; a driver that computes one has read nonsense.
            if reading.value.is_finite()
                && let Some(Body::Reading(reading)) = self.append(moment, Body::Reading(reading))
            {
                readings.push(reading);
            }
        }
        parts.put(index, Part { read, moment, health: observation.health, readings });
    }

    /// Appends the board's health, of the parts that were fresh then.
    fn note_health(&mut self, parts: &mut Parts, then: Instant) {
        if let Some((moment, health)) = parts.assemble(then) {
            self.append(moment, Body::Health(Box::new(health)));
        }
        parts.hear_anew();
    }

    /// Appends a record, and gives back what it says.
    fn append(&mut self, moment: Moment, body: Body) -> Option<Body> {
        let writer = self.writer.as_mut()?;
        let board = self.recorder.board.clone();
        let tag = body.kind().tag();
        let mut said = None;
        let made = moment.time;
        let identity = writer.append(tag, |identity| {
            let record = Record { board, identity, moment, body };
            // Encoding a record of our own making fails only when memory does.
            let bytes = record.encode().unwrap_or_default();
            said = Some(record.body);
            bytes
        });
        self.uncommitted += 1;
        self.recorder.tally.appended(identity.sequence, made);
        said
    }

    /// Writes down what a sink refused for good; its shipper waits until that is durable.
    fn refuse(&mut self, refused: Refused) {
        let mut losses = Losses::default();
        for Identity { queue, sequence } in refused.records {
            losses.add(queue, &(sequence..sequence + 1), GapReason::Refused);
        }
        // The sink's own tally counts them, and its shipper has said why.
        for loss in losses.take() {
            self.mourn(Some(refused.sink), loss);
        }
        self.waiting.push(refused.told);
    }

    /// Takes in what the queue itself could not keep.
    fn give_up(&mut self, losses: Vec<Loss>) {
        for loss in losses {
            let Loss { queue, from, to, reason, count } = loss;
            match &mut self.failing {
                Some(records) => *records += count,
                None => tracing::warn!(%queue, from, to, count, ?reason, "records are given up"),
            }
            self.recorder.tally.dropped(count);
            self.mourn(None, loss);
        }
    }

    /// Tells a loss in the stream, and keeps it until that is durable.
    fn mourn(&mut self, sink: Option<SinkName>, loss: Loss) {
        self.tell(sink, &loss);
        let at = self.untold.iter().position(|(of, _)| *of == sink).unwrap_or_else(|| {
            self.untold.push((sink, Losses::default()));
            self.untold.len() - 1
        });
        self.untold[at].1.join(loss.clone());
        self.given_up.join(loss);
    }

    /// Appends the gap record that names a loss: the only way that anybody downstream hears of it.
    fn tell(&mut self, sink: Option<SinkName>, loss: &Loss) {
        let Loss { queue: of, from, to, reason, count } = *loss;
        let sink = sink.map(|sink| sink.as_str().to_owned());
        let gap = Gap { of, from, to, reason, count, sink };
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
                    let untold = self
                        .untold
                        .iter()
                        .flat_map(|(sink, losses)| losses.waiting().iter().map(|loss| (*sink, loss.clone())));
                    for (sink, loss) in untold.collect::<Vec<_>>() {
                        self.tell(sink, &loss);
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
        self.untold.clear();
        if let Some(records) = self.failing.take() {
            tracing::info!(records, "the queue is written again; so many records were given up meanwhile");
        }
        self.tell_waiting();
    }

    /// Lets the shippers go on whose refusals are durable as gaps now.
    fn tell_waiting(&mut self) {
        for told in self.waiting.drain(..) {
            // A shipper that has gone in the meantime is offered the record again, and tells it again.
            let (Ok(()) | Err(())) = told.send(());
        }
    }

    async fn close(mut self) -> (Vec<Loss>, Result<(), QueueError>) {
        let Some(writer) = self.writer.take() else { return (self.given_up.take(), Ok(())) };
        let Ok(Closed { losses, status, outcome }) =
            tokio::task::spawn_blocking(move || writer.close()).await
        else {
            return (self.given_up.take(), Ok(()));
        };
        // What was appended last, gaps included, is durable too, and may still be shipped.
        self.recorder.tally.durable(&status);
        self.recorder.durable.send_replace(status.next);
        for loss in losses {
            self.recorder.tally.dropped(loss.count);
            self.given_up.join(loss);
        }
        if outcome.is_ok() {
            self.tell_waiting();
        }
        (self.given_up.take(), outcome)
    }
}

#[cfg(test)]
mod tests;
