//! Promises of the shipper, with a real queue and a sink that does as it is told.

use std::collections::VecDeque;

use tokio::task::JoinHandle;
use uuid::Uuid;

use super::*;
use crate::clock::testing::FixedClock;
use crate::queue::testing::FakeDisk;
use crate::queue::{self, Settings, Writer};
use crate::record::Entry;
use crate::sink::outage::Outage;
use crate::tally::{SinkCounts, Tally};

/// What the sink does with a batch.
#[derive(Clone, Copy, PartialEq)]
enum Answer {
    Take,
    /// Settles only the first so many.
    TakeFirst(usize),
    /// Settles only the first so many, and says why.
    Trickle(usize),
    Refuse(usize),
    Fail,
    /// Never answers.
    Hang,
}

/// What happened to the sink, in order.
#[derive(Debug, PartialEq)]
enum Seen {
    Connected,
    Offered(Vec<u64>),
    Dropped,
}

#[derive(Clone, Default)]
struct Script {
    answers: Arc<Mutex<VecDeque<Answer>>>,
    seen: Arc<Mutex<Vec<Seen>>>,
}

struct Scripted(Script);

fn failed() -> SinkError {
    SinkError::Failed { sink: "scripted", address: "nowhere".into(), reason: "told to".into() }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.0.seen.lock().unwrap().push(Seen::Dropped);
    }
}

impl Sink for Scripted {
    async fn deliver(&mut self, batch: &[Entry]) -> Result<Receipt, SinkError> {
        let sequences = batch.iter().map(|entry| entry.identity.sequence).collect();
        self.0.seen.lock().unwrap().push(Seen::Offered(sequences));
        let answer = self.0.answers.lock().unwrap().pop_front().unwrap_or(Answer::Take);
        match answer {
            Answer::Take => Ok(Receipt { settled: batch.len(), ..Receipt::default() }),
            Answer::TakeFirst(settled) => Ok(Receipt { settled, ..Receipt::default() }),
            Answer::Trickle(settled) => {
                Ok(Receipt { settled, trouble: Some(failed()), ..Receipt::default() })
            }
            Answer::Refuse(index) => {
                let refused = vec![Refusal { index, reason: "too large".into() }];
                Ok(Receipt { settled: batch.len(), refused, trouble: None })
            }
            Answer::Fail => Err(failed()),
            Answer::Hang => std::future::pending().await,
        }
    }
}

struct Lab {
    disk: Arc<FakeDisk>,
    writer: Writer,
    durable: watch::Sender<u64>,
    link: watch::Sender<bool>,
    refused: mpsc::Receiver<Refused>,
    tally: Arc<Tally>,
    script: Script,
    shipping: JoinHandle<()>,
}

/// A queue of `records` durable records, and a shipper that meets `answers`.
fn lab(records: u64, answers: &[Answer]) -> Lab {
    lab_at(Rate::UNBOUNDED, records, answers)
}

fn lab_at(rate: Rate, records: u64, answers: &[Answer]) -> Lab {
    lab_of(Kind::Reading, rate, records, answers)
}

fn lab_of(kind: Kind, rate: Rate, records: u64, answers: &[Answer]) -> Lab {
    let disk = Arc::new(FakeDisk::default());
    let mut opened =
        queue::open(Arc::clone(&disk) as _, Settings::default(), Uuid::nil(), &["scripted"]).unwrap();
    for _ in 0..records {
        opened.writer.append(kind.tag(), |identity| identity.sequence.to_string().into_bytes());
    }
    let committed = opened.writer.commit().unwrap().durable;
    let (reader, cursor) = opened.readers.pop().unwrap();
    let (durable, durable_seen) = watch::channel(committed);
    let (link, plugged) = watch::channel(true);
    let (refusals, refused) = mpsc::channel(4);
    let outage = Arc::new(Outage::none("w3".parse().unwrap(), SinkName::Kafka));
    let sink = Arc::new(SinkTally::starting(SinkName::Kafka, outage, 0));
    let tally = Arc::new(Tally::starting(&opened.writer.status(), vec![Arc::clone(&sink)]));
    let script = Script::default();
    script.answers.lock().unwrap().extend(answers);
    let connecting = script.clone();
    let shipper = Shipper {
        connect: move || {
            connecting.seen.lock().unwrap().push(Seen::Connected);
            std::future::ready(Ok(Scripted(connecting.clone())))
        },
        outlet: Outlet::new(Berth { reader, cursor, refusals: opened.refusals.remove(0) }),
        durable: durable_seen,
        link: plugged,
        refused: refusals,
        rate,
        clock: Arc::new(FixedClock::default()),
        tally: sink,
        complaint: Complaint::default(),
    };
    let shipping = tokio::spawn(shipper.run());
    Lab { disk, writer: opened.writer, durable, link, refused, tally, script, shipping }
}

