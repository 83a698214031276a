//! What a rack remembers, and what a changed file can and cannot make of it.

use std::path::Path;

use uuid::Uuid;

use super::*;
use crate::rack::parse;

/// A rack of these boards, which all run Kafka, with `more` said of it, and Cassandra.
fn rack(boards: &[&str], more: &str) -> Rack {
    let mut text = format!("version = 1\nname = \"desk\"\n[cassandra]\n[kafka]\n{more}\n");
    for (number, board) in (11..).zip(boards) {
        text += &format!(
            "[[board]]\nname = \"{board}\"\naddress = \"10.77.0.{number}\"\nroles = [\"manager\", \"worker\"]\n"
        );
    }
    parse(&text, Path::new("rack.toml")).unwrap_or_else(|problems| panic!("{problems:?}\n{text}"))
}

fn first(rack: &Rack) -> Identity {
    let mut number = 0;
    let (identity, wrong) = settle(None, rack, || {
        number += 1;
        Uuid::from_u128(number)
    });
    assert_eq!(wrong, []);
    identity
}

fn no_more_ids() -> Uuid {
    panic!("nothing is made up twice")
}

#[test]
fn a_new_rack_gets_its_ids_once_and_keeps_them() {
    let rack = rack(&["b1", "b2", "b3"], "");
    let identity = first(&rack);
    let kafka = identity.kafka.clone().unwrap();
    assert_eq!(kafka.cluster_id.len(), 22, "16 bytes as Kafka writes them: {}", kafka.cluster_id);
    assert_eq!(kafka.nodes, BTreeMap::from([("b1".into(), 1), ("b2".into(), 2), ("b3".into(), 3)]));
    assert_eq!((kafka.voters.len(), kafka.brokers_at_start), (3, 3));
    assert_eq!(settle(Some(&identity), &rack, no_more_ids), (identity.clone(), vec![]));
    let label = identity.label().unwrap();
    assert_eq!(Identity::parse(&label).unwrap(), identity);
}

#[test]
fn no_cluster_s_id_looks_like_an_option() {
    for first in 0..=u8::MAX {
        let id = cluster_id(Uuid::from_bytes([first; 16]));
        assert!(id.len() == 22 && !id.starts_with('-'), "{id}");
    }
}

#[test]
fn a_board_that_comes_gets_the_next_id_wherever_it_stands_and_changes_nothing_else() {
    let identity = first(&rack(&["b1", "b2", "b3"], ""));
    let (grown, wrong) = settle(Some(&identity), &rack(&["b0", "b1", "b2", "b3"], ""), no_more_ids);
    assert_eq!(wrong, []);
    let (was, is) = (identity.kafka.unwrap(), grown.kafka.unwrap());
    assert_eq!(is.nodes.get("b0"), Some(&4));
    assert_eq!((is.voters, is.brokers_at_start), (was.voters, was.brokers_at_start));
    assert_eq!(grown.cassandra, identity.cassandra);
}

#[test]
fn an_id_is_never_given_to_another_board() {
    let identity = first(&rack(&["b1", "b2", "b3", "b4"], ""));
    let (without, wrong) = settle(Some(&identity), &rack(&["b1", "b2", "b3"], ""), no_more_ids);
    assert_eq!(wrong, []);
    let (again, _) = settle(Some(&without), &rack(&["b1", "b2", "b3", "b5"], ""), no_more_ids);
    let nodes = again.kafka.unwrap().nodes;
    assert_eq!((nodes.get("b4"), nodes.get("b5")), (Some(&4), Some(&5)));
}

#[test]
fn other_voters_and_a_voter_that_goes_are_told_and_nothing_of_the_memory_moves() {
    let identity = first(&rack(&["b1", "b2", "b3", "b4"], ""));
    let named = rack(&["b1", "b2", "b3", "b4"], "voters = [\"b2\", \"b3\", \"b4\"]");
    let (same, wrong) = settle(Some(&identity), &named, no_more_ids);
    assert!(matches!(wrong.as_slice(), [Contradiction::Voters { .. }]), "{wrong:?}");
    assert_eq!(same, identity);
    let (_, wrong) = settle(Some(&identity), &rack(&["b2", "b3", "b4"], ""), no_more_ids);
    assert!(matches!(wrong.as_slice(), [Contradiction::VoterGone { board }] if board == "b1"), "{wrong:?}");
}

