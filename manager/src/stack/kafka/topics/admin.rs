//! Asks a cluster what there is, and carries out single steps. Chooses nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rdkafka::ClientContext;
use rdkafka::admin::{
    AdminClient, AdminOptions, AlterConfig, ConfigEntry, ConfigResourceResult, ConfigSource, NewTopic,
    ResourceSpecifier, TopicReplication,
};
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::metadata::Metadata;
use tokio::time::timeout;

use super::declared::Declared;
use super::plan::{Observed, ObservedTopic, Partition, Step};
use crate::stack::kafka::Bootstrap;

/// How long one question or one step may take, at the most.
const PATIENCE: Duration = Duration::from_secs(5);

/// A connection to a cluster.
pub(super) struct Admin {
    /// Shared with the thread that waits for metadata.
    pub(super) client: Arc<AdminClient<Said>>,
    patience: Duration,
}

/// Why a question or a step came to nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum AdminError {
    /// No answer, or none that helps.
    #[error("{0}")]
    Silent(String),
    /// The client's own failure.
    #[error(transparent)]
    Client(#[from] KafkaError),
    /// The cluster's answer to one step.
    #[error("{code}")]
    Answer {
        /// In Kafka's words.
        code: RDKafkaErrorCode,
    },
}

/// What librdkafka last complained of: why a broker cannot be reached is told nowhere else.
#[derive(Debug, Default)]
pub(super) struct Said(Mutex<Option<String>>);

impl ClientContext for Said {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        tracing::debug!(?level, facility, "{message}");
        // Its errors come here first, and from a client that is not polled nowhere else:
        // "[thrd:...]: w1:9092/bootstrap: Connect to ... failed: Connection refused".
        if facility == "FAIL" {
            let reason = message.split_once("]: ").map_or(message, |(_, reason)| reason);
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(reason.to_owned());
        }
    }
}

impl AdminError {
    /// Whether asking again is pointless: the cluster understood and will not.
    pub(super) fn is_final(&self) -> bool {
        use RDKafkaErrorCode as Code;
        let Self::Answer { code } = self else { return false };
        matches!(
            code,
            Code::InvalidConfig
                | Code::InvalidTopic
                | Code::InvalidPartitions
                | Code::InvalidRequest
                | Code::PolicyViolation
                | Code::TopicAuthorizationFailed
                | Code::ClusterAuthorizationFailed
                | Code::UnsupportedVersion
        )
    }
}

impl Admin {
    /// Makes a client. No broker need be there yet.
    pub(super) fn connect(bootstrap: &Bootstrap, deadline: Duration) -> Result<Self, KafkaError> {
        let client = ClientConfig::new()
            .set("bootstrap.servers", bootstrap.to_string())
            .set("client.id", "pirack-topics")
            .set("reconnect.backoff.max.ms", "1000")
            .set("log.connection.close", "false")
            .set_log_level(RDKafkaLogLevel::Info)
            .create_with_context(Said::default())?;
        Ok(Self { client: Arc::new(client), patience: PATIENCE.min(deadline) })
    }

    /// What the cluster shows of the declared topics.
    pub(super) async fn observe(&self, declared: &Declared) -> Result<Observed, AdminError> {
        let metadata = self.metadata().await?;
        let mut observed = Observed { brokers: metadata.brokers().len(), topics: BTreeMap::new() };
        for topic in metadata.topics() {
            // One that is just being made shows no partition yet.
            let ours = declared.topics.iter().any(|ours| ours.name == topic.name());
            if ours && !topic.partitions().is_empty() {
                let partition = |seen: &rdkafka::metadata::MetadataPartition| Partition {
                    number: seen.id(),
                    led: seen.leader() >= 0,
                    replicas: seen.replicas().len(),
                };
                let partitions = topic.partitions().iter().map(partition).collect();
                let found = ObservedTopic { partitions, settings: BTreeMap::new() };
                observed.topics.insert(topic.name().to_owned(), found);
            }
        }
        for (name, topic) in &mut observed.topics {
            topic.settings = self.settings(name).await?;
        }
        Ok(observed)
    }

    /// The brokers, and all topics: a question for one by name can create it, with a broker's defaults.
    pub(super) async fn metadata(&self) -> Result<Metadata, AdminError> {
        let (client, patience) = (Arc::clone(&self.client), self.patience);
        let asking = move || client.inner().fetch_metadata(None, patience);
        let answer = tokio::task::spawn_blocking(asking).await;
        answer.map_err(|_| self.silence())?.map_err(|_| self.silence())
    }

