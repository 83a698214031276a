//! Which replicas are on their way, and the order to move some: `ListPartitionReassignments` and
//! `AlterPartitionReassignments` (KIP-455), keys 46 and 45, version 0 of both.
//!
//! ```text
//! list    request   timeout ms i32 | topics: none, which is all | tags
//!         answer    throttle ms i32 | error i16 | words | topics: count | (name, partitions: count |
//!                   (number i32, replicas, adding, removing, tags), tags) | tags
//! alter   request   timeout ms i32 | topics: count | (name, partitions: count | (number i32, replicas, tags), tags) | tags
//!         answer    throttle ms i32 | error i16 | words | topics: count | (name, partitions: count |
//!                   (number i32, error i16, words, tags), tags) | tags
//! ```
//! Replicas, adding and removing are a count and node numbers, i32 each. The first replica is the one that leads
//! where it can.

use std::net::SocketAddr;
use std::time::Duration;

use super::bytes::{Reader, Writer};
use super::{Call, Refused, WireError, error};

const LIST: Call =
    Call { what: "asked which replicas are on their way (ListPartitionReassignments)", key: 46, version: 0 };
const ALTER: Call = Call { what: "told to move replicas (AlterPartitionReassignments)", key: 45, version: 0 };

/// One partition, some of whose replicas are on their way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::stack::kafka) struct Underway {
    pub(in crate::stack::kafka) topic: String,
    pub(in crate::stack::kafka) number: i32,
    /// Where it still lies and will not.
    pub(in crate::stack::kafka) removing: Vec<u32>,
}

/// Where a partition shall lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::stack::kafka) struct Move {
    pub(in crate::stack::kafka) topic: String,
    pub(in crate::stack::kafka) number: i32,
    /// The preferred leader first.
    pub(in crate::stack::kafka) replicas: Vec<u32>,
}

/// Everything that is on its way.
pub(in crate::stack::kafka) async fn underway(
    broker: SocketAddr,
    within: Duration,
) -> Result<Vec<Underway>, WireError> {
    let mut body = Writer::default();
    body.i32(millis(within)).none().tags();
    LIST.ask(broker, body, listed).await
}

/// Sends replicas on their way. It answers when the controller has noted it, long before they are there.
pub(in crate::stack::kafka) async fn send(
    broker: SocketAddr,
    moves: &[Move],
    within: Duration,
) -> Result<(), WireError> {
    ALTER.ask(broker, order(moves, within), altered).await
}

fn millis(within: Duration) -> i32 {
    i32::try_from(within.as_millis()).unwrap_or(i32::MAX)
}

fn order(moves: &[Move], within: Duration) -> Writer {
    let mut body = Writer::default();
    body.i32(millis(within)).count(moves.len());
    for Move { topic, number, replicas } in moves {
        body.text(topic).count(1).i32(*number).count(replicas.len());
        for node in replicas {
            body.node(*node);
        }
        body.tags().tags();
    }
    body.tags();
    body
}

pub(super) fn listed(at: &mut Reader<'_>) -> Option<Result<Vec<Underway>, Refused>> {
    at.i32()?;
    if let Err(refused) = error(at)? {
        return Some(Err(refused));
    }
    let topics = at.all(|at| {
        let topic = at.text()??;
        let partitions = at.all(|at| {
            let number = at.i32()?;
            let (_, _, removing) = (at.all(Reader::node)?, at.all(Reader::node)?, at.all(Reader::node)?);
            at.tags()?;
            Some((number, removing))
        })?;
        at.tags()?;
        let one = |(number, removing)| Underway { topic: topic.clone(), number, removing };
        Some(partitions.into_iter().map(one).collect::<Vec<_>>())
    })?;
    Some(Ok(topics.into_iter().flatten().collect()))
}

/// The first refusal of any partition, with which it was.
pub(super) fn altered(at: &mut Reader<'_>) -> Option<Result<(), Refused>> {
    at.i32()?;
    if let Err(refused) = error(at)? {
        return Some(Err(refused));
    }
    let topics = at.all(|at| {
        let topic = at.text()??;
        let partitions = at.all(|at| {
            let number = at.i32()?;
            let outcome = error(at)?;
            at.tags()?;
            let name = format!("{topic}-{number}");
            Some(outcome.map_err(|(code, words)| (code, Some(told(name, words)))))
        })?;
        at.tags()?;
        Some(partitions)
    })?;
    Some(topics.into_iter().flatten().collect())
}

fn told(name: String, words: Option<String>) -> String {
    match words {
        Some(words) => format!("{name}: {words}"),
        None => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nodes(writer: &mut Writer, nodes: &[u32]) {
        writer.count(nodes.len());
        for node in nodes {
            writer.node(*node);
        }
    }

    #[test]
    fn what_is_on_its_way_is_read() {
        let mut answer = Writer::default();
        answer.i32(0).i16(0).none().count(1).text("roll").count(2);
        for (number, removing) in [(0, vec![4]), (1, vec![])] {
            answer.i32(number);
            nodes(&mut answer, &[1, 2, 3, 4]);
            nodes(&mut answer, &[3]);
            nodes(&mut answer, &removing);
            answer.tags();
        }
        answer.tags().tags();
        let bytes = answer.into_bytes();
        let underway = |number, removing| Underway { topic: "roll".to_owned(), number, removing };
        assert_eq!(listed(&mut Reader(&bytes)), Some(Ok(vec![underway(0, vec![4]), underway(1, vec![])])));
        // The last byte is the tags, which nobody reads.
        for length in 0..bytes.len() - 1 {
            assert_eq!(listed(&mut Reader(&bytes[..length])), None, "{length} bytes");
        }
    }

    #[test]
    fn a_partition_that_is_refused_is_named() {
        let mut answer = Writer::default();
        answer.i32(0).i16(0).none().count(1).text("roll").count(2);
        answer.i32(0).i16(0).none().tags();
        answer.i32(1).i16(39).text("broker 9 is not there").tags();
        answer.tags().tags();
        let bytes = answer.into_bytes();
        let refused = (39, Some("roll-1: broker 9 is not there".to_owned()));
        assert_eq!(altered(&mut Reader(&bytes)), Some(Err(refused)));
        let mut answer = Writer::default();
        answer.i32(0).i16(41).text("not the controller").count(0).tags();
        let bytes = answer.into_bytes();
        assert_eq!(altered(&mut Reader(&bytes)), Some(Err((41, Some("not the controller".to_owned())))));
    }

    #[test]
    fn an_order_is_what_kafka_expects_to_the_byte() {
        let moves = [Move { topic: "t".to_owned(), number: 5, replicas: vec![2, 1] }];
        let expected =
            [&[0, 0, 0x27, 0x10][..], &[2, 2, b't', 2, 0, 0, 0, 5], &[3, 0, 0, 0, 2, 0, 0, 0, 1], &[0, 0, 0]];
        assert_eq!(order(&moves, Duration::from_secs(10)).into_bytes(), expected.concat());
    }
}
