//! A cluster as whoever works with its topics sees it: where it is, and what it answers when it will not.

use std::collections::BTreeSet;
use std::time::Duration;

use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use super::admin::{Admin, AdminError};
use crate::stack::kafka::Bootstrap;

/// So many letters may be wrong in a name that is meant to be another.
const TYPO: usize = 2;

/// A cluster, and how long all of a question may take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cluster {
    /// Brokers to begin with.
    pub bootstrap: Bootstrap,
    /// For all of it.
    pub deadline: Duration,
}

/// Why a topic is not as it was asked.
#[derive(Debug, thiserror::Error)]
pub enum TopicError {
    /// The client could not be made.
    #[error("cannot make a Kafka client for {bootstrap}")]
    Client {
        /// Where to.
        bootstrap: Bootstrap,
        /// librdkafka's reason.
        #[source]
        source: KafkaError,
    },
    /// Nobody answers.
    #[error("{bootstrap} does not answer: {reason}; does Kafka run there?")]
    Silent {
        /// Who.
        bootstrap: Bootstrap,
        /// What the client says of it.
        reason: String,
    },
    /// No name.
    #[error("\"{0}\" is no name of a topic: use 1 to 249 letters, digits, '.', '_' and '-'")]
    Name(String),
    /// The rack's own.
    #[error(
        "{0} is the rack's own, and `pirack topics apply` keeps it; with --allow it is done all the same"
    )]
    Own(String),
    /// Kafka's own.
    #[error(
        "{0} is Kafka's own, and consumers and transactions live in it; with --allow it is done all the same"
    )]
    Internal(String),
    /// It is not there.
    #[error("there is no topic {name} at {bootstrap}{}", near.as_ref().map_or_else(|| "; `pirack topics` lists what there is".to_owned(), |near| format!(": did you mean {near}?")))]
    Missing {
        /// Which.
        name: String,
        /// Where.
        bootstrap: Bootstrap,
        /// The one that may be meant.
        near: Option<String>,
    },
    /// A setting that no topic has.
    #[error("{name} is no setting of a topic{}", near.as_ref().map_or_else(|| "; Kafka's documentation lists them as topic configs".to_owned(), |near| format!(": did you mean {near}?")))]
    Setting {
        /// Its name.
        name: String,
        /// The one that may be meant.
        near: Option<String>,
    },
    /// It is there.
    #[error("{0} is there already; `pirack topics alter {0}` changes it")]
    Exists(String),
    /// Fewer partitions.
    #[error(
        "{name} has {there} partitions and cannot have {wanted}: Kafka only ever adds some; make another topic"
    )]
    Fewer {
        /// Which.
        name: String,
        /// How many there are.
        there: usize,
        /// How many were asked.
        wanted: usize,
    },
    /// More partitions of a topic whose records are in order by board.
    #[error(
        "{0} keeps its number of partitions for ever: with another every board would move, and its records be out of order"
    )]
    Ordered(String),
    /// The cluster will not.
    #[error("{bootstrap} refuses to {step}: {reason}; {remedy}")]
    Refused {
        /// Who.
        bootstrap: Bootstrap,
        /// What.
        step: String,
        /// In Kafka's words.
        reason: String,
        /// What to do.
        remedy: &'static str,
    },
    /// The deadline is over.
    #[error("{bootstrap} was asked to {step} and does not show it after {} s; look again with `pirack topics`", deadline.as_secs())]
    Late {
        /// Who.
        bootstrap: Bootstrap,
        /// What.
        step: String,
        /// How long it was waited.
        deadline: Duration,
    },
}

impl Cluster {
    pub(super) fn connect(&self) -> Result<Admin, TopicError> {
        let failed = |source| TopicError::Client { bootstrap: self.bootstrap.clone(), source };
        Admin::connect(&self.bootstrap, self.deadline).map_err(failed)
    }

    pub(super) fn silent(&self, error: &AdminError) -> TopicError {
        TopicError::Silent { bootstrap: self.bootstrap.clone(), reason: error.to_string() }
    }

    pub(super) fn late(&self, step: &str) -> TopicError {
        TopicError::Late { bootstrap: self.bootstrap.clone(), step: step.to_owned(), deadline: self.deadline }
    }

    pub(super) fn refused(&self, step: &str, error: &AdminError) -> TopicError {
        let AdminError::Answer { code } = error else { return self.silent(error) };
        let remedy = match code {
            RDKafkaErrorCode::InvalidReplicationFactor => {
                "there cannot be more replicas than brokers; start the others, or ask for fewer"
            }
            RDKafkaErrorCode::InvalidConfig => {
                "see that every setting is one of a topic's, such as retention.ms, with a value that it takes"
            }
            RDKafkaErrorCode::InvalidPartitions => "ask for 1 partition or more",
            RDKafkaErrorCode::PolicyViolation => "the brokers' own policy forbids it",
            RDKafkaErrorCode::TopicAuthorizationFailed | RDKafkaErrorCode::ClusterAuthorizationFailed => {
                "use a listener or a login that may"
            }
            RDKafkaErrorCode::TopicDeletionDisabled => "the brokers have delete.topic.enable=false",
            _ => "look into the log of Kafka's controller",
        };
        TopicError::Refused {
            bootstrap: self.bootstrap.clone(),
            step: step.to_owned(),
            reason: code.to_string(),
            remedy,
        }
    }
}

/// What a topic's name that is not there is answered with.
pub(super) fn missing(place: &Cluster, name: &str, names: &BTreeSet<&str>) -> TopicError {
    let near = nearest(name, names.iter().copied());
    TopicError::Missing { name: name.to_owned(), bootstrap: place.bootstrap.clone(), near }
}

/// The name that this one may be a misspelling of.
pub(super) fn nearest<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> Option<String> {
    let near = names.map(|known| (strsim::damerau_levenshtein(name, known), known)).min();
    near.filter(|(distance, _)| *distance <= TYPO).map(|(_, near)| near.to_owned())
}
