//! Promises of the recorder, with a real queue on a disk that breaks on request, and time that stands
//! still until it is moved.

use uuid::Uuid;

use super::parts::STALE_AFTER;
use super::*;
use crate::clock::testing::FixedClock;
use crate::queue::testing::FakeDisk;
use crate::queue::{self, Cursor, Reader, Settings};
use crate::record::{Quality, Quantity, Reading};
use crate::source::Observation;

const INTERVAL: Duration = Duration::from_secs(1);

struct Lab {
    disk: Arc<FakeDisk>,
    reader: Reader,
    _cursor: Cursor,
    durable: watch::Receiver<u64>,
    observations: mpsc::Sender<Vec<Observed>>,
    refusals: mpsc::Sender<Refused>,
    asks: mpsc::Sender<Ask>,
    recording: tokio::task::JoinHandle<(Vec<Loss>, Result<(), QueueError>)>,
    clock: Arc<FixedClock>,
}

/// A recorder of two sources; the second is read only every 60 s.
fn lab() -> Lab {
    recorder_of(vec![INTERVAL, 60 * INTERVAL])
}

/// A recorder of sources that are read so often; the first gives the board's beat.
fn recorder_of(sources: Vec<Duration>) -> Lab {
    let disk = Arc::new(FakeDisk::default());
    let mut opened =
        queue::open(Arc::clone(&disk) as _, Settings::default(), Uuid::nil(), &["kafka"]).unwrap();
    let (reader, cursor) = opened.readers.pop().unwrap();
    let (durable, durable_seen) = watch::channel(0);
    let (observations, observed) = mpsc::channel(16);
    let (refusals, refused) = mpsc::channel(16);
    let (asks, asked) = mpsc::channel(1);
    let clock = Arc::new(FixedClock::default());
    let recorder = Recorder {
        board: "w3".parse().unwrap(),
        clock: Arc::clone(&clock) as _,
        interval: sources[0],
        start: Instant::now(),
        sources,
        tally: Arc::new(Tally::default()),
        durable,
    };
    let recording = tokio::spawn(recorder.run(opened.writer, observed, refused, asked));
    Lab {
        disk,
        reader,
        _cursor: cursor,
        durable: durable_seen,
        observations,
        refusals,
        asks,
        recording,
        clock,
    }
}

impl Lab {
    async fn observe(&self, index: usize, health: Health, values: &[f64]) {
        let reading = |value: &f64| Reading {
            sensor: "inlet".into(),
            chip: "tmp102".into(),
            quantity: Quantity::Temperature,
            value: *value,
            quality: Quality::Good,
        };
        let observation = Observation { health, readings: values.iter().map(reading).collect() };
        let observed = Observed { index, read: Instant::now(), moment: self.clock.now(), observation };
        self.observations.send(vec![observed]).await.unwrap();
    }

    /// Everything durable, once `records` are.
    async fn records(&mut self, records: u64) -> Vec<Record> {
        self.durable.wait_for(|durable| *durable >= records).await.unwrap();
        let batch = self.reader.read(0, usize::MAX, usize::MAX).unwrap();
        batch.entries.iter().map(|entry| Record::decode(&entry.payload).unwrap()).collect()
    }

    /// The gaps among the durable records, once there is one.
    async fn gaps(&mut self) -> Vec<Gap> {
        for records in 1.. {
            let gaps: Vec<_> = self
                .records(records)
                .await
                .into_iter()
                .filter_map(|record| if let Body::Gap(gap) = record.body { Some(gap) } else { None })
                .collect();
            if !gaps.is_empty() {
                return gaps;
            }
        }
        Vec::new()
    }
}

fn uptime(seconds: f64) -> Health {
    Health { uptime_seconds: Some(seconds), ..Health::default() }
}

