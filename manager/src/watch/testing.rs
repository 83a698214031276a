//! Records for this room's tests.

use pirack_agent::record::{Body, ClockState, Health, Identity, Moment, Quality, Quantity, Reading, Record};
use uuid::Uuid;

/// The queue that [`record`] names.
pub(crate) const QUEUE: Uuid = Uuid::from_u128(0xA11CE);

/// A record of `board`'s queue, observed at 2026-11-21T08:00:00Z plus `sequence` seconds.
pub(crate) fn record(board: &str, sequence: u64, body: Body) -> Record {
    let start: jiff::Timestamp = "2026-11-21T08:00:00Z".parse().unwrap();
    let after = std::time::Duration::from_secs(sequence);
    Record {
        board: board.parse().unwrap(),
        identity: Identity { queue: QUEUE, sequence },
        moment: Moment {
            time: start + after,
            clock: ClockState::Synchronised,
            boot: Uuid::from_u128(9),
            boottime_seconds: after.as_secs_f64(),
        },
        body,
    }
}

pub(crate) fn health(cpu_ratio: f64) -> Body {
    Body::Health(Box::new(Health { cpu_ratio: Some(cpu_ratio), ..Health::default() }))
}

pub(crate) fn reading(sensor: &str, value: f64) -> Body {
    Body::Reading(Reading {
        sensor: sensor.into(),
        chip: "bme280".into(),
        quantity: Quantity::Temperature,
        value,
        quality: Quality::Good,
    })
}