#[test]
fn another_racks_swarm_is_never_touched() {
    let mut identity = first(&rack(&["b1"], ""));
    identity.rack = "booth".into();
    let (same, wrong) = settle(Some(&identity), &rack(&["b1"], ""), no_more_ids);
    assert_eq!(same, identity);
    assert!(matches!(wrong.as_slice(), [Contradiction::OtherRack { .. }]), "{wrong:?}");
}

#[test]
fn a_seed_that_goes_is_forgotten_and_a_ring_keeps_its_name() {
    let identity = first(&rack(&["b1", "b2", "b3", "b4"], ""));
    let seeds = |identity: &Identity| identity.cassandra.clone().unwrap().seeds;
    assert!(seeds(&identity).contains(&"b1".to_owned()));
    let mut smaller = rack(&["b1", "b2", "b3", "b4"], "");
    smaller.cassandra.as_mut().unwrap().nodes.remove(0);
    let (left, wrong) = settle(Some(&identity), &smaller, no_more_ids);
    assert_eq!(wrong, []);
    assert!(!seeds(&left).contains(&"b1".to_owned()) && !seeds(&left).is_empty());
    let mut renamed = smaller;
    renamed.cassandra.as_mut().unwrap().cluster_name = "other".into();
    let (_, wrong) = settle(Some(&left), &renamed, no_more_ids);
    assert!(matches!(wrong.as_slice(), [Contradiction::Ring { what: "cluster name", .. }]), "{wrong:?}");
}

#[test]
fn a_new_node_that_the_file_names_as_a_seed_is_one_only_once_it_is_a_member() {
    let mut identity = first(&rack(&["b1", "b2", "b3"], ""));
    let mut grown = rack(&["b1", "b2", "b3", "b4"], "");
    let ring = grown.cassandra.as_mut().unwrap();
    (ring.seeds, ring.seeds_named) = (["b4", "b1"].map(|seed| seed.parse().unwrap()).to_vec(), true);
    let seeds = |identity: &Identity| settle(Some(identity), &grown, no_more_ids).0.cassandra.unwrap().seeds;
    let members = |names: &[&str]| names.iter().map(|name| ((*name).into(), "rack1".into())).collect();
    identity.cassandra.as_mut().unwrap().members = members(&["b1", "b2", "b3"]);
    assert_eq!(seeds(&identity), ["b1"]);
    identity.cassandra.as_mut().unwrap().members = members(&["b1", "b2", "b3", "b4"]);
    assert_eq!(seeds(&identity), ["b4", "b1"]);
}

/// The rack's memory, with these members of the ring.
fn with_members(identity: &Identity, members: &[&str]) -> Identity {
    let mut identity = identity.clone();
    let members = members.iter().map(|name| ((*name).into(), "rack1".into()));
    identity.cassandra.as_mut().unwrap().members = members.collect();
    identity
}

/// The rack's seeds, where its file names these and the ring has these members.
fn seeds_of(identity: &Identity, rack: &Rack, named: &[&str], members: &[&str]) -> Vec<String> {
    let (identity, mut rack) = (with_members(identity, members), rack.clone());
    let ring = rack.cassandra.as_mut().unwrap();
    (ring.seeds, ring.seeds_named) = (named.iter().map(|seed| seed.parse().unwrap()).collect(), true);
    settle(Some(&identity), &rack, no_more_ids).0.cassandra.unwrap().seeds
}

#[test]
fn the_same_seeds_in_another_order_change_nothing() {
    let file = rack(&["b1", "b2", "b3"], "");
    let identity = first(&file);
    for members in [vec![], vec!["b1"], vec!["b1", "b2", "b3"]] {
        assert_eq!(seeds_of(&identity, &file, &["b2", "b1"], &members), ["b1", "b2"]);
    }
}