    /// What is set at a topic itself.
    pub(super) async fn settings(&self, topic: &str) -> Result<BTreeMap<String, String>, AdminError> {
        let entries = self.described(topic).await?.into_iter();
        let own = entries.filter(|entry| entry.source == ConfigSource::DynamicTopic);
        Ok(own.map(|entry| (entry.name, entry.value.unwrap_or_default())).collect())
    }

    /// The names of all settings that a topic can have, as a topic that is there shows them.
    pub(super) async fn names(&self, topic: &str) -> Result<BTreeSet<String>, AdminError> {
        Ok(self.described(topic).await?.into_iter().map(|entry| entry.name).collect())
    }

    async fn described(&self, topic: &str) -> Result<Vec<ConfigEntry>, AdminError> {
        let asked = [ResourceSpecifier::Topic(topic)];
        let answers = self.within(self.client.describe_configs(&asked, &self.options())).await?;
        answers.into_iter().next().map_or_else(|| Err(self.silence()), |answer| told(topic, answer))
    }

    /// Takes one step; false where somebody else was quicker.
    pub(super) async fn take(&self, step: &Step) -> Result<bool, AdminError> {
        match step {
            Step::Create { topic, partitions, replicas, settings } => {
                let replicas = TopicReplication::Fixed(i32::try_from(*replicas).unwrap_or(i32::MAX));
                let mut new = NewTopic::new(topic, *partitions, replicas);
                for (setting, value) in settings {
                    new = new.set(setting, value);
                }
                let answers = self.within(self.client.create_topics([&new], &self.options())).await?;
                match answers.into_iter().next() {
                    Some(Ok(_)) => Ok(true),
                    Some(Err((_, RDKafkaErrorCode::TopicAlreadyExists))) => Ok(false),
                    Some(Err((_, code))) => Err(AdminError::Answer { code }),
                    None => Err(self.silence()),
                }
            }
            Step::Alter { topic, whole, .. } => {
                let mut alteration = AlterConfig::new(ResourceSpecifier::Topic(topic));
                for (setting, value) in whole {
                    alteration = alteration.set(setting, value);
                }
                let answers = self.within(self.client.alter_configs([&alteration], &self.options())).await?;
                match answers.into_iter().next() {
                    Some(Ok(_)) => Ok(true),
                    Some(Err((_, code))) => Err(AdminError::Answer { code }),
                    None => Err(self.silence()),
                }
            }
        }
    }

    /// The client keeps its own deadlines; this one is for the day it does not.
    pub(super) async fn within<T>(
        &self,
        asking: impl Future<Output = Result<T, KafkaError>>,
    ) -> Result<T, AdminError> {
        match timeout(2 * self.patience, asking).await {
            Ok(answer) => Ok(answer?),
            Err(_) => Err(self.silence()),
        }
    }

    pub(super) fn silence(&self) -> AdminError {
        let said = &self.client.inner().context().0;
        let reason = said.lock().unwrap_or_else(PoisonError::into_inner).clone();
        AdminError::Silent(reason.unwrap_or_else(|| "no broker answers".to_owned()))
    }

    pub(super) fn options(&self) -> AdminOptions {
        AdminOptions::new().request_timeout(Some(self.patience)).operation_timeout(Some(self.patience))
    }
}

/// All that is set at a topic. One that is there always has settings: rdkafka 0.39 passes a topic's own error over, and so
/// none means that they were refused. Whoever took that for nothing set would set the topic back when it alters it.
fn told(topic: &str, answer: ConfigResourceResult) -> Result<Vec<ConfigEntry>, AdminError> {
    let entries = answer.map_err(|code| AdminError::Answer { code })?.entries;
    if entries.is_empty() {
        return Err(AdminError::Silent(format!("Kafka does not tell the settings of topic {topic}")));
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use rdkafka::admin::{ConfigResource, OwnedResourceSpecifier};

    use super::*;

    #[test]
    fn a_topic_whose_settings_are_refused_is_not_one_without_settings() {
        let specifier = OwnedResourceSpecifier::Topic("rack.readings".to_owned());
        let refused = told("rack.readings", Ok(ConfigResource { specifier, entries: vec![] })).unwrap_err();
        assert_eq!(refused.to_string(), "Kafka does not tell the settings of topic rack.readings");
        assert!(!refused.is_final(), "it is asked again");
    }
}
