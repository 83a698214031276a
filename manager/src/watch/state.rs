//! How a board is: a pure function from what is known of it to a word and a reason.
//!
//! A value that has crossed its threshold must come back a little further than it went before the
//! board is well again, and a flag counts for a while after it was last seen, so that a board at a
//! threshold changes its state once and not every second.

use serde::{Deserialize, Serialize};

/// How a board is, at a glance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It reports, and nothing is amiss.
    Well,
    /// It reports, and something needs a look.
    Warm,
    /// It has missed a few records.
    Silent,
    /// It has not reported for long.
    Gone,
}

impl State {
    /// The word, as in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Well => "well",
            Self::Warm => "warm",
            Self::Silent => "silent",
            Self::Gone => "gone",
        }
    }
}

/// A threshold with its way back.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Threshold {
    /// Crossing this is amiss.
    pub enter: f64,
    /// Only back across this is it well again.
    pub leave: f64,
}

/// When a board is no longer well.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Thresholds {
    /// Seconds without a record until it is silent.
    pub silent_seconds: f64,
    /// Seconds without a record until it is gone.
    pub gone_seconds: f64,
    /// The processor's temperature.
    pub cpu_celsius: Threshold,
    /// Memory in use, of all memory.
    pub memory_used_ratio: Threshold,
    /// Free on the root file system, of its size.
    pub storage_free_ratio: Threshold,
    /// Seconds that a flag (throttled, under-voltage, out of range) counts after it was last seen.
    pub flag_seconds: f64,
}

impl Thresholds {
    /// The thresholds for boards that report every `interval_seconds`.
    #[must_use]
    pub fn for_interval(interval_seconds: f64) -> Self {
        Self {
            silent_seconds: (3.0 * interval_seconds).max(3.0),
            gone_seconds: (10.0 * interval_seconds).max(15.0),
            cpu_celsius: Threshold { enter: 70.0, leave: 67.0 },
            memory_used_ratio: Threshold { enter: 0.90, leave: 0.87 },
            storage_free_ratio: Threshold { enter: 0.05, leave: 0.06 },
            flag_seconds: (3.0 * interval_seconds).max(5.0),
        }
    }
}

/// What is known of a board. What it has not told is absent and counts as fine.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// Seconds since its newest record arrived, or since it was declared if none ever did.
    pub quiet_seconds: f64,
    /// Whether any record ever arrived.
    pub heard: bool,
    /// Its link is pulled.
    pub unplugged: bool,
    /// The broker is stopped, so that no record can arrive.
    pub broker_stopped: bool,
    /// The processor's temperature.
    pub cpu_celsius: Option<f64>,
    /// Memory in use, of all memory.
    pub memory_used_ratio: Option<f64>,
    /// Free on the root file system, of its size.
    pub storage_free_ratio: Option<f64>,
    /// Seconds since it last said that it is throttled.
    pub throttled_age: Option<f64>,
    /// Seconds since it last said that its supply is too low.
    pub under_voltage_age: Option<f64>,
    /// Whether Kafka is known not to answer.
    pub kafka_away: bool,
    /// The sensor last seen out of range, and how many seconds ago.
    pub out_of_range: Option<(String, f64)>,
}

/// Which thresholds a board is across; handed back at the next judgement.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Across {
    cpu: bool,
    memory: bool,
    storage: bool,
}

/// What came of a judgement.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// How the board is.
    pub state: State,
    /// Why, in a few words; nothing when it is well.
    pub reason: Option<String>,
    /// For the next judgement.
    pub across: Across,
}

/// Judges a board by what is known of it and by what it was across before.
#[must_use]
pub fn judge(facts: &Facts, before: Across, thresholds: &Thresholds) -> Verdict {
    let across = crossed(facts, before, thresholds);
    let quiet = facts.quiet_seconds;
    let (state, reason) = if quiet >= thresholds.gone_seconds {
        (State::Gone, Some(silence(facts)))
    } else if quiet >= thresholds.silent_seconds || !facts.heard {
        (State::Silent, Some(silence(facts)))
    } else if let Some(reason) = complaint(facts, across, thresholds) {
        (State::Warm, Some(reason))
    } else {
        (State::Well, None)
    };
    Verdict { state, reason, across }
}

fn crossed(facts: &Facts, before: Across, thresholds: &Thresholds) -> Across {
    let above = |value: Option<f64>, was: bool, t: Threshold| {
        value.is_some_and(|value| value >= if was { t.leave } else { t.enter })
    };
    let storage = thresholds.storage_free_ratio;
    Across {
        cpu: above(facts.cpu_celsius, before.cpu, thresholds.cpu_celsius),
        memory: above(facts.memory_used_ratio, before.memory, thresholds.memory_used_ratio),
        storage: facts
            .storage_free_ratio
            .is_some_and(|free| free < if before.storage { storage.leave } else { storage.enter }),
    }
}