#[tokio::test(start_paused = true)]
async fn the_parts_of_an_interval_become_one_health_and_a_stale_part_is_left_out() {
    let mut lab = lab();
    let supply = Health { supply_volts: Some(5.1), ..Health::default() };
    lab.observe(1, supply, &[]).await;
    lab.observe(0, uptime(1.0), &[20.0, f64::NAN]).await;
    let records = lab.records(2).await;
    let [Body::Reading(reading), Body::Health(health)] = [&records[0].body, &records[1].body] else {
        panic!("{records:?}");
    };
    assert_eq!(reading.value, 20.0, "what is no number is no reading");
    assert_eq!((health.uptime_seconds, health.supply_volts), (Some(1.0), Some(5.1)));
    // Nothing more comes of either: the fast one is stale first, by its own interval.
    let health_at = |records: &[Record]| match &records.last().unwrap().body {
        Body::Health(health) => (health.uptime_seconds, health.supply_volts),
        other => panic!("{other:?}"),
    };
    assert_eq!(health_at(&lab.records(4).await), (Some(1.0), Some(5.1)));
    assert_eq!(health_at(&lab.records(8).await), (None, Some(5.1)));
}

#[tokio::test(start_paused = true)]
async fn health_is_told_once_the_whole_beat_was_read_and_without_a_late_source_shortly_after() {
    let mut lab = lab();
    let start = Instant::now();
    lab.observe(0, uptime(1.0), &[]).await;
    lab.records(1).await;
    assert!(start.elapsed() < INTERVAL / 4, "{:?}", start.elapsed());
    // The beat that follows brings nothing: what is fresh is told all the same.
    assert_eq!(lab.records(2).await[1].body, Body::Health(Box::new(uptime(1.0))));
    assert_eq!(start.elapsed().as_millis(), (INTERVAL + INTERVAL / 4).as_millis());
    tokio::time::advance(INTERVAL / 2).await;
    lab.observe(0, uptime(2.0), &[]).await;
    let told = lab.records(3).await;
    assert_eq!(told.len(), 3, "one health a beat");
    assert_eq!(told[2].body, Body::Health(Box::new(uptime(2.0))));
}

#[tokio::test(start_paused = true)]
async fn beats_that_arrive_together_are_a_health_each_and_a_late_source_is_not_waited_for() {
    let mut lab = recorder_of(vec![INTERVAL / 10; 2]);
    let start = Instant::now();
    let seen = |index, beat: u32, value| Observed {
        index,
        read: start + beat * INTERVAL / 10,
        moment: Moment { boottime_seconds: f64::from(beat), ..lab.clock.now() },
        observation: Observation {
            health: if index == 0 {
                uptime(value)
            } else {
                Health { supply_volts: Some(value), ..Health::default() }
            },
            readings: Vec::new(),
        },
    };
    // The second source hangs after the first beat, until what it said is stale.
    let mut together = vec![seen(0, 0, 1.0), seen(1, 0, 5.1)];
    together.extend((1..10).map(|beat| seen(0, beat, f64::from(beat + 1))));
    lab.observations.send(together).await.unwrap();
    let records = lab.records(9).await;
    let healths: Vec<_> = records
        .iter()
        .map(|record| match &record.body {
            Body::Health(health) => {
                (record.moment.boottime_seconds, health.uptime_seconds, health.supply_volts)
            }
            other => panic!("{other:?}"),
        })
        .collect();
    let expected: Vec<_> = (0..9_u32)
        .map(|beat| (f64::from(beat), Some(f64::from(beat + 1)), (beat <= 3).then_some(5.1)))
        .collect();
    assert_eq!(healths[..9], expected);
}

