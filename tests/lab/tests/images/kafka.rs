//! Kafka's contract.

use std::collections::BTreeSet;
use std::time::Duration;

use pirack_lab::{Board, Outcome, images};

use crate::container::{Container, Run};
use crate::{contract, get, listening, only_its_ports};

const LIMIT: Duration = Duration::from_secs(180);
/// The first letter is one that options have.
const CLUSTER: &str = "-irackpirackpirackpira";

/// One of each variable of the contract's table; addresses are the board's.
fn everything(address: &str) -> Vec<(&'static str, String)> {
    let text = |text: &str| text.to_owned();
    vec![
        ("KAFKA_NODE_ID", text("7")),
        ("KAFKA_PROCESS_ROLES", text("broker,controller")),
        (
            "KAFKA_LISTENERS",
            format!("RACK://{address}:9092,CONTROLLER://{address}:9093,GUEST://{address}:9094"),
        ),
        ("KAFKA_ADVERTISED_LISTENERS", format!("RACK://{address}:9092,GUEST://{address}:9094")),
        ("KAFKA_LISTENER_SECURITY_PROTOCOL_MAP", text("RACK:PLAINTEXT,CONTROLLER:PLAINTEXT,GUEST:PLAINTEXT")),
        ("KAFKA_INTER_BROKER_LISTENER_NAME", text("RACK")),
        ("KAFKA_CONTROLLER_LISTENER_NAMES", text("CONTROLLER")),
        ("KAFKA_CONTROLLER_QUORUM_VOTERS", format!("7@{address}:9093")),
        ("KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR", text("1")),
        ("KAFKA_NUM_PARTITIONS", text("5")),
        ("CLUSTER_ID", text(CLUSTER)),
        ("KAFKA_HEAP_OPTS", text("-Xms200m -Xmx300m")),
        (
            "KAFKA_OPTS",
            text(
                "-javaagent:/opt/exporter/jmx_prometheus_javaagent.jar=8080:/opt/exporter/kafka.yaml -Dseen=opts",
            ),
        ),
        ("KAFKA_JVM_PERFORMANCE_OPTS", text("-XX:+UseSerialGC")),
        ("KAFKA_GC_LOG_OPTS", text("-Xlog:gc:file=/tmp/gc.log")),
        ("KAFKA_JMX_PORT", text("9999")),
        ("KAFKA_JMX_HOSTNAME", text("127.0.0.1")),
        (
            "KAFKA_JMX_OPTS",
            text(
                "-Dcom.sun.management.jmxremote.authenticate=false -Dcom.sun.management.jmxremote.ssl=false -Dseen=jmx",
            ),
        ),
        ("KAFKA_LOG4J_ROOT_LOGLEVEL", text("WARN")),
        (
            "KAFKA_LOG4J_LOGGERS",
            text("kafka.server.KafkaRaftServer=INFO,org.apache.kafka.common.utils.AppInfoParser=INFO"),
        ),
        ("KAFKA_TOOLS_LOG4J_LOGLEVEL", text("INFO")),
    ]
}

fn start(board: &Board, variables: &[(&str, String)], volume: Option<&str>) -> Container {
    let image = images::reference("kafka").unwrap();
    let variables: Vec<(&str, &str)> =
        variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let volume = volume.map(|name| (name, "/var/lib/kafka/data"));
    Container::start(board, &Run { image: &image, variables: &variables, memory: 1280, volume })
}

pub fn alone(board: &Board) -> Outcome {
    let before = listening(board);
    let kafka = start(board, &[], None);
    let first = kafka.check();
    assert_ne!(first.status, 0, "healthy before it could be: {}", first.text);
    kafka.healthy(LIMIT);
    assert!(kafka.command_line().contains("-Xmx512m"), "{}", kafka.command_line());
    only_its_ports(board, "kafka", &before, &[]);
    assert!(get(board, 8080, "/metrics").contains("kafka_replica_underreplicatedpartitions 0.0"));
    let topics = kafka.exec(&["kafka-topics.sh", "--bootstrap-server", "localhost:9092", "--list"]);
    assert_eq!(topics.status, 0, "{}", topics.text);
    assert_eq!(kafka.exec(&["id", "-u"]).text.trim(), "1000");
    Ok(())
}

