//! What travels: a [`Record`] is one reading, one health or one gap, with the head that names it.
//!
//! `(board, queue, sequence)` names a record for ever. The queue gives a record its identity when it
//! appends it, and the bytes written then are the bytes every sink ships: nothing after the append
//! changes a record. This module is the only one that knows its JSON; the schemas in `images/kafka`
//! say the same to the rest of the world, and a test holds one against the other.

mod gap;
mod health;
pub mod milliseconds;
mod moment;
mod name;
mod reading;
mod wire;

pub use gap::{Gap, GapReason};
pub use health::{DockerState, Health};
pub use moment::{ClockState, Moment};
pub use name::{BoardName, NameError};
pub use reading::{Quality, Quantity, Reading};
pub use wire::{DecodeError, SCHEMA};

use uuid::Uuid;

/// A record's name: unique for ever together with the board.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Identity {
    /// The queue that appended the record.
    pub queue: Uuid,
    /// Its place in that queue; grows by one a record.
    pub sequence: u64,
}

/// Readings travel on this topic.
pub const TOPIC_READINGS: &str = "rack.readings";
/// Health and gaps travel on this one.
pub const TOPIC_HEALTH: &str = "rack.health";

/// The three kinds of record. The numbers are part of the queue's format on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Kind {
    /// One measured value.
    Reading = 1,
    /// The board's own state at one moment.
    Health = 2,
    /// What a queue had to drop or set aside.
    Gap = 3,
}

impl Kind {
    /// The kind that a queue's tag stands for.
    #[must_use]
    pub fn from_tag(tag: u8) -> Option<Self> {
        [Self::Reading, Self::Health, Self::Gap].into_iter().find(|kind| kind.tag() == tag)
    }

    /// The topic it travels on.
    #[must_use]
    pub fn topic(self) -> &'static str {
        match self {
            Self::Reading => TOPIC_READINGS,
            Self::Health | Self::Gap => TOPIC_HEALTH,
        }
    }

    /// Every topic.
    #[must_use]
    pub fn topics() -> [&'static str; 2] {
        [TOPIC_READINGS, TOPIC_HEALTH]
    }

    /// The byte that stands for this kind in a queue.
    #[must_use]
    pub fn tag(self) -> u8 {
        self as u8
    }
}

/// One record as it lies in the queue and goes to a sink: named, and otherwise opaque.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name.
    pub identity: Identity,
    /// Which kind it is, see [`Kind::tag`]; never 0.
    pub tag: u8,
    /// Its JSON, as it was made durable.
    pub payload: Vec<u8>,
}

/// What a record says.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    /// One measured value.
    Reading(Reading),
    /// The board's own state.
    Health(Box<Health>),
    /// What a queue had to drop or set aside.
    Gap(Gap),
}

impl Body {
    /// Which of the three it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Reading(_) => Kind::Reading,
            Self::Health(_) => Kind::Health,
            Self::Gap(_) => Kind::Gap,
        }
    }
}

/// One record, as it travels.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Which board made it.
    pub board: BoardName,
    /// Its name within that board.
    pub identity: Identity,
    /// When it was observed.
    pub moment: Moment,
    /// What it says.
    pub body: Body,
}
