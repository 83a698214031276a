use std::sync::mpsc;

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::mocking::MockCluster;
use rdkafka::{ClientConfig, Message, Offset, TopicPartitionList};
use tokio::sync::watch;

use super::*;
use crate::operation::{Conductor, Kind, Outcome};
use crate::watch::{OperationState, TOPIC_EVENTS};
use place::StateFolder;

/// Longer than anything here takes on a busy machine; a test that passes never waits for it.
const PATIENCE: Duration = Duration::from_secs(60);

fn conducted(journal: &Arc<Journal>) -> Conductor {
    let audience: Arc<dyn Audience> = Arc::clone(journal) as _;
    let operation = Operation::new(Kind::Apply, "desk", "ada@desk");
    Conductor::new(operation, vec![audience], watch::channel(false).1)
}

fn take_steps(conductor: &Conductor, steps: usize) {
    conductor.started();
    for number in 1..=steps {
        let underway =
            conductor.begin(format!("step {number}"), number, steps, Duration::from_secs(9)).unwrap();
        underway.waits("the ring is whole: b1 is joining");
        underway.done();
    }
}

fn open(scratch: &tempfile::TempDir) -> Arc<Journal> {
    let history = StateFolder::at(scratch.path()).open().unwrap();
    Journal::start(history, Box::new(drop)).unwrap()
}

fn types(history: &History) -> Vec<String> {
    let mut events = history.events(1000).unwrap();
    events.reverse();
    let name = |event: &Event| serde_json::to_value(event).unwrap()["type"].as_str().unwrap().to_owned();
    events.iter().map(|event| name(event).replace("dev.pirack.operation.", "")).collect()
}

#[test]
fn an_operation_is_told_in_order_and_its_end_is_kept() {
    let scratch = tempfile::tempdir().unwrap();
    let (sender, told) = mpsc::sync_channel(100);
    let history = StateFolder::at(scratch.path()).open().unwrap();
    let journal = Journal::start(history, Box::new(move |event| sender.send(event).unwrap())).unwrap();
    let conductor = conducted(&journal);
    take_steps(&conductor, 2);
    conductor.note("the swarm has moved");
    conductor.ended(Ok(Outcome::of(2)));
    journal.close();
    let history = journal.history();
    let all = ["scheduled", "started", "step", "step", "step", "step", "completed"];
    assert_eq!(types(history), all);
    assert_eq!(told.try_iter().count(), all.len(), "whoever listens hears of each, once it is kept");
    let stored = history.operation(conductor.operation().id).unwrap().unwrap();
    assert_eq!((stored.state, stored.steps), (OperationState::Completed, Some(2)));
    assert_eq!(stored.operation, *conductor.operation());
    assert!(stored.started.is_some() && stored.ended >= stored.started);
    let heard = history.progress(stored.operation.id, 0, 100).unwrap();
    assert_eq!(heard.len(), 2 + 2 * 3 + 2, "what a step waits for is kept too, and a note");
    assert_eq!(history.progress(stored.operation.id, heard[3].place, 100).unwrap(), heard[4..]);
    let text = serde_json::to_string(&heard).unwrap();
    assert_eq!(serde_json::from_str::<Vec<crate::watch::StoredProgress>>(&text).unwrap(), heard, "{text}");
}

#[test]
fn what_fails_says_why() {
    let scratch = tempfile::tempdir().unwrap();
    let journal = open(&scratch);
    let conductor = conducted(&journal);
    take_steps(&conductor, 1);
    conductor.ended(Err(Stopped::Failed("b2 does not answer".into())));
    journal.close();
    let stored = &journal.history().operations(10).unwrap()[0];
    assert_eq!((stored.state, stored.why.as_deref()), (OperationState::Failed, Some("b2 does not answer")));
}

#[test]
fn an_operation_whose_process_was_killed_is_told_as_failed_by_the_next() {
    let scratch = tempfile::tempdir().unwrap();
    let history = StateFolder::at(scratch.path()).open().unwrap();
    let operation = Operation::new(Kind::Apply, "desk", "ada@desk");
    let note = |progress| Note { at: Timestamp::now(), operation: operation.clone(), progress, event: None };
    // No process has this number, and this one is still at it.
    history.note("1073741824 7 no-such-boot", &[note(Progress::Scheduled), note(Progress::Started)]).unwrap();
    let ours = Operation::new(Kind::Apply, "desk", "ada@desk");
    let alive = Note { operation: ours.clone(), ..note(Progress::Scheduled) };
    history.note(&Owner::this().text(), &[alive]).unwrap();
    open(&scratch).close();
    let stored = history.operation(operation.id).unwrap().unwrap();
    assert_eq!(stored.state, OperationState::Failed);
    assert!(stored.why.unwrap().contains("its process ended"));
    assert_eq!(types(&history), ["failed"]);
    assert_eq!(history.operation(ours.id).unwrap().unwrap().state, OperationState::Scheduled);
    open(&scratch).close();
    assert_eq!(types(&history), ["failed"], "told once");
}

#[test]
fn one_that_is_killed_while_another_program_has_the_journal_open_is_told_by_that_one() {
    let scratch = tempfile::tempdir().unwrap();
    let history = StateFolder::at(scratch.path()).open().unwrap();
    let journal = Journal::tending(Arc::clone(&history), Box::new(drop), Duration::from_millis(5)).unwrap();
    let mut written = journal.written();
    let operation = Operation::new(Kind::Apply, "desk", "ada@desk");
    let note = Note { at: Timestamp::now(), operation, progress: Progress::Started, event: None };
    history.note("1073741824 7 no-such-boot", std::slice::from_ref(&note)).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { tokio::time::timeout(PATIENCE, written.changed()).await }).unwrap().unwrap();
    let stored = history.operation(note.operation.id).unwrap().unwrap();
    assert_eq!(stored.state, OperationState::Failed);
    assert_eq!(types(&history), ["failed"]);
}

