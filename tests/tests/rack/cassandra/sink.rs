//! The agent's sink calls a record safe when all its rows are there, and never before.

use pirack_agent::record::{ClockState, Entry};
use pirack_agent::sink::cassandra::{Cassandra, CassandraSettings};
use pirack_agent::sink::{Receipt, Sink, SinkError};
use serde_json::{Value, json};
use uuid::Uuid;

use super::Promise;
use super::cluster::Cluster;
use super::records::{ELSEWHERE, OLDER, QUEUE, entry, gap, health, of_sensor, reading, told};

pub(super) const PROMISES: &[(&str, Promise)] = &[
    ("cassandra::every_kind_of_record_is_there_with_all_its_rows_once_it_is_called_safe", every_row),
    ("cassandra::a_batch_that_comes_twice_leaves_each_row_once", replay),
    ("cassandra::the_newest_value_never_goes_back_whatever_comes_again_and_whatever_the_clock_says", newest),
    ("cassandra::a_new_disk_whose_sequences_begin_anew_is_seen_at_once", new_disk),
    ("cassandra::what_the_newest_record_does_not_say_is_not_left_over_from_an_older_one", nothing_left_over),
    ("cassandra::a_record_that_cannot_be_stored_is_refused_alone_and_its_neighbours_are_safe", refusals),
    ("cassandra::a_schema_that_is_missing_is_named_with_its_remedy_and_its_coming_is_enough", missing),
    ("cassandra::a_schema_that_is_dropped_and_made_again_costs_nothing_but_waiting", made_again),
    ("cassandra::a_column_of_another_type_is_a_letter_and_refuses_no_record", other_type),
];

const NOON: &str = "2026-11-21T12:00:00Z";

fn connect(cluster: &Cluster, queues: &[Uuid]) -> Result<Cassandra, SinkError> {
    let settings = CassandraSettings {
        contact_points: vec![cluster.contact_point.clone()],
        keyspace: cluster.keyspace.clone(),
        datacenter: None,
        login: None,
        board: "w3".parse().unwrap(),
        queues: queues.to_vec(),
    };
    cluster.runtime.block_on(Cassandra::connect(&settings))
}

fn offer(cluster: &Cluster, sink: &mut Cassandra, batch: &[Entry]) -> Result<Receipt, SinkError> {
    cluster.runtime.block_on(sink.deliver(batch))
}

/// Delivers a batch, all of which must be safe.
fn deliver(cluster: &Cluster, sink: &mut Cassandra, batch: &[Entry]) {
    let receipt = offer(cluster, sink, batch).unwrap();
    assert_eq!(receipt, Receipt { settled: batch.len(), ..Receipt::default() });
}

fn latest(cluster: &Cluster) -> Value {
    let rows = cluster.rows("sensor_latest");
    assert_eq!(rows.len(), 1, "{rows:?}");
    rows[0]["value"].clone()
}