fn complaint(facts: &Facts, across: Across, thresholds: &Thresholds) -> Option<String> {
    let recent = |age: Option<f64>| age.is_some_and(|age| age < thresholds.flag_seconds);
    let percent = |ratio: Option<f64>| ratio.unwrap_or_default() * 100.0;
    if recent(facts.under_voltage_age) {
        Some("supply voltage too low".to_owned())
    } else if across.cpu {
        Some(format!("cpu at {:.1} °C", facts.cpu_celsius.unwrap_or_default()))
    } else if recent(facts.throttled_age) {
        Some("processor throttled".to_owned())
    } else if across.memory {
        Some(format!("memory {:.0} % used", percent(facts.memory_used_ratio)))
    } else if across.storage {
        Some(format!("storage {:.1} % free", percent(facts.storage_free_ratio)))
    } else {
        let (sensor, age) = facts.out_of_range.as_ref()?;
        recent(Some(*age)).then(|| format!("sensor {sensor} out of range"))
    }
}

fn silence(facts: &Facts) -> String {
    let cause = match (facts.unplugged, facts.broker_stopped, facts.kafka_away) {
        (true, _, _) => "; it is unplugged",
        (false, true, _) => "; the broker is stopped",
        (false, false, true) => "; Kafka does not answer",
        (false, false, false) => "",
    };
    if facts.heard {
        format!("no record for {:.1} s{cause}", facts.quiet_seconds)
    } else {
        format!("no record yet{cause}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> Facts {
        Facts { heard: true, quiet_seconds: 0.4, ..Facts::default() }
    }

    fn judged(facts: &Facts) -> (State, Option<String>) {
        let verdict = judge(facts, Across::default(), &Thresholds::for_interval(1.0));
        (verdict.state, verdict.reason)
    }

    #[test]
    fn a_board_that_reports_and_complains_of_nothing_is_well() {
        assert_eq!(judged(&facts()), (State::Well, None));
    }

    #[test]
    fn three_seconds_of_quiet_are_silent_and_fifteen_are_gone() {
        for (quiet, state) in
            [(2.9, State::Well), (3.0, State::Silent), (14.9, State::Silent), (15.0, State::Gone)]
        {
            assert_eq!(judged(&Facts { quiet_seconds: quiet, ..facts() }).0, state, "{quiet}");
        }
    }

    #[test]
    fn slow_boards_are_given_more_time() {
        let thresholds = Thresholds::for_interval(60.0);
        let quiet = |seconds| Facts { quiet_seconds: seconds, ..facts() };
        assert_eq!(judge(&quiet(179.0), Across::default(), &thresholds).state, State::Well);
        assert_eq!(judge(&quiet(599.0), Across::default(), &thresholds).state, State::Silent);
        assert_eq!(judge(&quiet(600.0), Across::default(), &thresholds).state, State::Gone);
    }

    #[test]
    fn silence_names_its_cause_where_it_is_known() {
        let quiet = Facts { quiet_seconds: 3.24, ..facts() };
        assert_eq!(judged(&quiet).1.as_deref(), Some("no record for 3.2 s"));
        let unplugged = Facts { unplugged: true, ..quiet.clone() };
        assert_eq!(judged(&unplugged).1.as_deref(), Some("no record for 3.2 s; it is unplugged"));
        let stopped = Facts { broker_stopped: true, ..quiet };
        assert_eq!(judged(&stopped).1.as_deref(), Some("no record for 3.2 s; the broker is stopped"));
        assert_eq!(judged(&Facts::default()), (State::Silent, Some("no record yet".into())));
    }

    #[test]
    fn each_complaint_makes_it_warm_and_says_which() {
        let cases = [
            (Facts { cpu_celsius: Some(81.2), ..facts() }, "cpu at 81.2 °C"),
            (Facts { memory_used_ratio: Some(0.93), ..facts() }, "memory 93 % used"),
            (Facts { storage_free_ratio: Some(0.031), ..facts() }, "storage 3.1 % free"),
            (Facts { throttled_age: Some(0.1), ..facts() }, "processor throttled"),
            (Facts { under_voltage_age: Some(0.1), ..facts() }, "supply voltage too low"),
            (Facts { out_of_range: Some(("inlet".into(), 0.1)), ..facts() }, "sensor inlet out of range"),
        ];
        for (facts, reason) in cases {
            assert_eq!(judged(&facts), (State::Warm, Some(reason.to_owned())));
        }
    }

    #[test]
    fn a_temperature_that_dances_on_the_threshold_changes_the_state_once() {
        let thresholds = Thresholds::for_interval(1.0);
        let (mut across, mut states) = (Across::default(), Vec::new());
        for celsius in [69.9, 70.0, 69.5, 70.2, 67.1, 70.1, 66.9, 69.9, 67.5] {
            let verdict = judge(&Facts { cpu_celsius: Some(celsius), ..facts() }, across, &thresholds);
            across = verdict.across;
            states.push(verdict.state);
        }
        states.dedup();
        assert_eq!(states, [State::Well, State::Warm, State::Well]);
    }

    #[test]
    fn a_flag_counts_for_a_while_after_it_was_last_seen_and_then_no_more() {
        assert_eq!(judged(&Facts { throttled_age: Some(4.9), ..facts() }).0, State::Warm);
        assert_eq!(judged(&Facts { throttled_age: Some(5.0), ..facts() }).0, State::Well);
    }
}
