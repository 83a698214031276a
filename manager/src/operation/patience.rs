//! How long a gate is waited for, and what is said meanwhile.
//!
//! A gate tells what it wants; a service whose tasks do not run tells, in Docker's own words, why it will not get
//! it. What is kept: a wait ends with the gate, when nothing has moved for [`STILL`], after [`LONGEST`] whatever moves,
//! or as soon as a service that it needs has failed [`MOST`] times in a row under our eyes. What failed before the wait began is not counted: it may be just what
//! the step before has mended.

use std::collections::BTreeMap;
use std::time::Duration;

use pirack_swarm::object::Id;
use tokio::time::Instant;

use crate::rack::Rack;
use crate::stack::roll::{Gate, Waiting};
use crate::stack::{Engine, StackHealth, Stopped};

/// How long one gate may take while nothing is on its way to it: a slow board's image, a JVM's start, the replay of
/// a commit log.
pub(super) const STILL: Duration = Duration::from_secs(600);
/// How long it may take while data move: a terabyte at a gigabit a second takes two and a half hours, and a Pi is
/// slower. As long as what is asked of a node itself may take.
pub(super) const LONGEST: Duration = Duration::from_secs(6 * 3600);
/// So many failures in a row are no accident.
const MOST: usize = 5;

/// One wait for one gate.
pub(super) struct Patience<'a> {
    gate: &'a Gate,
    rack: &'a Rack,
    began: Instant,
    until: Instant,
    /// By service: the last task that ended, and how many did since this wait began.
    failed: BTreeMap<String, (Option<Id>, usize)>,
}

/// Why a wait ends before its gate opens.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Vain {
    /// Its time is over.
    Late {
        /// What was in the way.
        why: String,
        /// For how long it was waited for.
        seconds: u64,
    },
    /// A service fails again and again.
    Fails {
        /// Which.
        service: String,
        /// In Docker's own words.
        words: String,
    },
}

impl<'a> Patience<'a> {
    pub(super) fn with(gate: &'a Gate, rack: &'a Rack) -> Self {
        let began = Instant::now();
        Self { gate, rack, began, until: began + STILL, failed: BTreeMap::new() }
    }

    /// One look at what is in the way: the line to say, or that it is in vain.
    pub(super) fn look(&mut self, waiting: &Waiting, health: &StackHealth) -> Result<String, Vain> {
        self.failed.retain(|service, _| !health.runs(service));
        let mut waits = waiting.to_string();
        for (service, stopped) in &health.stopped {
            if !self.needs(service) {
                continue;
            }
            waits += &format!("; {service}: {}", stopped.words);
            if self.count(service, stopped) >= MOST {
                return Err(Vain::Fails { service: service.clone(), words: stopped.words.clone() });
            }
        }
        let now = Instant::now();
        if self.gate.is_underway(health) {
            self.until = (now + STILL).min(self.began + LONGEST);
        }
        if now >= self.until {
            Err(Vain::Late { why: waits, seconds: (now - self.began).as_secs() })
        } else {
            Ok(format!("{}: {waits}", self.gate))
        }
    }

    fn count(&mut self, service: &str, stopped: &Stopped) -> usize {
        let first = || (stopped.ended.clone(), 0);
        let (last, times) = self.failed.entry(service.to_owned()).or_insert_with(first);
        if stopped.ended.is_some() && *last != stopped.ended {
            last.clone_from(&stopped.ended);
            *times += 1;
        }
        *times
    }

    /// Whether the gate cannot open without this service.
    fn needs(&self, service: &str) -> bool {
        let any =
            |engine: Engine| self.rack.boards.iter().any(|board| engine.on(board.name.as_str()) == service);
        match self.gate {
            Gate::KafkaBack { board, .. } => Engine::Kafka.on(board) == service,
            Gate::KafkaSpares { .. }
            | Gate::KafkaTakes { .. }
            | Gate::KafkaVacated { .. }
            | Gate::KafkaWhole { .. } => any(Engine::Kafka),
            Gate::RingHas { nodes } => nodes.iter().any(|board| Engine::Cassandra.on(board) == service),
            Gate::RingSpares { .. } | Gate::RingTakes { .. } | Gate::RingWhole => any(Engine::Cassandra),
            Gate::KafkaWithout { .. } => false,
            Gate::RingWithout { board } => Engine::Cassandra.on(board) == service,
            Gate::Running { service: awaited } => awaited == service,
            Gate::StargateAnswers { board } => {
                [Engine::Stargate, Engine::Graphql].iter().any(|engine| engine.on(board) == service)
            }
        }
    }
}
