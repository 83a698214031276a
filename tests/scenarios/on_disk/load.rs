//! `pirack inject` while its only broker dies: what it says is what the topic has.

use std::time::Duration;

use pirack_lab::Signal;
use pirack_tests::rack::RECOVERY;
use pirack_tests::wait;
use serde_json::Value;

use crate::Promise;
use crate::rack::Rack;

pub(crate) const PROMISES: &[Promise] = &[
    ("load::a_broker_that_dies_mid_way_and_comes_back_is_told_chunk_by_chunk", Rack::a_broker_dies),
    ("load::a_wrong_topic_and_a_wrong_file_are_letters_before_anything_is_sent", Rack::wrong_orders),
];

/// Messages of a chunk.
const COUNT: u64 = 500;

impl Rack {
    fn a_broker_dies(&mut self) {
        self.file.ends_with(&["topics", "create", "through", "--partitions", "3"], 0);
        let load = ["inject", "through", "--every", "500ms", "--count", "500", "--timeout", "3s"];
        let mut running = self.file.start(&load);
        running.when_said("chunk 3: 500 of 500", RECOVERY);
        self.shell(&format!("docker kill {} >/dev/null", self.container("kafka-b1")));
        // Some chunk fails, and later ones are whole again, without a word to it.
        wait::until("a chunk that failed, and whole ones after it", RECOVERY, || {
            let said = running.said();
            let mut chunks = said.lines().filter(|line| line.contains("  chunk "));
            chunks.by_ref().find(|line| line.contains("; not the others: "))?;
            (chunks.filter(|line| line.contains(": 500 of 500 ")).count() >= 2).then_some(())
        });
        running.signal(Signal::INT);
        let ended = running.end(Duration::from_secs(300));
        assert_eq!(ended.code, Some(1), "not every message was acknowledged: {ended:#?}");
        let chunks: Vec<(u64, u64)> = ended.out.iter().filter_map(|line| counted(line)).collect();
        let (acknowledged, sent) =
            chunks.iter().fold((0, 0), |sum, chunk| (sum.0 + chunk.0, sum.1 + chunk.1));
        assert!(
            chunks.iter().all(|(acknowledged, sent)| acknowledged <= sent && *sent <= COUNT),
            "{chunks:?}"
        );
        let end = format!("{} chunks, {acknowledged} of {sent} messages acknowledged, ended", chunks.len());
        assert!(ended.out.last().unwrap().starts_with(&end), "{end}: {ended:#?}");
        // A message whose acknowledgement was lost may lie there; one that was acknowledged does.
        let table = self.file.asked(&["topics", "through"]).1;
        let held = table["messages"].as_u64().unwrap();
        assert!((acknowledged..=sent).contains(&held), "{held} of {acknowledged} to {sent}: {table:#}");
        self.file.ends_with(&["topics", "delete", "through", "--yes", "through"], 0);
    }

    fn wrong_orders(&mut self) {
        let before = self.file.asked(&["topics"]).1;
        let nowhere = self.file.path("nowhere.json").display().to_string();
        let folder = self.file.folder().display().to_string();
        let orders: [(&[&str], &str); 3] = [
            (&["inject", "rack.reading", "--chunks", "1"], "did you mean rack.readings?"),
            (&["inject", "rack.readings", "--file", &nowhere], &nowhere),
            (&["inject", "rack.readings", "--file", &folder], &folder),
        ];
        for (order, words) in orders {
            let said = self.file.ends_with(order, 1).err.join("\n");
            assert!(said.contains(words), "{order:?}: {said}");
        }
        let messages = |table: &Value| table["messages"].clone();
        assert_eq!(messages(&self.file.asked(&["topics"]).1), messages(&before));
    }
}

/// `...  chunk 2: 499 of 500 acknowledged in 1.23 s` as 499 and 500.
fn counted(line: &str) -> Option<(u64, u64)> {
    let (_, rest) = line.split_once("  chunk ")?.1.split_once(": ")?;
    let (acknowledged, rest) = rest.split_once(" of ")?;
    Some((acknowledged.parse().ok()?, rest.split(' ').next()?.parse().ok()?))
}
