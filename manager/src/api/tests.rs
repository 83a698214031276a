//! Over a real socket, with a client as plain as can be.

mod slow;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::Mutex;
use std::thread::JoinHandle;
use std::time::Instant;

use serde_json::{Value, json};

use super::*;
use crate::watch::testing::{health, reading, record};
use crate::watch::{ControlError, Event, Happening, Role};

/// Levers that note what was pulled.
#[derive(Default)]
struct Levers(Mutex<Vec<String>>);

impl Levers {
    fn note(&self, what: String) -> Result<(), ControlError> {
        self.0.lock().unwrap().push(what);
        Ok(())
    }
}

impl Controls for Levers {
    fn unplug(&self, board: &str) -> Result<(), ControlError> {
        match board {
            "w1" => self.note("unplug w1".into()),
            "me" => Err(ControlError::Refused("me is this machine; its link is no toy".into())),
            _ => Err(ControlError::UnknownBoard { board: board.into(), boards: "me, w1".into() }),
        }
    }
    fn plug(&self, board: &str) -> Result<(), ControlError> {
        self.note(format!("plug {board}"))
    }
    fn stop_broker(&self, seconds: f64) -> Result<(), ControlError> {
        self.note(format!("stop {seconds}"))
    }
    fn start_broker(&self) -> Result<(), ControlError> {
        self.note("start".into())
    }
}

struct Lab {
    address: SocketAddr,
    live: Arc<Live>,
    history: Arc<History>,
    levers: Arc<Levers>,
    shutdown: watch::Sender<bool>,
    server: Option<JoinHandle<io::Result<()>>>,
    _folder: tempfile::TempDir,
}

fn lab() -> Lab {
    lab_where_asking_takes(ASKING)
}

fn lab_where_asking_takes(asking: Duration) -> Lab {
    let folder = tempfile::tempdir().unwrap();
    let history = Arc::new(History::open(&folder.path().join("history.sqlite")).unwrap());
    let live = Arc::new(Live::new("demo", Duration::from_secs(1)));
    live.declare("me", Role::Admin, false);
    live.declare("w1", Role::Worker, true);
    let levers = Arc::<Levers>::default();
    let listener = bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = listener.local_addr().unwrap();
    let (shutdown, told) = watch::channel(false);
    let controls: Arc<dyn Controls> = levers.clone();
    let state = ApiState {
        live: Arc::clone(&live),
        history: Arc::clone(&history),
        charts: Charts::History(Arc::clone(&history)),
        controls: Some(controls),
        operations: None,
        door: Door::of_embedded(),
    };
    let pages = Router::new().route("/", get(|| async { "the dashboard" }));
    let server = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(serve_within(listener, state, pages, told, asking))
    });
    Lab { address, live, history, levers, shutdown, server: Some(server), _folder: folder }
}

impl Lab {
    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        stream
    }

    /// Sends a request with these headers besides `Host`, and returns status and body.
    fn ask(&self, request: &str, headers: &[&str], body: &str) -> (u16, String) {
        self.ask_as(&self.address.to_string(), request, headers, body)
    }

    fn ask_as(&self, host: &str, request: &str, headers: &[&str], body: &str) -> (u16, String) {
        let mut stream = self.connect();
        let mut text = format!("{request} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n");
        for header in headers {
            text += &format!("{header}\r\n");
        }
        text += &format!("Content-Length: {}\r\n\r\n{body}", body.len());
        stream.write_all(text.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
    }

    fn get(&self, path: &str) -> (u16, Value) {
        let (status, body) = self.ask(&format!("GET {path}"), &[], "");
        (status, serde_json::from_str(&body).unwrap())
    }

    fn post(&self, path: &str, body: &str) -> (u16, Value) {
        let (status, body) = self.ask(&format!("POST {path}"), &["Content-Type: application/json"], body);
        (status, serde_json::from_str(&body).unwrap())
    }

    fn pulled(&self) -> Vec<String> {
        self.levers.0.lock().unwrap().clone()
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        self.shutdown.send_replace(true);
        if let Some(server) = self.server.take() {
            server.join().unwrap().unwrap();
        }
    }
}