pub fn variables(board: &Board) -> Outcome {
    let address = board.address().to_string();
    let variables = everything(&address);
    let listed = contract("kafka/CONTRACT.md");
    // A log4j configuration of one's own stands in for two of these: a container of its own shows it.
    let others = of_a_controller(&address);
    let shown: BTreeSet<String> =
        variables.iter().chain(&others).map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(listed.difference(&shown).collect::<Vec<_>>(), Vec::<&String>::new(), "listed and not shown");

    let before = listening(board);
    let kafka = start(board, &variables, None);
    kafka.healthy(LIMIT);
    let line = kafka.command_line();
    for part in ["-Xms200m -Xmx300m", "-Dseen=opts", "-XX:+UseSerialGC", "-Dseen=jmx", "jmxremote.port=9999"]
    {
        assert!(line.contains(part), "{part} is not in {line}");
    }
    assert!(line.contains("-Djava.rmi.server.hostname=127.0.0.1"), "{line}");
    assert!(!line.contains("UseG1GC") && line.matches("-javaagent").count() == 1, "{line}");
    assert!(!kafka.file("/tmp/gc.log").is_empty());
    // Java itself opens one more port, by chance and for the board alone, where remote JMX is asked for.
    let opened: BTreeSet<u16> = listening(board).difference(&before).copied().collect();
    assert!(opened.is_superset(&BTreeSet::from([8080, 9092, 9093, 9094, 9999])), "{opened:?}");
    assert!(get(board, 8080, "/metrics").contains("kafka_controller_activecontrollercount 1.0"));

    let tool = |words: &str| {
        let server = format!("--bootstrap-server {address}:9094 {words}");
        let words: Vec<&str> = server.split(' ').collect();
        let name = if words[2] == "--describe" && words[3] == "--entity-type" {
            "kafka-configs.sh"
        } else {
            "kafka-topics.sh"
        };
        let said = kafka.exec(&[&[name], &words[..]].concat());
        assert_eq!(said.status, 0, "{name}: {}", said.text);
        said.text
    };
    // Of the broker's own mouth, through the guests' door: what its properties came to.
    let told = tool("--describe --entity-type brokers --entity-name 7 --all");
    for part in [
        "num.partitions=5",
        &format!("advertised.listeners=RACK://{address}:9092,GUEST://{address}:9094"),
        "controller.listener.names=CONTROLLER",
        &format!("controller.quorum.voters=7@{address}:9093"),
        "process.roles=broker,controller",
    ] {
        assert!(told.contains(part), "{part} is not in {told}");
    }
    // The tools' own log, at the level asked for.
    assert!(told.contains("INFO"), "KAFKA_TOOLS_LOG4J_LOGLEVEL has no effect: {told}");
    tool("--create --topic five");
    assert!(tool("--describe --topic five").contains("PartitionCount: 5"));
    assert!(kafka.file("/var/lib/kafka/data/meta.properties").contains(CLUSTER));

    // What formats the data folder is a tool, and as loud as tools are.
    let log = kafka.logs();
    let (_, log) = log.split_once("Formatting metadata directory").unwrap();
    let loud = log
        .lines()
        .filter(|line| line.contains("] INFO "))
        .find(|line| !line.contains("KafkaRaftServer") && !line.contains("AppInfoParser"));
    assert_eq!(loud, None, "KAFKA_LOG4J_ROOT_LOGLEVEL is WARN");
    let status = kafka.stop(60);
    assert_eq!(status, 143, "{}", kafka.logs());
    assert!(kafka.logs().contains("App info kafka.server for 7 unregistered"), "{}", kafka.logs());
    Ok(())
}

