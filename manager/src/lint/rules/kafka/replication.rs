//! Copies: how many there can be, and how many there should.

use super::{Hit, Service, at_name, brokers, lacks, nodes, property, said};
use crate::lint::compose::{Stack, Word};

const FACTORS: [&str; 3] = [
    "DEFAULT_REPLICATION_FACTOR",
    "OFFSETS_TOPIC_REPLICATION_FACTOR",
    "TRANSACTION_STATE_LOG_REPLICATION_FACTOR",
];
/// What must be in sync, and of what.
const IN_SYNC: [(&str, &str); 2] = [
    ("MIN_INSYNC_REPLICAS", "DEFAULT_REPLICATION_FACTOR"),
    ("TRANSACTION_STATE_LOG_MIN_ISR", "TRANSACTION_STATE_LOG_REPLICATION_FACTOR"),
];
/// What Kafka's own topics want where nothing is said.
const BY_DEFAULT: usize = 3;

fn number<'a>(service: &'a Service, name: &str) -> Option<(&'a Word, i64)> {
    let word = property(service, name)?;
    Some((word, word.number()?))
}

fn count(brokers: usize) -> String {
    if brokers == 1 { "1 broker".to_owned() } else { format!("{brokers} brokers") }
}

pub(super) fn too_many(stack: &Stack) -> Vec<Hit> {
    let Some(brokers) = brokers(stack) else { return Vec::new() };
    let mut hits = Vec::new();
    for service in nodes(stack) {
        for (word, factor) in FACTORS.iter().filter_map(|name| number(service, name)) {
            if usize::try_from(factor).is_ok_and(|factor| factor > brokers) {
                let what = format!("{factor} copies on {}", count(brokers));
                hits.push(said(service, &word.span, &what));
            }
        }
    }
    hits
}

pub(super) fn by_default(stack: &Stack) -> Vec<Hit> {
    let Some(brokers) = brokers(stack).filter(|brokers| (1..BY_DEFAULT).contains(brokers)) else {
        return Vec::new();
    };
    let silent = |service: &Service| FACTORS[1..].iter().find(|name| lacks(service, name)).copied();
    let broker = |service: &&Service| super::roles(service).is_some_and(|roles| roles.broker);
    let of = |service: &Service| {
        let what = format!("leaves KAFKA_{} at {BY_DEFAULT}, on {}", silent(service)?, count(brokers));
        Some(at_name(service, &what))
    };
    nodes(stack).into_iter().filter(broker).filter_map(of).collect()
}

pub(super) fn in_sync(stack: &Stack) -> Vec<Hit> {
    let mut hits = Vec::new();
    for service in nodes(stack) {
        for (least, factor) in IN_SYNC {
            let Some((word, least)) = number(service, least) else { continue };
            let copies = match number(service, factor) {
                Some((_, copies)) => copies,
                // Kafka's own default of guests' topics.
                None if factor == FACTORS[0] && lacks(service, factor) => 1,
                None => continue,
            };
            if least > copies {
                hits.push(said(service, &word.span, &format!("{least} in sync of {copies}")));
            }
        }
    }
    hits
}

pub(super) fn single(stack: &Stack) -> Vec<Hit> {
    let Some(brokers) = brokers(stack).filter(|brokers| *brokers > 1) else { return Vec::new() };
    let mut hits = Vec::new();
    for service in nodes(stack) {
        for (word, _) in
            FACTORS.iter().filter_map(|name| number(service, name)).filter(|(_, factor)| *factor == 1)
        {
            hits.push(said(service, &word.span, &format!("one copy on {}", count(brokers))));
        }
    }
    hits
}
