//! What an apply and a destroy leave alone: swarms that nobody shows to be this rack's.

use std::collections::BTreeSet;

use pirack_swarm::engine::Engine as _;
use pirack_swarm::member::{Birth, Member as _, Membership};

use super::super::OperationError;
use super::super::destroy::Scope;
use super::super::plan::Left;
use super::super::testing::FakeRack;
use super::destroyed::{destroyed, some, whole};
use super::{Operator, rack};
use crate::operation::join;
use crate::rack::{Rack, identity};
use crate::stack::Engine;

/// A running rack of three boards, and two more boards that it knows nothing of.
async fn running() -> (FakeRack, Rack) {
    let operator = Operator::of(rack(&["b1", "b2", "b3"], ""));
    let world = FakeRack::new(&["b1", "b2", "b3", "b4", "b5"]);
    operator.apply(&world).await.unwrap();
    (world, rack(&["b1", "b2", "b3", "b4"], ""))
}

/// The last board begins a swarm of its own.
async fn others_begin(world: &FakeRack) {
    let all = rack(&["b1", "b2", "b3", "b4", "b5"], "");
    world.cloud.engine("b5").init(&Birth::new(all.boards[4].address.into())).await.unwrap();
}

/// And the fourth, which the file names, works there.
async fn others_have_a_worker(world: &FakeRack) {
    others_begin(world).await;
    world.is_foreign("b5");
    let all = rack(&["b1", "b2", "b3", "b4", "b5"], "");
    let (own, asked) = (world.cloud.engine("b4"), world.cloud.engine("b5"));
    join::join(&own, &asked, &all.boards[3], false, false).await.unwrap();
}

async fn is_member(world: &FakeRack, board: &str) -> bool {
    !matches!(world.cloud.engine(board).membership().await.unwrap(), Membership::Inactive)
}

