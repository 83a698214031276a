//! Records as an agent's queue hands them to a sink.

use pirack_agent::record::{
    Body, ClockState, Entry, Gap, GapReason, Health, Identity, Moment, Quality, Quantity, Reading, Record,
};
use uuid::Uuid;

/// The queue that most of these records come from.
pub(super) const QUEUE: Uuid = Uuid::from_u128(0x0a);
/// An older queue of the same disk.
pub(super) const OLDER: Uuid = Uuid::from_u128(0x0b);
/// A queue of another disk.
pub(super) const ELSEWHERE: Uuid = Uuid::from_u128(0x0c);

pub(super) fn reading(value: f64) -> Body {
    of_sensor("inlet", value)
}

pub(super) fn of_sensor(sensor: &str, value: f64) -> Body {
    Body::Reading(Reading {
        sensor: sensor.into(),
        chip: "bme280".into(),
        quantity: Quantity::Temperature,
        value,
        quality: Quality::Good,
    })
}

pub(super) fn health(cpu_ratio: f64, supply_volts: Option<f64>) -> Body {
    Body::Health(Box::new(Health {
        cpu_ratio: Some(cpu_ratio),
        supply_volts,
        hostname: Some("w3".into()),
        ..Health::default()
    }))
}

pub(super) fn gap() -> Body {
    Body::Gap(Gap {
        of: OLDER,
        from: 3,
        to: 5,
        reason: GapReason::Refused,
        count: 3,
        sink: Some("kafka".into()),
    })
}

/// A record of board w3 at the given time, by a clock that was vouched for.
pub(super) fn entry(queue: Uuid, sequence: u64, time: &str, body: Body) -> Entry {
    told(queue, sequence, time, ClockState::Synchronised, body)
}

pub(super) fn told(queue: Uuid, sequence: u64, time: &str, clock: ClockState, body: Body) -> Entry {
    let identity = Identity { queue, sequence };
    let tag = body.kind().tag();
    let moment =
        Moment { time: time.parse().unwrap(), clock, boot: Uuid::from_u128(9), boottime_seconds: 512.7 };
    let record = Record { board: "w3".parse().unwrap(), identity, moment, body };
    Entry { identity, tag, payload: record.encode().unwrap() }
}
