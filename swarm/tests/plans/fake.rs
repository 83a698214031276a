//! The fake's own rules, which are Docker's.

use pirack_swarm::engine::{Engine, EngineError};
use pirack_swarm::spec::{Availability, EndpointMode, Role};
use pirack_swarm::testing::FakeEngine;

use crate::worlds::{block_on, five_boards, rack, running_rack};

#[test]
fn a_stale_version_is_refused_and_changes_nothing() {
    let engine = running_rack();
    let held = block_on(engine.services()).unwrap().remove(0);
    let mut spec = held.spec.clone();
    spec.image = "app:2.0".into();
    let version = block_on(engine.update_service(&held.id, held.version, &spec)).unwrap();
    assert!(version > held.version);
    let stale = block_on(engine.update_service(&held.id, held.version, &held.spec));
    assert!(matches!(stale, Err(EngineError::VersionConflict { named, .. }) if named == held.version));
    assert_eq!(block_on(engine.services()).unwrap()[0].spec.image, "app:2.0");
}

#[test]
fn content_names_and_modes_never_change_in_place() {
    let engine = running_rack();
    let held = block_on(engine.configs()).unwrap().remove(0);
    let mut spec = held.spec.clone();
    spec.content.0.push(b'!');
    let refused = block_on(engine.update_config(&held.id, held.version, &spec));
    assert!(matches!(refused, Err(EngineError::Immutable { field, .. }) if field == "the content"));
    let held = block_on(engine.secrets()).unwrap().remove(0);
    let mut spec = held.spec.clone();
    spec.name.push('x');
    let refused = block_on(engine.update_secret(&held.id, held.version, &spec));
    assert!(matches!(refused, Err(EngineError::Immutable { .. })));
    let held = block_on(engine.services()).unwrap().remove(0);
    let mut spec = held.spec.clone();
    spec.scale = pirack_swarm::spec::Scale::Global;
    let refused = block_on(engine.update_service(&held.id, held.version, &spec));
    assert!(matches!(refused, Err(EngineError::Immutable { field, .. }) if field == "the mode"));
}

#[test]
fn names_are_given_once_and_what_is_used_stays() {
    let engine = running_rack();
    let network = block_on(engine.networks()).unwrap().remove(0);
    let clash = block_on(engine.create_network(&network.spec));
    assert!(matches!(clash, Err(EngineError::NameClash { .. })));
    let used = block_on(engine.remove_network(&network.id));
    assert!(matches!(used, Err(EngineError::InUse { by, .. }) if by.name == "web"));
    let config = block_on(engine.configs()).unwrap().remove(0);
    assert!(matches!(block_on(engine.remove_config(&config.id)), Err(EngineError::InUse { .. })));
    let secret = block_on(engine.secrets()).unwrap().remove(0);
    assert!(matches!(block_on(engine.remove_secret(&secret.id)), Err(EngineError::InUse { .. })));
}

#[test]
fn a_service_refers_only_to_what_is_there() {
    let engine = running_rack();
    let mut spec = block_on(engine.services()).unwrap().remove(0).spec;
    spec.name = "other".into();
    spec.networks = ["nowhere".to_owned()].into();
    let refused = block_on(engine.create_service(&spec));
    assert!(matches!(refused, Err(EngineError::UnknownReference { needs, .. }) if needs.name == "nowhere"));
}

#[test]
fn docker_fills_in_what_nobody_said() {
    let engine = running_rack();
    let spec = block_on(engine.services()).unwrap().remove(0).spec;
    assert_eq!(spec.endpoint, Some(EndpointMode::Vip));
    assert!(spec.restart.delay.is_some() && spec.update.parallelism == Some(1));
    let network = block_on(engine.networks()).unwrap().remove(0).spec;
    assert!(network.subnet.is_some() && !network.options.is_empty());
    assert!(rack().networks[0].subnet.is_none());
}

#[test]
fn without_a_majority_of_managers_nothing_is_told_and_nothing_changes() {
    let engine = five_boards();
    let node = block_on(engine.nodes()).unwrap().remove(0);
    engine.goes_down("m1");
    engine.goes_down("m2");
    let refused = block_on(engine.update_node(&node.held.id, node.held.version, &node.held.spec));
    assert!(matches!(refused, Err(EngineError::NoLeader { .. })));
    assert!(matches!(block_on(engine.nodes()), Err(EngineError::NoLeader { .. })));
    engine.comes_back("m2");
    let spec = block_on(engine.nodes()).unwrap().remove(0).held;
    assert!(block_on(engine.update_node(&spec.id, spec.version, &spec.spec)).is_ok());
}

#[test]
fn the_last_manager_is_neither_demoted_nor_removed() {
    let engine = FakeEngine::new("m1");
    let held = block_on(engine.nodes()).unwrap().remove(0).held;
    let mut spec = held.spec.clone();
    spec.role = Role::Worker;
    let refused = block_on(engine.update_node(&held.id, held.version, &spec));
    assert!(matches!(refused, Err(EngineError::QuorumLost { managers: 0, .. })));
    assert!(matches!(block_on(engine.remove_node(&held.id)), Err(EngineError::Refused { .. })));
}

#[test]
fn a_drained_board_takes_no_tasks_and_a_label_decides_where_they_go() {
    let engine = running_rack();
    assert_eq!(engine.placement("data-w1"), ["w1"]);
    assert_eq!(engine.placement("web").len(), 5);
    let node = block_on(engine.nodes()).unwrap().into_iter().find(|node| node.name == "w1").unwrap();
    let mut spec = node.held.spec.clone();
    spec.availability = Availability::Drain;
    block_on(engine.update_node(&node.held.id, node.held.version, &spec)).unwrap();
    assert!(engine.placement("data-w1").is_empty());
    assert_eq!(engine.placement("web").len(), 4);
}
