//! What happened to the rack, as CloudEvents 1.0 in structured JSON.
//!
//! `(source, id)` names an event for ever; whoever sees one twice may drop the second. The schema in
//! `images/kafka/event.schema.json` says the same to the rest of the world.

use jiff::Timestamp;
use pirack_agent::record::{GapReason, milliseconds};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::state::State;
use crate::operation::Kind;

/// What happened. `type` and `data` of the event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
pub enum Happening {
    /// A board's state became another.
    #[serde(rename = "dev.pirack.board.state_changed")]
    StateChanged {
        /// What it was.
        from: State,
        /// What it is.
        to: State,
        /// Why, in a few words; null when it is well again.
        reason: Option<String>,
    },
    /// A board's link was pulled.
    #[serde(rename = "dev.pirack.board.unplugged")]
    Unplugged {},
    /// A board's link was put back.
    #[serde(rename = "dev.pirack.board.plugged")]
    Plugged {},
    /// The broker was stopped.
    #[serde(rename = "dev.pirack.broker.stopped")]
    BrokerStopped {
        /// For how long, if it comes back by itself.
        seconds: Option<f64>,
    },
    /// The broker takes connections again.
    #[serde(rename = "dev.pirack.broker.started")]
    BrokerStarted {},
    /// A queue had to give records up.
    #[serde(rename = "dev.pirack.queue.gap")]
    QueueGap {
        /// The queue that held them.
        queue: Uuid,
        /// First sequence missing.
        from: u64,
        /// Last sequence missing.
        to: u64,
        /// Why.
        reason: GapReason,
        /// How many records.
        count: u64,
    },
    /// The rack is watched from now on.
    #[serde(rename = "dev.pirack.rack.started")]
    RackStarted {
        /// How many boards were declared.
        boards: u64,
    },
    /// The rack is watched no longer.
    #[serde(rename = "dev.pirack.rack.stopped")]
    RackStopped {
        /// After how long.
        seconds: f64,
    },
    /// An operation was asked for.
    #[serde(rename = "dev.pirack.operation.scheduled")]
    OperationScheduled {
        /// Which.
        #[serde(flatten)]
        of: Asked,
    },
    /// It has begun.
    #[serde(rename = "dev.pirack.operation.started")]
    OperationStarted {
        /// Which.
        #[serde(flatten)]
        of: Asked,
    },
    /// One of its steps began, or is done. What a step waits for is no event: it may change every second.
    #[serde(rename = "dev.pirack.operation.step")]
    OperationStep {
        /// Of which.
        #[serde(flatten)]
        operation: Asked,
        /// The step's number, from 1.
        number: u64,
        /// Of how many that were seen then; more may show.
        of: u64,
        /// What it does.
        what: String,
        /// How long it took, once it is done; null when it begins.
        seconds: Option<f64>,
    },
    /// It ended well.
    #[serde(rename = "dev.pirack.operation.completed")]
    OperationCompleted {
        /// Which.
        #[serde(flatten)]
        of: Asked,
        /// Steps that were taken.
        steps: u64,
        /// How long it took.
        seconds: f64,
    },
    /// It did not end well. What was done by then stays.
    #[serde(rename = "dev.pirack.operation.failed")]
    OperationFailed {
        /// Which.
        #[serde(flatten)]
        of: Asked,
        /// Why, for people.
        why: String,
        /// How long it took.
        seconds: f64,
    },
    /// The rack is no longer what its file says.
    #[serde(rename = "dev.pirack.drift.began")]
    DriftBegan {
        /// How many differences.
        count: u64,
        /// The first of them.
        differences: Vec<String>,
    },
    /// It is again.
    #[serde(rename = "dev.pirack.drift.ended")]
    DriftEnded {
        /// How long it was not.
        seconds: f64,
    },
}

/// Which operation an event tells of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// Its id, for ever.
    pub operation: Uuid,
    /// What it does.
    pub kind: Kind,
    /// Who asked for it: a user and a host.
    pub by: String,
}