#[tokio::test(start_paused = true)]
async fn a_gap_that_a_failing_disk_swallowed_is_told_again() {
    let mut lab = lab();
    lab.observe(0, uptime(1.0), &[]).await;
    assert_eq!(lab.records(1).await.len(), 1);
    lab.observe(0, uptime(2.0), &[]).await;
    // Each commit tries more than once; enough failures to swallow the first gap as well.
    lab.disk.fail_writes(8);
    let gaps = lab.gaps().await;
    let missing: u64 = gaps.iter().map(|gap| gap.count).sum();
    assert!(gaps.iter().any(|gap| gap.from == 1), "the first loss is told: {gaps:?}");
    let kept = lab.records(1).await;
    let next = kept.last().unwrap().identity.sequence + 1;
    assert_eq!(kept.len() as u64 + missing, next, "every name is a record or in a gap");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_answered_once_its_gap_is_durable() {
    let mut lab = lab();
    lab.observe(0, uptime(1.0), &[]).await;
    let identity = lab.records(1).await[0].identity;
    let (told, durable) = oneshot::channel();
    lab.refusals.send(Refused { sink: SinkName::Kafka, records: vec![identity], told }).await.unwrap();
    durable.await.unwrap();
    let gaps = lab.gaps().await;
    assert_eq!(
        (gaps[0].of, gaps[0].from, gaps[0].reason),
        (identity.queue, identity.sequence, GapReason::Refused)
    );
    assert_eq!(gaps[0].sink.as_deref(), Some("kafka"));
}

#[tokio::test(start_paused = true)]
async fn a_refusal_that_comes_while_the_recorder_stops_is_written_or_turned_away() {
    let mut lab = lab();
    lab.observe(0, uptime(1.0), &[]).await;
    let identity = lab.records(1).await[0].identity;
    let (told, durable) = oneshot::channel();
    lab.refusals.send(Refused { sink: SinkName::Kafka, records: vec![identity], told }).await.unwrap();
    drop(lab.observations);
    let (losses, closed) = lab.recording.await.unwrap();
    assert!(closed.is_ok());
    assert!(durable.await.is_ok());
    assert_eq!(losses.len(), 1);
    let (told, turned_away) = oneshot::channel();
    assert!(
        lab.refusals.send(Refused { sink: SinkName::Kafka, records: vec![identity], told }).await.is_err()
    );
    assert!(turned_away.await.is_err());
}

#[tokio::test(start_paused = true)]
async fn whoever_asks_is_told_what_is_newest_and_nothing_that_is_stale() {
    let mut lab = lab();
    let newest = async |lab: &Lab| {
        let (answer, answered) = oneshot::channel();
        lab.asks.send(answer).await.unwrap();
        answered.await.unwrap()
    };
    assert!(newest(&lab).await.health.is_none(), "nothing was seen yet");
    lab.observe(0, Health { uptime_seconds: Some(1.0), ..Health::default() }, &[20.0]).await;
    lab.observe(0, Health { uptime_seconds: Some(2.0), ..Health::default() }, &[21.0]).await;
    lab.records(2).await;
    let told = newest(&lab).await;
    assert_eq!(told.health.and_then(|health| health.uptime_seconds), Some(2.0));
    assert_eq!(told.readings.iter().map(|reading| reading.value).collect::<Vec<_>>(), [21.0]);
    tokio::time::advance(INTERVAL.mul_f64(STALE_AFTER) + Duration::from_millis(1)).await;
    let told = newest(&lab).await;
    assert!(told.health.is_none() && told.readings.is_empty(), "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn what_was_told_stands_while_the_beats_after_it_are_held() {
    let mut lab = recorder_of(vec![INTERVAL / 10]);
    let newest = async |lab: &Lab| {
        let (answer, answered) = oneshot::channel();
        lab.asks.send(answer).await.unwrap();
        answered.await.unwrap().health.and_then(|health| health.uptime_seconds)
    };
    lab.observe(0, uptime(1.0), &[]).await;
    lab.records(1).await;
    tokio::time::advance(HELD).await;
    assert_eq!(newest(&lab).await, Some(1.0));
    tokio::time::advance((INTERVAL / 10).mul_f64(STALE_AFTER) + Duration::from_millis(1)).await;
    assert_eq!(newest(&lab).await, None, "nothing came after it");
}
