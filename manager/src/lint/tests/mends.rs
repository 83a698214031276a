//! Every rule's near miss: its file with the least that heeds its remedy, of which lint has nothing more to say.

use super::super::{lint, rules};
use super::fixture;

const LINE: &str = "    image: registry.local:5000/web:1.4.2\n";

/// A fixture, and what to write there instead of what: one edit, but where its file breaks the rule several times.
type Mend = (&'static str, &'static [(&'static str, &'static str)]);

const MENDS: &[Mend] = &[
    ("SL001", &[("    mem_limit: 128m\n    profiles: [debug]\n", "    x-profiles: [debug]\n")]),
    ("SL002", &[("    build: ./web\n", "    x-build: ./web\n")]),
    ("SL003", &[("    depends_on: [database]\n", "    labels: [needs=database]\n")]),
    ("SL004", &[("    depends_on:\n", "    labels:\n"), ("{condition: service_healthy}", "needed")]),
    (
        "SL005",
        &[
            ("    restart: always\n", ""),
            ("    deploy:\n", "    deploy:\n      restart_policy: {condition: any}\n"),
        ],
    ),
    (
        "SL006",
        &[
            ("    network_mode: host\n", "    networks: [host]\n"),
            ("services:", "networks: {host: {external: true}}\nservices:"),
        ],
    ),
    ("SL007", &[("    devices: [/dev/i2c-1]\n    privileged: true\n", "    read_only: true\n")]),
    ("SL008", &[("    links: [database]\n", "    networks: [default]\n")]),
    (
        "SL009",
        &[(
            "    container_name: web\n    expose: [8080]\n    userns_mode: host\n    cgroup_parent: racks\n",
            "    hostname: web\n",
        )],
    ),
    ("SL010", &[("    cap_add: [NET_ADMIN]\n", "    sysctls: {net.core.somaxconn: 1024}\n")]),
    ("SL011", &[("\"80\"", "80")]),
    (
        "SL012",
        &[(
            "services:",
            "volumes: {pages: {driver: nfs}}\nnetworks: {front: }\nsecrets: {token: {external: true}}\nservices:",
        )],
    ),
    ("SL013", &[("VERBOSE: true", "VERBOSE: \"true\""), ("cpus: 0.5", "cpus: \"0.5\"")]),
    (
        "SL014",
        &[("globel", "global"), ("stopfirst", "stop-first"), ("rolback", "rollback"), ("allways", "any")],
    ),
    ("SL015", &[("2.4", "3.8")]),
    ("SL020", &[("  web:\n", "  web:\n    image: registry.local:5000/web:1.4.2\n")]),
    ("SL021", &[("apach/kafka", "apache/kafka")]),
    (
        "SL022",
        &[
            ("web:latest", "web:1.4"),
            ("worker\n", "worker@sha256:0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0\n"),
        ],
    ),
    ("SL023", &[("cassandra:5.0.4", "cassandra:5.0.9")]),
    ("SL024", &[("bitnami/", "bitnamilegacy/")]),
    (
        "SL030",
        &[(
            LINE,
            "    image: registry.local:5000/web:1.4.2\n    deploy: {resources: {limits: {memory: 64M}}}\n",
        )],
    ),
    ("SL031", &[("max_attempts: 3", "max_attempts: 0")]),
    ("SL032", &[("      replicas: 3\n", "")]),
    ("SL033", &[("node.role == manager, node.hostname == m4", "node.role == worker, node.hostname == w4")]),
    (
        "SL034",
        &[(
            "node.labels.board = b1, board == b1, node.role",
            "node.labels.board==b1, node.role != manager, engine.labels.os == linux",
        )],
    ),
    (
        "SL035",
        &[("reservations: {memory: 128M}", "reservations: {memory: 64M}"), ("cpus: \"1\"", "cpus: \"0.5\"")],
    ),
    ("SL040", &[("./pages", "/srv/pages")]),
    ("SL041", &[("~/pages:/srv, ~", "/home/pages:/srv")]),
    ("SL042", &[("    deploy:\n", "    deploy:\n      placement: {constraints: [node.hostname == a1]}\n")]),
    ("SL043", &[("    file: pages.conf", "    name: pages-${VERSION}\n    file: pages.conf")]),
    ("SL050", &[("      replicas: 2\n", "      replicas: 2\n      placement: {max_replicas_per_node: 1}\n")]),
    ("SL051", &[("start-first", "stop-first")]),
    ("SL052", &[("80:90931", "80:9093")]),
    ("SL053", &[("driver: bridge", "driver: overlay")]),
    ("SL054", &[("  host:\n", "  host: {external: true}\n")]),
    ("SL055", &[("\"80:8080\"", "{target: 8080, published: 80, mode: host}")]),
    ("SL056", &[("published: 80}", "published: 80, protocol: udp}")]),
    ("SL057", &[("127.0.0.1:", ""), ("[::1]:", "")]),
    ("SL060", &[("  KAFKA_LOG_DIRS", "  KAFKA_HEAP_OPTS: -Xmx512m\n  KAFKA_LOG_DIRS")]),
    ("SL061", &[("-Xms1g -Xmx1g", "-Xms960m -Xmx960m")]),
    ("SL062", &[("  MAX_HEAP_SIZE: 1536M\n", "  MAX_HEAP_SIZE: 1536M\n  HEAP_NEWSIZE: 384M\n")]),
    ("SL070", &[("replicas: 2", "replicas: 1")]),
    (
        "SL071",
        &[(
            "RACK://10.0.0.13:9092\n    deploy",
            "RACK://10.0.0.13:9092\n    volumes: [/srv/kafka:/var/lib/kafka]\n    deploy",
        )],
    ),
    ("SL072", &[("10.0.0.13\n    volumes: [cassandra-b2:", "10.0.0.13\n    volumes: [cassandra-b3:")]),
    ("SL073", &[("    driver: overlay", "    external: true\n    name: host")]),
    ("SL074", &[("20s", "60s")]),
    ("SL075", &[("interval: 10s, retries: 3", "interval: 10s, retries: 3, start_period: 150s")]),
    ("SL076", &[("start-first", "stop-first")]),
    (
        "SL077",
        &[(
            "[cassandra-b3:/var/lib/cassandra]\n    deploy:\n",
            "[cassandra-b3:/var/lib/cassandra]\n    deploy:\n      placement: {constraints: [node.labels.board == b3]}\n",
        )],
    ),
    (
        "SL101",
        &[(
            "      KAFKA_LISTENERS: RACK://10.0.0.13",
            "      KAFKA_NODE_ID: 3\n      KAFKA_LISTENERS: RACK://10.0.0.13",
        )],
    ),
    (
        "SL102",
        &[(
            "KAFKA_NODE_ID: 2\n      KAFKA_LISTENERS: RACK://10.0.0.13",
            "KAFKA_NODE_ID: 3\n      KAFKA_LISTENERS: RACK://10.0.0.13",
        )],
    ),
    ("SL103", &[("broker,leader", "broker,controller")]),
    ("SL104", &[("apache/kafka:4.1.2", "apache/kafka:3.9.1")]),
    ("SL105", &[("9093@", "9093,")]),
    (
        "SL106",
        &[(
            "  KAFKA_LOG_DIRS",
            "  KAFKA_CONTROLLER_QUORUM_BOOTSTRAP_SERVERS: 10.0.0.11:9093,10.0.0.12:9093\n  KAFKA_LOG_DIRS",
        )],
    ),
    ("SL107", &[("10.0.0.31", "10.0.0.11")]),
    ("SL108", &[("4@10.0.0.13", "3@10.0.0.13")]),
    ("SL109", &[(",24@10.0.0.24:9093", "")]),
    ("SL110", &[("  KAFKA_LOG_DIRS", "  CLUSTER_ID: 8FqYkA3nSGq0t2Zr7LbW5g\n  KAFKA_LOG_DIRS")]),
    ("SL111", &[("2mWkUu9oQbK7xY1cD4eR6A", "8FqYkA3nSGq0t2Zr7LbW5g")]),
    ("SL112", &[("desk-kafka", "8FqYkA3nSGq0t2Zr7LbW5g")]),
    (
        "SL113",
        &[(
            "KAFKA_LISTENERS: RACK://10.0.0.13:9092\n",
            "KAFKA_LISTENERS: RACK://10.0.0.13:9092,CONTROLLER://:9093\n",
        )],
    ),
    ("SL114", &[("RACK://:9092", "RACK://10.0.0.13:9092")]),
    ("SL115", &[("localhost", "10.0.0.13")]),
    ("SL116", &[("RACK://:9092,CONTROLLER://:9093", "RACK://10.0.0.13:9092,CONTROLLER://10.0.0.13:9093")]),
    ("SL117", &[(",GUEST://10.0.0.13:9094", "")]),
    (
        "SL118",
        &[("RACK://10.0.0.12:9092\n    volumes: [kafka-b3", "RACK://10.0.0.12:9192\n    volumes: [kafka-b3")],
    ),
    ("SL119", &[("  KAFKA_LOG_DIRS", "  KAFKA_INTER_BROKER_LISTENER_NAME: RACK\n  KAFKA_LOG_DIRS")]),
    ("SL120", &[("CONTROLLER:PLAINTEXT", "RACK:PLAINTEXT,CONTROLLER:PLAINTEXT")]),
    ("SL121", &[("REPLICATION_FACTOR: 4", "REPLICATION_FACTOR: 3")]),
    (
        "SL122",
        &[(
            "      - KAFKA_HEAP_OPTS",
            "      - KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR=1\n      - KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR=1\n      - KAFKA_HEAP_OPTS",
        )],
    ),
    ("SL123", &[("MIN_INSYNC_REPLICAS: 4", "MIN_INSYNC_REPLICAS: 3")]),
    ("SL124", &[("REPLICATION_FACTOR: 1", "REPLICATION_FACTOR: 2")]),
    (
        "SL201",
        &[(
            "  CASSANDRA_CLUSTER_NAME: desk\n",
            "  CASSANDRA_CLUSTER_NAME: desk\n  CASSANDRA_SEEDS: 10.0.0.13\n",
        )],
    ),
    ("SL202", &[("SEEDS: 10.0.0.12", "SEEDS: 10.0.0.11"), ("SEEDS: 10.0.0.13", "SEEDS: 10.0.0.11")]),
    ("SL203", &[("Desk", "desk")]),
    (
        "SL204",
        &[(
            "  CASSANDRA_DC: desk\n",
            "  CASSANDRA_DC: desk\n  CASSANDRA_ENDPOINT_SNITCH: PropertyFileSnitch\n",
        )],
    ),
    ("SL205", &[(": PropertyFileSnitch\n", ": GossipingPropertyFileSnitch\n")]),
    ("SL206", &[("127.0.0.1", "10.0.0.13")]),
    ("SL207", &[("      CASSANDRA_BROADCAST_ADDRESS: 10.0.0.11\n", "")]),
    ("SL208", &[("256", "16")]),
    ("SL209", &[("10.0.0.12\n    volumes: [cassandra-b3", "10.0.0.13\n    volumes: [cassandra-b3")]),
    ("SL210", &[("10.0.0.78", "10.0.0.13")]),
    ("SL301", &[("backend", "desk")]),
    ("SL302", &[("3.11", "4.0")]),
    ("SL303", &[("cassandra:5.0.9", "cassandra:4.0.18")]),
    ("SL304", &[("CLUSTER_SEED", "SEED")]),
    ("SL305", &[("DEVELOPER_MODE=true", "DEVELOPER_MODE=false")]),
    ("SL306", &[("      - CLUSTER_NAME=desk\n", "      - CLUSTER_NAME=desk\n      - SIMPLE_SNITCH=1\n")]),
    ("SL307", &[("ENABLE_AUTH=false", "ENABLE_AUTH=")]),
    (
        "SL308",
        &[(
            "    image: stargateio/graphqlapi:v2.0.52\n",
            "    image: stargateio/graphqlapi:v2.0.52\n    environment: {QUARKUS_GRPC_CLIENTS_BRIDGE_HOST: 10.0.0.12}\n",
        )],
    ),
    ("SL309", &[("10.0.0.99", "10.0.0.11")]),
    (
        "SL310",
        &[(
            "[node.hostname == w1]}\n      resources: {limits: {memory: 1536M}}",
            "[node.hostname == w2]}\n      resources: {limits: {memory: 1536M}}",
        )],
    ),
    ("SL311", &[("DATACENTER_NAME=dc1", "DATACENTER_NAME=desk")]),
];

#[test]
fn a_file_that_heeds_a_rules_remedy_breaks_it_no_more() {
    let mut wrong = Vec::new();
    for (name, edits) in MENDS {
        let mut text = fixture(name);
        for (from, to) in *edits {
            if !text.contains(from) {
                wrong.push(format!("{name} has no {from:?}"));
            }
            text = text.replace(from, to);
        }
        let found = lint(&text).unwrap();
        if !found.is_empty() || edits.is_empty() {
            wrong.push(format!(
                "{name}: {:?}",
                found.iter().map(|f| (f.code, &f.message)).collect::<Vec<_>>()
            ));
        }
    }
    for rule in rules::all().filter(|rule| !MENDS.iter().any(|(name, _)| *name == rule.code)) {
        wrong.push(format!("{} has no near miss", rule.code));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