#[test]
fn the_rack_reads_as_the_contract_says() {
    let lab = lab();
    lab.live.set_broker("127.0.0.1:40123", crate::watch::BrokerState::Running, None);
    lab.live.apply(&[record("w1", 1, health(0.25)), record("w1", 2, reading("inlet", 21.5))], Instant::now());
    let (status, rack) = lab.get("/api/rack");
    assert_eq!(status, 200);
    assert_eq!(rack["rack"], "demo");
    assert_eq!(
        rack["broker"],
        json!({"address": "127.0.0.1:40123", "state": "running", "resumes_in_seconds": null})
    );
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let mut expected = [
        "rack",
        "time",
        "interval_seconds",
        "started",
        "embedded",
        "drift",
        "operation",
        "broker",
        "totals",
        "boards",
    ];
    expected.sort_unstable();
    assert_eq!(keys(&rack), expected);
    let board = &rack["boards"][1];
    assert_eq!(
        (&board["name"], &board["role"], &board["state"]),
        (&json!("w1"), &json!("worker"), &json!("well"))
    );
    assert_eq!((&board["reason"], &board["queued"]), (&Value::Null, &Value::Null));
    let health = json!({"time": "2026-11-21T08:00:01.000Z", "cpu_ratio": 0.25});
    assert_eq!(board["health"], health, "what is absent is not there");
    let sensor = json!({"sensor": "inlet", "chip": "bme280", "quantity": "temperature", "unit": "celsius",
        "value": 21.5, "quality": "good", "time": "2026-11-21T08:00:02.000Z"});
    assert_eq!(board["sensors"], json!([sensor]));
    assert_eq!(lab.get("/api/boards/w1").1["name"], "w1");
}

#[test]
fn what_is_not_there_says_what_is() {
    let lab = lab();
    let unknown = json!({"error": "no board is named w9; boards: me, w1"});
    assert_eq!(lab.get("/api/boards/w9"), (404, unknown.clone()));
    assert_eq!(lab.get("/api/boards/w9/history?series=health.cpu_ratio"), (404, unknown));
    assert_eq!(lab.get("/api/nope").0, 404);
    assert_eq!(lab.get("/api/boards/w1/history").0, 400);
    assert_eq!(lab.get("/api/boards/w1/history?series=health.mood").0, 400);
    assert_eq!(lab.get("/api/boards/w1/history?series=health.cpu_ratio&seconds=0").0, 400);
    assert_eq!(lab.get("/api/events?limit=0").0, 400);
    assert_eq!(lab.post("/api/rack", "").0, 405);
    assert_eq!(lab.ask("GET /healthz", &[], ""), (200, "ok".into()));
    assert_eq!(lab.ask("GET /", &[], ""), (200, "the dashboard".into()));
}

#[test]
fn a_chart_and_the_events_come_out_of_the_history() {
    let lab = lab();
    let mut fresh = record("w1", 1, reading("/mnt/data", 21.5));
    fresh.moment.time = jiff::Timestamp::now();
    lab.history.insert(&[fresh, record("w1", 2, reading("/mnt/data", 3.0))]).unwrap();
    let (status, chart) = lab.get("/api/boards/w1/history?series=%2Fmnt%2Fdata%2Ftemperature&seconds=60");
    assert_eq!((status, &chart["unit"]), (200, &json!("celsius")));
    assert_eq!(chart["points"].as_array().unwrap().len(), 1, "{chart}");
    assert_eq!(chart["points"][0][1], 21.5);
    let events = ["a", "b"].map(|board| Event::now("demo", board, Happening::Plugged {}));
    lab.history.put_events(&events).unwrap();
    let (_, newest) = lab.get("/api/events?limit=1");
    assert_eq!(newest, json!([events[1]]));
}

