//! What is told: the metric families, their help and their samples.
//!
//! Names follow <https://prometheus.io/docs/practices/naming/>: base units, `_total` on what only grows.
//! `pirack_agent_*` is about the agent, `pirack_health_*` has the fields of the newest health record,
//! `pirack_reading_*` the newest value of each sensor. What is not known has no sample: absent, not zero.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;

use super::{Facts, health};
use crate::record::{Quality, Quantity, Reading};
use crate::tally::SinkCounts;

/// Readings told, at most: a board has a few dozen, and a scraper pays for each.
const MOST_READINGS: usize = 512;

/// Whether a value can fall.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Counter,
    Gauge,
}

/// A sample's value; what is counted stays whole beyond 2^53.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Value {
    Whole(u64),
    Real(f64),
}

/// Labels and their values.
pub(super) type Labels<'a> = Vec<(&'a str, &'a str)>;

impl Collector for Facts {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut page = Page(encoder);
        self.agent(&mut page)?;
        for told in self.newest.health.iter().flat_map(health::values) {
            page.one(told.name, told.help, told.kind, told.value)?;
        }
        if let Some(said) = self.newest.health.as_ref().and_then(health::facts) {
            page.family(
                health::FACTS,
                "What the board says of itself.",
                Kind::Gauge,
                [(said, Value::Whole(1))],
            )?;
        }
        if let Some(states) = self.newest.health.as_ref().and_then(health::docker) {
            page.family(health::DOCKER, "Docker's engine: 1 at the state it is in.", Kind::Gauge, states)?;
        }
        self.readings(&mut page)
    }
}

impl Facts {
    fn agent(&self, page: &mut Page<'_>) -> fmt::Result {
        use Kind::{Counter, Gauge};
        use Value::{Real, Whole};
        let build = vec![("version", env!("CARGO_PKG_VERSION")), ("board", self.board.as_str())];
        page.family(
            "pirack_agent_build_info",
            "The agent's version and its board's name; always 1.",
            Gauge,
            [(build, Whole(1))],
        )?;
        let queue = &self.counts.queue;
        page.one(
            "pirack_agent_records_appended",
            "Records appended to the queue since the agent's start.",
            Counter,
            Whole(queue.produced),
        )?;
        page.one(
            "pirack_agent_records_dropped",
            "Records that the queue had to give up since the agent's start; each is told in a gap record.",
            Counter,
            Whole(queue.dropped),
        )?;
        // An age rather than a time: a board's clock may be decades off, and both ends are its own.
        let age = |time: Option<Timestamp>| Some(self.now.duration_since(time?).as_secs_f64().max(0.0));
        page.family(
            "pirack_agent_record_age_seconds",
            "Seconds since the newest record was made, by the board's clock; absent before the first.",
            Gauge,
            age(queue.made).map(|age| (Labels::new(), Real(age))),
        )?;
        page.one(
            "pirack_agent_queue_bytes",
            "Bytes of the queue's segments on disk.",
            Gauge,
            Whole(queue.bytes),
        )?;
        page.one(
            "pirack_agent_queue_limit_bytes",
            "Bytes that the queue may take on disk; beyond them the oldest records go.",
            Gauge,
            Whole(self.queue_max_bytes),
        )?;
        let each = |value: &dyn Fn(&SinkCounts) -> Option<Value>| {
            let sample = |sink| Some((vec![("sink", sink_name(sink))], value(sink)?));
            self.counts.sinks.iter().filter_map(sample).collect::<Vec<_>>()
        };
        page.family(
            "pirack_agent_sink_records_delivered",
            "Records that the sink acknowledged since the agent's start.",
            Counter,
            each(&|sink| Some(Whole(sink.delivered))),
        )?;
        page.family(
            "pirack_agent_sink_records_refused",
            "Records that the sink refused for good since the agent's start.",
            Counter,
            each(&|sink| Some(Whole(sink.refused))),
        )?;
        page.family(
            "pirack_agent_sink_records_waiting",
            "Durable records that the sink still lacks.",
            Gauge,
            each(&|sink| Some(Whole(sink.waiting))),
        )?;
        page.family(
            "pirack_agent_sink_cursor_position",
            "The sequence of the next record that the sink is to get.",
            Gauge,
            each(&|sink| Some(Whole(sink.position))),
        )?;
        page.family(
            "pirack_agent_sink_acknowledgement_age_seconds",
            "Seconds since the sink last acknowledged a record, by the board's clock; absent before the first.",
            Gauge,
            each(&|sink| age(sink.acknowledged).map(Real)),
        )?;
        page.family(
            "pirack_agent_sink_failing",
            "1 while something keeps records from the sink, else 0; the agent's log says what.",
            Gauge,
            each(&|sink| Some(Whole(sink.failing.is_some().into()))),
        )
    }

