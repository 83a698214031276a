//! A record's JSON: one object, the head's fields first, then the body's, in the order the schemas give.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{BoardName, Body, ClockState, Gap, Health, Identity, Moment, Reading, Record, milliseconds};

/// The version of the schema that this program writes.
pub const SCHEMA: u32 = 1;

/// Why bytes are not a record.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// Not JSON, or not of a record's shape.
    #[error("not a record of schema {SCHEMA}")]
    Shape(#[from] serde_json::Error),
    /// A newer program wrote it.
    #[error("a record of schema {0}, and this program reads schema {SCHEMA}: update it")]
    Newer(u32),
}

#[derive(Serialize, Deserialize)]
struct Wire<H, B> {
    schema: u32,
    kind: H,
    board: BoardName,
    queue: Uuid,
    sequence: u64,
    #[serde(with = "milliseconds")]
    time: Timestamp,
    clock: ClockState,
    boot: Uuid,
    boottime_seconds: f64,
    #[serde(flatten)]
    body: B,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Reading,
    Health,
    Gap,
}

/// A reading as the world sees it: the unit is spelled out, though the quantity implies it.
#[derive(Serialize)]
struct ReadingOut<'a> {
    sensor: &'a str,
    chip: &'a str,
    quantity: super::Quantity,
    unit: &'static str,
    value: f64,
    quality: super::Quality,
}

impl Record {
    /// The record's JSON, as it is kept and shipped.
    ///
    /// # Errors
    /// Never for a record that [`Record::decode`] could read; serde keeps the right to refuse.
    pub fn encode(&self) -> Result<Vec<u8>, serde_json::Error> {
        let mut bytes = Vec::with_capacity(512);
        match &self.body {
            Body::Reading(reading) => {
                let body = ReadingOut {
                    sensor: &reading.sensor,
                    chip: &reading.chip,
                    quantity: reading.quantity,
                    unit: reading.quantity.unit(),
                    value: reading.value,
                    quality: reading.quality,
                };
                self.write(&mut bytes, Kind::Reading, body)?;
            }
            Body::Health(health) => self.write(&mut bytes, Kind::Health, health.as_ref())?,
            Body::Gap(gap) => self.write(&mut bytes, Kind::Gap, gap)?,
        }
        Ok(bytes)
    }

    fn write<B: Serialize>(&self, out: &mut Vec<u8>, kind: Kind, body: B) -> Result<(), serde_json::Error> {
        let wire = Wire {
            schema: SCHEMA,
            kind,
            board: self.board.clone(),
            queue: self.identity.queue,
            sequence: self.identity.sequence,
            time: self.moment.time,
            clock: self.moment.clock,
            boot: self.moment.boot,
            boottime_seconds: (self.moment.boottime_seconds * 1000.0).round() / 1000.0,
            body,
        };
        serde_json::to_writer(out, &wire)
    }

    /// Reads a record back. Fields that a later minor version added are passed over.
    ///
    /// # Errors
    /// When the bytes are no record, or one of a newer schema.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        #[derive(Deserialize)]
        struct Head {
            schema: u32,
            kind: Kind,
        }
        let head: Head = serde_json::from_slice(bytes)?;
        if head.schema > SCHEMA {
            return Err(DecodeError::Newer(head.schema));
        }
        match head.kind {
            Kind::Reading => Self::read(bytes, Body::Reading as fn(Reading) -> Body),
            Kind::Health => Self::read(bytes, |health: Health| Body::Health(Box::new(health))),
            Kind::Gap => Self::read(bytes, Body::Gap as fn(Gap) -> Body),
        }
    }

    fn read<B: for<'de> Deserialize<'de>>(
        bytes: &[u8],
        body: impl Fn(B) -> Body,
    ) -> Result<Self, DecodeError> {
        let wire: Wire<Kind, B> = serde_json::from_slice(bytes)?;
        Ok(Self {
            board: wire.board,
            identity: Identity { queue: wire.queue, sequence: wire.sequence },
            moment: Moment {
                time: wire.time,
                clock: wire.clock,
                boot: wire.boot,
                boottime_seconds: wire.boottime_seconds,
            },
            body: body(wire.body),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::{GapReason, Quality, Quantity};
    use super::*;

    fn record(body: Body) -> Record {
        Record {
            board: "w3".parse().unwrap(),
            identity: Identity { queue: Uuid::from_u128(7), sequence: 1234 },
            moment: Moment {
                time: "2026-11-21T08:00:00.123Z".parse().unwrap(),
                clock: ClockState::Synchronised,
                boot: Uuid::from_u128(9),
                boottime_seconds: 512.7,
            },
            body,
        }
    }

    fn reading() -> Reading {
        Reading {
            sensor: "inlet".into(),
            chip: "bme280".into(),
            quantity: Quantity::Temperature,
            value: 21.44,
            quality: Quality::Good,
        }
    }

    #[test]
    fn a_reading_reads_as_the_contract_says_to_the_letter() {
        let bytes = record(Body::Reading(reading())).encode().unwrap();
        assert_eq!(
            String::from_utf8(bytes).unwrap(),
            r#"{"schema":1,"kind":"reading","board":"w3","queue":"00000000-0000-0000-0000-000000000007","sequence":1234,"time":"2026-11-21T08:00:00.123Z","clock":"synchronised","boot":"00000000-0000-0000-0000-000000000009","boottime_seconds":512.7,"sensor":"inlet","chip":"bme280","quantity":"temperature","unit":"celsius","value":21.44,"quality":"good"}"#
        );
    }

    #[test]
    fn every_kind_comes_back_as_it_went() {
        let health = Health { cpu_ratio: Some(0.25), hostname: Some("w3".into()), ..Health::default() };
        let of = Uuid::from_u128(1);
        let gap = Gap { of, from: 3, to: 5, reason: GapReason::QueueFull, count: 3, sink: None };
        let refused = Gap { reason: GapReason::Refused, sink: Some("kafka".into()), ..gap.clone() };
        let gaps = [gap, refused].map(Body::Gap);
        for body in [Body::Reading(reading()), Body::Health(Box::new(health))].into_iter().chain(gaps) {
            let sent = record(body);
            assert_eq!(Record::decode(&sent.encode().unwrap()).unwrap(), sent);
        }
    }

    #[test]
    fn what_a_board_has_not_got_is_absent_not_zero() {
        let text = String::from_utf8(record(Body::Health(Box::default())).encode().unwrap()).unwrap();
        assert!(text.ends_with(r#""boottime_seconds":512.7}"#), "{text}");
    }

    #[test]
    fn a_record_of_a_newer_schema_is_named_and_one_with_more_fields_is_read() {
        let text = String::from_utf8(record(Body::Reading(reading())).encode().unwrap()).unwrap();
        let newer = text.replace(r#""schema":1"#, r#""schema":2"#);
        assert!(matches!(Record::decode(newer.as_bytes()), Err(DecodeError::Newer(2))));
        let wider = text.replace(r#""kind""#, r#""colour":"red","kind""#);
        assert!(Record::decode(wider.as_bytes()).is_ok());
        assert!(matches!(Record::decode(b"{"), Err(DecodeError::Shape(_))));
    }

    #[test]
    fn times_always_carry_three_decimals() {
        let mut sent = record(Body::Reading(reading()));
        sent.moment.time = "2026-11-21T08:00:00Z".parse().unwrap();
        let text = String::from_utf8(sent.encode().unwrap()).unwrap();
        assert!(text.contains(r#""time":"2026-11-21T08:00:00.000Z""#), "{text}");
    }
}
