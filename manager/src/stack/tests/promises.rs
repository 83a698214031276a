//! What a change to the file must leave alone: whatever changes, restarts.

use std::collections::BTreeMap;

use super::golden::specs;
use super::racks::{app, board, desk, nothing, of_2023, remembered};
use crate::rack::{Bytes, CassandraVersion, DataDisk, Identity, Rack, Role, Secrets};
use crate::stack::{Memory, StackError, desired, folders};

const ALL: [Role; 3] = [Role::Manager, Role::Worker, Role::App];

fn specs_of(rack: &Rack, identity: &Identity) -> BTreeMap<String, String> {
    specs(rack, identity, &Secrets::new())
}

/// A rack that began with three boards: its services, and what it remembers.
fn began() -> (Identity, BTreeMap<String, String>) {
    let rack = desk(3);
    let identity = remembered(None, &rack);
    let specs = specs_of(&rack, &identity);
    (identity, specs)
}

/// The rack with a fourth board at this place of the file, in Kafka and Cassandra too.
fn with_a_fourth(at: usize) -> Rack {
    let mut rack = desk(3);
    rack.boards.insert(at, board("b0", 50, &ALL));
    let name: crate::rack::BoardName = "b0".parse().unwrap();
    // As the parser does it where the file names neither: those that come first in the file.
    let kafka = rack.kafka.as_mut().unwrap();
    kafka.brokers.insert(at, name.clone());
    kafka.voters = kafka.brokers[..3].to_vec();
    let cassandra = rack.cassandra.as_mut().unwrap();
    cassandra.nodes.insert(at, name);
    cassandra.seeds = cassandra.nodes[..2].to_vec();
    rack
}

#[test]
fn a_board_that_is_added_changes_no_other_boards_service_wherever_it_stands_in_the_file() {
    let (identity, before) = began();
    for at in 0..=3 {
        let rack = with_a_fourth(at);
        let mut after = specs_of(&rack, &remembered(Some(&identity), &rack));
        assert!(after["kafka-b0"].contains("KAFKA_NODE_ID = 4"), "{}", after["kafka-b0"]);
        assert!(after["kafka-b0"].contains("KAFKA_PROCESS_ROLES = broker\n"));
        assert!(after["cassandra-b0"].contains("CASSANDRA_SEEDS = 10.77.0.11,10.77.0.12"));
        after.retain(|name, _| !name.ends_with("-b0"));
        assert_eq!(after, before, "added at {at}");
    }
}

#[test]
fn a_board_that_goes_changes_no_other_boards_service() {
    let (identity, before) = began();
    for at in 0..=3 {
        let rack = with_a_fourth(at);
        let grown = remembered(Some(&identity), &rack);
        let shrunk = desk(3);
        assert_eq!(specs_of(&shrunk, &remembered(Some(&grown), &shrunk)), before);
    }
}

#[test]
fn a_board_that_comes_back_has_its_old_number_and_nobody_else_ever_gets_it() {
    let (identity, _) = began();
    let four = with_a_fourth(3);
    let grown = remembered(Some(&identity), &four);
    let mut other = desk(3);
    other.boards.push(board("b9", 59, &ALL));
    other.kafka.as_mut().unwrap().brokers.push("b9".parse().unwrap());
    let with_another = remembered(Some(&grown), &other);
    assert!(specs_of(&other, &with_another)["kafka-b9"].contains("KAFKA_NODE_ID = 5"));
    let back = remembered(Some(&with_another), &four);
    assert!(specs_of(&four, &back)["kafka-b0"].contains("KAFKA_NODE_ID = 4"));
}

/// Which services differ.
fn changed(before: &BTreeMap<String, String>, after: &BTreeMap<String, String>) -> Vec<String> {
    assert!(before.keys().eq(after.keys()));
    before.iter().filter(|(name, spec)| after[*name] != **spec).map(|(name, _)| name.clone()).collect()
}