fn every_row(cluster: &Cluster) {
    cluster.applied(&[]);
    let mut sink = connect(cluster, &[QUEUE]).unwrap();
    let late = "1970-01-01T23:59:59.999Z";
    let batch = [
        told(QUEUE, 0, late, ClockState::Unsynchronised, health(0.25, Some(5.1))),
        entry(QUEUE, 1, NOON, reading(21.44)),
        entry(QUEUE, 2, NOON, gap()),
    ];
    deliver(cluster, &mut sink, &batch);
    let one = |table: &str| {
        let rows = cluster.rows(table);
        assert_eq!(rows.len(), 1, "{table}: {rows:?}");
        rows[0].clone()
    };
    for table in ["readings_by_sensor_date", "sensor_latest"] {
        let row = one(table);
        for (column, value) in [
            ("node", json!("w3")),
            ("sensor", json!("inlet")),
            ("quantity", json!("temperature")),
            ("unit", json!("celsius")),
            ("value", json!(21.44)),
            ("quality", json!("good")),
            ("chip", json!("bme280")),
            ("clock", json!("synchronised")),
            ("queue", json!(QUEUE.to_string())),
            ("sequence", json!(1)),
            ("time", json!("2026-11-21 12:00:00.000Z")),
            ("boottime_seconds", json!(512.7)),
        ] {
            assert_eq!(row[column], value, "{table}.{column}");
        }
    }
    assert_eq!(one("readings_by_sensor_date")["date"], "2026-11-21");
    for table in ["node_health_by_node_date", "node_health_by_date", "node_health_latest"] {
        let row = one(table);
        assert_eq!((&row["cpu_ratio"], &row["supply_volts"]), (&json!(0.25), &json!(5.1)), "{table}");
        assert_eq!((&row["clock"], &row["throttled"]), (&json!("unsynchronised"), &Value::Null), "{table}");
        assert_eq!(row["time"], "1970-01-01 23:59:59.999Z", "{table}");
    }
    let by_hour = one("node_health_by_date");
    assert_eq!((&by_hour["date"], &by_hour["hour"]), (&json!("1970-01-01"), &json!(23)));
    let gap = one("gaps_by_node_date");
    assert_eq!((&gap["of_queue"], &gap["from_sequence"]), (&json!(OLDER.to_string()), &json!(3)));
    assert_eq!((&gap["reason"], &gap["count"]), (&json!("refused"), &json!(3)));
    assert_eq!(gap["sink"], "kafka");
}

fn replay(cluster: &Cluster) {
    cluster.applied(&[]);
    let batch: Vec<_> = (0..500_u32)
        .map(|number| {
            let body = if number % 9 == 0 { health(0.5, None) } else { reading(f64::from(number)) };
            entry(QUEUE, number.into(), NOON, body)
        })
        .collect();
    for _ in 0..2 {
        let mut sink = connect(cluster, &[QUEUE]).unwrap();
        deliver(cluster, &mut sink, &batch);
    }
    let count = |table: &str| cluster.rows(table).len();
    assert_eq!(count("readings_by_sensor_date"), 444);
    assert_eq!((count("node_health_by_node_date"), count("node_health_by_date")), (56, 56));
    assert_eq!((count("sensor_latest"), count("node_health_latest")), (1, 1));
}

fn newest(cluster: &Cluster) {
    cluster.applied(&[]);
    let older = entry(OLDER, 5, NOON, reading(5.0));
    let newer = entry(QUEUE, 10, "2026-11-21T11:00:00Z", reading(10.0));
    let mut sink = connect(cluster, &[OLDER, QUEUE]).unwrap();
    deliver(cluster, &mut sink, std::slice::from_ref(&older));
    deliver(cluster, &mut sink, std::slice::from_ref(&newer));
    assert_eq!(latest(cluster), 10.0, "though the clock was set back");
    deliver(cluster, &mut sink, std::slice::from_ref(&older));
    assert_eq!(latest(cluster), 10.0, "in the same life");
    let mut again = connect(cluster, &[OLDER, QUEUE]).unwrap();
    deliver(cluster, &mut again, std::slice::from_ref(&older));
    assert_eq!(latest(cluster), 10.0, "after a restart");
    deliver(cluster, &mut again, &[older, newer, entry(QUEUE, 11, NOON, reading(11.0))]);
    assert_eq!(latest(cluster), 11.0);
}

fn new_disk(cluster: &Cluster) {
    cluster.applied(&[]);
    let mut before = connect(cluster, &[ELSEWHERE]).unwrap();
    deliver(cluster, &mut before, &[entry(ELSEWHERE, 150_000, NOON, reading(1.0))]);
    let mut after = connect(cluster, &[QUEUE]).unwrap();
    let in_1970 = told(QUEUE, 0, "1970-01-01T00:01:00Z", ClockState::Unsynchronised, reading(2.0));
    deliver(cluster, &mut after, &[in_1970]);
    assert_eq!(latest(cluster), 2.0);
}

