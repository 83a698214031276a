//! Held against the schema that pirack carries, and clusters that differ from it in one thing each.

use super::super::cql;
use super::super::table::{Order, TIME_TO_LIVE};
use super::*;

fn desired() -> Keyspace {
    cql::read(cql::SCHEMA).unwrap()
}

/// What `system_schema` says of a cluster that took our statements: Java's class names, and defaults besides.
fn as_cassandra_says(mut keyspace: Keyspace) -> Keyspace {
    let class = |map: &mut BTreeMap<String, String>, package: &str| {
        if let Some(class) = map.get_mut("class") {
            *class = format!("{package}.{class}");
        }
    };
    class(&mut keyspace.replication, "org.apache.cassandra.locator");
    for table in &mut keyspace.tables {
        table.columns.sort();
        table.options.insert("bloom_filter_fp_chance".into(), Setting::Text("0.01".into()));
        if let Some(Setting::Map(compaction)) = table.options.get_mut("compaction") {
            class(compaction, "org.apache.cassandra.db.compaction");
            compaction.insert("max_threshold".into(), "32".into());
        }
    }
    keyspace
}

fn statements(observed: Option<&Keyspace>) -> Vec<String> {
    plan(&desired(), observed).unwrap().into_iter().filter_map(|change| change.statement).collect()
}

#[test]
fn an_empty_cluster_is_given_the_keyspace_first_and_then_every_table() {
    let statements = statements(None);
    assert!(statements[0].starts_with("CREATE KEYSPACE IF NOT EXISTS rack WITH replication = "));
    assert_eq!(statements.len(), 1 + desired().tables.len());
    for (statement, table) in statements[1..].iter().zip(&desired().tables) {
        let again =
            cql::read(&format!("CREATE KEYSPACE IF NOT EXISTS rack WITH a = 1; {statement};")).unwrap();
        assert_eq!(&again.tables[0], table, "what is sent reads back as what was meant");
    }
}

#[test]
fn a_cluster_that_is_as_it_should_be_is_left_alone() {
    let there = as_cassandra_says(desired());
    let changes = plan(&desired(), Some(&there)).unwrap();
    assert!(
        changes.iter().all(|change| change.action == Action::Leave && change.statement.is_none()),
        "{changes:#?}"
    );
    assert_eq!(changes.len(), 1 + desired().tables.len());
}

#[test]
fn a_column_that_is_missing_is_added_and_one_that_is_ours_no_more_stays() {
    let mut there = as_cassandra_says(desired());
    there.tables[2].columns.retain(|(name, _)| name != "supply_watts" && name != "throttled");
    there.tables[2].columns.push(("colour".into(), "text".into()));
    assert_eq!(
        statements(Some(&there)),
        ["ALTER TABLE rack.node_health_by_node_date ADD (supply_watts double, throttled boolean)"]
    );
}

#[test]
fn only_the_option_that_differs_is_set() {
    let mut there = as_cassandra_says(desired());
    there.tables[0].options.insert(TIME_TO_LIVE.into(), Setting::Number(60));
    assert_eq!(
        statements(Some(&there)),
        ["ALTER TABLE rack.readings_by_sensor_date WITH default_time_to_live = 2592000"]
    );
}

#[test]
fn replication_is_altered_with_a_word_about_repair() {
    let mut there = as_cassandra_says(desired());
    there.replication.insert("replication_factor".into(), "3".into());
    let changes = plan(&desired(), Some(&there)).unwrap();
    assert_eq!(changes[0].action, Action::Alter);
    assert!(changes[0].what.contains("nodetool repair"), "{}", changes[0].what);
}

#[test]
fn a_column_of_another_type_is_refused_with_a_letter_and_nothing_is_planned() {
    let mut there = as_cassandra_says(desired());
    for (name, kind) in &mut there.tables[0].columns {
        if name == "value" {
            *kind = "text".into();
        }
    }
    let told = plan(&desired(), Some(&there)).unwrap_err().to_string();
    assert!(
        told.contains("rack.readings_by_sensor_date.value is text") && told.contains("needs double"),
        "{told}"
    );
}

#[test]
fn another_key_or_another_order_is_refused_with_a_letter() {
    let mut there = as_cassandra_says(desired());
    there.tables[3].clustering[0].1 = Order::Ascending;
    let told = plan(&desired(), Some(&there)).unwrap_err().to_string();
    assert!(told.contains("node_health_by_date has the primary key ((date, hour), time ASC"), "{told}");
}