fn refused<T: std::fmt::Debug>(outcome: Result<T, OperationError>) -> Vec<Left> {
    match outcome {
        Err(OperationError::Refused(refused)) => refused,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn an_apply_takes_no_board_out_of_anothers_swarm_unless_that_is_allowed() {
    let (world, file) = running().await;
    others_have_a_worker(&world).await;
    let mut operator = Operator::of(file);
    let before = (world.changes(), world.cloud.engine("b4").membership().await.unwrap());
    let [left] = &refused(operator.apply(&world).await)[..] else { panic!("one thing is refused") };
    assert_eq!((left.subject.as_str(), left.code.as_deref()), ("board b4", Some("AL010")));
    assert!(left.reason.contains("managed by 10.77.0.15, no board of this rack"), "{}", left.reason);
    assert_eq!((world.changes(), world.cloud.engine("b4").membership().await.unwrap()), before);
    operator.allowed = BTreeSet::from(["AL010".to_owned()]);
    operator.apply(&world).await.unwrap();
    assert!(operator.plan(&world).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn boards_in_two_swarms_are_refused_as_an_apply_refuses_them() {
    let (world, mut file) = running().await;
    others_begin(&world).await;
    file.boards[3].name = "b5".parse().unwrap();
    for scope in [whole(), some(&[], &[], &["b5"]), some(&[Engine::Kafka], &[], &[])] {
        let before = world.changes();
        let refused = refused(destroyed(&world, &file, &scope, &["AL010"]).await.0);
        assert!(
            refused.iter().all(|left| left.reason.contains("another board is in another")),
            "{refused:?}"
        );
        assert_eq!(world.changes(), before);
    }
}

#[tokio::test(start_paused = true)]
async fn a_board_that_works_for_another_swarm_is_left_there_with_all_that_it_has() {
    let (world, file) = running().await;
    others_have_a_worker(&world).await;
    world.put_volume("b4", "kafka-b4");
    let scope = Scope { volumes: true, agents: true, ..whole() };
    let outcome = destroyed(&world, &file, &scope, &[]).await.0.unwrap();
    let [left] = &outcome.undone[..] else { panic!("{:?}", outcome.undone) };
    assert_eq!((left.subject.as_str(), left.code.as_deref()), ("board b4", Some("AL010")));
    assert!(is_member(&world, "b4").await && !is_member(&world, "b1").await);
    assert_eq!(world.volumes_on("b4"), ["kafka-b4"]);
    // By itself there is nobody left to tell whose it is.
    let again = destroyed(&world, &file, &scope, &[]).await.0.unwrap();
    assert_eq!((again.steps, again.undone[0].code.as_deref()), (0, Some("AL010")));
    destroyed(&world, &file, &scope, &["AL010"]).await.0.unwrap();
    assert!(!is_member(&world, "b4").await);
    assert_eq!(
        world.volumes_on("b4"),
        Vec::<String>::new(),
        "what it had of the rack's name goes after it left"
    );
}

#[tokio::test(start_paused = true)]
async fn a_board_of_another_swarm_leaves_that_one_where_it_is_allowed() {
    let (world, file) = running().await;
    others_have_a_worker(&world).await;
    let scope = some(&[], &[], &["b4"]);
    let left = destroyed(&world, &file, &scope, &[]).await.0.unwrap().undone;
    assert!(left.len() == 1 && is_member(&world, "b4").await, "{left:?}");
    destroyed(&world, &file, &scope, &["AL010"]).await.0.unwrap();
    assert!(!is_member(&world, "b4").await && is_member(&world, "b3").await);
}

#[tokio::test(start_paused = true)]
async fn of_a_swarm_that_does_not_say_whose_it_is_no_part_goes() {
    let (world, file) = running().await;
    let swarm = world.any().swarm().await.unwrap();
    let mut labels = swarm.labels;
    labels.remove(identity::LABEL);
    world.any().update_swarm(swarm.version, &labels).await.unwrap();
    for scope in [whole(), some(&[], &[], &["b3"]), some(&[Engine::Kafka], &[], &[])] {
        let before = world.changes();
        let refused = refused(destroyed(&world, &file, &scope, &["AL010"]).await.0);
        assert!(refused[0].reason.contains("does not say that it is this rack's"), "{refused:?}");
        assert_eq!(world.changes(), before);
    }
}

#[tokio::test(start_paused = true)]
async fn where_nobody_speaks_for_a_swarm_a_board_leaves_it_only_where_that_is_allowed() {
    let (world, file) = running().await;
    ["b2", "b3"].iter().for_each(|board| world.set_power(board, false));
    let scope = Scope { volumes: true, ..whole() };
    world.put_volume("b1", "kafka-b1");
    let told = destroyed(&world, &file, &scope, &[]).await.0.unwrap();
    let left: Vec<_> = told.undone.iter().map(|left| (left.subject.as_str(), left.code.as_deref())).collect();
    assert!(left.contains(&("board b1", Some("AL010"))), "{left:?}");
    assert!(told.steps == 0 && is_member(&world, "b1").await);
    // Of a part nobody can tell what becomes of the rest.
    for part in [some(&[], &[], &["b1"]), some(&[Engine::Kafka], &[], &[])] {
        let told = refused(destroyed(&world, &file, &part, &["AL010"]).await.0);
        assert_eq!((told[0].subject.as_str(), told[0].code.as_deref()), ("swarm", None));
    }
    let (outcome, done) = destroyed(&world, &file, &scope, &["AL010"]).await;
    outcome.unwrap();
    assert!(!is_member(&world, "b1").await);
    let at = |title: &str| done.iter().position(|step| step == title).unwrap_or_else(|| panic!("{done:#?}"));
    assert!(at("remove board b1") < at("remove volume kafka-b1 on b1"), "its tasks run until it has left");
}

#[tokio::test(start_paused = true)]
async fn agents_alone_go_also_where_nobody_speaks_for_the_swarm() {
    let (world, file) = running().await;
    ["b2", "b3"].iter().for_each(|board| world.set_power(board, false));
    let scope = Scope { agents: true, ..some(&[], &[], &[]) };
    destroyed(&world, &file, &scope, &[]).await.0.unwrap();
    assert!(!world.agent_runs("b1") && is_member(&world, "b1").await);
}