#[test]
fn levers_move_and_their_refusals_are_told() {
    let lab = lab();
    let accepted = (202, json!({"accepted": true}));
    assert_eq!(lab.post("/api/boards/w1/unplug", ""), accepted);
    assert_eq!(lab.post("/api/boards/w1/plug", ""), accepted);
    assert_eq!(lab.post("/api/broker/stop", r#"{"seconds":20}"#), accepted);
    assert_eq!(lab.post("/api/broker/start", ""), accepted);
    assert_eq!(lab.post("/api/boards/w9/unplug", "").0, 404);
    assert_eq!(lab.post("/api/boards/me/unplug", "").0, 409);
    let long = format!(r#"{{"seconds":{}20}}"#, " ".repeat(5000));
    for bad in ["", "{}", r#"{"seconds":0}"#, r#"{"seconds":601}"#, r#"{"seconds":"20"}"#, long.as_str()] {
        assert_eq!(lab.post("/api/broker/stop", bad).0, 400, "{bad}");
    }
    let typeless = lab.ask("POST /api/broker/stop", &["Content-Type: text/plain"], r#"{"seconds":20}"#);
    assert_eq!(typeless.0, 400);
    assert_eq!(lab.pulled(), ["unplug w1", "plug w1", "stop 20", "start"]);
}

#[test]
fn no_lever_moves_for_a_foreign_origin_or_host() {
    let lab = lab();
    let (status, body) = lab.ask("POST /api/boards/w1/unplug", &["Origin: http://evil.example"], "");
    assert_eq!(status, 403);
    assert!(body.contains("http://evil.example"), "{body}");
    for (method, path) in [("POST", "/api/boards/w1/unplug"), ("GET", "/api/rack"), ("GET", "/")] {
        let answer = lab.ask_as("rebound.example", &format!("{method} {path}"), &[], "");
        assert_eq!(answer.0, 403, "{path}");
    }
    assert!(lab.pulled().is_empty());
    let ours = format!("Origin: http://{}", lab.address);
    assert_eq!(lab.ask("POST /api/boards/w1/unplug", &[&ours], "").0, 202);
}

#[test]
fn a_stream_begins_with_the_rack_beats_tells_events_and_ends_with_the_program() {
    let lab = lab();
    let mut stream = lab.connect();
    write!(stream, "GET /api/stream HTTP/1.1\r\nHost: {}\r\n\r\n", lab.address).unwrap();
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    assert_eq!(lines.next().unwrap(), "HTTP/1.1 200 OK");
    // The pulse may beat at any time: wait for the first message of a kind.
    let mut next = |kind: &str| -> Value {
        let head = format!("event: {kind}");
        lines.by_ref().find(|line| *line == head).unwrap();
        let data = lines.next().unwrap();
        serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap()
    };
    assert_eq!(next("rack")["rack"], "demo");
    let event = Event::now("demo", "w1", Happening::Unplugged {});
    lab.live.tell(event.clone());
    assert_eq!(next("event"), json!(event));
    for _beat in 0..2 {
        assert_eq!(next("rack")["boards"].as_array().unwrap().len(), 2);
    }
    lab.shutdown.send_replace(true);
    assert!(lines.count() < 50, "the stream ends, though the client would listen on");
}

#[test]
fn streams_are_bounded_and_the_next_is_asked_to_come_again() {
    let lab = lab();
    let mut open = Vec::new();
    for _ in 0..MOST_STREAMS {
        let mut stream = lab.connect();
        write!(stream, "GET /api/stream HTTP/1.1\r\nHost: {}\r\n\r\n", lab.address).unwrap();
        let mut first = String::new();
        let mut reader = BufReader::new(stream);
        reader.read_line(&mut first).unwrap();
        assert_eq!(first, "HTTP/1.1 200 OK\r\n");
        open.push(reader);
    }
    assert_eq!(lab.get("/api/stream").0, 503);
    assert_eq!(lab.get("/api/rack").0, 200);
}
