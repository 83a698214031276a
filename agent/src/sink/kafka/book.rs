//! What the broker said of the records under way: kept where librdkafka's callbacks can write it.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rdkafka::ClientContext;
use rdkafka::Message;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::DeliveryResult;
use rdkafka::producer::ProducerContext;

use super::super::Refusal;

/// What an error says of one record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// The broker will not take it, or one that shared its request (KIP-467).
    Refused,
    /// Its topic cannot take it now; nothing is wrong with the record, nor with the client.
    Withheld,
    /// The client can do no more with it; a new one may.
    Failed,
}

/// What this error says of a record.
pub(super) fn answer(code: RDKafkaErrorCode) -> Answer {
    use RDKafkaErrorCode as Code;
    match code {
        Code::MessageSizeTooLarge | Code::InvalidMessageSize | Code::InvalidRecord => Answer::Refused,
        // A broker that finds a whole request too large may take its records one by one.
        Code::InvalidDifferentRecord | Code::MessageBatchTooLarge => Answer::Refused,
        Code::UnknownTopic
        | Code::UnknownTopicOrPartition
        | Code::UnknownTopicId
        | Code::UnknownPartition
        | Code::InvalidTopic
        | Code::TopicAuthorizationFailed
        // What a topic's or a cluster's settings forbid today they may allow tomorrow.
        | Code::InvalidTimestamp
        | Code::PolicyViolation => Answer::Withheld,
        _ => Answer::Failed,
    }
}

/// The records under way, by their places in the batch.
#[derive(Debug, Default)]
pub(super) struct Book {
    unsettled: HashSet<usize>,
    refused: Vec<Refusal>,
    withheld: Vec<usize>,
    /// The topic that withheld one, and why.
    pub(super) topic: Option<(String, RDKafkaErrorCode)>,
    /// A delivery failed in a way that a new producer may mend.
    pub(super) failure: Option<String>,
    /// The client's newest complaint.
    pub(super) trouble: Option<Trouble>,
}

/// What the client complains of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Trouble {
    /// Whether the broker refused the login; otherwise it is away.
    pub(super) login: bool,
    /// In the client's words.
    pub(super) reason: String,
}

impl Book {
    /// Begins with these under way. What troubles the client troubles it still.
    pub(super) fn open(&mut self, indices: &[usize]) {
        let trouble = self.trouble.take();
        *self = Self { unsettled: indices.iter().copied().collect(), trouble, ..Self::default() };
    }

    /// How many are still open.
    pub(super) fn unsettled(&self) -> usize {
        self.unsettled.len()
    }

    /// Those still open, in order.
    pub(super) fn open_ones(&self) -> Vec<usize> {
        let mut open: Vec<usize> = self.unsettled.iter().copied().collect();
        open.sort_unstable();
        open
    }

    /// These are not under way after all.
    pub(super) fn forget(&mut self, indices: &[usize]) {
        self.unsettled.retain(|index| !indices.contains(index));
    }

    /// Takes a complaint of the client in.
    fn complain(&mut self, trouble: Trouble, code: Option<RDKafkaErrorCode>) {
        let known = match &self.trouble {
            // One broker that is away says nothing about the others; only an acknowledgement does.
            Some(known) if known.login => !trouble.login,
            // The first complaint names the cause ("connection refused"); "all brokers down" only follows it.
            Some(_) => code == Some(RDKafkaErrorCode::AllBrokersDown),
            None => false,
        };
        if !known {
            self.trouble = Some(trouble);
        }
    }

    fn acknowledge(&mut self, index: usize) {
        self.unsettled.remove(&index);
        self.trouble = None;
    }

    pub(super) fn refuse(&mut self, index: usize, reason: String) {
        if self.unsettled.remove(&index) {
            self.refused.push(Refusal { index, reason });
        }
    }

    /// Notes what an error says of a record.
    pub(super) fn note(&mut self, index: usize, topic: &str, code: RDKafkaErrorCode) {
        match answer(code) {
            Answer::Refused => self.refuse(index, code.to_string()),
            Answer::Withheld => {
                if self.unsettled.remove(&index) {
                    self.withheld.push(index);
                    self.topic = Some((topic.to_owned(), code));
                }
            }
            Answer::Failed => self.failure = Some(code.to_string()),
        }
    }

    /// Those refused and those withheld, each in order.
    pub(super) fn close(&mut self) -> (Vec<Refusal>, Vec<usize>) {
        let (mut refused, mut withheld) =
            (std::mem::take(&mut self.refused), std::mem::take(&mut self.withheld));
        refused.sort_by_key(|refusal| refusal.index);
        withheld.sort_unstable();
        (refused, withheld)
    }
}

/// Takes librdkafka's callbacks.
#[derive(Clone, Default)]
pub(super) struct Acknowledgements(Arc<Mutex<Book>>);

impl Acknowledgements {
    pub(super) fn book(&self) -> MutexGuard<'_, Book> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ClientContext for Acknowledgements {
    fn log(&self, _level: RDKafkaLogLevel, facility: &str, message: &str) {
        tracing::debug!(facility, message, "librdkafka");
    }

    fn error(&self, error: KafkaError, reason: &str) {
        let code = error.rdkafka_error_code();
        let login = matches!(
            code,
            Some(
                RDKafkaErrorCode::Authentication
                    | RDKafkaErrorCode::SaslAuthenticationFailed
                    | RDKafkaErrorCode::UnsupportedSASLMechanism
            )
        );
        self.book().complain(Trouble { login, reason: reason.to_owned() }, code);
    }
}

impl ProducerContext for Acknowledgements {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, index: usize) {
        let mut book = self.book();
        match result {
            Ok(_) => book.acknowledge(index),
            Err((KafkaError::MessageProduction(code), message)) => book.note(index, message.topic(), *code),
            Err((error, _)) => book.failure = Some(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trouble(login: bool, reason: &str) -> Trouble {
        Trouble { login, reason: reason.to_owned() }
    }

    #[test]
    fn a_refused_login_stays_the_trouble_beside_a_broker_that_is_away() {
        let mut book = Book::default();
        book.complain(trouble(false, "no route"), None);
        book.complain(trouble(true, "refused"), Some(RDKafkaErrorCode::Authentication));
        book.complain(trouble(false, "no route"), Some(RDKafkaErrorCode::BrokerTransportFailure));
        assert_eq!(book.trouble, Some(trouble(true, "refused")));
        book.acknowledge(0);
        assert_eq!(book.trouble, None);
        book.complain(trouble(false, "no route"), Some(RDKafkaErrorCode::BrokerTransportFailure));
        book.complain(trouble(false, "all down"), Some(RDKafkaErrorCode::AllBrokersDown));
        assert_eq!(book.trouble, Some(trouble(false, "no route")), "which names the cause");
    }
}
