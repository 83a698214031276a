//! What Kafka and Cassandra of the fake say of themselves.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::{RingNode, Stacks};
use crate::rack::Rack;
use crate::stack::Answer;
use crate::stack::cassandra::{CassandraHealth, Cql, Gossip, KEYSPACE, Node, State};
use crate::stack::kafka::{KafkaHealth, Partition, Partitions, Quorum, Voter};

impl Stacks {
    pub(super) fn kafka(&self, rack: &Rack) -> Answer<KafkaHealth> {
        let those = |which: fn(&super::Broker) -> bool| -> BTreeSet<String> {
            let found = self.brokers.iter().filter(|(_, broker)| which(broker));
            found.map(|(board, _)| board.clone()).collect()
        };
        let (live, in_sync) = (those(|broker| broker.task.is_some()), those(|broker| broker.in_sync));
        let voters: BTreeSet<String> =
            rack.kafka.iter().flat_map(|kafka| &kafka.voters).map(ToString::to_string).collect();
        let voting: BTreeSet<&String> = voters.intersection(&live).collect();
        if voting.len() <= voters.len() / 2 {
            return Answer::Silent { reason: format!("{} of {} voters live", voting.len(), voters.len()) };
        }
        let leader = voting.first().map(|leader| (*leader).clone()).unwrap_or_default();
        let voter = |voter: &String| {
            let silent_ms = live.contains(voter).then_some(100);
            (voter.clone(), Voter { behind: 0, silent_ms })
        };
        let replicas = self.replicas.clone();
        let moving = self.moving.as_ref();
        let leaving: BTreeSet<String> = moving.map(|moving| moving.from.clone()).into_iter().collect();
        let away = those(|broker| broker.began && broker.task.is_none());
        let has = |board: &&String| moving.is_none_or(|moving| moving.to.as_ref() != Some(*board));
        let lies: BTreeSet<String> = replicas.union(&leaving).cloned().collect();
        let in_sync: BTreeSet<String> = in_sync.intersection(&lies).filter(has).cloned().collect();
        let partition = (!replicas.is_empty()).then(|| Partition {
            topic: "rack.readings".to_owned(),
            number: 0,
            leader: in_sync.first().cloned(),
            least: Some(replicas.len().saturating_sub(1).max(1)),
            replicas,
            in_sync,
            leaving,
        });
        let number = |(board, broker): (&String, &super::Broker)| {
            Some((broker.node_id.as_ref()?.parse().ok()?, board.clone()))
        };
        Answer::Said(KafkaHealth {
            nodes: self.brokers.iter().filter_map(number).collect(),
            quorum: Some(Quorum { leader, voters: voters.iter().map(voter).collect() }),
            brokers: live,
            away,
            partitions: Partitions(partition.into_iter().collect()),
            ..KafkaHealth::default()
        })
    }

    pub(super) fn cassandra(&self, rack: &Rack) -> Answer<CassandraHealth> {
        let ring = Uuid::from_u128(1);
        let node = |(board, node): (&String, &RingNode)| {
            let address = board.parse().ok().and_then(|name| rack.board(&name)).map(|board| board.address);
            let joins = node.joining.is_some();
            let cql = Cql { release: "5.0".to_owned(), schema: ring, joined: !joins };
            let told = Node {
                address: address.map(|address| address.to_string()).unwrap_or_default(),
                gossip: Some(Gossip {
                    up: node.is_up(),
                    state: if joins { State::Joining } else { State::Normal },
                    owned_ratio: None,
                    host_id: Uuid::new_v5(&ring, board.as_bytes()),
                }),
                cql: node.is_up().then_some(cql),
                silence: None,
            };
            (board.clone(), told)
        };
        if !self.nodes.values().any(RingNode::is_up) {
            return Answer::Silent { reason: "no node answers".to_owned() };
        }
        let began = self.nodes.iter().filter(|(_, node)| node.began);
        let rows = self.rows.map(|rows| (KEYSPACE.to_owned(), [("dc1".to_owned(), rows)].into()));
        Answer::Said(CassandraHealth {
            nodes: began.map(node).collect(),
            replication: rows.into_iter().collect(),
            own_replicas: 3,
            gossip_silence: None,
        })
    }

    /// Topics are laid on brokers that are there, the last of them so that one which goes has some.
    pub(in crate::operation::testing) fn lay_topics(&mut self) {
        if self.replicas.is_empty() {
            let live = self.brokers.iter().filter(|(_, broker)| broker.task.is_some());
            self.replicas = live.rev().map(|(board, _)| board.clone()).take(3).collect();
        }
    }
}
