//! Why records wait: what the brokers say of the topics, turned into one sentence for a person.
//!
//! [`Cause::of`] decides over plain data; the sentence of a cause is always the same, so that it is said once.

use std::fmt;

use rdkafka::error::RDKafkaErrorCode;
use rdkafka::metadata::Metadata;

use super::KafkaSettings;
use super::book::Trouble;

/// Why records wait.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// No broker answers.
    Away,
    /// The brokers refuse the login.
    Login,
    /// There is no such topic.
    NoTopic(String),
    /// The login may not write to it.
    NotAllowed(String),
    /// It does not admit the boards' clocks.
    Clock(String),
    /// A policy of the cluster's forbids its records.
    Policy(String),
    /// Partitions of it have no leader.
    NoLeader(String),
    /// A partition of it has fewer replicas in sync than it should have.
    TooFewReplicas(String),
    /// Nothing else is known to be wrong, but the brokers do not acknowledge.
    Unacknowledged,
}

/// One topic as a broker tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TopicView {
    pub(super) name: String,
    pub(super) error: Option<RDKafkaErrorCode>,
    pub(super) partitions: Vec<PartitionView>,
}

/// One partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PartitionView {
    pub(super) led: bool,
    pub(super) replicas: usize,
    pub(super) in_sync: usize,
}

/// What a broker tells of its topics.
pub(super) fn view(metadata: &Metadata) -> Vec<TopicView> {
    let topics = metadata.topics().iter();
    topics
        .map(|topic| TopicView {
            name: topic.name().to_owned(),
            error: topic.error().map(RDKafkaErrorCode::from),
            partitions: topic
                .partitions()
                .iter()
                .map(|partition| PartitionView {
                    led: partition.leader() >= 0,
                    replicas: partition.replicas().len(),
                    in_sync: partition.isr().len(),
                })
                .collect(),
        })
        .collect()
}

impl Cause {
    /// Why a topic cannot take records now; nothing when it can.
    pub(super) fn of(topic: &TopicView) -> Option<Self> {
        use RDKafkaErrorCode as Code;
        let name = || topic.name.clone();
        match topic.error {
            Some(Code::TopicAuthorizationFailed | Code::ClusterAuthorizationFailed) => {
                return Some(Self::NotAllowed(name()));
            }
            Some(Code::LeaderNotAvailable) => return Some(Self::NoLeader(name())),
            Some(_) => return Some(Self::NoTopic(name())),
            None if topic.partitions.is_empty() => return Some(Self::NoTopic(name())),
            None => {}
        }
        if topic.partitions.iter().any(|partition| !partition.led) {
            return Some(Self::NoLeader(name()));
        }
        // As `pirack topics apply` sets min.insync.replicas: all but one, and at least one.
        let lacking =
            |partition: &PartitionView| partition.in_sync < partition.replicas.saturating_sub(1).max(1);
        topic.partitions.iter().any(lacking).then(|| Self::TooFewReplicas(name()))
    }

    /// What a record's own error says.
    pub(super) fn of_record(topic: &str, code: RDKafkaErrorCode) -> Self {
        match code {
            RDKafkaErrorCode::TopicAuthorizationFailed => Self::NotAllowed(topic.to_owned()),
            RDKafkaErrorCode::InvalidTimestamp => Self::Clock(topic.to_owned()),
            RDKafkaErrorCode::PolicyViolation => Self::Policy(topic.to_owned()),
            _ => Self::NoTopic(topic.to_owned()),
        }
    }

    /// What the client complains of.
    pub(super) fn of_trouble(trouble: &Trouble) -> Self {
        if trouble.login { Self::Login } else { Self::Away }
    }

    /// Whether records may go out again while it lasts, if only to try.
    pub(super) fn is_the_topics(&self) -> bool {
        matches!(self, Self::NoTopic(_) | Self::NotAllowed(_))
    }

    /// The sentence for a person.
    pub(super) fn sentence(&self, settings: &KafkaSettings) -> String {
        Sentence(self, settings).to_string()
    }
}

struct Sentence<'a>(&'a Cause, &'a KafkaSettings);