pub fn as_the_official_image(board: &Board) -> Outcome {
    // Kafka's own jar has what the official image reads its environment with.
    let script = "mkdir -p /tmp/default /tmp/mounted /tmp/final && \
        for f in server.properties log4j2.yaml tools-log4j2.yaml; do : >/tmp/default/$f; done; \
        java -cp '/opt/kafka/libs/*' kafka.docker.KafkaDockerWrapper setup --default-configs-dir /tmp/default \
        --mounted-configs-dir /tmp/mounted --final-configs-dir /tmp/final >/tmp/said 2>&1; cat /tmp/final/server.properties";
    let odd = [
        ("KAFKA_LOG_CLEANER_DEDUPE_BUFFER_SIZE", "16777216"),
        ("KAFKA_SASL_MECHANISM_INTER___BROKER__PROTOCOL", "a=b c,d"),
        ("KAFKA_A__B_C___D", "x"),
        ("KAFKA_HEAP_OPTS", "-Xmx200m"),
    ];
    let address = board.address().to_string();
    let mut variables = everything(&address);
    // The official image would write this one down as a property; the exporter's port would be taken.
    variables.retain(|(name, _)| !["KAFKA_JMX_PORT", "KAFKA_OPTS", "KAFKA_HEAP_OPTS"].contains(name));
    variables.extend(odd.map(|(name, value)| (name, value.to_owned())));
    // The guests' door comes first and asks who is there: the health check takes the one between brokers.
    let guarded = [
        (
            "KAFKA_LISTENERS",
            format!("GUEST://{address}:9094,RACK://{address}:9092,CONTROLLER://{address}:9093"),
        ),
        (
            "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP",
            "GUEST:SASL_PLAINTEXT,RACK:PLAINTEXT,CONTROLLER:PLAINTEXT".to_owned(),
        ),
        ("KAFKA_LISTENER_NAME_GUEST_SASL_ENABLED_MECHANISMS", "PLAIN".to_owned()),
        (
            "KAFKA_LISTENER_NAME_GUEST_PLAIN_SASL_JAAS_CONFIG",
            "org.apache.kafka.common.security.plain.PlainLoginModule required user_visitor=\"open sesame\";"
                .to_owned(),
        ),
    ];
    variables.retain(|(name, _)| guarded.iter().all(|(other, _)| name != other));
    variables.extend(guarded);
    let kafka = start(board, &variables, None);
    kafka.healthy(LIMIT);
    let properties = |text: &str| -> BTreeSet<String> {
        text.lines().map(str::trim).filter(|line| line.contains('=')).map(str::to_owned).collect()
    };
    let mut own = properties(&kafka.file("/opt/kafka/config/server.properties"));
    let theirs = kafka.exec(&["bash", "-c", script]);
    assert!(own.remove("log.dirs=/var/lib/kafka/data"), "the volume is the default: {own:?}");
    assert!(own.contains("a_b.c-d=x"), "{own:?}");
    assert_eq!(own, properties(&theirs.text), "{}", kafka.exec(&["cat", "/tmp/said"]).text);
    Ok(())
}

pub fn foreign_volume(board: &Board) -> Outcome {
    let variables = [("CLUSTER_ID", CLUSTER.to_owned())];
    let first = start(board, &variables, Some("foreign"));
    first.healthy(LIMIT);
    let status = first.stop(60);
    assert_eq!(status, 143);
    drop(first);
    let refused = |variables: &[(&str, String)], letter: &str| {
        let kafka = start(board, variables, Some("foreign"));
        assert_eq!(kafka.ended(LIMIT), 78, "{}", kafka.logs());
        assert!(kafka.logs().contains(letter), "{}", kafka.logs());
    };
    refused(
        &[("CLUSTER_ID", "anotheranotheranothera".to_owned())],
        "belongs to cluster -irackpirackpirackpira",
    );
    let mut other = everything("127.0.0.1");
    other.retain(|(name, _)| *name != "KAFKA_NODE_ID");
    refused(&other, "KAFKA_NODE_ID is not set");
    other.push(("KAFKA_NODE_ID", "8".to_owned()));
    refused(&other, "belongs to node 1, and KAFKA_NODE_ID is 8");
    Ok(())
}

/// The same for a controller that is no broker; its log is as log4j itself has it where nobody configured it.
fn of_a_controller(address: &str) -> Vec<(&'static str, String)> {
    let gone = [
        "KAFKA_ADVERTISED_LISTENERS",
        "KAFKA_LISTENERS",
        "KAFKA_PROCESS_ROLES",
        "KAFKA_INTER_BROKER_LISTENER_NAME",
    ];
    let mut variables = everything(address);
    variables.retain(|(name, _)| !gone.contains(name));
    variables.push(("KAFKA_PROCESS_ROLES", "controller".to_owned()));
    variables.push(("KAFKA_LISTENERS", format!("CONTROLLER://{address}:9093")));
    variables.push(("KAFKA_LOG4J_OPTS", "-Dlog4j2.level=INFO -Dseen=log4j".to_owned()));
    variables
}

pub fn controller(board: &Board) -> Outcome {
    let address = board.address().to_string();
    let kafka = start(board, &of_a_controller(&address), None);
    kafka.healthy(LIMIT);
    let line = kafka.command_line();
    assert!(line.contains("-Dseen=log4j") && !line.contains("log4j2.configurationFile"), "{line}");
    let status = kafka.stop(60);
    let log = kafka.logs();
    assert_eq!(status, 143, "{log}");
    // KAFKA_LOG4J_ROOT_LOGLEVEL is WARN, and has no say any more; nor has the image's own pattern.
    assert!(log.contains(" INFO  kafka.server.ControllerServer - "), "{log}");
    Ok(())
}
