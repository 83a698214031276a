//! `pirack schema apply` makes a cluster what `images/cassandra/schema.cql` says, from whatever it was.

use serde_json::{Value, json};

use super::Promise;
use super::cluster::Cluster;

pub(super) const PROMISES: &[(&str, Promise)] = &[
    ("cassandra::a_schema_that_is_applied_twice_changes_nothing_the_second_time", twice),
    ("cassandra::a_schema_that_is_behind_by_a_column_is_brought_up_and_its_rows_stay", behind),
    ("cassandra::a_column_of_another_type_is_refused_with_a_letter_and_nothing_is_changed", other_type),
    ("cassandra::how_long_rows_live_changes_when_it_is_asked_for_and_only_then", keep),
    ("cassandra::a_replication_that_is_asked_for_is_set_with_a_word_about_repair", replication),
];

fn twice(cluster: &Cluster) {
    assert_eq!(cluster.applied(&[])["changed"], 8, "one keyspace and seven tables");
    let again = cluster.applied(&[]);
    assert_eq!(again["changed"], 0, "{again}");
    let lines = String::from_utf8(cluster.apply(&[]).stdout).unwrap();
    assert!(lines.trim_end().ends_with("nothing to change"), "{lines}");
}

fn behind(cluster: &Cluster) {
    cluster.applied(&[]);
    cluster.cql("INSERT INTO KS.node_health_latest (node, cpu_ratio) VALUES ('w3', 0.25)");
    cluster.cql("ALTER TABLE KS.node_health_latest DROP supply_watts");
    let report = cluster.applied(&[]);
    assert_eq!(report["changed"], 1, "{report}");
    assert!(report.to_string().contains("ADD (supply_watts double)"), "{report}");
    let rows = cluster.rows("node_health_latest");
    assert_eq!((&rows[0]["cpu_ratio"], &rows[0]["supply_watts"]), (&json!(0.25), &Value::Null));
}

fn other_type(cluster: &Cluster) {
    cluster.cql(
        "CREATE KEYSPACE KS WITH replication = {'class': 'NetworkTopologyStrategy', 'replication_factor': 1}",
    );
    cluster.cql("CREATE TABLE KS.node_health_latest (node text PRIMARY KEY, cpu_ratio text)");
    let output = cluster.apply(&[]);
    let letter = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        letter.contains("node_health_latest.cpu_ratio is text") && letter.contains("needs double"),
        "{letter}"
    );
    cluster.cql("CREATE TABLE KS.sensor_latest (still_free int PRIMARY KEY)");
}

fn keep(cluster: &Cluster) {
    let lives = |report: &Value| report.to_string().contains("default_time_to_live");
    cluster.applied(&["--keep", "7d"]);
    assert_eq!(cluster.applied(&[])["changed"], 0, "nobody asked");
    let longer = cluster.applied(&["--keep", "60d"]);
    assert_eq!(longer["changed"], 7, "every table: {longer}");
    assert!(lives(&longer) && longer.to_string().contains("'compaction_window_size': '2'"), "{longer}");
    assert_eq!(cluster.applied(&["--keep", "60d"])["changed"], 0);
}

fn replication(cluster: &Cluster) {
    cluster.applied(&["--replication", "1"]);
    let more = cluster.applied(&["--replication", "2"]);
    assert_eq!(more["changed"], 1, "{more}");
    assert!(more.to_string().contains("nodetool repair"), "{more}");
}
