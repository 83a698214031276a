//! One board's place in the live state.

use std::collections::BTreeMap;
use std::time::Instant;

use pirack_agent::record::{Body, Health, Quality, Quantity, Reading, Record};

use super::AgentGauge;
use crate::watch::snapshot::{Board, HealthNow, Role, Sensor};
use crate::watch::state::{Across, Facts, State, Thresholds, Verdict, judge};

/// Sensor values kept for one board; a board with more shows the first of them.
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
    sensors: BTreeMap<(String, &'static str), Sensor>,
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

    pub(super) fn apply(&mut self, record: &Record, now: Instant) {
        self.arrived = Some(now);
        match &record.body {
            Body::Health(health) => self.apply_health(health, record, now),
            Body::Reading(reading) => self.apply_reading(reading, record, now),
            Body::Gap(_) => {}
        }
    }

    fn apply_health(&mut self, health: &Health, record: &Record, now: Instant) {
        if health.throttled == Some(true) {
            self.throttled = Some(now);
        }
        if health.under_voltage == Some(true) {
            self.under_voltage = Some(now);
        }
        self.health = HealthNow { time: Some(record.moment.time), fields: health.clone() };
    }

    fn apply_reading(&mut self, reading: &Reading, record: &Record, now: Instant) {
        if reading.quality == Quality::OutOfRange {
            self.out_of_range = Some((reading.sensor.clone(), now));
        }
        let key = (reading.sensor.clone(), reading.quantity.name());
        if self.sensors.len() >= MOST_SENSORS && !self.sensors.contains_key(&key) {
            return;
        }
        self.sensors.insert(key, sensor(reading, record));
    }

    /// Judges the board and returns the change of state, if it is one to tell: from, to and why.
    pub(super) fn tick(
        &mut self,
        now: Instant,
        broker_stopped: bool,
        thresholds: &Thresholds,
    ) -> Option<(State, State, Option<String>)> {
        let expected_soon = self.arrived.is_none() && self.quiet(now) < thresholds.silent_seconds;
        let Verdict { state, reason, across } = self.judge(now, broker_stopped, thresholds);
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
        broker_stopped: bool,
        thresholds: &Thresholds,
    ) -> Board {
        let verdict = self.judge(now, broker_stopped, thresholds);
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
            sensors: self.sensors.values().cloned().collect(),
        }
    }

    fn quiet(&self, now: Instant) -> f64 {
        now.saturating_duration_since(self.arrived.unwrap_or(self.declared)).as_secs_f64()
    }

    fn judge(&self, now: Instant, broker_stopped: bool, thresholds: &Thresholds) -> Verdict {
        let age = |at: Instant| now.saturating_duration_since(at).as_secs_f64();
        let health = &self.health.fields;
        let facts = Facts {
            quiet_seconds: self.quiet(now),
            heard: self.arrived.is_some(),
            unplugged: self.gauge.is_some_and(|gauge| !gauge.plugged),
            broker_stopped,
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
