use std::net::TcpListener;

use super::*;

fn window(since: &str, until: &str) -> Window {
    Window { since: since.parse().unwrap(), until: until.parse().unwrap() }
}

#[test]
fn a_window_over_midnight_asks_both_days_newest_first() {
    let dates: Vec<u32> =
        window("1969-12-31T23:58:00Z", "1970-01-02T00:01:00Z").dates().map(|date| date.0).collect();
    assert_eq!(dates, [(1 << 31) + 1, 1 << 31, (1 << 31) - 1]);
}

#[test]
fn only_numbers_of_a_health_record_get_into_a_statement() {
    let asked = Question::of("rack", "w1", "health.cpu_count").unwrap();
    assert!(
        asked.cql.contains("CAST(cpu_count AS double) FROM rack.node_health_by_node_date"),
        "{}",
        asked.cql
    );
    assert_eq!(asked.unit, "count");
    for odd in ["health.mood", "health.hostname", "cpu_count; DROP TABLE rack.gaps", ""] {
        assert!(matches!(Question::of("rack", "w1", odd), Err(HistoryError::UnknownField(_))), "{odd}");
    }
    let sensor = Question::of("rack", "w1", "/mnt/data/temperature").unwrap();
    let (board, sensor_of, quantity) = ("w1".into(), "/mnt/data".into(), "temperature".into());
    assert_eq!(sensor.of, Of::Sensor { board, sensor: sensor_of, quantity });
}

#[test]
fn every_column_that_is_asked_for_is_in_the_racks_schema() {
    let schema = include_str!("../../../../images/cassandra/schema.cql");
    let table = |name: &str| {
        let from = schema.find(&format!("CREATE TABLE IF NOT EXISTS rack.{name} (")).unwrap();
        schema[from..].split_once(';').unwrap().0
    };
    let health = table("node_health_by_node_date");
    for (field, _) in HEALTH_FIELDS {
        assert!(health.contains(&format!("  {field} ")), "{field}");
    }
    assert!(health.contains("PRIMARY KEY ((node, date), time,"));
    assert!(table("readings_by_sensor_date").contains("PRIMARY KEY ((node, sensor, date), quantity, time,"));
}

#[test]
fn a_long_window_is_thinned_to_a_thousand_points_oldest_first() {
    let week = window("2026-11-14T00:00:00Z", "2026-11-21T00:00:00Z");
    let mut thin = Thin::over(week);
    for second in (0..=7 * DAY_SECONDS).rev() {
        thin.push(week.since.as_millisecond() + second * 1000, 1.0);
    }
    let points = thin.points();
    assert!((990..=1001).contains(&points.len()), "{}", points.len());
    assert!(points.windows(2).all(|pair| pair[0].0 < pair[1].0));
}

#[tokio::test]
async fn a_cluster_that_is_away_is_told_and_left_alone_for_a_moment() {
    // A port that was free a moment ago, and is nobody's.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let archive = Archive::new(vec![address.clone()], "rack");
    let now = Timestamp::now();
    let first = archive.points("w1", "health.cpu_ratio", now, now).await.unwrap_err();
    assert!(matches!(&first, HistoryError::Archive { address: told, .. } if *told == address), "{first:?}");
    assert!(first.to_string().contains("pirack status"));
    let second = archive.points("w1", "health.cpu_ratio", now, now).await.unwrap_err();
    let HistoryError::Archive { source, .. } = second else { panic!("{second:?}") };
    assert_eq!(source.to_string(), "it did not answer a moment ago");
}
