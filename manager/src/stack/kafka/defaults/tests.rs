//! What brokers are told, to the letter. `UPDATE_GOLDEN=1` writes it anew; read the difference then.

use std::path::Path;

use super::*;
use crate::stack::kafka::topics::Declared;

fn golden(brokers: usize) {
    let defaults = Defaults::built_in().unwrap();
    let all = defaults.variables(brokers).into_iter().chain(defaults.places(Part::Both, "10.77.0.11"));
    let text: String = all.map(|(name, value)| format!("{name}={value}\n")).collect();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/stack/kafka/defaults/golden");
    let path = folder.join(format!("{brokers}.txt"));
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(text == kept, "{} is no more what it was; it is now:\n{text}", path.display());
}

fn said(text: &str) -> Result<Defaults, DefaultsError> {
    Defaults::with(&toml::from_str(text)?)
}

#[test]
fn brokers_of_racks_of_one_two_three_and_five_are_told_this() {
    for brokers in [1, 2, 3, 5] {
        golden(brokers);
    }
}

#[test]
fn guests_topics_are_kept_as_often_as_the_racks_own() {
    assert_eq!(Defaults::built_in().unwrap().replication(), Declared::built_in().unwrap().replication);
}

#[test]
fn one_broker_and_two_can_make_every_topic_of_kafkas_own() {
    for brokers in [1_usize, 2] {
        let variables = Defaults::built_in().unwrap().variables(brokers);
        let numbers = |end: &str| -> Vec<usize> {
            let named = variables.iter().filter(|(name, _)| name.ends_with(end));
            named.map(|(_, value)| value.parse().unwrap()).collect()
        };
        assert_eq!(numbers("_REPLICATION_FACTOR"), [brokers; 4]);
        assert_eq!([numbers("_MIN_ISR"), numbers("_INSYNC_REPLICAS")].concat(), [1; 3]);
    }
}

#[test]
fn whatever_a_rack_says_goes_before_the_defaults_and_the_rest_stays() {
    let text = "[properties]\n\"num.partitions\" = 4\n\"log.cleaner.threads\" = \"2\"\n\
        [replication]\nmost = 5\n[listeners]\nGUEST = { port = 19094 }\n";
    let defaults = said(text).unwrap();
    let mut variables = defaults.variables(5);
    variables.extend(defaults.places(Part::Both, "b1"));
    for (name, value) in [
        ("KAFKA_NUM_PARTITIONS", "4"),
        ("KAFKA_LOG_CLEANER_THREADS", "2"),
        ("KAFKA_DEFAULT_REPLICATION_FACTOR", "5"),
        ("KAFKA_MIN_INSYNC_REPLICAS", "4"),
        ("KAFKA_COMPRESSION_TYPE", "lz4"),
        ("KAFKA_LISTENERS", "RACK://b1:9092,CONTROLLER://b1:9093,GUEST://b1:19094"),
        ("KAFKA_ADVERTISED_LISTENERS", "RACK://b1:9092,GUEST://b1:19094"),
    ] {
        assert_eq!(variables[name], value, "{name}");
    }
    assert_eq!(defaults.voters([(1, "b1"), (3, "b3")]), "1@b1:9093,3@b3:9093");
}

#[test]
fn a_property_becomes_the_variable_that_both_images_read_it_from() {
    assert_eq!(variable("log.retention.hours"), "KAFKA_LOG_RETENTION_HOURS");
    assert_eq!(variable("a_b.c-d"), "KAFKA_A__B_C___D");
}

#[test]
fn settings_that_are_wrong_are_refused_with_a_letter() {
    let cases = [
        ("[replication]\nmost = 0", "most = 0"),
        ("[replication]\nspare = 3", "spare fewer"),
        ("[listeners]\nGUEST = { security = \"sasl_ssl\" }", "only plaintext is built"),
        ("[listeners]\nVISITOR = { port = 1, security = \"plaintext\" }", "no listener VISITOR"),
        ("[listeners]\nGUEST = { port = 9092 }", "RACK and GUEST are both on port 9092"),
        ("[listeners]\nRACK = { port = 0 }", "RACK has no port"),
        ("[properties]\n\"min.insync.replicas\" = 2", "replication.spare instead"),
        ("[properties]\n\"default.replication.factor\" = 1", "number of brokers"),
        ("[properties]\n\"advertised.listeners\" = \"RACK://x:1\"", "listeners.NAME.port instead"),
        ("[properties]\n\"num partitions\" = 2", "no server property"),
        ("[properties]\n\"num.partitions\" = [2]", "of the kind array"),
    ];
    for (text, complaint) in cases {
        let error = said(text).expect_err(text).to_string();
        assert!(error.contains(complaint), "{error} does not say {complaint:?}");
    }
    for text in ["[replication]\nleast = 1", "[listener]\n", "[listeners]\nRACK = { port = \"9092\" }", "["] {
        assert!(matches!(said(text), Err(DefaultsError::Shape(_))), "{text}");
    }
}

#[test]
fn what_pirack_decides_no_rack_sets_and_every_mistake_is_told_at_its_own_key() {
    for name in [
        "log.dirs",
        "log.dir",
        "metadata.log.dir",
        "broker.id",
        "node.id",
        "broker.rack",
        "process.roles",
        "controller.quorum.voters",
        "controller.quorum.bootstrap.servers",
        "zookeeper.connect",
        "cluster.id",
    ] {
        let text =
            format!("[properties]\n\"{name}\" = \"1\"\n\"BAD\" = 2\n[listeners]\nFOO = {{ port = 1 }}");
        let Err(DefaultsError::Wrong(mistakes)) = said(&text) else { panic!("{name} passed") };
        let at: Vec<_> = mistakes.iter().map(|mistake| mistake.at.join(" ")).collect();
        assert_eq!(
            at,
            [format!("properties {name}"), "listeners FOO".to_owned(), "properties BAD".to_owned()]
        );
    }
    // Settings of the same beginning that are anybody's.
    said("[properties]\n\"log.dir.failure.timeout.ms\" = 1\n\"broker.heartbeat.interval.ms\" = 1").unwrap();
}