fn nothing_left_over(cluster: &Cluster) {
    cluster.applied(&[]);
    let mut sink = connect(cluster, &[QUEUE]).unwrap();
    deliver(cluster, &mut sink, &[entry(QUEUE, 0, NOON, health(0.25, Some(5.1)))]);
    deliver(cluster, &mut sink, &[entry(QUEUE, 1, NOON, health(0.5, None))]);
    let rows = cluster.rows("node_health_latest");
    assert_eq!((&rows[0]["cpu_ratio"], &rows[0]["supply_volts"]), (&json!(0.5), &Value::Null));
}

fn refusals(cluster: &Cluster) {
    cluster.applied(&[]);
    let mut sink = connect(cluster, &[QUEUE]).unwrap();
    let long = "x".repeat(70_000);
    let mut torn = entry(QUEUE, 3, NOON, reading(3.0));
    torn.payload.truncate(40);
    let batch = [
        entry(QUEUE, 0, NOON, reading(0.0)),
        entry(QUEUE, 1, NOON, of_sensor(&long, 1.0)),
        entry(QUEUE, 2, NOON, reading(2.0)),
        torn,
        entry(QUEUE, 4, NOON, reading(4.0)),
    ];
    let receipt = offer(cluster, &mut sink, &batch).unwrap();
    assert_eq!(receipt.settled, batch.len());
    let refused: Vec<_> = receipt.refused.iter().map(|refusal| refusal.index).collect();
    assert_eq!(refused, [1, 3], "{receipt:?}");
    assert!(receipt.refused[1].reason.contains("not a record"), "{receipt:?}");
    assert_eq!(cluster.rows("readings_by_sensor_date").len(), 3);
    assert_eq!(latest(cluster), 4.0);
}

fn missing(cluster: &Cluster) {
    let letter = connect(cluster, &[QUEUE]).map(|_| ()).unwrap_err().to_string();
    assert!(
        letter.contains(&format!("pirack schema apply --cassandra {}", cluster.contact_point)),
        "{letter}"
    );
    cluster.applied(&[]);
    let mut sink = connect(cluster, &[QUEUE]).unwrap();
    deliver(cluster, &mut sink, &[entry(QUEUE, 0, NOON, reading(0.0))]);
}

fn made_again(cluster: &Cluster) {
    cluster.applied(&[]);
    let mut sink = connect(cluster, &[QUEUE]).unwrap();
    let batch = [entry(QUEUE, 0, NOON, reading(0.0)), entry(QUEUE, 1, NOON, health(0.5, None))];
    deliver(cluster, &mut sink, &batch);
    cluster.drop_keyspace();
    let letter = offer(cluster, &mut sink, &batch).unwrap_err().to_string();
    assert!(letter.contains("pirack schema apply"), "{letter}");
    cluster.applied(&[]);
    // As ship does: a failure builds the sink anew.
    let mut anew = connect(cluster, &[QUEUE]).unwrap();
    deliver(cluster, &mut anew, &batch);
    assert_eq!(cluster.rows("readings_by_sensor_date").len(), 1);
    assert_eq!(cluster.rows("node_health_by_date").len(), 1);
}

fn other_type(cluster: &Cluster) {
    cluster.applied(&[]);
    cluster.cql("DROP TABLE KS.gaps_by_node_date");
    cluster.cql(
        "CREATE TABLE KS.gaps_by_node_date (node text, date date, time timestamp, queue uuid, sequence bigint, \
         clock text, boot uuid, boottime_seconds double, of_queue uuid, from_sequence text, to_sequence bigint, \
         reason text, count bigint, sink text, PRIMARY KEY ((node, date), time, queue, sequence))",
    );
    let letter = connect(cluster, &[QUEUE]).map(|_| ()).unwrap_err().to_string();
    assert!(letter.contains("gaps_by_node_date.from_sequence of a type other than bigint"), "{letter}");
}
