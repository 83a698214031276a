//! An agent's own words: what it tells Prometheus, beside which package it is and what it was configured with.
//!
//! What an agent does not tell is absent here, never zero. Of its log it tells nothing: why a sink fails is in
//! the log alone.

use std::collections::BTreeMap;

use serde::Serialize;

/// What is known of one agent.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct AgentWords {
    /// The version that is installed; absent where none is.
    pub version: Option<String>,
    /// The SHA-256 of its configuration; absent where it has none.
    #[serde(skip)]
    pub configuration: Option<String>,
    /// Whether it runs: it answers when it is asked.
    pub running: bool,
    /// Why it does not answer; absent where it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub silence: Option<String>,
    /// Seconds since its newest record was made.
    pub record_age_seconds: Option<f64>,
    /// Its sinks.
    pub sinks: BTreeMap<String, Sink>,
    /// Records that its queue had to give up since it started.
    pub dropped: Option<u64>,
    /// Bytes of its queue.
    pub queue_bytes: Option<u64>,
    /// What its queue may take.
    pub queue_limit_bytes: Option<u64>,
    /// The board's temperature.
    pub cpu_temperature_celsius: Option<f64>,
    /// Its supply.
    pub supply_volts: Option<f64>,
    /// What it takes.
    pub supply_watts: Option<f64>,
    /// Whether the supply is too low right now.
    pub under_voltage: Option<bool>,
    /// Whether the processor is slowed down right now.
    pub throttled: Option<bool>,
}

/// Where an agent's records go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Sink {
    /// Records that it still lacks.
    pub waiting: u64,
    /// Records that it refused for good since the agent's start.
    pub refused: u64,
    /// Whether something keeps records from it.
    pub failing: bool,
    /// Seconds since it took one; absent before the first.
    pub acknowledgement_age_seconds: Option<f64>,
}

impl AgentWords {
    /// Takes its own text: what it tells Prometheus, or why it does not.
    pub(super) fn hear<'a>(&mut self, lines: impl Iterator<Item = &'a str>) {
        let mut said = vec![];
        for line in lines {
            match sample(line) {
                Some(sample) => {
                    self.running = true;
                    self.take(&sample);
                }
                None if !line.starts_with('#') => said.push(line.trim()),
                None => {}
            }
        }
        if !self.running {
            self.silence = Some(match said.join(" ") {
                said if said.is_empty() => "it is not installed".to_owned(),
                said => said,
            });
        }
    }

    fn take(&mut self, sample: &Sample<'_>) {
        let value = sample.value;
        match sample.name {
            "pirack_agent_record_age_seconds" => self.record_age_seconds = Some(value),
            "pirack_agent_records_dropped_total" => self.dropped = Some(whole(value)),
            "pirack_agent_queue_bytes" => self.queue_bytes = Some(whole(value)),
            "pirack_agent_queue_limit_bytes" => self.queue_limit_bytes = Some(whole(value)),
            "pirack_health_cpu_temperature_celsius" => self.cpu_temperature_celsius = Some(value),
            "pirack_health_supply_volts" => self.supply_volts = Some(value),
            "pirack_health_supply_watts" => self.supply_watts = Some(value),
            "pirack_health_under_voltage" => self.under_voltage = Some(value > 0.0),
            "pirack_health_throttled" => self.throttled = Some(value > 0.0),
            _ => self.take_of_sink(sample),
        }
    }

    fn take_of_sink(&mut self, sample: &Sample<'_>) {
        let Some(field) = sample.name.strip_prefix("pirack_agent_sink_") else { return };
        let Some(name) = sample.label("sink") else { return };
        let sink = self.sinks.entry(name.to_owned()).or_default();
        match field {
            "records_waiting" => sink.waiting = whole(sample.value),
            "records_refused_total" => sink.refused = whole(sample.value),
            "failing" => sink.failing = sample.value > 0.0,
            "acknowledgement_age_seconds" => sink.acknowledgement_age_seconds = Some(sample.value),
            _ => {}
        }
    }

    /// How full its queue is, 0 to 1.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a share of a queue needs no more than 52 bits")]
    pub fn queue_ratio(&self) -> Option<f64> {
        let (bytes, limit) = (self.queue_bytes?, self.queue_limit_bytes?);
        (limit > 0).then(|| bytes as f64 / limit as f64)
    }
}

/// One line of Prometheus's text format 0.0.4, as far as the agent writes it.
struct Sample<'a> {
    name: &'a str,
    labels: &'a str,
    value: f64,
}

impl<'a> Sample<'a> {
    /// A label's value; those of sinks have nothing to be escaped.
    fn label(&self, name: &str) -> Option<&'a str> {
        let pairs = self.labels.split(',').filter_map(|pair| pair.split_once('='));
        pairs.into_iter().find(|(key, _)| *key == name).map(|(_, value)| value.trim_matches('"'))
    }
}

fn sample(line: &str) -> Option<Sample<'_>> {
    let (series, value) = line.rsplit_once(' ')?;
    let value = value.parse().ok()?;
    let (name, labels) = series.split_once('{').unwrap_or((series, ""));
    name.starts_with("pirack_").then(|| Sample { name, labels: labels.trim_end_matches('}'), value })
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "counts, and they saturate")]
fn whole(value: f64) -> u64 {
    value as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_an_agent_counts_is_taken_from_what_it_tells_prometheus() {
        let text = "# HELP pirack_agent_records_dropped_total Records.\n\
            # TYPE pirack_agent_records_dropped_total counter\n\
            pirack_agent_records_dropped_total 7\n\
            pirack_agent_queue_bytes 50\npirack_agent_queue_limit_bytes 100\n\
            pirack_agent_record_age_seconds 1.5\n\
            pirack_agent_sink_records_waiting{sink=\"kafka\"} 12\n\
            pirack_agent_sink_failing{sink=\"kafka\"} 1\n\
            pirack_agent_sink_records_waiting{sink=\"cassandra\"} 0\n\
            pirack_health_under_voltage 1\npirack_health_throttled 0\n\
            pirack_health_info{os=\"Debian 12, the \\\"stable\\\" one\"} 1\n\
            pirack_health_cpu_temperature_celsius 48.25\n";
        let mut words = AgentWords::default();
        words.hear(text.lines());
        assert!(words.running && words.silence.is_none());
        assert_eq!((words.dropped, words.queue_ratio()), (Some(7), Some(0.5)));
        assert_eq!((words.record_age_seconds, words.cpu_temperature_celsius), (Some(1.5), Some(48.25)));
        assert_eq!(
            (words.under_voltage, words.throttled, words.supply_volts),
            (Some(true), Some(false), None)
        );
        let kafka = Sink { waiting: 12, failing: true, ..Sink::default() };
        assert_eq!(words.sinks, [("kafka".into(), kafka), ("cassandra".into(), Sink::default())].into());
    }
}
