//! The whole service in this process: over real sockets, with a broker of its own, and with the command line's client.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Mutex;
use std::thread::JoinHandle;
use std::time::Instant;

use jiff::Timestamp;
use pirack_agent::record::{TOPIC_HEALTH, TOPIC_READINGS};
use rdkafka::ClientConfig;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{BaseProducer, BaseRecord, DefaultProducerContext, Producer};
use serde_json::{Value, json};

use super::client::{Client, ClientError};
use super::*;
use crate::operation::destroy::Take;
use crate::operation::dispatch::{Foreseeing, Foreseen, Order, Running};
use crate::operation::{Audience, Conductor, Operation, Outcome, Progress};
use crate::watch::testing::{health, reading, record};
use crate::watch::{OperationState, TOPIC_EVENTS};

mod door;

const PATIENCE: Duration = Duration::from_secs(60);
const OPERATOR: &str = "operator-operator-operator";

/// An apply of three steps, each of which waits until it is let.
struct Job(tokio::sync::Semaphore);

impl Runner for Job {
    fn admit(&self, order: &Order) -> Result<(), String> {
        if order.break_lock { Err("nobody has the lock".into()) } else { Ok(()) }
    }

    fn run<'a>(&'a self, _: &'a Order, conductor: &'a Conductor) -> Running<'a> {
        Box::pin(async move {
            conductor.started();
            for number in 1..=3 {
                let underway = conductor.begin(format!("step {number}"), number, 3, Duration::from_secs(1));
                let underway = underway?;
                underway.waits("somebody lets it");
                self.0.acquire().await.unwrap().forget();
                underway.done();
            }
            Ok(Outcome::of(3))
        })
    }

    fn foresee<'a>(&'a self, order: &'a Order) -> Foreseeing<'a> {
        let steps = order.take.as_ref().map_or(0, |take| take.stacks.len());
        let plan = "- remove service kafka-b1".to_owned();
        Box::pin(async move { Ok(Foreseen { plan, steps, refused: vec![], outcome: Outcome::default() }) })
    }
}

/// Sees what it was told to see.
struct Eyes(Mutex<Look>);

impl Planner for Eyes {
    fn look(&self) -> Looked<'_> {
        let look = self.0.lock().unwrap().clone();
        Box::pin(async move { look })
    }
}

#[derive(Default)]
struct Ear(Mutex<Vec<(Timestamp, Progress)>>);

impl Audience for Ear {
    fn hear(&self, _: &Operation, at: Timestamp, progress: &Progress) {
        self.0.lock().unwrap().push((at, progress.clone()));
    }
}

struct Lab {
    broker: MockCluster<'static, DefaultProducerContext>,
    address: SocketAddr,
    state: StateFolder,
    job: Arc<Job>,
    eyes: Arc<Eyes>,
    stop: watch::Sender<bool>,
    server: Option<JoinHandle<Result<(), ServeError>>>,
    folder: Arc<tempfile::TempDir>,
}

fn lab(tokens: &[(Grade, &str)]) -> Lab {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tokens");
    for (grade, token) in tokens {
        api::keep(&file, *grade, token).unwrap();
    }
    start((!tokens.is_empty()).then_some(file), Arc::new(folder))
}

/// The same service once more, in the same folder.
fn again(lab: &Lab) -> Lab {
    start(Some(lab.folder.path().join("tokens")), Arc::clone(&lab.folder))
}

fn start(tokens: Option<PathBuf>, folder: Arc<tempfile::TempDir>) -> Lab {
    let state = StateFolder::at(&folder.path().join("state"));
    let broker = MockCluster::new(1).unwrap();
    for topic in [TOPIC_HEALTH, TOPIC_READINGS, TOPIC_EVENTS] {
        broker.create_topic(topic, 1, 1).unwrap();
    }
    let options = Options {
        state: state.clone(),
        tokens,
        names: vec!["rack.example".into()],
        look_every: Duration::from_millis(20),
    };
    let boards = [("b1", Role::Manager), ("b2", Role::Worker)].map(|(name, role)| (name.to_owned(), role));
    let watched = Watched {
        rack: "desk".into(),
        boards: boards.into(),
        interval: Duration::from_secs(1),
        kafka: vec![broker.bootstrap_servers()],
        cassandra: Vec::new(),
    };
    let listener = api::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = listener.local_addr().unwrap();
    let job = Arc::new(Job(tokio::sync::Semaphore::new(0)));
    let eyes = Arc::new(Eyes(Mutex::new(Look::Differences(Vec::new()))));
    let work: (Arc<dyn Runner>, Arc<dyn Planner>) = (Arc::clone(&job) as _, Arc::clone(&eyes) as _);
    let (stop, stopped) = watch::channel(false);
    let (ready, is_ready) = std::sync::mpsc::sync_channel(1);
    let server = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let tell = move |_| ready.send(()).unwrap();
        runtime.block_on(run(&watched, &options, listener, work, stopped, tell))
    });
    is_ready.recv_timeout(PATIENCE).unwrap();
    Lab { broker, address, state, job, eyes, stop, server: Some(server), folder }
}

