//! Plans as people see them, to the letter. `UPDATE_GOLDEN=1` writes them anew; read the difference then.

use std::path::Path;
use std::time::Duration;

use pirack_agent::record::{TOPIC_HEALTH, TOPIC_READINGS};

use super::*;
use crate::watch::TOPIC_EVENTS;

fn declared() -> Declared {
    Declared::built_in().unwrap()
}

/// A cluster that is as declared, created among so many brokers.
fn settled(brokers: usize) -> Observed {
    let empty = Observed { brokers, ..Observed::default() };
    let mut observed = empty.clone();
    for step in plan(&declared(), &empty).steps {
        let Step::Create { topic, partitions, replicas, settings } = step else {
            panic!("{step} of nothing")
        };
        let partitions = (0..partitions).map(|number| Partition { number, led: true, replicas }).collect();
        observed.topics.insert(topic, ObservedTopic { partitions, settings });
    }
    observed
}

fn readings(observed: &mut Observed) -> &mut ObservedTopic {
    observed.topics.get_mut(TOPIC_READINGS).unwrap()
}

fn golden(name: &str, observed: &Observed) {
    let text = plan(&declared(), observed).to_string();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/stack/kafka/topics/golden");
    let path = folder.join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(text == kept, "{} is no more what it was; it is now:\n{text}", path.display());
}

#[test]
fn the_file_declares_the_topics_that_agents_and_manager_use() {
    let names: Vec<_> = declared().topics.into_iter().map(|topic| topic.name).collect();
    assert_eq!(names, [TOPIC_READINGS, TOPIC_HEALTH, TOPIC_EVENTS]);
}

#[test]
fn three_replicas_where_there_are_three_brokers_else_as_many_as_there_are() {
    let replication = declared().replication;
    let rule = |brokers| {
        let replicas = replication.replicas(brokers);
        (replicas, replication.in_sync(replicas))
    };
    assert_eq!([1, 2, 3, 7].map(rule), [(1, 1), (2, 1), (3, 2), (3, 2)]);
}

#[test]
fn an_empty_cluster_gets_every_topic_with_all_its_settings() {
    golden("first.txt", &Observed { brokers: 3, ..Observed::default() });
    golden("alone.txt", &Observed { brokers: 1, ..Observed::default() });
}

#[test]
fn a_cluster_as_declared_has_nothing_to_do_whatever_its_size() {
    for brokers in 1..5 {
        assert_eq!(plan(&declared(), &settled(brokers)), Plan::default(), "{brokers} brokers");
    }
    golden("nothing.txt", &settled(3));
}

#[test]
fn a_setting_that_differs_changes_and_what_others_set_stays_and_is_said() {
    let mut observed = settled(3);
    let topic = readings(&mut observed);
    topic.settings.insert("retention.ms".into(), "604800000".into());
    topic.settings.insert("flush.messages".into(), "1".into());
    topic.settings.remove("message.timestamp.type");
    let planned = plan(&declared(), &observed);
    let [Step::Alter { whole, .. }] = planned.steps.as_slice() else { panic!("{planned}") };
    assert_eq!(whole.get("flush.messages").map(String::as_str), Some("1"), "altering must not reset it");
    golden("changed.txt", &observed);
}

#[test]
fn partitions_that_differ_and_replicas_too_many_are_refused_with_a_way_out() {
    let mut observed = settled(3);
    readings(&mut observed).partitions.truncate(3);
    for partition in &mut observed.topics.get_mut(TOPIC_HEALTH).unwrap().partitions {
        partition.replicas = 5;
    }
    golden("refused.txt", &observed);
}

#[test]
fn a_rack_that_grew_or_shrank_keeps_its_replicas_and_the_in_sync_rule_that_fits_them() {
    let mut grown = settled(1);
    grown.brokers = 3;
    golden("grown.txt", &grown);
    let mut shrunk = settled(3);
    shrunk.brokers = 2;
    golden("away.txt", &shrunk);
    // Two in sync of one replica would stop every write.
    readings(&mut grown).settings.insert("min.insync.replicas".into(), "2".into());
    let planned = plan(&declared(), &grown);
    let [Step::Alter { changes, .. }] = planned.steps.as_slice() else { panic!("{planned}") };
    assert_eq!(changes[0].to_string(), "min.insync.replicas: 2 -> 1");
}

#[test]
fn a_partition_without_a_leader_and_a_topic_that_is_missing_are_named() {
    let mut observed = settled(3);
    assert!(leaderless(&declared(), &observed).is_empty());
    readings(&mut observed).partitions[4].led = false;
    observed.topics.remove(TOPIC_EVENTS);
    assert_eq!(leaderless(&declared(), &observed), ["rack.readings 4", "rack.events"]);
}

#[test]
fn another_retention_holds_for_every_topic_and_never_leaves_a_segment_open_longer() {
    for (hours, retention, segment) in [(1, "3600000", "3600000"), (72, "259200000", "21600000")] {
        for topic in declared().keeping(Duration::from_secs(hours * 3600)).topics {
            assert_eq!(topic.settings["retention.ms"], retention);
            assert_eq!(topic.settings["segment.ms"], segment);
        }
    }
}

#[test]
fn a_file_that_is_wrong_is_refused_with_the_reason() {
    let topic = "[[topic]]\nname = \"rack.readings\"\npartitions = 16\n";
    let settings = "[settings]\n\"retention.ms\" = 100\n\"segment.ms\" = 10\n";
    let head = format!("[replication]\nmost = 3\nspare = 1\n{settings}");
    let whole = format!("{head}{topic}");
    assert!(Declared::parse(&whole).is_ok());
    let cases = [
        (whole.replace("most = 3", "most = 0"), "most = 0"),
        (whole.replace("spare = 1", "spare = 3"), "spare fewer"),
        (whole.replace("rack.readings", "readings"), "no topic of the rack"),
        (whole.replace("rack.readings", "rack.a b"), "no topic of the rack"),
        (whole.replace("= 16", "= 0"), "partitions = 0"),
        (whole.replace("= 16", "= 100000"), "partitions = 100000"),
        (format!("{whole}{topic}"), "twice"),
        (head.clone(), "no topic is declared"),
        (whole.replace("= 100", "= 5"), "do not fit"),
        (whole.replace("= 100", "= -1"), "do not fit"),
        (whole.replace("= 100", "= 1.5"), "retention.ms is a float"),
        (whole.replace("\"segment.ms\" = 10", ""), "do not fit"),
        (whole.replace("retention.ms", "Retention"), "no setting"),
        (format!("{whole}settings = {{ \"min.insync.replicas\" = 2 }}"), "replication.spare"),
    ];
    for (text, complaint) in cases {
        let error = Declared::parse(&text).expect_err(&text).to_string();
        assert!(error.contains(complaint), "{error} does not say {complaint:?}");
    }
    for text in [whole.replace("spare", "spares"), whole.replace("= 3", "= \"3\""), "[".to_owned()] {
        assert!(matches!(Declared::parse(&text), Err(DeclaredError::Shape(_))), "{text}");
    }
}
