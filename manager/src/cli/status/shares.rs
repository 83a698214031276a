//! Who owns how much of Cassandra's ring, while somebody watches: nodetool alone tells it, which is a JVM's start, and
//! it hardly ever changes. It is asked for in the first look and once a minute, and kept in between.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use pirack::stack::cassandra::Question;
use pirack::stack::{Answer, StackHealth};

/// How long shares are as good as new.
const ANEW: Duration = Duration::from_secs(60);

/// What is known of them, a node's by its board.
#[derive(Default)]
pub(super) struct Shares {
    asked: Option<Instant>,
    known: BTreeMap<String, f64>,
}

impl Shares {
    /// What a look that begins now asks for.
    pub(super) fn question(&mut self, now: Instant) -> Question {
        if self.asked.is_some_and(|asked| now.duration_since(asked) < ANEW) {
            return Question::State;
        }
        self.asked = Some(now);
        Question::Shares
    }

    /// Takes the shares that a look brought, and gives it those that it did not ask for.
    pub(super) fn keep(&mut self, seen: &mut StackHealth) {
        let Some(Answer::Said(ring)) = &mut seen.cassandra else { return };
        for (board, node) in &mut ring.nodes {
            let Some(gossip) = &mut node.gossip else { continue };
            match gossip.owned_ratio {
                Some(share) => _ = self.known.insert(board.clone(), share),
                None => gossip.owned_ratio = self.known.get(board).copied(),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use pirack::stack::cassandra::{CassandraHealth, Gossip, Node, State};

    use super::*;

    /// A ring of one node, of which this share was told.
    fn seen(owned_ratio: Option<f64>) -> StackHealth {
        let gossip = Gossip { up: true, state: State::Normal, owned_ratio, host_id: uuid::Uuid::nil() };
        let node = Node { gossip: Some(gossip), ..Node::default() };
        let ring = CassandraHealth { nodes: [("b1".to_owned(), node)].into(), ..CassandraHealth::default() };
        StackHealth { cassandra: Some(Answer::Said(ring)), ..StackHealth::default() }
    }

    #[test]
    fn shares_are_asked_for_at_first_and_once_a_minute_and_kept_in_between() {
        let (mut shares, begun) = (Shares::default(), Instant::now());
        let asked: Vec<u64> = (0..150)
            .step_by(2)
            .filter(|second| shares.question(begun + Duration::from_secs(*second)) == Question::Shares)
            .collect();
        assert_eq!(asked, [0, 60, 120]);
        for (told, shown) in [(None, None), (Some(0.5), Some(0.5)), (None, Some(0.5)), (Some(1.0), Some(1.0))]
        {
            let mut seen = seen(told);
            shares.keep(&mut seen);
            let Some(Answer::Said(ring)) = &seen.cassandra else { panic!("it spoke") };
            assert_eq!(ring.nodes["b1"].gossip.as_ref().and_then(|gossip| gossip.owned_ratio), shown);
        }
    }
}