    /// The newest good value of each sensor, by quantity. A doubtful one is left out: a graph cannot say so.
    fn readings(&self, page: &mut Page<'_>) -> fmt::Result {
        let mut quantities: BTreeMap<&str, BTreeMap<(&str, &str), &Reading>> = BTreeMap::new();
        let good = self.newest.readings.iter().filter(|reading| reading.quality == Quality::Good);
        for reading in good.take(MOST_READINGS) {
            let sensors = quantities.entry(reading.quantity.name()).or_default();
            sensors.insert((&reading.sensor, &reading.chip), reading);
        }
        for sensors in quantities.values() {
            let Some(quantity) = sensors.values().next().map(|reading| reading.quantity) else { continue };
            let (name, kind) = family(quantity);
            let help = format!("The newest {} of each sensor, in {}.", words(quantity), quantity.unit());
            let samples = sensors.iter().map(|((sensor, chip), reading)| {
                (vec![("sensor", *sensor), ("chip", *chip)], Value::Real(reading.value))
            });
            page.family(&name, &help, kind, samples)?;
        }
        Ok(())
    }
}

/// A quantity's family: its name with its unit, where the name does not end in it.
fn family(quantity: Quantity) -> (String, Kind) {
    let (name, unit) = (quantity.name(), quantity.unit());
    let (stem, kind) = match name.strip_suffix("_total") {
        // A file system's size is called a total, and is none that grows.
        Some(stem) if quantity != Quantity::StorageTotal => (stem, Kind::Counter),
        _ => (name, Kind::Gauge),
    };
    (format!("pirack_reading_{stem}_{unit}"), kind)
}

fn words(quantity: Quantity) -> String {
    quantity.name().replace('_', " ")
}

fn sink_name(sink: &SinkCounts) -> &'static str {
    sink.sink.as_str()
}

/// Writes families, one after another; a family without a sample is not there.
struct Page<'a>(DescriptorEncoder<'a>);

impl Page<'_> {
    fn one(&mut self, name: &str, help: &str, kind: Kind, value: Value) -> fmt::Result {
        self.family(name, help, kind, [(Vec::new(), value)])
    }

    fn family<'l>(
        &mut self,
        name: &str,
        help: &str,
        kind: Kind,
        samples: impl IntoIterator<Item = (Labels<'l>, Value)>,
    ) -> fmt::Result {
        let mut samples = samples.into_iter().peekable();
        if samples.peek().is_none() {
            return Ok(());
        }
        let metric_type = match kind {
            Kind::Counter => MetricType::Counter,
            Kind::Gauge => MetricType::Gauge,
        };
        let mut family = self.0.encode_descriptor(name, help, None, metric_type)?;
        for (labels, value) in samples {
            if labels.is_empty() {
                // A set of labels that is empty would be written as empty braces.
                write(&mut family, kind, value)?;
            } else {
                write(&mut family.encode_family(&labels)?, kind, value)?;
            }
        }
        Ok(())
    }
}

fn write(sample: &mut MetricEncoder<'_>, kind: Kind, value: Value) -> fmt::Result {
    match (kind, value) {
        (Kind::Counter, Value::Whole(value)) => sample.encode_counter::<NoLabelSet, u64, f64>(&value, None),
        (Kind::Counter, Value::Real(value)) => sample.encode_counter::<NoLabelSet, f64, f64>(&value, None),
        (Kind::Gauge, Value::Whole(value)) => sample.encode_gauge(&value),
        (Kind::Gauge, Value::Real(value)) => sample.encode_gauge(&value),
    }
}
