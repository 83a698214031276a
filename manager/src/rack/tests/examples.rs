//! The files that people start from are racks, and the racks that they say they are.

use super::*;

/// Read where it lies; there is nothing in it to warn of.
fn example(name: &str) -> Rack {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples").join(name);
    let (rack, problems) = examine(&path);
    assert!(problems.is_empty(), "{}", problems.render(100, false));
    rack.unwrap()
}

fn with_role(rack: &Rack, role: Role) -> Vec<&str> {
    rack.with_role(role).map(|board| board.name.as_str()).collect()
}

#[test]
fn the_shortest_is_that_of_the_page() {
    assert_eq!(format!("{:?}", example("three.toml")), format!("{:?}", rack(LEAST)));
}

#[test]
fn the_desk_has_thirteen_boards_and_each_its_part() {
    let rack = example("desk-13.toml");
    assert_eq!((rack.boards.len(), rack.members().count()), (13, 12));
    assert_eq!(with_role(&rack, Role::Admin), ["admin"]);
    assert_eq!(with_role(&rack, Role::Manager), ["m1", "m2", "m3"]);
    let workers = ["w1", "w2", "w3", "w4", "w5", "w6"];
    let (kafka, cassandra) = (rack.kafka.as_ref().unwrap(), rack.cassandra.as_ref().unwrap());
    assert_eq!((names(&kafka.brokers), names(&cassandra.nodes)), (workers.to_vec(), workers.to_vec()));
    assert_eq!(names(&kafka.voters), workers[..3]);
    assert_eq!((cassandra.version, cassandra.replication), (CassandraVersion::V4_0, 3));
    assert_eq!(names(&rack.stargate.as_ref().unwrap().boards), ["a1"]);
    let Access::Ssh(ssh) = &rack.boards[1].access else { panic!("m1 is not reached by ssh") };
    assert_eq!((ssh.user.as_str(), ssh.identity.is_some()), ("orangepi", true), "the rest is the rack's");
}

#[test]
fn at_the_booth_a_whole_rack_may_be_unplugged() {
    let rack = example("booth-4x4.toml");
    assert_eq!(rack.boards.len(), 16);
    let place = |name: &BoardName| rack.board(name).unwrap().place.clone();
    let places = |names: &[BoardName]| names.iter().map(place).collect::<BTreeSet<_>>().len();
    let (kafka, cassandra) = (rack.kafka.as_ref().unwrap(), rack.cassandra.as_ref().unwrap());
    assert_eq!((places(&kafka.brokers), places(&kafka.voters)), (4, 3));
    assert_eq!((places(&cassandra.nodes), places(&cassandra.seeds), cassandra.replication), (4, 3, 3));
    let managers: Vec<_> = rack.with_role(Role::Manager).map(|board| board.name.clone()).collect();
    assert_eq!((managers.len(), places(&managers)), (3, 3));
    let registry = &rack.network.insecure_registries[0];
    let images = [&kafka.image, &cassandra.image, &rack.apps[0].image];
    assert!(
        images.iter().all(|image| image.as_str().starts_with(registry.as_str())),
        "no internet at a booth"
    );
}
