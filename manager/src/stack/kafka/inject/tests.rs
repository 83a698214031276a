//! Chunks against an in-process broker, on a clock that does not wait.

use std::io::Cursor;

use rdkafka::mocking::MockCluster;

use super::*;

fn orders(cluster: &MockCluster<'_, impl rdkafka::ClientContext>) -> Orders {
    Orders {
        cluster: Cluster {
            bootstrap: cluster.bootstrap_servers().parse().unwrap(),
            deadline: Duration::from_secs(10),
        },
        topic: "alerts".parse().unwrap(),
        every: Duration::from_secs(40),
        count: 100,
        chunks: None,
        last: None,
    }
}

fn lines(count: usize) -> Source {
    let text: String = (0..count).map(|number| format!("alert {number}\n")).collect();
    Source::lines("alerts", Box::new(Cursor::new(text)))
}

async fn run(orders: &Orders, source: Source) -> Result<Injected, InjectError> {
    let mut told = Vec::new();
    let outcome = inject(orders, source, std::future::pending(), &mut |chunk| told.push(chunk.clone())).await;
    if let Ok(injected) = &outcome {
        assert_eq!(injected.chunks, told, "what is told is what is counted");
    }
    outcome
}

#[tokio::test(start_paused = true)]
async fn a_file_goes_out_in_chunks_and_every_message_is_acknowledged() {
    let cluster = MockCluster::new(3).unwrap();
    cluster.create_topic("alerts", 4, 3).unwrap();
    let begun = Instant::now();
    let injected = run(&orders(&cluster), lines(250)).await.unwrap();
    assert_eq!(injected.chunks.iter().map(|chunk| chunk.messages).collect::<Vec<_>>(), [100, 100, 50]);
    assert_eq!((injected.messages, injected.acknowledged, injected.stopped), (250, 250, false));
    // Three chunks: two beats between them, on the paused clock.
    assert!(begun.elapsed() >= Duration::from_secs(80), "{:?}", begun.elapsed());
    assert!(begun.elapsed() < Duration::from_secs(120), "{:?}", begun.elapsed());
    assert!(injected.chunks.iter().all(|chunk| chunk.late_seconds.is_none() && chunk.reason.is_none()));
}

#[tokio::test(start_paused = true)]
async fn readings_never_end_so_chunks_or_time_do() {
    let cluster = MockCluster::new(1).unwrap();
    cluster.create_topic("alerts", 4, 1).unwrap();
    let chunks = Orders { chunks: Some(2), ..orders(&cluster) };
    assert_eq!(run(&chunks, Source::readings().unwrap()).await.unwrap().chunks.len(), 2);
    let time = Orders { last: Some(Duration::from_secs(100)), ..orders(&cluster) };
    assert_eq!(run(&time, Source::readings().unwrap()).await.unwrap().chunks.len(), 3);
}

#[tokio::test]
async fn a_chunk_that_takes_longer_than_the_beat_makes_the_next_late() {
    let cluster = MockCluster::new(1).unwrap();
    cluster.create_topic("alerts", 1, 1).unwrap();
    cluster.broker_round_trip_time(1, Duration::from_millis(400)).unwrap();
    let fast = Orders { every: Duration::from_millis(1), chunks: Some(3), ..orders(&cluster) };
    let injected = run(&fast, Source::readings().unwrap()).await.unwrap();
    assert_eq!(injected.acknowledged, 300);
    assert!(injected.chunks[0].late_seconds.is_none());
    assert!(injected.chunks[1].late_seconds.is_some_and(|late| late > 0.1), "{:?}", injected.chunks);
}

#[tokio::test]
async fn what_is_not_acknowledged_is_counted_and_says_why() {
    let cluster = MockCluster::new(1).unwrap();
    cluster.create_topic("alerts", 1, 1).unwrap();
    let mut slow = Orders { chunks: Some(1), ..orders(&cluster) };
    slow.cluster.deadline = Duration::from_secs(2);
    // Answers come, but later than a message may wait.
    let connected = partitions(&slow.cluster, &slow.topic).await.unwrap();
    assert_eq!(connected, 1);
    cluster.broker_round_trip_time(1, Duration::from_secs(30)).unwrap();
    let sender = Arc::new(Sender::connect(&slow.cluster, &slow.topic).unwrap());
    let messages = lines(10).next(10).unwrap();
    let sending = spawn_blocking(move || sender.send(&messages, &AtomicBool::new(false)));
    let sent = sending.await.unwrap();
    assert_eq!((sent.messages, sent.acknowledged), (10, 0));
    assert!(sent.reason.is_some_and(|reason| reason.contains("timed out")));
}

#[tokio::test(start_paused = true)]
async fn an_end_that_is_asked_for_ends_the_wait_between_two_chunks() {
    let cluster = MockCluster::new(1).unwrap();
    cluster.create_topic("alerts", 1, 1).unwrap();
    let (first, asked) = tokio::sync::oneshot::channel();
    let mut first = Some(first);
    let mut told = move |_: &Chunk| {
        if let Some(first) = first.take() {
            first.send(()).unwrap();
        }
    };
    let stop = async { asked.await.unwrap() };
    let injected = inject(&orders(&cluster), lines(1000), stop, &mut told).await.unwrap();
    assert_eq!((injected.chunks.len(), injected.acknowledged, injected.stopped), (1, 100, true));
}

#[tokio::test]
async fn a_topic_that_is_not_there_is_not_made_by_the_way() {
    let cluster = MockCluster::new(1).unwrap();
    let error = run(&orders(&cluster), lines(1)).await.unwrap_err();
    assert!(matches!(error, InjectError::Topic(TopicError::Missing { .. })), "{error}");
}
