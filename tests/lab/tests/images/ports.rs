//! The table of `images/PORTS.md`, and who may not share a board.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use pirack_lab::images;

fn text() -> String {
    fs::read_to_string(images::folder().join("PORTS.md")).unwrap()
}

/// Every service's ports.
pub fn table() -> BTreeMap<String, BTreeSet<u16>> {
    let mut table: BTreeMap<String, BTreeSet<u16>> = BTreeMap::new();
    for line in text().lines() {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        if let [_, service, port, ..] = cells[..]
            && let Ok(port) = port.parse()
        {
            table.entry(service.to_owned()).or_default().insert(port);
        }
    }
    table
}

/// Services that never share a board: the line `Never on one board: a, b`.
#[allow(dead_code, reason = "one of the two test programs that read the table asks")]
pub fn apart() -> Vec<(String, String)> {
    let pair = |line: &str| {
        let (one, other) =
            line.strip_prefix("Never on one board: ")?.trim_end_matches('.').split_once(", ")?;
        Some((one.to_owned(), other.to_owned()))
    };
    text().lines().filter_map(pair).collect()
}

/// Each port that two services want which may share a board.
#[allow(dead_code, reason = "one of the two test programs that read the table asks")]
pub fn clashes(table: &BTreeMap<String, BTreeSet<u16>>, apart: &[(String, String)]) -> Vec<String> {
    let mut found = Vec::new();
    for (one, ports) in table {
        for (other, others) in
            table.range::<String, _>((std::ops::Bound::Excluded(one), std::ops::Bound::Unbounded))
        {
            let meet = !apart.iter().any(|(a, b)| (a == one && b == other) || (a == other && b == one));
            let shared = ports.intersection(others).filter(|_| meet);
            found.extend(shared.map(|port| format!("{one} and {other} both want {port}")));
        }
    }
    found
}
