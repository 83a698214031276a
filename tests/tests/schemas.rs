//! What the agent writes is what `images/kafka/` says, and what it never writes is refused there.

#![expect(clippy::unwrap_used, reason = "what fails, fails the test")]

use pirack_agent::record::{
    Body, ClockState, DockerState, Gap, GapReason, Health, Identity, Moment, Quality, Quantity, Reading,
    Record,
};
use pirack_tests::schema::Schemas;
use serde_json::{Value, json};
use uuid::Uuid;

const QUANTITIES: [Quantity; 12] = [
    Quantity::Temperature,
    Quantity::RelativeHumidity,
    Quantity::Pressure,
    Quantity::Voltage,
    Quantity::Current,
    Quantity::Power,
    Quantity::StorageFree,
    Quantity::StorageTotal,
    Quantity::NetworkReceiveTotal,
    Quantity::NetworkTransmitTotal,
    Quantity::NetworkReceiveErrorsTotal,
    Quantity::NetworkTransmitErrorsTotal,
];
const QUALITIES: [Quality; 3] = [Quality::Good, Quality::OutOfRange, Quality::Suspect];
const REASONS: [GapReason; 6] = [
    GapReason::QueueFull,
    GapReason::DiskFull,
    GapReason::WriteFailed,
    GapReason::Corrupt,
    GapReason::Vanished,
    GapReason::Refused,
];
const DOCKER: [DockerState; 3] = [DockerState::Active, DockerState::Inactive, DockerState::Failed];

fn encoded(clock: ClockState, body: Body) -> Value {
    let record = Record {
        board: "w3".parse().unwrap(),
        identity: Identity { queue: Uuid::from_u128(u128::MAX / 3), sequence: u64::MAX },
        moment: Moment {
            time: "2026-11-21T08:00:00Z".parse().unwrap(),
            clock,
            boot: Uuid::from_u128(9),
            boottime_seconds: 0.0,
        },
        body,
    };
    serde_json::from_slice(&record.encode().unwrap()).unwrap()
}

fn readings() -> impl Iterator<Item = Body> {
    QUANTITIES.into_iter().flat_map(|quantity| {
        QUALITIES.map(|quality| {
            let (sensor, chip) = ("/var/lib/data".to_owned(), "filesystem".to_owned());
            Body::Reading(Reading { sensor, chip, quantity, value: 21.44, quality })
        })
    })
}

/// A health with every field: no `..Default`, so that a new field does not compile until it is here.
fn full_health(docker: DockerState) -> Health {
    Health {
        cpu_ratio: Some(1.0),
        cpu_count: Some(4),
        load_1m: Some(0.25),
        load_5m: Some(0.5),
        load_15m: Some(0.0),
        memory_used_bytes: Some(0),
        memory_total_bytes: Some(u64::MAX),
        swap_used_bytes: Some(1),
        swap_total_bytes: Some(2),
        cpu_temperature_celsius: Some(-12.5),
        storage_free_bytes: Some(3),
        storage_total_bytes: Some(4),
        data_free_bytes: Some(5),
        data_total_bytes: Some(6),
        network_receive_bytes_total: Some(7),
        network_transmit_bytes_total: Some(8),
        uptime_seconds: Some(9.5),
        supply_volts: Some(5.1),
        supply_amperes: Some(-0.1),
        supply_watts: Some(-0.5),
        under_voltage: Some(false),
        throttled: Some(true),
        docker: Some(docker),
        containers: Some(0),
        hostname: Some("w3".into()),
        address: Some("10.0.0.3".into()),
        os: Some("Debian GNU/Linux 12 (bookworm)".into()),
        kernel: Some("6.1.0-rpi7".into()),
    }
}

fn gaps() -> impl Iterator<Item = Body> {
    let gap = |reason| Gap {
        of: Uuid::from_u128(1),
        from: 0,
        to: u64::MAX,
        reason,
        count: 1,
        sink: Some("kafka".into()),
    };
    REASONS.into_iter().map(move |reason| Body::Gap(gap(reason)))
}