impl Lab {
    fn position(&self) -> u64 {
        self.writer.status().cursors[0].position
    }

    fn sink(&self) -> SinkCounts {
        self.tally.snapshot().sinks.remove(0)
    }

    /// Lets everything run until `condition` holds. The patience is of real time: the disk is another thread's, for
    /// which 60 s of paused time are over in milliseconds.
    async fn until(&self, what: &str, condition: impl Fn(&Self) -> bool) {
        let patience = std::time::Instant::now() + Duration::from_secs(60);
        while !condition(self) {
            let late = std::time::Instant::now() >= patience;
            assert!(!late, "{what}: {:?}", self.script.seen.lock().unwrap());
            tokio::task::yield_now().await;
            tokio::time::advance(Duration::from_millis(10)).await;
        }
    }

    /// The recorder goes; the shipper ends once all is out.
    async fn end(self) -> Vec<Seen> {
        drop(self.durable);
        self.shipping.await.unwrap();
        std::mem::take(&mut *self.script.seen.lock().unwrap())
    }
}

#[tokio::test]
async fn what_the_sink_settles_is_passed_and_the_rest_is_offered_again() {
    let lab = lab(3, &[Answer::TakeFirst(2), Answer::Take]);
    let tally = Arc::clone(&lab.tally);
    let seen = lab.end().await;
    assert_eq!(seen[..3], [Seen::Connected, Seen::Offered(vec![0, 1, 2]), Seen::Offered(vec![2])]);
    assert_eq!(tally.counts().delivered, 3);
}

#[tokio::test]
async fn a_sink_that_fails_is_built_anew_and_offered_the_same_batch() {
    let seen = lab(2, &[Answer::Fail]).end().await;
    let offers: Vec<_> = seen.iter().filter(|seen| matches!(seen, Seen::Offered(_))).collect();
    assert_eq!(offers, [&Seen::Offered(vec![0, 1]), &Seen::Offered(vec![0, 1])]);
    assert_eq!(seen.iter().filter(|seen| **seen == Seen::Connected).count(), 2);
}

#[tokio::test(start_paused = true)]
async fn pulling_the_link_gives_the_sink_up_in_the_middle_of_a_batch_and_passes_nothing() {
    let lab = lab(2, &[Answer::Hang]);
    lab.until("an offer", |lab| lab.script.seen.lock().unwrap().len() == 2).await;
    lab.link.send_replace(false);
    lab.until("the sink's end", |lab| lab.script.seen.lock().unwrap().contains(&Seen::Dropped)).await;
    assert_eq!(lab.position(), 0);
    lab.link.send_replace(true);
    lab.until("delivery", |lab| lab.position() == 2).await;
    let seen = lab.end().await;
    assert_eq!(seen[3..5], [Seen::Connected, Seen::Offered(vec![0, 1])]);
}

