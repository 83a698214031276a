//! `nodetool status`, read: what a ring's gossip says of its nodes is told nowhere else in every version.
//!
//! ```text
//! Datacenter: rack
//! ================
//! Status=Up/Down
//! |/ State=Normal/Leaving/Joining/Moving
//! --  Address     Load        Tokens  Owns (effective)  Host ID                               Rack
//! UN  10.77.0.11  114.02 KiB  16      100.0%            7f3c2a5e-0d0a-4a54-8d3d-5a9f9f0f3a11  desk
//! ```

use std::net::IpAddr;

use uuid::Uuid;

use super::health::{Gossip, State};

/// The nodes of a status, by address. Lines that are no node's are passed over.
pub(super) fn status(text: &str) -> Vec<(IpAddr, Gossip)> {
    text.lines().filter_map(node).collect()
}

fn node(line: &str) -> Option<(IpAddr, Gossip)> {
    let mut words = line.split_whitespace();
    let (letters, address) = (words.next()?, words.next()?.parse().ok()?);
    let mut letters = letters.chars();
    let up = match letters.next()? {
        'U' => true,
        'D' => false,
        _ => return None,
    };
    let state = match letters.next()? {
        'N' => State::Normal,
        'L' => State::Leaving,
        'J' => State::Joining,
        'M' => State::Moving,
        _ => return None,
    };
    // A load is of one word or of two, or "?"; the share is the word with a percent sign.
    let mut owned_ratio = None;
    for word in words {
        if let Some(percent) = word.strip_suffix('%') {
            owned_ratio = percent.parse::<f64>().ok().map(|percent| percent / 100.0);
        } else if let Ok(host_id) = Uuid::try_parse(word) {
            return Some((address, Gossip { up, state, owned_ratio, host_id }));
        }
    }
    None
}

/// Of `nodetool netstats`: how many bytes a node has sent to others of how many that it is to send, over all streams.
/// Versions before 4.1 say no percentages.
///
/// ```text
/// Mode: LEAVING
/// Unbootstrap 2f0c...
///     /10.77.0.11:7000
///         Sending 12 files, 1048576 bytes total. Already sent 3 files (25.00%), 262144 bytes total (25.00%)
/// ```
pub(in crate::stack) fn sent(text: &str) -> Option<(u64, u64)> {
    let mut found = None;
    for line in text.lines().map(str::trim).filter(|line| line.starts_with("Sending ")) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let before = |pair: &[&str]| match pair {
            [number, "bytes"] => number.parse::<u64>().ok(),
            _ => None,
        };
        let mut numbers = words.windows(2).filter_map(before);
        if let (Some(all), Some(sent)) = (numbers.next(), numbers.next()) {
            let (before_sent, before_all): (u64, u64) = found.unwrap_or_default();
            found = Some((before_sent + sent, before_all + all));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sent_is_summed_over_all_streams() {
        let text = "Mode: LEAVING\nUnbootstrap 2f0c\n    /10.77.0.11:7000\n\
            \x20       Sending 12 files, 1000 bytes total. Already sent 3 files (25.00%), 250 bytes total (25.00%)\n\
            \x20           /var/lib/cassandra/data/rack/big-Data.db 250/250 bytes (100%) sent to idx:0/10.77.0.11\n\
            \x20   /10.77.0.12:7000\n\
            \x20       Sending 2 files, 500 bytes total. Already sent 2 files, 500 bytes total\n";
        assert_eq!(sent(text), Some((750, 1500)));
        assert_eq!(sent("Mode: NORMAL\nNot sending any streams.\n"), None);
    }

    const STATUS: &str = "\
Datacenter: rack
================
Status=Up/Down
|/ State=Normal/Leaving/Joining/Moving
--  Address     Load        Tokens  Owns (effective)  Host ID                               Rack
UN  10.77.0.11  114.02 KiB  16      66.7%             7f3c2a5e-0d0a-4a54-8d3d-5a9f9f0f3a11  plug 1
DN  10.77.0.12  ?           16      ?                 7f3c2a5e-0d0a-4a54-8d3d-5a9f9f0f3a12  desk
UJ  10.77.0.13  97 KiB      16      ?                 7f3c2a5e-0d0a-4a54-8d3d-5a9f9f0f3a13  desk

Note: Non-system keyspaces don't have the same replication settings, effective ownership information is meaningless
";

    #[test]
    fn every_node_of_a_status_is_read_and_nothing_else() {
        let nodes = status(STATUS);
        let told: Vec<_> = nodes
            .iter()
            .map(|(address, node)| (address.to_string(), node.letters(), node.owned_ratio))
            .collect();
        assert_eq!(told.len(), 3);
        assert_eq!((told[0].0.as_str(), told[0].1.as_str()), ("10.77.0.11", "UN"));
        assert!(told[0].2.is_some_and(|share| (share - 0.667).abs() < 1e-9));
        assert_eq!((told[1].1.as_str(), told[1].2), ("DN", None));
        assert_eq!(told[2].1, "UJ");
        assert_eq!(status("nodetool: Failed to connect to '127.0.0.1:7199'"), vec![]);
    }
}
