//! One board's place in the live state.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use pirack_agent::record::{Body, ClockState, Health, Quality, Quantity, Reading, Record};

use super::AgentGauge;
use crate::watch::snapshot::{Board, BrokerState, HealthNow, Role, Sensor};
use crate::watch::state::{Across, Facts, State, Thresholds, Verdict, judge};

/// Sensor values kept for one board; one more takes the place of the longest silent.
const MOST_SENSORS: usize = 256;

/// What is known of one board.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) role: Role,
    pub(super) simulated: bool,
    pub(super) gauge: Option<AgentGauge>,
    declared: Instant,
    arrived: Option<Instant>,
    health: HealthNow,
    sensors: BTreeMap<(String, &'static str), Heard>,
    throttled: Option<Instant>,
    under_voltage: Option<Instant>,
    out_of_range: Option<(String, Instant)>,
    across: Across,
    /// The state last told; nothing until the board was first heard or first missed.
    told: Option<State>,
}

impl Entry {
    pub(super) fn new(role: Role, now: Instant) -> Self {
        Self {
            role,
            simulated: false,
            gauge: None,
            declared: now,
            arrived: None,
            health: HealthNow::default(),
            sensors: BTreeMap::new(),
            throttled: None,
            under_voltage: None,
            out_of_range: None,
            across: Across::default(),
            told: None,
        }
    }

    /// Takes a record in that arrived at `now`, which this machine's wall clock calls `wall`.
    pub(super) fn apply(&mut self, record: &Record, now: Instant, wall: Timestamp) {
        self.arrived = Some(now);
        match &record.body {
            Body::Health(health) => self.apply_health(health, record, observed(record, now, wall)),
            Body::Reading(reading) => self.apply_reading(reading, record, now, observed(record, now, wall)),
            Body::Gap(_) => {}
        }
    }

    fn apply_health(&mut self, health: &Health, record: &Record, observed: Option<Instant>) {
        if health.throttled == Some(true) {
            self.throttled = self.throttled.max(observed);
        }
        if health.under_voltage == Some(true) {
            self.under_voltage = self.under_voltage.max(observed);
        }
        self.health = HealthNow { time: Some(record.moment.time), fields: health.clone() };
    }

    fn apply_reading(&mut self, reading: &Reading, record: &Record, now: Instant, observed: Option<Instant>) {
        if reading.quality == Quality::OutOfRange
            && let Some(observed) = observed
            && self.out_of_range.as_ref().is_none_or(|(_, at)| *at <= observed)
        {
            self.out_of_range = Some((reading.sensor.clone(), observed));
        }
        let key = (reading.sensor.clone(), reading.quantity.name());
        if self.sensors.len() >= MOST_SENSORS && !self.sensors.contains_key(&key) {
            self.forget_longest_silent();
        }
        self.sensors.insert(key, Heard { at: now, sensor: sensor(reading, record) });
    }

    fn forget_longest_silent(&mut self) {
        let silent = self.sensors.iter().min_by_key(|(_, heard)| heard.at).map(|(key, _)| key.clone());
        if let Some(key) = silent {
            self.sensors.remove(&key);
        }
    }

    /// Judges the board and returns the change of state, if it is one to tell: from, to and why.
    pub(super) fn tick(
        &mut self,
        now: Instant,
        kafka: BrokerState,
        thresholds: &Thresholds,
    ) -> Option<(State, State, Option<String>)> {
        let expected_soon = self.arrived.is_none() && self.quiet(now) < thresholds.silent_seconds;
        let Verdict { state, reason, across } = self.judge(now, kafka, thresholds);
        self.across = across;
        if expected_soon {
            return None;
        }
        match self.told.replace(state) {
            Some(before) if before != state => Some((before, state, reason)),
            None if state == State::Warm => Some((State::Well, state, reason)),
            _ => None,
        }
    }

    /// The board as it is shown.
    pub(super) fn show(
        &self,
        name: &str,
        now: Instant,
        kafka: BrokerState,
        thresholds: &Thresholds,
    ) -> Board {
        let verdict = self.judge(now, kafka, thresholds);
        Board {
            name: name.to_owned(),
            role: self.role,
            simulated: self.simulated,
            state: verdict.state,
            reason: verdict.reason,
            plugged: self.gauge.is_none_or(|gauge| gauge.plugged),
            last_seen_seconds: self.arrived.map(|at| now.saturating_duration_since(at).as_secs_f64()),
            queued: self.gauge.map(|gauge| gauge.queued),
            dropped: self.gauge.map(|gauge| gauge.dropped),
            health: self.health.clone(),
            sensors: self.sensors.values().map(|heard| heard.sensor.clone()).collect(),
        }
    }

    fn quiet(&self, now: Instant) -> f64 {
        now.saturating_duration_since(self.arrived.unwrap_or(self.declared)).as_secs_f64()
    }

    fn judge(&self, now: Instant, kafka: BrokerState, thresholds: &Thresholds) -> Verdict {
        let age = |at: Instant| now.saturating_duration_since(at).as_secs_f64();
        let health = &self.health.fields;
        let facts = Facts {
            quiet_seconds: self.quiet(now),
            heard: self.arrived.is_some(),
            unplugged: self.gauge.is_some_and(|gauge| !gauge.plugged),
            broker_stopped: kafka == BrokerState::Stopped,
            kafka_away: kafka == BrokerState::Away,
            cpu_celsius: health.cpu_temperature_celsius,
            memory_used_ratio: ratio(health.memory_used_bytes, health.memory_total_bytes),
            storage_free_ratio: ratio(health.storage_free_bytes, health.storage_total_bytes),
            throttled_age: self.throttled.map(age),
            under_voltage_age: self.under_voltage.map(age),
            out_of_range: self.out_of_range.as_ref().map(|(sensor, at)| (sensor.clone(), age(*at))),
        };
        judge(&facts, self.across, thresholds)
    }
}

/// A sensor's newest value and when it arrived.
#[derive(Debug)]
struct Heard {
    at: Instant,
    sensor: Sensor,
}

/// When a record was observed, as far as one can tell: a backlog is as old as its clock says, where
/// somebody vouched for that clock. A board's clock may be a little ahead of ours, never its records.
/// Nothing when that was before this machine's boot.
fn observed(record: &Record, now: Instant, wall: Timestamp) -> Option<Instant> {
    match record.moment.clock {
        ClockState::Synchronised => {
            let age = wall.duration_since(record.moment.time);
            now.checked_sub(Duration::try_from(age).unwrap_or_default())
        }
        ClockState::Unsynchronised => Some(now),
    }
}

fn sensor(reading: &Reading, record: &Record) -> Sensor {
    let quantity: Quantity = reading.quantity;
    Sensor {
        sensor: reading.sensor.clone(),
        chip: reading.chip.clone(),
        quantity,
        unit: quantity.unit(),
        value: reading.value,
        quality: reading.quality,
        time: record.moment.time,
    }
}

#[expect(clippy::cast_precision_loss, reason = "a ratio needs no more than 52 bits")]
fn ratio(part: Option<u64>, whole: Option<u64>) -> Option<f64> {
    let whole = whole.filter(|&whole| whole > 0)?;
    Some(part? as f64 / whole as f64)
}