#[test]
fn a_disk_that_refuses_holds_nobody_up_and_gets_all_in_order_once_it_takes_it() {
    let scratch = tempfile::tempdir().unwrap();
    let journal = open(&scratch);
    let other = rusqlite::Connection::open(journal.history().path()).unwrap();
    other.execute_batch("ALTER TABLE progress RENAME TO elsewhere").unwrap();
    let conductor = conducted(&journal);
    take_steps(&conductor, 3);
    conductor.ended(Ok(Outcome::of(3)));
    assert_eq!(journal.history().operations(10).unwrap(), []);
    other.execute_batch("ALTER TABLE elsewhere RENAME TO progress").unwrap();
    journal.close();
    assert_eq!(types(journal.history()).len(), 2 + 3 * 2 + 1);
    assert_eq!(journal.history().operations(10).unwrap()[0].state, OperationState::Completed);
}

#[test]
fn a_deleted_file_does_no_harm() {
    let scratch = tempfile::tempdir().unwrap();
    let journal = open(&scratch);
    let conductor = conducted(&journal);
    take_steps(&conductor, 1);
    for name in std::fs::read_dir(scratch.path()).unwrap() {
        std::fs::remove_file(name.unwrap().path()).unwrap();
    }
    // The operation goes on, and the next program begins anew.
    conductor.ended(Ok(Outcome::of(1)));
    journal.close();
    let again = open(&scratch);
    let conductor = conducted(&again);
    take_steps(&conductor, 1);
    conductor.ended(Ok(Outcome::of(1)));
    again.close();
    assert_eq!(again.history().operations(10).unwrap().len(), 1);
    assert_eq!(types(again.history()).len(), 5);
}

fn broker() -> (MockCluster<'static, rdkafka::producer::DefaultProducerContext>, String) {
    let broker = MockCluster::new(1).unwrap();
    broker.create_topic(TOPIC_EVENTS, 1, 1).unwrap();
    let address = broker.bootstrap_servers();
    (broker, address)
}

/// The first so many events of the topic.
fn on_topic(address: &str, many: usize) -> Vec<Event> {
    let consumer: BaseConsumer =
        ClientConfig::new().set("bootstrap.servers", address).set("group.id", "test").create().unwrap();
    let mut all = TopicPartitionList::new();
    all.add_partition_offset(TOPIC_EVENTS, 0, Offset::Beginning).unwrap();
    consumer.assign(&all).unwrap();
    let deadline = Instant::now() + PATIENCE;
    let mut events = Vec::new();
    while events.len() < many {
        assert!(Instant::now() < deadline, "only {} of {many} events came", events.len());
        if let Some(message) = consumer.poll(Duration::from_millis(100)) {
            events.push(serde_json::from_slice(message.unwrap().payload().unwrap()).unwrap());
        }
    }
    events
}

#[test]
fn events_wait_while_kafka_is_the_very_thing_being_started_and_none_is_lost() {
    let scratch = tempfile::tempdir().unwrap();
    let (broker, address) = broker();
    broker.broker_down(-1).unwrap();
    let journal = open(&scratch);
    let conductor = conducted(&journal);
    take_steps(&conductor, 20);
    conductor.ended(Ok(Outcome::of(20)));
    let left = journal.close_and_deliver(&address, Duration::from_millis(200)).unwrap();
    assert_eq!(left, Delivered::Waiting(43));
    drop(journal);
    // Kafka has come up, and the next command has nothing of its own to say.
    broker.broker_up(-1).unwrap();
    let next = open(&scratch);
    assert_eq!(next.close_and_deliver(&address, PATIENCE).unwrap(), Delivered::All);
    let mut written = next.history().events(100).unwrap();
    written.reverse();
    assert_eq!(on_topic(&address, 43), written);
}

#[test]
fn of_two_programs_at_one_file_one_publishes_and_the_other_leaves_it_to_it() {
    let scratch = tempfile::tempdir().unwrap();
    let (_broker, address) = broker();
    // `serve` stands by, with a heralding thread at this file.
    let history = StateFolder::at(scratch.path()).open().unwrap();
    let live = Arc::new(crate::watch::Live::new("desk", Duration::from_secs(1)));
    let settings = crate::watch::Settings::new(&address);
    let serve = crate::watch::Watcher::start(&settings, live, history).unwrap();
    serve.herald().announce("rack", Happening::RackStarted { boards: 3 });
    assert_eq!(on_topic(&address, 1).len(), 1);
    // A command runs beside it.
    let journal = open(&scratch);
    let conductor = conducted(&journal);
    take_steps(&conductor, 3);
    conductor.ended(Ok(Outcome::of(3)));
    let outcome = journal.close_and_deliver(&address, PATIENCE).unwrap();
    assert!(matches!(outcome, Delivered::Elsewhere | Delivered::All), "{outcome:?}");
    let events = on_topic(&address, 10);
    let mut ids: Vec<_> = events.iter().map(|event| event.id).collect();
    assert!(serve.stop_after_drain(PATIENCE).told);
    ids.dedup();
    assert_eq!(ids.len(), 10, "each once");
    let mut written = journal.history().events(100).unwrap();
    written.reverse();
    assert_eq!(events, written, "in the order in which they happened");
}
