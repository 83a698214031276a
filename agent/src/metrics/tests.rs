//! Promises of the metrics: a text that a scraper can read, and a door that nobody can hold open.

use std::collections::{BTreeMap, BTreeSet};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;
use uuid::Uuid;

use axum::serve::Listener;

use super::*;
use crate::clock::testing::FixedClock;
use crate::queue::Status;
use crate::record::{DockerState, Health, Quality, Quantity, Reading};
use crate::sink::SinkName;
use crate::sink::outage::Outage;
use crate::tally::SinkTally;

fn reading(sensor: &str, quantity: Quantity, value: f64) -> Reading {
    Reading { sensor: sensor.into(), chip: "bme280".into(), quantity, value, quality: Quality::Good }
}

fn newest() -> Newest {
    let health = Health {
        cpu_ratio: Some(0.25),
        cpu_count: Some(4),
        load_1m: Some(0.5),
        memory_used_bytes: Some(1 << 30),
        network_receive_bytes_total: Some(7),
        under_voltage: Some(false),
        docker: Some(DockerState::Failed),
        os: Some("Debian \"12\" \\ bookworm".into()),
        ..Health::default()
    };
    let doubtful = Reading { quality: Quality::Suspect, ..reading("doubtful", Quantity::Temperature, 85.0) };
    let readings = vec![
        reading("inlet", Quantity::Temperature, 21.5),
        reading("eth0", Quantity::NetworkReceiveErrorsTotal, 3.0),
        reading("outlet", Quantity::Temperature, 30.0),
        reading("/data", Quantity::StorageTotal, 1e12),
        reading("inlet", Quantity::RelativeHumidity, 0.4),
        doubtful,
    ];
    Newest { health: Some(health), readings }
}

/// Tells of two sinks, one of them failing, and of [`newest`].
fn teller() -> Teller {
    let board: BoardName = "w3".parse().unwrap();
    let sink = |name| {
        let outage = Arc::new(Outage::none(board.clone(), name));
        Arc::new(SinkTally::starting(name, outage, 10))
    };
    let (kafka, cassandra) = (sink(SinkName::Kafka), sink(SinkName::Cassandra));
    kafka.delivered(5, Timestamp::from_second(100).unwrap());
    kafka.shipped(15);
    cassandra.refused(2);
    cassandra.outage().because("no contact point answers");
    let (queue, cursors) = (Uuid::nil(), Vec::new());
    let status = Status { queue, bytes: 4096, segments: 1, oldest: 0, next: 20, cursors, dropped: 0 };
    let tally = Arc::new(Tally::starting(&status, vec![kafka, cassandra]));
    tally.appended(20, Timestamp::from_second(99).unwrap());
    let clock = Arc::new(FixedClock::default());
    let mut moment = clock.now();
    moment.time = Timestamp::from_second(102).unwrap();
    clock.set(moment);
    let (asks, mut asked) = mpsc::channel::<Ask>(1);
    tokio::spawn(async move {
        while let Some(ask) = asked.recv().await {
            drop(ask.send(newest()));
        }
    });
    Teller { board, queue_max_bytes: 1 << 30, tally, clock, newest: asks }
}

/// The samples of a text, by series; each checked as a strict scraper would.
fn parsed(text: &str, format: Format) -> BTreeMap<String, f64> {
    let body = match format {
        Format::OpenMetrics => text.strip_suffix("# EOF\n").expect("an end mark"),
        Format::Plain => text,
    };
    let (mut series, mut ended) = (BTreeMap::new(), BTreeSet::new());
    let (mut family, mut kind, mut helped) = (String::new(), String::new(), String::new());
    for line in body.lines() {
        if let Some(said) = line.strip_prefix("# HELP ") {
            let (name, help) = said.split_once(' ').expect("a help");
            assert!(help.ends_with('.'), "{line}");
            helped = name.to_owned();
        } else if let Some(said) = line.strip_prefix("# TYPE ") {
            let (name, type_) = said.split_once(' ').expect("a type");
            assert_eq!(name, helped, "help and type of one family stand together");
            assert!(ended.insert(name.to_owned()), "{name} is told twice, or in two places");
            assert!(["counter", "gauge"].contains(&type_), "{line}");
            assert!(
                name.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'_'),
                "{name}"
            );
            assert_eq!(name.ends_with("_total"), type_ == "counter" && format == Format::Plain, "{line}");
            (family, kind) = (name.to_owned(), type_.to_owned());
        } else {
            assert!(!line.starts_with('#') && !line.is_empty(), "{line:?}");
            let (name, value) = line.rsplit_once(' ').expect("a value");
            let bare = name.split('{').next().unwrap();
            let suffix = if kind == "counter" && format == Format::OpenMetrics { "_total" } else { "" };
            assert_eq!(bare, format!("{family}{suffix}"), "a sample stands under its family");
            assert!(series.insert(name.to_owned(), value.parse().expect(line)).is_none(), "{name} twice");
        }
    }
    series
}