#[test]
fn a_heap_changes_its_own_services_alone() {
    let (identity, before) = began();
    let mut rack = desk(3);
    rack.kafka.as_mut().unwrap().heap = Some(Bytes::mebibytes(640));
    assert_eq!(changed(&before, &specs_of(&rack, &identity)), ["kafka-b1", "kafka-b2", "kafka-b3"]);
    let mut rack = desk(3);
    rack.cassandra.as_mut().unwrap().heap = Some(Bytes::mebibytes(2048));
    assert_eq!(
        changed(&before, &specs_of(&rack, &identity)),
        ["cassandra-b1", "cassandra-b2", "cassandra-b3"]
    );
}

#[test]
fn what_else_comes_to_a_board_changes_no_service_there() {
    let (identity, before) = began();
    let mut rack = desk(3);
    rack.apps = vec![app("page")];
    let mut after = specs_of(&rack, &identity);
    after.remove("page");
    assert_eq!(after, before);
    let mut rack = desk(3);
    rack.cassandra = None;
    let after = specs_of(&rack, &identity);
    assert!(after.iter().all(|(name, spec)| before[name] == *spec));
}

#[test]
fn a_kernel_update_changes_no_service() {
    let mut rack = desk(3);
    rack.boards.iter_mut().for_each(|board| board.memory = None);
    let identity = remembered(None, &rack);
    let reported = |mebibytes: u64| -> Memory {
        rack.boards.iter().map(|board| (board.name.clone(), Bytes::mebibytes(mebibytes))).collect()
    };
    let services = |memory: &Memory| -> Vec<_> {
        desired(&rack, &identity, memory, &Secrets::new()).unwrap().services().cloned().collect()
    };
    assert_eq!(services(&reported(7811)), services(&reported(8059)));
    assert_ne!(services(&reported(7811)), services(&reported(3884)));
    let silent = desired(&rack, &identity, &nothing(), &Secrets::new());
    assert!(matches!(silent, Err(StackError::NoMemory { .. })), "{silent:?}");
}

#[test]
fn a_node_that_takes_a_lost_ones_place_says_so_and_is_no_seed_to_itself() {
    let (mut identity, before) = began();
    identity.cassandra.as_mut().unwrap().replaced.insert("b1".to_owned(), "b2".to_owned());
    let after = specs_of(&desk(3), &identity);
    assert_eq!(changed(&before, &after), ["cassandra-b1"]);
    let spec = &after["cassandra-b1"];
    assert!(spec.contains("JVM_EXTRA_OPTS = -Dcassandra.replace_address_first_boot=10.77.0.11\n"), "{spec}");
    assert!(spec.contains("CASSANDRA_SEEDS = 10.77.0.12\n"), "{spec}");
    // Also when it is the only seed that there is, whoever else the ring takes in.
    identity.cassandra.as_mut().unwrap().seeds = vec!["b1".to_owned()];
    for rack in [desk(3), with_a_fourth(0)] {
        let specs = specs_of(&rack, &remembered(Some(&identity), &rack));
        assert!(
            specs["cassandra-b1"].contains("CASSANDRA_SEEDS = 10.77.0.12\n"),
            "{}",
            specs["cassandra-b1"]
        );
        assert!(
            specs["cassandra-b3"].contains("CASSANDRA_SEEDS = 10.77.0.11\n"),
            "{}",
            specs["cassandra-b3"]
        );
    }
}

#[test]
fn seeds_alone_are_told_their_tokens_which_share_the_ring_evenly() {
    let tokens = |spec: &str| -> Option<Vec<i64>> {
        let (_, told) = spec.split_once("-Dcassandra.initial_token=")?;
        let told = told.split_whitespace().next().unwrap();
        Some(told.split(',').map(|token| token.parse().unwrap()).collect())
    };
    let (identity, specs) = began();
    let told = ["b1", "b2", "b3"].map(|board| tokens(&specs[&format!("cassandra-{board}")]));
    let [Some(first), Some(second), None] = &told else { panic!("{told:?}") };
    for (board, all) in [("b1", first), ("b2", second)] {
        let spec = &specs[&format!("cassandra-{board}")];
        assert!(spec.contains(&format!("CASSANDRA_NUM_TOKENS = {}\n", all.len())), "{spec}");
    }
    let mut ring: Vec<(i64, &str)> =
        first.iter().map(|token| (*token, "b1")).chain(second.iter().map(|token| (*token, "b2"))).collect();
    ring.sort_unstable();
    let slice = u64::MAX / 32 + 1;
    assert!(
        ring.windows(2).all(|two| two[0].0.abs_diff(two[1].0) == slice && two[0].1 != two[1].1),
        "{ring:?}"
    );
    assert_eq!(ring[0].0.abs_diff(i64::MIN), slice / 2);
    // Also where as many slices do not divide the ring.
    let mut three = identity;
    three.cassandra.as_mut().unwrap().seeds = ["b1", "b2", "b3"].map(str::to_owned).to_vec();
    let specs = specs_of(&desk(3), &three);
    let mut ring: Vec<i64> = specs.values().filter_map(|spec| tokens(spec)).flatten().collect();
    ring.sort_unstable();
    let widths: Vec<u64> = ring.windows(2).map(|two| two[0].abs_diff(two[1])).collect();
    assert_eq!(widths.len(), 47);
    assert!(widths.iter().all(|width| width.abs_diff(u64::MAX / 48) <= 1), "{widths:?}");
}