impl fmt::Display for Sentence<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(cause, KafkaSettings { bootstrap, login, .. }) = self;
        let at = bootstrap.join(",");
        let who = login
            .as_ref()
            .map_or_else(|| "nobody (no user is configured)".to_owned(), |login| format!("user {login}"));
        match cause {
            Cause::Away => {
                write!(f, "no Kafka broker answers at {at}: check the brokers, the network and bootstrap")
            }
            Cause::Login => write!(
                f,
                "Kafka at {at} refuses the login of {who}: check user, password_file, and whether that listener asks for SASL PLAIN"
            ),
            Cause::NoTopic(topic) => write!(
                f,
                "Kafka at {at} has no topic {topic}: `pirack topics apply` makes it; the agent makes none"
            ),
            Cause::NotAllowed(topic) => write!(
                f,
                "Kafka at {at} does not let {who} write to topic {topic}: allow it Describe and Write on it"
            ),
            Cause::Clock(topic) => write!(
                f,
                "topic {topic} of Kafka at {at} does not admit what this board's clock says: `pirack topics apply` has it take the broker's time instead"
            ),
            Cause::Policy(topic) => write!(
                f,
                "a policy of Kafka at {at} forbids the records of topic {topic}: see the broker's log for which, and lift it"
            ),
            Cause::NoLeader(topic) => write!(
                f,
                "topic {topic} of Kafka at {at} has partitions without a leader: start the brokers that hold them"
            ),
            Cause::TooFewReplicas(topic) => write!(
                f,
                "topic {topic} of Kafka at {at} has too few replicas in sync: start the brokers that hold the others"
            ),
            Cause::Unacknowledged => write!(
                f,
                "Kafka at {at} acknowledges nothing: a leadership that moves ends soon; else too few brokers are up, see their logs"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn topic(error: Option<RDKafkaErrorCode>, partitions: &[(bool, usize)]) -> TopicView {
        let partition =
            |(led, in_sync): &(bool, usize)| PartitionView { led: *led, replicas: 3, in_sync: *in_sync };
        TopicView { name: "t".into(), error, partitions: partitions.iter().map(partition).collect() }
    }

    #[test]
    fn what_the_brokers_say_of_a_topic_tells_why_records_wait() {
        let t = || "t".to_owned();
        for (view, cause) in [
            (topic(None, &[(true, 3), (true, 2)]), None),
            (topic(None, &[]), Some(Cause::NoTopic(t()))),
            (topic(Some(RDKafkaErrorCode::UnknownTopicOrPartition), &[]), Some(Cause::NoTopic(t()))),
            (topic(Some(RDKafkaErrorCode::TopicAuthorizationFailed), &[]), Some(Cause::NotAllowed(t()))),
            (topic(None, &[(true, 3), (false, 0)]), Some(Cause::NoLeader(t()))),
            (topic(None, &[(true, 1)]), Some(Cause::TooFewReplicas(t()))),
        ] {
            assert_eq!(Cause::of(&view), cause, "{view:?}");
        }
    }

    #[test]
    fn a_partition_lacks_replicas_when_more_than_one_is_away_and_when_none_is_left() {
        for (replicas, in_sync, lacking) in [
            (1, 1, false),
            (2, 2, false),
            (2, 1, false),
            (2, 0, true),
            (3, 2, false),
            (3, 1, true),
            (4, 2, true),
        ] {
            let partitions = vec![PartitionView { led: true, replicas, in_sync }];
            let cause = Cause::of(&TopicView { name: "t".into(), error: None, partitions });
            let expected = lacking.then(|| Cause::TooFewReplicas("t".into()));
            assert_eq!(cause, expected, "{in_sync} of {replicas}");
        }
    }

    #[test]
    fn a_refused_login_is_told_with_its_name_and_place_and_without_its_secret() {
        let login = crate::sink::login::Login {
            user: "agent".into(),
            password: crate::sink::login::Secret::new("open sesame".into()),
        };
        let settings = KafkaSettings {
            bootstrap: vec!["10.0.0.11:9092".into()],
            board: "w3".parse().unwrap(),
            login: Some(login),
        };
        let told = Cause::Login.sentence(&settings);
        assert!(told.contains("user agent") && told.contains("10.0.0.11:9092"), "{told}");
        assert!(!told.contains("sesame"));
    }
}