#[tokio::test]
async fn both_formats_tell_the_same_and_each_keeps_its_own_rules() {
    let teller = teller();
    let plain = exposition::text(teller.facts().await, Format::Plain);
    let open = exposition::text(teller.facts().await, Format::OpenMetrics);
    let series = parsed(&plain, Format::Plain);
    assert_eq!(series, parsed(&open, Format::OpenMetrics));
    let expected = [
        ("pirack_agent_record_age_seconds", 3.0),
        ("pirack_agent_queue_bytes", 4096.0),
        ("pirack_agent_queue_limit_bytes", 1_073_741_824.0),
        ("pirack_agent_sink_records_delivered_total{sink=\"kafka\"}", 5.0),
        ("pirack_agent_sink_records_waiting{sink=\"kafka\"}", 5.0),
        ("pirack_agent_sink_records_waiting{sink=\"cassandra\"}", 10.0),
        ("pirack_agent_sink_records_refused_total{sink=\"cassandra\"}", 2.0),
        ("pirack_agent_sink_cursor_position{sink=\"kafka\"}", 15.0),
        ("pirack_agent_sink_acknowledgement_age_seconds{sink=\"kafka\"}", 2.0),
        ("pirack_agent_sink_failing{sink=\"kafka\"}", 0.0),
        ("pirack_agent_sink_failing{sink=\"cassandra\"}", 1.0),
        ("pirack_health_cpus", 4.0),
        ("pirack_health_network_receive_bytes_total", 7.0),
        ("pirack_health_under_voltage", 0.0),
        ("pirack_health_docker{state=\"failed\"}", 1.0),
        ("pirack_health_docker{state=\"active\"}", 0.0),
        ("pirack_health_info{os=\"Debian \\\"12\\\" \\\\ bookworm\"}", 1.0),
        ("pirack_reading_temperature_celsius{sensor=\"inlet\",chip=\"bme280\"}", 21.5),
        ("pirack_reading_temperature_celsius{sensor=\"outlet\",chip=\"bme280\"}", 30.0),
        ("pirack_reading_relative_humidity_ratio{sensor=\"inlet\",chip=\"bme280\"}", 0.4),
        ("pirack_reading_storage_total_bytes{sensor=\"/data\",chip=\"bme280\"}", 1e12),
        ("pirack_reading_network_receive_errors_packets_total{sensor=\"eth0\",chip=\"bme280\"}", 3.0),
    ];
    for (name, value) in expected {
        assert_eq!(series.get(name), Some(&value), "{name} in\n{plain}");
    }
    let never = "pirack_agent_sink_acknowledgement_age_seconds{sink=\"cassandra\"}";
    assert!(!series.contains_key(never), "what never happened has no age");
    assert!(!plain.contains("doubtful") && !plain.contains("swap"), "{plain}");
}

#[tokio::test]
async fn however_many_readings_there_are_only_so_many_are_told_and_none_twice() {
    let teller = teller();
    let mut facts = teller.facts().await;
    facts.newest.readings =
        (0..2000).map(|i| reading(&format!("s{}", i % 1000), Quantity::Voltage, f64::from(i))).collect();
    let series = parsed(&exposition::text(facts, Format::Plain), Format::Plain);
    assert_eq!(series.keys().filter(|name| name.starts_with("pirack_reading")).count(), 512);
}

#[test]
fn a_scraper_gets_open_metrics_when_it_prefers_it_and_everybody_else_plain_text() {
    let prometheus = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,\
        application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,\
        text/plain;version=0.0.4;q=0.2,*/*;q=0.1";
    for (accept, format) in [
        (prometheus, Format::OpenMetrics),
        ("application/openmetrics-text", Format::OpenMetrics),
        ("Application/OpenMetrics-Text; version=\"1.0.0\"; charset=utf-8", Format::OpenMetrics),
        ("text/plain;version=0.0.4;q=0.9, application/openmetrics-text;q=0.5", Format::Plain),
        ("application/openmetrics-text;version=2.0.0", Format::Plain),
        ("application/openmetrics-text;q=0", Format::Plain),
        ("*/*", Format::Plain),
        ("text/html", Format::Plain),
        (";;=,q", Format::Plain),
    ] {
        assert_eq!(Format::negotiated([accept].into_iter()), format, "{accept}");
    }
    assert_eq!(Format::negotiated(std::iter::empty()), Format::Plain);
    let apart = ["text/plain;q=0.1", "application/openmetrics-text;version=1.0.0"];
    assert_eq!(Format::negotiated(apart.into_iter()), Format::OpenMetrics, "headers add up");
}