#[tokio::test(start_paused = true)]
async fn a_refused_record_is_passed_only_once_its_gap_is_durable() {
    let mut lab = lab(3, &[Answer::Refuse(1)]);
    let refused = lab.refused.recv().await.unwrap();
    assert_eq!(refused.records.iter().map(|identity| identity.sequence).collect::<Vec<_>>(), [1]);
    assert_eq!(lab.position(), 0, "the gap is not durable yet");
    let kept = queue::refused(&*lab.disk).unwrap().remove(0);
    assert_eq!((kept.sink.as_str(), kept.records.len()), ("scripted", 1), "the record itself is");
    assert_eq!((kept.records[0].identity.sequence, kept.records[0].reason.as_str()), (1, "too large"));
    refused.told.send(()).unwrap();
    lab.until("the move", |lab| lab.sink().position == 3).await;
    let SinkCounts { delivered, refused, position, .. } = lab.sink();
    assert_eq!((delivered, refused, position), (2, 1, 3));
}

#[tokio::test(start_paused = true)]
async fn a_gap_that_is_refused_is_set_aside_and_no_other_gap_follows() {
    let lab = lab_of(Kind::Gap, Rate::UNBOUNDED, 1, &[Answer::Refuse(0)]);
    lab.until("the move", |lab| lab.position() == 1).await;
    assert_eq!(queue::refused(&*lab.disk).unwrap()[0].records.len(), 1);
    assert!(lab.refused.is_empty(), "nobody is asked to tell of it");
}

#[tokio::test(start_paused = true)]
async fn a_backlog_leaves_at_the_rate_and_no_faster() {
    let rate = Rate::per_second(std::num::NonZeroU32::new(10).unwrap());
    let start = Instant::now();
    let lab = lab_at(rate, 100, &[]);
    lab.until("the backlog's end", |lab| lab.position() == 100).await;
    let taken = start.elapsed();
    assert!(taken.as_secs_f64() >= 8.99, "10 at once and 90 at 10 a second: {taken:?}");
}

#[tokio::test(start_paused = true)]
async fn an_outage_is_told_while_it_lasts_and_no_longer() {
    let lab = lab(1, &[Answer::Fail, Answer::Fail, Answer::Take]);
    lab.until("a failure", |lab| lab.sink().failing.is_some()).await;
    assert!(lab.sink().failing.unwrap().contains("told to"));
    lab.until("delivery", |lab| lab.position() == 1 && lab.sink().failing.is_none()).await;
    assert!(lab.sink().acknowledged.is_some());
}

#[tokio::test(start_paused = true)]
async fn a_trickle_is_told_as_an_outage_is_until_a_whole_batch_is_taken() {
    let told = async |records, answers: &[Answer]| {
        let lab = lab(records, answers);
        lab.until("a cause", |lab| lab.sink().failing.is_some()).await;
        lab.shipping.abort();
        lab.sink().failing.unwrap()
    };
    let (trickle, outage) =
        (told(2, &[Answer::Trickle(1), Answer::Hang]).await, told(1, &[Answer::Fail, Answer::Hang]).await);
    assert_eq!(trickle, outage, "the same cause in the same words");

    let lab = lab(3, &[Answer::Trickle(1), Answer::Trickle(1), Answer::Take]);
    lab.until("delivery", |lab| lab.position() == 3 && lab.sink().failing.is_none()).await;
}

#[tokio::test(start_paused = true)]
async fn a_cursor_that_cannot_be_written_lets_go_of_no_sink_that_takes_records() {
    let lab = lab(3, &[Answer::TakeFirst(1), Answer::TakeFirst(1), Answer::Take]);
    lab.disk.fail_writes(2);
    lab.until("delivery", |lab| lab.sink().position == 3).await;
    assert_eq!(lab.position(), 3);
    let seen = lab.end().await;
    let offers = [vec![0, 1, 2], vec![1, 2], vec![2]].map(Seen::Offered);
    assert_eq!(seen[0], Seen::Connected);
    assert_eq!(seen[1..4], offers, "nothing is offered twice");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_that_nobody_can_write_down_is_not_passed() {
    let mut lab = lab(1, &[Answer::Refuse(0), Answer::Hang]);
    drop(lab.refused.recv().await.unwrap());
    lab.until("another offer", |lab| {
        lab.script.seen.lock().unwrap().iter().filter(|seen| matches!(seen, Seen::Offered(_))).count() == 2
    })
    .await;
    assert_eq!(lab.position(), 0);
    lab.shipping.abort();
}
