//! What a rack remembers of its data engines, after a destroy took them or a part of them.

use std::time::Duration;

use pirack_swarm::engine::Engine as _;
use tokio::time::timeout;

use super::super::destroy::Scope;
use super::destroyed::{destroyed, some, whole};
use super::*;
use crate::rack::{Identity, identity};
use crate::stack::Engine;

/// Longer than any operation that still moves.
const FOR_EVER: Duration = Duration::from_secs(7 * 86_400);
const BOARDS: [&str; 4] = ["b1", "b2", "b3", "b4"];

async fn running(boards: &[&str]) -> (Operator, FakeRack) {
    let operator = Operator::of(rack(boards, ""));
    let world = FakeRack::new(boards);
    operator.apply(&world).await.unwrap();
    // What has joined is noted by the next.
    operator.apply(&world).await.unwrap();
    (operator, world)
}

async fn remembered(world: &FakeRack) -> Identity {
    Identity::parse(&world.any().swarm().await.unwrap().labels[identity::LABEL]).unwrap()
}

fn with_volumes(scope: Scope) -> Scope {
    Scope { volumes: true, ..scope }
}

fn node_of_b1() -> Scope {
    with_volumes(some(&[], &["cassandra-b1"], &[]))
}

#[tokio::test(start_paused = true)]
async fn a_node_that_left_the_ring_comes_back_as_no_seed_and_takes_its_share_over() {
    for scope in [node_of_b1(), some(&[], &["cassandra-b1"], &[])] {
        let (operator, world) = running(&BOARDS).await;
        let before = remembered(&world).await.cassandra.unwrap();
        assert!(before.members.contains_key("b1") && before.seeds.contains(&"b1".to_owned()));
        let (outcome, done) = destroyed(&world, &operator.rack, &scope, &[]).await;
        outcome.unwrap();
        let at =
            |title: &str| done.iter().position(|step| step == title).unwrap_or_else(|| panic!("{done:#?}"));
        assert!(at("change identity of rack desk") < at("remove service cassandra-b1"), "{done:#?}");
        let after = remembered(&world).await.cassandra.unwrap();
        assert!(!after.members.contains_key("b1") && !after.seeds.contains(&"b1".to_owned()), "{after:?}");
        // Where its volume was kept, somebody removes it, for Cassandra starts with no data of a node that left.
        destroyed(&world, &operator.rack, &node_of_b1(), &[]).await.0.unwrap();
        operator.apply(&world).await.unwrap();
        assert_eq!(world.violations(), Vec::<String>::new());
        assert!(!remembered(&world).await.cassandra.unwrap().seeds.contains(&"b1".to_owned()));
    }
}

#[tokio::test(start_paused = true)]
async fn a_destroy_that_was_killed_anywhere_leaves_nothing_empty_to_come_back_as_a_seed() {
    let (operator, world) = running(&BOARDS).await;
    let before = world.calls();
    destroyed(&world, &operator.rack, &node_of_b1(), &[]).await.0.unwrap();
    let calls = world.calls() - before;
    for boundary in (0..calls).step_by(3) {
        let (operator, world) = running(&BOARDS).await;
        world.hang_after(Some(boundary));
        let killed = timeout(FOR_EVER, destroyed(&world, &operator.rack, &node_of_b1(), &[])).await;
        assert!(killed.is_err(), "it was not killed after {boundary} of {calls} calls");
        world.calms_down();
        // A node that has left and still has its data does not start: whatever comes of it, no harm does.
        let _outcome = operator.apply(&world).await;
        assert_eq!(world.violations(), Vec::<String>::new(), "killed after {boundary} of {calls} calls");
        let again = destroyed(&world, &operator.rack, &node_of_b1(), &[]).await.0;
        assert!(again.is_ok(), "{again:?} killed after {boundary} of {calls} calls");
        operator.apply(&world).await.unwrap();
        assert_eq!(world.violations(), Vec::<String>::new(), "killed after {boundary} of {calls} calls");
    }
}

#[tokio::test(start_paused = true)]
async fn a_ring_whose_data_have_all_gone_begins_anew_under_any_name_and_one_whose_data_stay_does_not() {
    let (mut operator, world) = running(&BOARDS[..3]).await;
    world.reflash("b2");
    operator.apply(&world).await.unwrap();
    let stack = some(&[Engine::Cassandra], &[], &[]);
    let before = remembered(&world).await;
    assert!(before.cassandra.as_ref().unwrap().replaced.contains_key("b2"));
    destroyed(&world, &operator.rack, &stack, &[]).await.0.unwrap();
    assert_eq!(remembered(&world).await, before, "it only sleeps");
    destroyed(&world, &operator.rack, &with_volumes(stack), &[]).await.0.unwrap();
    let after = remembered(&world).await;
    assert_eq!((after.cassandra, after.kafka), (None, before.kafka));
    operator.rack.cassandra.as_mut().unwrap().cluster_name = "another".into();
    operator.rack.boards[0].place = "left".into();
    operator.rack.cassandra.as_mut().unwrap().seeds = vec!["b3".parse().unwrap()];
    let broken = world.violations().len();
    operator.apply(&world).await.unwrap();
    assert_eq!(world.violations()[broken..], Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_kafka_keeps_its_identity_as_long_as_any_of_its_data_may_be_left() {
    let (operator, world) = running(&BOARDS).await;
    let before = remembered(&world).await;
    let kafka = with_volumes(some(&[Engine::Kafka], &[], &[]));
    world.set_power("b4", false);
    let (outcome, _) = destroyed(&world, &operator.rack, &kafka, &[]).await;
    assert!(world.volumes_on("b1").iter().all(|volume| volume != "kafka-b1"), "{outcome:?}");
    assert_eq!(remembered(&world).await, before, "b4 has not told what it has");
    world.set_power("b4", true);
    destroyed(&world, &operator.rack, &kafka, &[]).await.0.unwrap();
    assert_eq!(remembered(&world).await, Identity { kafka: None, ..before });
}

#[tokio::test(start_paused = true)]
async fn brokers_that_go_with_their_data_keep_their_numbers() {
    let (operator, world) = running(&BOARDS).await;
    let before = remembered(&world).await;
    let one = with_volumes(some(&[], &["kafka-b4"], &[]));
    destroyed(&world, &operator.rack, &one, &["AL002"]).await.0.unwrap();
    assert_eq!(remembered(&world).await, before);
}

#[tokio::test(start_paused = true)]
async fn a_whole_rack_that_goes_with_its_data_goes_to_its_end() {
    let (operator, world) = running(&BOARDS[..3]).await;
    let (outcome, done) = destroyed(&world, &operator.rack, &with_volumes(whole()), &[]).await;
    outcome.unwrap();
    assert_eq!(done.last().map(String::as_str), Some("remove board b1"), "{done:#?}");
    assert_eq!(destroyed(&world, &operator.rack, &with_volumes(whole()), &[]).await.0.unwrap().steps, 0);
}
