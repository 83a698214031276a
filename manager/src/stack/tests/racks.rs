//! Racks made by hand, as the file would make them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::time::Duration;

use uuid::Uuid;

use crate::rack::identity::settle;
use crate::rack::{
    Access, Agent, App, Board, Bytes, Cassandra, CassandraVersion, Identity, Kafka, Network, Rack, Role,
    SshAccess, Stargate,
};
use crate::stack::kafka::defaults::Defaults;
use crate::stack::memory::Memory;

/// A board at 10.77.0.NUMBER with these roles; each three boards in a row share a place.
pub(crate) fn board(name: &str, number: u8, roles: &[Role]) -> Board {
    Board {
        name: name.parse().unwrap(),
        address: Ipv4Addr::new(10, 77, 0, number),
        roles: roles.iter().copied().collect(),
        access: Access::Local,
        memory: Some(Bytes::mebibytes(8192)),
        data_disk: None,
        place: format!("plug-{}", number % 3 + 1),
        labels: BTreeMap::new(),
        sensors: vec![],
    }
}

/// A rack of these boards, and nothing on it yet.
pub(crate) fn bare(boards: Vec<Board>) -> Rack {
    Rack {
        name: "desk".parse().unwrap(),
        boards,
        ssh: SshAccess {
            user: "pi".to_owned(),
            port: 22,
            identity: None,
            known_hosts: None,
            host_keys: vec![],
        },
        network: Network {
            mtu: 1500,
            clock_offset: Duration::from_millis(500),
            addresses_reserved: false,
            insecure_registries: vec![],
        },
        agent: Agent {
            enabled: true,
            packages: None,
            interval: Duration::from_secs(10),
            queue: Bytes::mebibytes(512),
        },
        kafka: None,
        cassandra: None,
        stargate: None,
        apps: vec![],
    }
}

/// Kafka on these boards; the first three of them vote, or the first alone.
pub(crate) fn kafka(brokers: &[&str]) -> Kafka {
    let brokers: Vec<_> = brokers.iter().map(|name| name.parse().unwrap()).collect();
    let voters = if brokers.len() >= 3 { &brokers[..3] } else { &brokers[..1] };
    Kafka {
        image: "10.77.0.1:5000/pirack/kafka:4.1.2".parse().unwrap(),
        voters: voters.to_vec(),
        voters_named: false,
        brokers,
        heap: None,
        limit: None,
        defaults: Defaults::built_in().unwrap(),
        retention: None,
        jvm_options: None,
    }
}

/// Cassandra 5.0 on these boards; the first two are seeds.
pub(crate) fn cassandra(nodes: &[&str]) -> Cassandra {
    let nodes: Vec<_> = nodes.iter().map(|name| name.parse().unwrap()).collect();
    Cassandra {
        image: "10.77.0.1:5000/pirack/cassandra:5.0.9".parse().unwrap(),
        version: CassandraVersion::V5_0,
        cluster_name: "desk".to_owned(),
        datacenter: "rack".to_owned(),
        seeds: nodes.iter().take(2).cloned().collect(),
        seeds_named: false,
        replication: u32::try_from(nodes.len().min(3)).unwrap(),
        nodes,
        heap: None,
        young: None,
        limit: None,
        jvm_options: None,
    }
}

/// A page and what it reads from, as an app.
pub(crate) fn app(name: &str) -> App {
    App {
        name: name.parse().unwrap(),
        image: "page:1.2".parse().unwrap(),
        command: vec![],
        replicas: 2,
        boards: vec![],
        env: BTreeMap::new(),
        ports: BTreeSet::new(),
        networks: BTreeSet::from(["inside".parse().unwrap()]),
        limit: Some(Bytes::mebibytes(256)),
        secrets: BTreeMap::new(),
    }
}

/// Boards b1 to bN, all of them managers and workers, with Kafka and Cassandra on all.
pub(crate) fn desk(count: u8) -> Rack {
    let names: Vec<String> = (1..=count).map(|number| format!("b{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let roles = [Role::Manager, Role::Worker, Role::App];
    let mut rack = bare((1..=count).map(|n| board(&format!("b{n}"), 10 + n, &roles)).collect());
    rack.kafka = Some(kafka(&names));
    rack.cassandra = Some(cassandra(&names));
    rack
}

/// The rack of 2023: an admin, three managers, six workers, three boards for apps; Cassandra 4.0 and Stargate.
pub(crate) fn of_2023() -> Rack {
    let mut boards = vec![board("admin", 10, &[Role::Admin])];
    let mut add = |letter: &str, count: u8, first: u8, role: Role, memory: u64| {
        for number in 0..count {
            let mut one = board(&format!("{letter}{}", number + 1), first + number, &[role]);
            one.memory = Some(Bytes::mebibytes(memory));
            boards.push(one);
        }
    };
    add("m", 3, 11, Role::Manager, 1024);
    add("w", 6, 21, Role::Worker, 8192);
    add("a", 3, 31, Role::App, 4096);
    let mut rack = bare(boards);
    let workers = ["w1", "w2", "w3", "w4", "w5", "w6"];
    let mut brokers = kafka(&workers);
    brokers.image = "apache/kafka:4.1.2".parse().unwrap();
    brokers.voters = ["m1", "m2", "m3"].map(|name| name.parse().unwrap()).to_vec();
    brokers.voters_named = true;
    rack.kafka = Some(brokers);
    let mut ring = cassandra(&workers);
    ring.image = "cassandra:4.0.19".parse().unwrap();
    ring.version = CassandraVersion::V4_0;
    rack.cassandra = Some(ring);
    rack.stargate = Some(Stargate {
        coordinator: "stargateio/coordinator-4_0:v2.0.52".parse().unwrap(),
        graphql: "stargateio/graphqlapi:v2.0.52".parse().unwrap(),
        boards: vec!["a1".parse().unwrap()],
    });
    let mut page = app("page");
    page.boards = vec!["a2".parse().unwrap(), "a3".parse().unwrap()];
    rack.apps = vec![page];
    rack
}

/// What a rack remembers when it begins, or goes on.
pub(crate) fn remembered(before: Option<&Identity>, rack: &Rack) -> Identity {
    let (identity, wrong) = settle(before, rack, || Uuid::from_u128(0x5eed));
    assert_eq!(wrong, vec![]);
    identity
}

/// What no board reports.
pub(crate) fn nothing() -> Memory {
    Memory::new()
}
