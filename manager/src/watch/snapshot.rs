//! The rack at one moment, as every face shows it. These types are the JSON of `GET /api/rack`.

use std::cmp::Ordering;

use jiff::Timestamp;
use pirack_agent::record::{Health, Quality, Quantity, milliseconds};
use serde::{Serialize, Serializer};

use super::rack::{Drift, OperationNow};
use super::state::State;

/// What a board is for. The order is the order in which boards are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Runs what people use to look after the rack.
    Admin,
    /// Votes in the swarm.
    Manager,
    /// Runs Kafka and Cassandra.
    Worker,
    /// Runs applications.
    App,
    /// Heard of, but not in the rack's description.
    Unassigned,
}

impl Role {
    /// Its name, as in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Manager => "manager",
            Self::Worker => "worker",
            Self::App => "app",
            Self::Unassigned => "unassigned",
        }
    }
}

/// The whole rack at one moment.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Snapshot {
    /// The rack's name.
    pub rack: String,
    /// This moment.
    #[serde(serialize_with = "milliseconds::serialize")]
    pub time: Timestamp,
    /// How often a board makes a health record.
    pub interval_seconds: f64,
    /// When the watching began.
    #[serde(serialize_with = "milliseconds::serialize")]
    pub started: Timestamp,
    /// Whether it is an embedded rack, whose links and broker a person may move.
    pub embedded: bool,
    /// How the rack stands to its file, where somebody looks.
    pub drift: Option<Drift>,
    /// What changes the rack now, where somebody does.
    pub operation: Option<OperationNow>,
    /// The broker.
    pub broker: Broker,
    /// Counts over all boards.
    pub totals: Totals,
    /// Ordered by role, then by name with its numbers read as numbers.
    pub boards: Vec<Board>,
}

/// Kafka, as far as this program knows: an embedded rack's broker, or a real rack's brokers as one.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Broker {
    /// Where any Kafka client can look in.
    pub address: String,
    /// Whether it runs.
    pub state: BrokerState,
    /// When it comes back by itself, if it was stopped for a time.
    pub resumes_in_seconds: Option<f64>,
}

/// Whether the broker runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BrokerState {
    /// It takes connections.
    Running,
    /// It was stopped.
    Stopped,
    /// It does not answer.
    Away,
}

/// Counts since the start, each counted where it happens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Totals {
    /// How many boards.
    pub boards: u64,
    /// Seconds since the start.
    pub seconds: f64,
    /// Records that queues appended.
    pub produced: u64,
    /// Records that the broker acknowledged.
    pub delivered: u64,
    /// Distinct records that the history has taken in.
    pub stored: u64,
    /// Records that wait in queues.
    pub queued: u64,
    /// Records that queues had to drop.
    pub dropped: u64,
    /// Records that Kafka brought although the history held them.
    pub redelivered: u64,
}

/// One board at one moment.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Board {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub role: Role,
    /// Whether its chips are modelled.
    pub simulated: bool,
    /// How it is.
    pub state: State,
    /// Why it is not well, in a few words; nothing when it is well.
    pub reason: Option<String>,
    /// Whether its link is in, in an embedded rack.
    pub plugged: bool,
    /// Seconds since its newest record arrived.
    pub last_seen_seconds: Option<f64>,
    /// Records waiting in its queue, where known.
    pub queued: Option<u64>,
    /// Records its queue dropped, where known.
    pub dropped: Option<u64>,
    /// Its newest health.
    pub health: HealthNow,
    /// The newest value of each sensor's quantities.
    pub sensors: Vec<Sensor>,
}

/// A board's newest health; empty until one came.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct HealthNow {
    /// When it was observed.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "observed")]
    pub time: Option<Timestamp>,
    /// What was observed.
    #[serde(flatten)]
    pub fields: Health,
}

fn observed<S: Serializer>(time: &Option<Timestamp>, out: S) -> Result<S::Ok, S::Error> {
    match time {
        Some(time) => milliseconds::serialize(time, out),
        None => out.serialize_none(),
    }
}

/// The newest value of one sensor's quantity.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Sensor {
    /// The sensor's name.
    pub sensor: String,
    /// What measured it.
    pub chip: String,
    /// What is measured.
    pub quantity: Quantity,
    /// The quantity's unit.
    pub unit: &'static str,
    /// The value.
    pub value: f64,
    /// Whether it can be believed.
    pub quality: Quality,
    /// When it was observed.
    #[serde(serialize_with = "milliseconds::serialize")]
    pub time: Timestamp,
}

/// Orders names as people do: `w2` before `w10`.
pub(super) fn natural_order(a: &str, b: &str) -> Ordering {
    let split = |name: &str| -> (String, u64) {
        let stem = name.trim_end_matches(|c: char| c.is_ascii_digit());
        (stem.to_owned(), name[stem.len()..].parse().unwrap_or(0))
    };
    split(a).cmp(&split(b)).then_with(|| a.cmp(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_names_count_as_numbers() {
        let mut names = ["w10", "w2", "admin", "w1", "m3", "w02"];
        names.sort_by(|a, b| natural_order(a, b));
        assert_eq!(names, ["admin", "m3", "w1", "w02", "w2", "w10"]);
    }
}