impl Lab {
    fn raw(&self, request: &str, headers: &[&str], body: &str) -> String {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut text = format!("{request} HTTP/1.1\r\nConnection: close\r\n");
        if !headers.iter().any(|header| header.starts_with("Host:")) {
            text += &format!("Host: {}\r\n", self.address);
        }
        headers.iter().for_each(|header| text += &format!("{header}\r\n"));
        text += &format!("Content-Length: {}\r\n\r\n{body}", body.len());
        stream.write_all(text.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    fn status(&self, request: &str, headers: &[&str], body: &str) -> u16 {
        self.raw(request, headers, body).split(' ').nth(1).unwrap().parse().unwrap()
    }

    fn rack(&self) -> Value {
        let found = self.found();
        let answer = self.raw("GET /api/rack", &[&format!("Authorization: Bearer {}", found.token)], "");
        serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
    }

    fn found(&self) -> found::Found {
        found::find(std::slice::from_ref(&self.state)).unwrap()
    }

    fn client(&self) -> Client {
        Client::found(vec![self.state.clone()]).unwrap()
    }

    fn until(&self, what: &str, condition: impl Fn(&Value) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !condition(&self.rack()) {
            assert!(Instant::now() < deadline, "never: {what}");
            std::thread::park_timeout(Duration::from_millis(10));
        }
    }

    fn end(&mut self) {
        self.stop.send_replace(true);
        if let Some(server) = self.server.take() {
            server.join().unwrap().unwrap();
        }
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.end();
        }
    }
}

fn blocking<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { tokio::time::timeout(PATIENCE, future).await.unwrap() })
}

#[test]
fn a_command_finds_the_service_orders_and_follows_to_the_end() {
    let lab = lab(&[]);
    let client = lab.client();
    blocking(async {
        let operation = client.submit(&Order::apply("ada@desk")).await.unwrap();
        let refused = client.submit(&Order::apply("bob@shelf")).await.unwrap_err();
        let ClientError::Refused { status: 409, operation: Some(who), .. } = refused else {
            panic!("{refused:?}")
        };
        assert_eq!(*who, operation, "told who has it");
        let ear = Ear::default();
        lab.job.0.add_permits(3);
        let end = client.follow(&operation, &ear).await.unwrap();
        assert!(matches!(&end, Progress::Completed { outcome, .. } if outcome.steps == 3), "{end:?}");
        let heard = ear.0.lock().unwrap().clone();
        assert_eq!(heard.len(), 2 + 3 * 3 + 1, "{heard:?}");
        assert!(matches!(heard[..2], [(_, Progress::Scheduled), (_, Progress::Started)]), "{heard:?}");
        // Who comes late hears the same, and when it was.
        let late = Ear::default();
        client.follow(&operation, &late).await.unwrap();
        assert_eq!(*late.0.lock().unwrap(), heard);
        let told = client.operation(operation.id).await.unwrap();
        assert_eq!(told.operation.state, OperationState::Completed);
        let told_at: Vec<_> = told.progress.into_iter().map(|told| (told.time, told.progress)).collect();
        assert_eq!(told_at, heard);
        assert_eq!(client.operations(10).await.unwrap(), [told.operation]);
        let unknown = client.operation(uuid::Uuid::nil()).await.unwrap_err();
        assert!(matches!(unknown, ClientError::Refused { status: 404, .. }), "{unknown:?}");
    });
}