fn healths() -> impl Iterator<Item = Body> {
    let full = DOCKER.into_iter().map(|docker| Body::Health(Box::new(full_health(docker))));
    full.chain([Body::Health(Box::default())])
}

fn every_record() -> Vec<Value> {
    let bodies = readings().chain(healths()).chain(gaps());
    bodies
        .flat_map(|body| {
            [ClockState::Synchronised, ClockState::Unsynchronised].map(|clock| encoded(clock, body.clone()))
        })
        .collect()
}

#[test]
fn every_record_that_the_agent_can_write_fits_its_schema() {
    let schemas = Schemas::load();
    for record in every_record() {
        assert_eq!(schemas.faults(&record), Vec::<String>::new(), "{record}");
    }
}

#[test]
fn a_record_that_lacks_a_field_is_refused_unless_it_is_one_of_a_health_or_a_gaps_sink() {
    let schemas = Schemas::load();
    let head = ["schema", "kind", "board", "queue", "sequence", "time", "clock", "boot", "boottime_seconds"];
    for record in every_record() {
        for field in record.as_object().unwrap().keys() {
            let mut less = record.clone();
            less.as_object_mut().unwrap().remove(field);
            let optional = match record["kind"].as_str() {
                Some("health") => !head.contains(&field.as_str()),
                Some("gap") => field == "sink",
                _ => false,
            };
            assert_eq!(schemas.faults(&less).is_empty(), optional, "without {field}: {record}");
        }
    }
}

#[test]
fn a_field_of_another_type_or_one_that_nobody_named_is_refused() {
    let schemas = Schemas::load();
    for record in every_record() {
        for field in record.as_object().unwrap().keys() {
            for wrong in [json!(null), json!([]), json!({ "value": 1 })] {
                let mut other = record.clone();
                other[field] = wrong;
                assert_ne!(schemas.faults(&other), Vec::<String>::new(), "{field}: {other}");
            }
        }
        let mut more = record.clone();
        more["colour"] = json!("red");
        assert_ne!(schemas.faults(&more), Vec::<String>::new(), "{more}");
    }
}

#[test]
fn a_value_outside_what_its_field_can_be_is_refused() {
    let schemas = Schemas::load();
    let reading = encoded(ClockState::Synchronised, readings().next().unwrap());
    let health = encoded(ClockState::Synchronised, healths().next().unwrap());
    let gap = encoded(ClockState::Synchronised, gaps().next().unwrap());
    for (record, field, wrong) in [
        (&reading, "schema", json!(2)),
        (&reading, "kind", json!("health")),
        (&reading, "board", json!("W3")),
        (&reading, "board", json!("x".repeat(64))),
        (&reading, "queue", json!("7")),
        (&reading, "sequence", json!(-1)),
        (&reading, "sequence", json!(1.5)),
        (&reading, "time", json!("2026-11-21T08:00:00Z")),
        (&reading, "time", json!("2026-11-21T09:00:00.000+01:00")),
        (&reading, "clock", json!("fast")),
        (&reading, "sensor", json!("")),
        (&reading, "quantity", json!("mass")),
        (&reading, "unit", json!("fahrenheit")),
        (&reading, "unit", json!("ratio")),
        (&reading, "quality", json!("bad")),
        (&health, "cpu_ratio", json!(1.01)),
        (&health, "cpu_count", json!(0)),
        (&health, "memory_used_bytes", json!(-1)),
        (&health, "docker", json!("unknown")),
        (&health, "hostname", json!("")),
        (&gap, "reason", json!("lost")),
        (&gap, "count", json!(0)),
        (&gap, "of", json!("")),
    ] {
        let mut other = record.clone();
        other[field] = wrong;
        assert_ne!(schemas.faults(&other), Vec::<String>::new(), "{field}: {other}");
    }
}

#[test]
fn readings_that_inject_makes_up_fit_the_schema() {
    let schemas = Schemas::load();
    let messages = pirack::stack::kafka::inject::Source::readings().unwrap().next(500).unwrap();
    for message in messages {
        let record: Value = serde_json::from_slice(&message.payload).unwrap();
        assert_eq!(schemas.faults(&record), Vec::<String>::new(), "{record}");
    }
}