/// One event: CloudEvents 1.0 in structured JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// The version of CloudEvents; always "1.0".
    pub specversion: String,
    /// Unique for ever.
    pub id: Uuid,
    /// The rack: "/racks/NAME".
    pub source: String,
    /// What it happened to: a board's name, "broker" or "rack". Also the message's key.
    pub subject: String,
    /// When.
    #[serde(with = "milliseconds")]
    pub time: Timestamp,
    /// Always "application/json".
    pub datacontenttype: String,
    /// What happened.
    #[serde(flatten)]
    pub what: Happening,
}

impl Event {
    /// A new event of this moment.
    #[must_use]
    pub fn now(rack: &str, subject: &str, what: Happening) -> Self {
        Self::at(Timestamp::now(), rack, subject, what)
    }

    /// A new event of this time.
    #[must_use]
    pub fn at(time: Timestamp, rack: &str, subject: &str, what: Happening) -> Self {
        Self {
            specversion: "1.0".into(),
            id: Uuid::new_v4(),
            source: format!("/racks/{rack}"),
            subject: subject.into(),
            time: Timestamp::from_millisecond(time.as_millisecond()).unwrap_or(time),
            datacontenttype: "application/json".into(),
            what,
        }
    }

    /// The event in one line, for a person.
    #[must_use]
    pub fn sentence(&self) -> String {
        let subject = &self.subject;
        match &self.what {
            Happening::StateChanged { to, reason: Some(reason), .. } => {
                format!("{subject} is {}: {reason}", to.name())
            }
            Happening::StateChanged { to, reason: None, .. } => format!("{subject} is {} again", to.name()),
            Happening::Unplugged {} => format!("{subject} was unplugged"),
            Happening::Plugged {} => format!("{subject} was plugged in"),
            Happening::BrokerStopped { seconds: Some(seconds) } => {
                format!("the broker was stopped for {seconds:.0} s")
            }
            Happening::BrokerStopped { seconds: None } => "the broker was stopped".into(),
            Happening::BrokerStarted {} => "the broker runs again".into(),
            Happening::QueueGap { count, reason, .. } => {
                format!("{subject} gave up {count} records: {}", gap_words(*reason))
            }
            Happening::RackStarted { boards } => format!("watching {boards} boards"),
            Happening::RackStopped { seconds } => format!("stopped after {seconds:.1} s"),
            Happening::DriftBegan { count: 1, differences } => {
                format!("the rack is not what its file says: {}", differences.join(", "))
            }
            Happening::DriftBegan { count, .. } => {
                format!("the rack is not what its file says: {count} differences")
            }
            Happening::DriftEnded { seconds } => {
                format!("the rack is what its file says again, after {seconds:.0} s")
            }
            operation => operation.of_operation().unwrap_or_default(),
        }
    }
}

impl Happening {
    /// What happened to an operation, in one line; nothing where it happened to something else.
    fn of_operation(&self) -> Option<String> {
        Some(match self {
            Self::OperationScheduled { of } => format!("{} asked for {}", of.by, of.kind.name()),
            Self::OperationStarted { of } => format!("{} begins, for {}", of.kind.name(), of.by),
            Self::OperationStep { operation, number, of, what, seconds: None } => {
                format!("{} [{number}/{of}] {what}", operation.kind.name())
            }
            Self::OperationStep { operation, number, of, what, seconds: Some(seconds) } => {
                format!("{} [{number}/{of}] {what}: done in {seconds:.1} s", operation.kind.name())
            }
            Self::OperationCompleted { of, steps: 0, .. } => {
                format!("{} completed: nothing was to do", of.kind.name())
            }
            Self::OperationCompleted { of, steps, seconds } => {
                let steps = if *steps == 1 { "1 step".to_owned() } else { format!("{steps} steps") };
                format!("{} completed: {steps} in {seconds:.1} s", of.kind.name())
            }
            Self::OperationFailed { of, why, seconds } => {
                let why = why.lines().next().unwrap_or_default();
                format!("{} failed after {seconds:.1} s: {why}", of.kind.name())
            }
            _ => return None,
        })
    }
}

