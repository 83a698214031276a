//! What arrived, held against what was made: by the records' names, not by counts.

use std::collections::{BTreeMap, BTreeSet};

use scylla::client::session::Session;
use serde_json::Value;

use crate::topics::Seen;

/// A record's name within its board: its queue, and its sequence there.
type Name = (String, u64);

/// What one place has of each board.
#[derive(Debug, Default)]
pub struct Ledger {
    boards: BTreeMap<String, Board>,
}

#[derive(Debug, Default)]
struct Board {
    names: BTreeSet<Name>,
    /// Times that a name was seen again.
    repeated: usize,
    /// First occurrences that came after a later one, or after one of a later queue, on one topic.
    out_of_order: Vec<u64>,
    gaps: usize,
}

/// The newest record of a board on a topic, and the queues so far, its own the last.
#[derive(Debug, Default)]
struct Newest {
    queues: Vec<String>,
    sequence: u64,
}

/// How a record comes after the newest one.
enum Order {
    Follows,
    /// Below it, as the first of another queue: in order on another card, where a queue begins at 0.
    Anew,
    Late,
}

impl Newest {
    fn order(&mut self, queue: &str, sequence: u64) -> Order {
        let below = sequence < self.sequence;
        if self.queues.last().is_some_and(|last| last == queue) {
            self.sequence = self.sequence.max(sequence);
            return if below { Order::Late } else { Order::Follows };
        }
        if self.queues.iter().any(|earlier| earlier == queue) {
            return Order::Late;
        }
        self.queues.push(queue.to_owned());
        self.sequence = sequence;
        if below { Order::Anew } else { Order::Follows }
    }
}

impl Ledger {
    /// What lies in the topics, in the order in which it was read.
    ///
    /// # Panics
    /// When a record has no name.
    #[must_use]
    pub fn of_topics(seen: &[Seen]) -> Self {
        let mut ledger = Self::default();
        let mut newest: BTreeMap<(&str, &str), Newest> = BTreeMap::new();
        let mut anew = vec![];
        for Seen { topic, key, document } in seen {
            let board = ledger.boards.entry(key.clone()).or_default();
            let (queue, sequence) = name(document);
            if !board.names.insert((queue.clone(), sequence)) {
                board.repeated += 1;
                continue;
            }
            board.gaps += usize::from(document["kind"] == "gap");
            match newest.entry((topic, key)).or_default().order(&queue, sequence) {
                Order::Follows => {}
                Order::Anew => anew.push((key, queue, sequence)),
                Order::Late => board.out_of_order.push(sequence),
            }
        }
        for (key, queue, sequence) in anew {
            let board = ledger.boards.entry(key.clone()).or_default();
            if !board.names.contains(&(queue, 0)) {
                board.out_of_order.push(sequence);
            }
        }
        ledger
    }

    /// What lies in these tables, which share no record.
    ///
    /// # Panics
    /// When a table cannot be read.
    pub async fn of_tables(session: &Session, tables: &[&str]) -> Self {
        let mut ledger = Self::default();
        for table in tables {
            let statement = format!("SELECT node, queue, sequence FROM rack.{table}");
            let mut rows = session.query_iter(statement, ()).await.unwrap().rows_stream::<Row>().unwrap();
            while let Some((node, queue, sequence)) =
                futures_util::StreamExt::next(&mut rows).await.transpose().unwrap()
            {
                let board = ledger.boards.entry(node).or_default();
                let fresh = board.names.insert((queue.to_string(), u64::try_from(sequence).unwrap()));
                board.repeated += usize::from(!fresh);
                board.gaps += usize::from(table.starts_with("gaps"));
            }
        }
        ledger
    }

    /// Requires that every sequence before `next` of this board is here.
    ///
    /// # Panics
    /// When one is missing, something is here that was never made, or a gap was told.
    pub fn holds_all_of(&self, place: &str, board: &str, next: u64) {
        let found = self.boards.get(board).unwrap_or_else(|| panic!("{place} has nothing of {board}"));
        let sequences: BTreeSet<u64> = found.names.iter().map(|(_, sequence)| *sequence).collect();
        let made: BTreeSet<u64> = (0..next).collect();
        let missing: Vec<_> = made.difference(&sequences).collect();
        let invented: Vec<_> = sequences.difference(&made).collect();
        assert!(
            missing.is_empty() && invented.is_empty(),
            "{place}, {board}: {} of {next} missing, {missing:?}; {} never made, {invented:?}",
            missing.len(),
            invented.len()
        );
        assert_eq!(found.gaps, 0, "{place}, {board}: gaps were told");
    }

    /// Requires that of each of this board's queues every sequence is here from the first to the last, and that
    /// no gap was told.
    ///
    /// # Panics
    /// When one is missing.
    pub fn has_no_hole(&self, place: &str, board: &str) {
        let found = self.boards.get(board).unwrap_or_else(|| panic!("{place} has nothing of {board}"));
        let mut last: BTreeMap<&str, u64> = BTreeMap::new();
        for (queue, sequence) in &found.names {
            let expected = last.get(queue.as_str()).map_or(*sequence, |last| last + 1);
            assert_eq!(*sequence, expected, "{place}, {board}: a hole in the queue {queue}");
            last.insert(queue, *sequence);
        }
        assert_eq!(found.gaps, 0, "{place}, {board}: gaps were told");
    }

    /// Requires that of this board exactly these sequences are here.
    ///
    /// # Panics
    /// When others are.
    pub fn holds_just(&self, place: &str, board: &str, sequences: &BTreeSet<u64>) {
        let found: BTreeSet<u64> = self
            .boards
            .get(board)
            .into_iter()
            .flat_map(|found| &found.names)
            .map(|(_, sequence)| *sequence)
            .collect();
        let differing: Vec<_> = sequences.symmetric_difference(&found).collect();
        assert!(differing.is_empty(), "{place}, {board}: {differing:?}");
    }

    /// Requires that no first occurrence of this board came after a later one.
    ///
    /// # Panics
    /// When one did.
    pub fn is_in_order(&self, board: &str) {
        let found = &self.boards[board];
        assert!(found.out_of_order.is_empty(), "{board}: out of order: {:?}", found.out_of_order);
    }

    /// How often a name was seen more than once.
    #[must_use]
    pub fn repeated(&self, board: &str) -> usize {
        self.boards.get(board).map_or(0, |board| board.repeated)
    }
}

type Row = (String, uuid::Uuid, i64);

fn name(document: &Value) -> Name {
    let queue = document["queue"].as_str().unwrap();
    (queue.to_owned(), document["sequence"].as_u64().unwrap())
}
