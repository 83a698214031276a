//! What should be: the schema's file, fitted to the rack at hand. Pure.

use std::collections::BTreeMap;
use std::time::Duration;

use super::observed::Observed;
use super::table::{Keyspace, Setting, TIME_TO_LIVE, Table};

/// No keyspace has more replicas of its own accord: a rack survives one board, and a quorum is two.
const MOST_REPLICAS: usize = 3;
/// About how many windows of a table are on disk at any time: the fewer, the larger each; the more, the more
/// files a read looks into. Cassandra's own advice is 20 to 30.
const WINDOWS: u64 = 30;
const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;

/// What a person asked for, beyond the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wishes {
    /// The keyspace's name.
    pub keyspace: String,
    /// How long rows live; as long as they do in this cluster where it is absent, 30 days in a new one.
    pub keep: Option<Duration>,
    /// Replicas in every datacenter; min(3, its nodes), and never less than it has, where it is absent.
    pub replication: Option<usize>,
}

/// The file's keyspace, as it should be in this cluster.
#[must_use]
pub fn fitted(mut keyspace: Keyspace, wishes: &Wishes, observed: &Observed) -> Keyspace {
    keyspace.name.clone_from(&wishes.keyspace);
    keyspace.replication = replication(wishes, observed);
    let keep = wishes.keep.map(|keep| keep.as_secs()).or_else(|| kept(observed));
    if let Some(seconds) = keep {
        keyspace.tables.iter_mut().for_each(|table| keep_for(table, seconds));
    }
    keyspace
}

fn replication(wishes: &Wishes, observed: &Observed) -> BTreeMap<String, String> {
    let before = observed.keyspace.as_ref().map(|keyspace| &keyspace.replication);
    let factor = |datacenter: &String, nodes: usize| {
        let has = before.and_then(|map| map.get(datacenter)?.parse().ok()).unwrap_or(0);
        wishes.replication.unwrap_or_else(|| nodes.clamp(1, MOST_REPLICAS).max(has))
    };
    let class = ("class".to_owned(), "NetworkTopologyStrategy".to_owned());
    let factors =
        observed.datacenters.iter().map(|(name, nodes)| (name.clone(), factor(name, *nodes).to_string()));
    [class].into_iter().chain(factors).collect()
}

/// The longest that any of the cluster's tables keeps its rows.
fn kept(observed: &Observed) -> Option<u64> {
    let tables = observed.keyspace.iter().flat_map(|keyspace| &keyspace.tables);
    let seconds = tables.filter_map(|table| match table.options.get(TIME_TO_LIVE) {
        Some(Setting::Number(seconds)) => u64::try_from(*seconds).ok().filter(|seconds| *seconds > 0),
        _ => None,
    });
    seconds.max()
}

/// Sets how long a table's rows live, and windows that go with it.
fn keep_for(table: &mut Table, seconds: u64) {
    let number = Setting::Number(i64::try_from(seconds).unwrap_or(i64::MAX));
    table.options.insert(TIME_TO_LIVE.to_owned(), number);
    if let Some(Setting::Map(compaction)) = table.options.get_mut("compaction")
        && compaction.get("class").is_some_and(|class| class == "TimeWindowCompactionStrategy")
    {
        let (unit, size) = window(seconds);
        compaction.insert("compaction_window_unit".to_owned(), unit.to_owned());
        compaction.insert("compaction_window_size".to_owned(), size.to_string());
    }
}

/// A window of whole hours, or of whole days where it is longer than one.
fn window(keep: u64) -> (&'static str, u64) {
    let share = keep / WINDOWS;
    if share >= DAY { ("DAYS", share.div_ceil(DAY)) } else { ("HOURS", share.div_ceil(HOUR).max(1)) }
}

#[cfg(test)]
mod tests {
    use super::super::cql;
    use super::*;

    fn wishes(keep: Option<u64>, replication: Option<usize>) -> Wishes {
        let keep = keep.map(|days| Duration::from_secs(days * DAY));
        Wishes { keyspace: "rack".to_owned(), keep, replication }
    }

    fn cluster(nodes: usize) -> Observed {
        Observed { datacenters: [("dc1".to_owned(), nodes)].into(), ..Observed::default() }
    }

    fn fit(wishes: &Wishes, observed: &Observed) -> Keyspace {
        fitted(cql::read(cql::SCHEMA).unwrap(), wishes, observed)
    }

    #[test]
    fn there_are_about_thirty_windows_whatever_is_kept() {
        let day = |keep: u64| window(keep * DAY);
        assert_eq!(day(1), ("HOURS", 1));
        assert_eq!(day(7), ("HOURS", 6));
        assert_eq!(day(30), ("DAYS", 1));
        assert_eq!(day(365), ("DAYS", 13));
        assert_eq!(window(HOUR), ("HOURS", 1));
    }

    #[test]
    fn what_the_file_says_is_what_thirty_days_give() {
        let file = cql::read(cql::SCHEMA).unwrap();
        assert_eq!(fit(&wishes(Some(30), None), &cluster(1)).tables, file.tables);
    }

    #[test]
    fn a_replica_a_node_and_never_more_than_three_unless_somebody_asks() {
        let factor = |wishes: &Wishes, observed: &Observed| fit(wishes, observed).replication["dc1"].clone();
        for (nodes, expected) in [(1, "1"), (2, "2"), (3, "3"), (12, "3")] {
            assert_eq!(factor(&wishes(None, None), &cluster(nodes)), expected);
        }
        assert_eq!(factor(&wishes(None, Some(2)), &cluster(3)), "2");
    }

    #[test]
    fn a_board_that_has_left_takes_no_replica_with_it() {
        let three = fit(&wishes(None, None), &cluster(3));
        let two = Observed { keyspace: Some(three), ..cluster(2) };
        assert_eq!(fit(&wishes(None, None), &two).replication["dc1"], "3");
        assert_eq!(fit(&wishes(None, Some(2)), &two).replication["dc1"], "2");
    }

    #[test]
    fn who_does_not_say_how_long_to_keep_shortens_nothing() {
        let year = Observed { keyspace: Some(fit(&wishes(Some(365), None), &cluster(1))), ..cluster(1) };
        let again = fit(&wishes(None, None), &year);
        assert_eq!(Some(again), year.keyspace);
    }
}