/// A served door, and where it is.
fn served(teller: Teller) -> SocketAddr {
    let door = Door::open("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = door.local_addr().unwrap();
    tokio::spawn(axum::serve(door, router(teller)).into_future());
    address
}

/// Sends the bytes and reads until the agent closes the connection.
async fn exchange(address: SocketAddr, bytes: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    drop(stream.write_all(bytes.as_bytes()).await);
    let mut answer = Vec::new();
    // A connection that is cut has said all it will say.
    drop(stream.read_to_end(&mut answer).await);
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn only_metrics_can_be_read_and_nothing_can_be_written() {
    let address = served(teller());
    let request = |line: &str| format!("{line} HTTP/1.1\r\nHost: w3\r\nConnection: close\r\n\r\n");
    let got = exchange(address, &request("GET /metrics")).await;
    let (head, body) = got.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200") && head.contains("text/plain; version=0.0.4"), "{head}");
    assert!(head.to_lowercase().contains("connection: close"), "{head}");
    parsed(body, Format::Plain);
    let got = exchange(address, &request("HEAD /metrics")).await;
    assert!(got.starts_with("HTTP/1.1 200") && got.ends_with("\r\n\r\n"), "{got}");
    for (line, status) in [
        ("GET /", "404"),
        ("GET /metrics/", "404"),
        ("GET /metricsx", "404"),
        ("GET /../metrics", "404"),
        ("POST /metrics", "405"),
        ("DELETE /metrics", "405"),
        ("PUT /other", "404"),
    ] {
        let got = exchange(address, &request(line)).await;
        assert!(got.starts_with(&format!("HTTP/1.1 {status}")), "{line}: {got}");
    }
}

#[tokio::test(start_paused = true)]
async fn guests_who_say_nothing_are_shown_out_and_meanwhile_keep_only_their_own_places() {
    let address = served(teller());
    let mut silent = Vec::new();
    for _ in 0..4 {
        silent.push(TcpStream::connect(address).await.unwrap());
    }
    silent[0].write_all(b"GET /metrics HTTP/1.1\r\nHost: w3\r\nX-Slow: ").await.unwrap();
    let began = Instant::now();
    let got = exchange(address, "GET /metrics HTTP/1.1\r\nHost: w3\r\n\r\n").await;
    assert!(got.starts_with("HTTP/1.1 200"), "{got}");
    assert!(began.elapsed() >= Duration::from_secs(9), "the fifth had to wait for a place");
    let mut rest = Vec::new();
    drop(silent[0].read_to_end(&mut rest).await);
    assert!(!String::from_utf8_lossy(&rest).contains("200 OK"), "half a request has no answer");
}

#[tokio::test]
async fn a_request_that_does_not_end_is_cut_off() {
    let address = served(teller());
    let endless = format!("GET /metrics HTTP/1.1\r\nHost: w3\r\nX: {}", "x".repeat(1 << 20));
    let began = Instant::now();
    let got = exchange(address, &endless).await;
    assert!(!got.contains("200 OK"), "{got}");
    assert!(began.elapsed() < Duration::from_secs(5), "long before its time would be up");
}

#[tokio::test]
async fn an_address_that_is_taken_is_tried_again_until_it_is_free() {
    let holder = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = holder.local_addr().unwrap();
    let serving = tokio::spawn(serve(address, teller()));
    // Long enough that the first try is over: the holder lets go only once it was seen there.
    tokio::task::yield_now().await;
    drop(holder);
    let deadline = Instant::now() + Duration::from_secs(20);
    while TcpStream::connect(address).await.is_err() {
        assert!(
            Instant::now() < deadline && !serving.is_finished(),
            "the address is free and nobody took it"
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let got = exchange(address, "GET /metrics HTTP/1.1\r\nHost: w3\r\n\r\n").await;
    assert!(got.starts_with("HTTP/1.1 200"), "{got}");
    serving.abort();
}

#[tokio::test(start_paused = true)]
async fn a_recorder_that_does_not_answer_costs_a_second_and_the_counters_are_told_all_the_same() {
    let (asks, _held) = mpsc::channel::<Ask>(1);
    let teller = Teller { newest: asks, ..teller() };
    let series = parsed(&exposition::text(teller.facts().await, Format::Plain), Format::Plain);
    assert!(series.contains_key("pirack_agent_queue_bytes"));
    assert!(!series.keys().any(|name| name.starts_with("pirack_health")));
}