fn gap_words(reason: GapReason) -> &'static str {
    match reason {
        GapReason::QueueFull => "its queue was full",
        GapReason::DiskFull => "its disk was full",
        GapReason::WriteFailed => "its disk refused to write",
        GapReason::Corrupt => "bytes on its disk were corrupt",
        GapReason::Vanished => "they vanished from its disk",
        GapReason::Refused => "a sink refused them",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_reads_as_cloudevents_says() {
        let what = Happening::StateChanged {
            from: State::Well,
            to: State::Silent,
            reason: Some("no record for 3.2 s".into()),
        };
        let event = Event {
            id: Uuid::from_u128(1),
            time: "2026-11-21T08:00:00.123Z".parse().unwrap(),
            ..Event::now("demo", "w3", what)
        };
        let expected = serde_json::json!({
            "specversion": "1.0", "id": "00000000-0000-0000-0000-000000000001", "source": "/racks/demo",
            "type": "dev.pirack.board.state_changed", "subject": "w3", "time": "2026-11-21T08:00:00.123Z",
            "datacontenttype": "application/json",
            "data": {"from": "well", "to": "silent", "reason": "no record for 3.2 s"}
        });
        assert_eq!(serde_json::to_value(&event).unwrap(), expected);
    }

    fn every_kind() -> Vec<Happening> {
        let queue = Uuid::from_u128(2);
        let of = || Asked { operation: Uuid::from_u128(3), kind: Kind::Apply, by: "ada@desk".into() };
        let step = |seconds| Happening::OperationStep {
            operation: of(),
            number: 3,
            of: 24,
            what: "add board b2".into(),
            seconds,
        };
        vec![
            Happening::StateChanged { from: State::Gone, to: State::Well, reason: None },
            Happening::Unplugged {},
            Happening::Plugged {},
            Happening::BrokerStopped { seconds: Some(20.0) },
            Happening::BrokerStarted {},
            Happening::QueueGap { queue, from: 1, to: 9, reason: GapReason::QueueFull, count: 9 },
            Happening::RackStarted { boards: 13 },
            Happening::RackStopped { seconds: 30.0 },
            Happening::OperationScheduled { of: of() },
            Happening::OperationStarted { of: of() },
            step(None),
            step(Some(1.25)),
            Happening::OperationCompleted { of: of(), steps: 24, seconds: 61.5 },
            Happening::OperationFailed { of: of(), why: "b2 does not answer".into(), seconds: 9.0 },
            Happening::DriftBegan { count: 2, differences: vec!["kafka-b1: one replica of none".into()] },
            Happening::DriftEnded { seconds: 75.0 },
        ]
    }

    #[test]
    fn every_kind_comes_back_as_it_went_and_says_a_sentence() {
        for kind in every_kind() {
            let sent = Event::now("demo", "w3", kind);
            let text = serde_json::to_string(&sent).unwrap();
            assert_eq!(serde_json::from_str::<Event>(&text).unwrap(), sent, "{text}");
            assert!(!sent.sentence().is_empty());
        }
    }

    #[test]
    fn a_step_reads_as_its_schema_says() {
        let step = every_kind().remove(11);
        let expected = serde_json::json!({
            "type": "dev.pirack.operation.step",
            "data": {"operation": "00000000-0000-0000-0000-000000000003", "kind": "apply", "by": "ada@desk",
                "number": 3, "of": 24, "what": "add board b2", "seconds": 1.25}
        });
        assert_eq!(serde_json::to_value(&step).unwrap(), expected);
        let sentence = Event::now("demo", "rack", step).sentence();
        assert_eq!(sentence, "apply [3/24] add board b2: done in 1.2 s");
    }

    #[test]
    fn every_kind_keeps_to_the_schema_and_the_schema_is_strict() {
        let text = include_str!("../../../images/kafka/event.schema.json");
        let schema = jsonschema::validator_for(&serde_json::from_str(text).unwrap()).unwrap();
        for kind in every_kind() {
            let event = serde_json::to_value(Event::now("demo", "w3", kind)).unwrap();
            let problems: Vec<String> = schema.iter_errors(&event).map(|error| error.to_string()).collect();
            assert!(problems.is_empty(), "{event}: {problems:?}");
            let mut odd = event.clone();
            odd["data"]["mood"] = "blue".into();
            assert!(!schema.is_valid(&odd), "{odd}");
            let mut unknown = event;
            unknown["type"] = "dev.pirack.board.exploded".into();
            assert!(!schema.is_valid(&unknown), "{unknown}");
        }
    }
}