#[test]
fn data_lie_on_the_disk_that_the_file_names() {
    let (identity, before) = began();
    for mount in ["/srv/data", "/srv/data/"] {
        let mut rack = desk(3);
        rack.boards[0].data_disk = Some(DataDisk { uuid: "u".into(), mount: mount.into(), device: None });
        let after = specs_of(&rack, &identity);
        assert_eq!(changed(&before, &after), ["cassandra-b1", "kafka-b1"]);
        assert!(after["kafka-b1"].contains("source = /srv/data/pirack/kafka\n"), "{}", after["kafka-b1"]);
        let folders = folders(&rack, &rack.boards[0]).unwrap();
        let told: Vec<_> = folders.iter().map(|f| (f.path.to_string(), f.owner)).collect();
        let expected = [("/srv/data/pirack/kafka", 1000), ("/srv/data/pirack/cassandra", 999)];
        assert_eq!(told, expected.map(|(path, owner)| (path.to_owned(), owner)));
        assert_eq!(super::super::folders(&rack, &rack.boards[1]).unwrap(), [], "no disk, a volume");
    }
}

fn refused(rack: &Rack) -> StackError {
    desired(rack, &remembered(None, rack), &nothing(), &Secrets::new()).unwrap_err()
}

#[test]
fn stargate_speaks_to_cassandra_4_0_on_another_board_and_to_nothing_else() {
    let mut rack = of_2023();
    rack.cassandra.as_mut().unwrap().version = CassandraVersion::V5_0;
    assert!(refused(&rack).to_string().contains("4.0 and not to 5.0"));
    let mut rack = of_2023();
    rack.stargate.as_mut().unwrap().boards = vec!["w1".parse().unwrap()];
    assert!(refused(&rack).to_string().contains("without Cassandra"));
    let mut rack = of_2023();
    rack.cassandra = None;
    assert!(refused(&rack).to_string().contains("add [cassandra]"));
}

#[test]
fn what_does_not_fit_is_refused_with_the_board_and_the_numbers() {
    let mut rack = desk(3);
    rack.boards[1].memory = Some(Bytes::mebibytes(1024));
    let told = refused(&rack).to_string();
    assert!(
        told.starts_with("b2 has 1GiB, and its services may use 1.2GiB")
            || told.contains("cassandra-b2 640MiB"),
        "{told}"
    );
    rack.boards[1].memory = Some(Bytes::mebibytes(512));
    assert!(matches!(refused(&rack), StackError::TooSmall { .. }));
    let mut rack = desk(3);
    rack.kafka.as_mut().unwrap().heap = Some(Bytes::mebibytes(512));
    rack.kafka.as_mut().unwrap().limit = Some(Bytes::mebibytes(512));
    assert!(matches!(refused(&rack), StackError::Heap { .. }));
}

#[test]
fn a_secret_that_nobody_read_is_asked_for_by_name() {
    let mut rack = desk(1);
    let mut page = app("page");
    page.secrets.insert("key".parse().unwrap(), crate::rack::SecretSource::Environment("KEY".into()));
    rack.apps = vec![page];
    assert_eq!(refused(&rack), StackError::Secret { app: "page".into(), secret: "key".into() });
}