#[test]
fn a_seed_that_has_yet_to_join_is_none_among_seeds_that_change() {
    let file = rack(&["b1", "b2", "b3", "b4"], "");
    let identity = first(&file);
    // As the first of two it would be told what b1 has.
    assert_eq!(seeds_of(&identity, &file, &["b2", "b4"], &["b1", "b4"]), ["b4"]);
    assert_eq!(seeds_of(&identity, &file, &["b2", "b4"], &["b1", "b2", "b4"]), ["b2", "b4"]);
    // The one that goes leaves a ring that begins at whoever has data, and not at one that has none.
    let left =
        settle(Some(&with_members(&identity, &["b1", "b3", "b4"])), &without(&file, "b1"), no_more_ids).0;
    assert_eq!(left.cassandra.unwrap().seeds, ["b3", "b4"]);
}

#[test]
fn when_the_last_seed_goes_nodes_with_data_take_its_part() {
    let mut identity = first(&rack(&["b1", "b2", "b3"], ""));
    let ring = identity.cassandra.as_mut().unwrap();
    ring.members = ["b1", "b2", "b3"].map(|name| (name.into(), "rack1".into())).into();
    ring.seeds = vec!["b1".into()];
    let (left, wrong) =
        settle(Some(&identity), &without(&rack(&["b0", "b1", "b2", "b3"], ""), "b1"), no_more_ids);
    assert_eq!(wrong, []);
    assert_eq!(left.cassandra.unwrap().seeds, ["b2", "b3"]);
}

#[test]
fn a_member_keeps_its_place_and_a_node_that_left_has_none() {
    let mut identity = first(&rack(&["b1", "b2", "b3"], ""));
    let members = [("b1", "rack1"), ("b2", "rack1"), ("b3", "left")];
    identity.cassandra.as_mut().unwrap().members =
        members.map(|(board, place)| (board.into(), place.into())).into();
    let file = rack(&["b1", "b2", "b3"], "");
    let (_, wrong) = settle(Some(&identity), &file, no_more_ids);
    assert!(matches!(wrong.as_slice(), [Contradiction::Place { board, .. }] if board == "b3"), "{wrong:?}");
    let (left, wrong) = settle(Some(&identity), &without(&file, "b3"), no_more_ids);
    assert_eq!((wrong, left.cassandra.as_ref().unwrap().members.len()), (vec![], 2));
    assert_eq!(settle(Some(&left), &file, no_more_ids).1, []);
}

/// The rack, with no node of Cassandra on this board.
fn without(rack: &Rack, board: &str) -> Rack {
    let mut rack = rack.clone();
    let ring = rack.cassandra.as_mut().unwrap();
    ring.nodes.retain(|node| node.as_str() != board);
    ring.seeds.retain(|node| node.as_str() != board);
    rack
}

#[test]
fn a_rack_with_a_secret_keys_its_name_once_and_for_ever() {
    let identity = first(&rack(&["b1"], ""));
    assert_eq!(identity.secret_key, None);
    let text = "version = 1\nname = \"desk\"\n[[board]]\nname = \"b1\"\naddress = \"10.77.0.11\"\n\
        [[app]]\nname = \"web\"\nimage = \"x:1\"\nsecrets = { key = { env = \"KEY\" } }\n";
    let with = parse(text, Path::new("rack.toml")).unwrap();
    let (keyed, _) = settle(Some(&identity), &with, || Uuid::from_u128(9));
    let key = keyed.secret_key.unwrap();
    assert_eq!(key.as_bytes(), Uuid::from_u128(9).as_bytes());
    assert!(keyed.label().unwrap().contains(&Uuid::from_u128(9).to_string()), "the label keeps it");
    assert!(!format!("{keyed:?}").contains("00000009"), "and nobody else sees it: {keyed:?}");
    assert_eq!(settle(Some(&keyed), &with, no_more_ids).0, keyed);
}