#[test]
fn an_operation_that_runs_is_seen_and_can_be_ended_between_two_steps() {
    let lab = lab(&[]);
    let client = lab.client();
    let operation = blocking(client.submit(&Order::apply("ada@desk"))).unwrap();
    lab.until("the step is shown", |rack| rack["operation"]["waits"] == "somebody lets it");
    let shown = &lab.rack()["operation"];
    assert_eq!((&shown["number"], &shown["of"], &shown["what"]), (&json!(1), &json!(3), &json!("step 1")));
    assert_eq!((&shown["by"], &shown["kind"]), (&json!("ada@desk"), &json!("apply")));
    blocking(client.interrupt(operation.id)).unwrap();
    lab.job.0.add_permits(1);
    let end = blocking(client.follow(&operation, &Ear::default())).unwrap();
    assert!(matches!(end, Progress::Failed { interrupted: true, .. }), "{end:?}");
    lab.until("nothing runs", |rack| rack["operation"].is_null());
}

#[test]
fn what_cannot_be_ordered_is_refused_with_the_reason() {
    let lab = lab(&[]);
    let token = format!("Authorization: Bearer {}", lab.found().token);
    let json = "Content-Type: application/json";
    for (body, status) in [
        (r#"{"kind":"apply","by":"a@b","break_lock":true}"#, 422),
        (r#"{"kind":"apply"}"#, 422),
        (r#"{"kind":"destroy","by":"a@b"}"#, 422),
        (r#"{"kind":"reboot","by":"a@b"}"#, 400),
        (r#"{"kind":"apply","by":"a@b","mood":"blue"}"#, 400),
        ("", 400),
    ] {
        assert_eq!(lab.status("POST /api/operations", &[&token, json], body), status, "{body}");
    }
    assert_eq!(lab.status("POST /api/boards/b1/unplug", &[&token], ""), 404, "a real rack has no such lever");
    assert_eq!(lab.status("GET /api/operations?limit=0", &[], ""), 400);
}

#[test]
fn a_destroy_is_looked_at_ahead_and_wants_the_racks_name() {
    let lab = lab(&[]);
    let client = lab.client();
    let take = Take { stacks: ["kafka".to_owned()].into(), ..Take::default() };
    let order = Order::destroy("ada@desk", take);
    let foreseen = blocking(client.foresee(&order)).unwrap();
    assert_eq!((foreseen.steps, foreseen.plan.as_str()), (1, "- remove service kafka-b1"));
    let refused = blocking(client.submit(&order)).unwrap_err();
    assert!(matches!(refused, ClientError::Refused { status: 422, .. }), "{refused:?}");
    assert_eq!(blocking(client.operations(10)).unwrap(), [], "nothing was ordered yet");
    lab.job.0.add_permits(3);
    let confirmed = Order { confirm: Some("desk".into()), ..order };
    let operation = blocking(client.submit(&confirmed)).unwrap();
    assert_eq!(operation.kind, crate::operation::Kind::Destroy);
    let end = blocking(client.follow(&operation, &Ear::default())).unwrap();
    assert!(matches!(end, Progress::Completed { .. }), "{end:?}");
}

#[test]
fn a_command_finds_a_service_again_that_was_started_anew_with_another_address_and_token() {
    let mut first = lab(&[(Grade::Operator, OPERATOR)]);
    let client = first.client();
    let before = client.url();
    let operation = blocking(client.submit(&Order::apply("ada@desk"))).unwrap();
    first.job.0.add_permits(3);
    blocking(client.follow(&operation, &Ear::default())).unwrap();
    first.end();
    let second = again(&first);
    assert_ne!(second.address, first.address);
    let end = blocking(client.follow(&operation, &Ear::default())).unwrap();
    assert!(matches!(end, Progress::Completed { .. }), "{end:?}");
    assert_ne!(client.url(), before);
}

#[test]
fn boards_of_the_file_are_there_before_they_were_heard_and_their_records_come_in() {
    let lab = lab(&[]);
    let rack = lab.rack();
    let names: Vec<_> = rack["boards"].as_array().unwrap().iter().map(|board| &board["name"]).collect();
    assert_eq!(names, ["b1", "b2"]);
    assert_eq!((&rack["embedded"], &rack["boards"][0]["last_seen_seconds"]), (&json!(false), &Value::Null));
    let producer: BaseProducer =
        ClientConfig::new().set("bootstrap.servers", lab.broker.bootstrap_servers()).create().unwrap();
    for record in [record("b1", 1, health(0.25)), record("b1", 2, reading("inlet", 21.5))] {
        let bytes = record.encode().unwrap();
        producer.send(BaseRecord::to(TOPIC_HEALTH).key("b1").payload(&bytes)).map_err(|(e, _)| e).unwrap();
    }
    producer.flush(PATIENCE).unwrap();
    lab.until("b1 is heard", |rack| rack["boards"][0]["health"]["cpu_ratio"] == json!(0.25));
    lab.broker.broker_down(-1).unwrap();
    lab.until("Kafka's silence is seen", |rack| rack["broker"]["state"] == "away");
    lab.broker.broker_up(-1).unwrap();
    lab.until("Kafka is back", |rack| rack["broker"]["state"] == "running");
}

#[test]
fn drift_is_shown_and_told_and_nothing_is_mended() {
    let mut lab = lab(&[]);
    lab.until("all is well", |rack| rack["drift"]["state"] == "same");
    *lab.eyes.0.lock().unwrap() = Look::Differences(vec!["service kafka-b1: 1 replica, not 0".into()]);
    lab.until("the drift is seen", |rack| rack["drift"]["state"] == "differs");
    let drift = &lab.rack()["drift"];
    assert_eq!(
        (&drift["count"], &drift["differences"][0]),
        (&json!(1), &json!("service kafka-b1: 1 replica, not 0"))
    );
    assert_eq!(blocking(lab.client().operations(10)).unwrap(), [], "nobody ordered anything");
    *lab.eyes.0.lock().unwrap() = Look::Unknown("no manager answers".into());
    lab.until("that nobody can tell is told", |rack| rack["drift"]["why"] == "no manager answers");
    *lab.eyes.0.lock().unwrap() = Look::Differences(Vec::new());
    lab.until("all is well again", |rack| rack["drift"]["state"] == "same");
    let state = lab.state.clone();
    lab.end();
    let kinds: Vec<String> = state
        .open()
        .unwrap()
        .events(100)
        .unwrap()
        .iter()
        .rev()
        .map(|event| serde_json::to_value(event).unwrap()["type"].as_str().unwrap().to_owned())
        .filter(|kind| !kind.contains("state_changed"))
        .collect();
    let expected = ["rack.started", "drift.began", "drift.ended", "rack.stopped"];
    assert_eq!(kinds, expected.map(|kind| format!("dev.pirack.{kind}")));
}

#[test]
fn its_end_stores_what_was_on_its_way_and_the_next_start_publishes_the_rest() {
    let mut first = lab(&[]);
    first.broker.broker_down(-1).unwrap();
    let operation = blocking(first.client().submit(&Order::apply("ada@desk"))).unwrap();
    first.stop.send_replace(true);
    // Only once it was told to stop may its step end: otherwise the next one begins, and waits for ever.
    let another = || blocking(first.client().submit(&Order::apply("ada@desk"))).unwrap_err().to_string();
    first.until("it takes no more", |_| another().contains("is stopping"));
    first.job.0.add_permits(1);
    first.end();
    let history = first.state.open().unwrap();
    let stored = history.operation(operation.id).unwrap().unwrap();
    assert_eq!(stored.state, OperationState::Failed, "ended between two steps");
    assert!(history.events_waiting().unwrap() >= 4);
    assert_eq!(found::find(std::slice::from_ref(&first.state)), None);
    first.broker.broker_up(-1).unwrap();
    let left = crate::watch::deliver(&history, &first.broker.bootstrap_servers(), PATIENCE).unwrap();
    assert_eq!(left, crate::watch::Delivered::All);
}

#[test]
fn kafka_is_looked_for_on_the_port_that_the_file_gives_it() {
    let text = "version = 1\nname = \"desk\"\n[[board]]\nname = \"b1\"\naddress = \"10.77.0.11\"\n\
        [kafka.settings.listeners]\nRACK = { port = 9192, security = \"plaintext\" }\n[cassandra]\n";
    let rack = crate::rack::parse(text, std::path::Path::new("rack.toml"));
    let watched = Watched::from(&rack.unwrap_or_else(|problems| panic!("{problems}")));
    assert_eq!(watched.kafka, ["10.77.0.11:9192"]);
    assert_eq!(watched.cassandra, ["10.77.0.11:9042"]);
}
