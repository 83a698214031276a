//! What a plan says of racks in every state, to the letter: `UPDATE_GOLDEN=1` writes the files anew.

use std::collections::BTreeSet;

use pirack_swarm::desired::Image;
use pirack_swarm::engine::Engine as _;
use pirack_swarm::host::Host as _;
use pirack_swarm::member::{Birth, Member, Membership};
use pirack_swarm::observed::Held;
use pirack_swarm::spec::ServiceSpec;

use super::*;
use crate::operation::plan::{Left, Stage};
use crate::operation::saved::Moved;
use crate::rack::Bytes;

fn golden(name: &str, plan: &Plan) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("src/operation/plan/golden/{name}.txt"));
    let text = format!("{plan}\n");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    assert_eq!(text, std::fs::read_to_string(&path).unwrap_or_default(), "{}", path.display());
}

/// A running rack of four boards.
async fn four() -> (Operator, FakeRack) {
    let operator = Operator::of(rack(&["b1", "b2", "b3", "b4"], ""));
    let world = FakeRack::new(&["b1", "b2", "b3", "b4"]);
    operator.apply(&world).await.unwrap();
    (operator, world)
}

fn bare() -> (Operator, FakeRack) {
    (Operator::of(rack(&["b1", "b2", "b3"], "")), FakeRack::new(&["b1", "b2", "b3"]))
}

fn boards(names: &[&str]) -> Vec<crate::rack::BoardName> {
    names.iter().map(|name| name.parse().unwrap()).collect()
}

#[tokio::test(start_paused = true)]
async fn of_bare_boards() {
    let (operator, world) = bare();
    golden("bare", &operator.plan(&world).await);
    assert_eq!(world.changes(), 0, "a plan changes nothing");
}

#[tokio::test(start_paused = true)]
async fn of_nothing_to_do() {
    let (operator, world) = running().await;
    golden("nothing", &operator.plan(&world).await);
}

#[tokio::test(start_paused = true)]
async fn of_a_heap_change() {
    let (mut operator, world) = running().await;
    operator.rack.kafka.as_mut().unwrap().heap = Some(Bytes::mebibytes(640));
    operator.rack.cassandra.as_mut().unwrap().heap = Some(Bytes::mebibytes(1024));
    golden("heap", &operator.plan(&world).await);
}

#[tokio::test(start_paused = true)]
async fn of_a_board_that_joins() {
    let (mut operator, world) = running().await;
    operator.rack = rack(&["b1", "b2", "b3", "b4"], "");
    golden("joins", &operator.plan(&world).await);
}

#[tokio::test(start_paused = true)]
async fn of_a_board_that_leaves_first_the_stacks_and_then_the_rack() {
    let (mut operator, world) = four().await;
    operator.rack.kafka.as_mut().unwrap().brokers = boards(&["b1", "b2", "b3"]);
    operator.rack.cassandra.as_mut().unwrap().nodes = boards(&["b1", "b2", "b3"]);
    golden("leaves_stacks", &operator.plan(&world).await);
    operator.apply(&world).await.unwrap();
    operator.rack = rack(&["b1", "b2", "b3"], "");
    golden("leaves_rack", &operator.plan(&world).await);
}

#[tokio::test(start_paused = true)]
async fn of_a_board_that_leaves_with_all_that_it_has() {
    let (mut operator, world) = four().await;
    let services = world.any().services().await.unwrap();
    operator.rack = rack(&["b1", "b2", "b3"], "");
    golden("leaves", &operator.plan(&world).await);
    let applied = operator.apply(&world).await.unwrap();
    assert_eq!(applied.undone, []);
    golden("has_left", &operator.plan(&world).await);
    assert_eq!(world.violations(), Vec::<String>::new());
    assert_eq!(world.cloud.engine("b4").membership().await.unwrap(), Membership::Inactive);
    let nodes = world.any().nodes().await.unwrap();
    assert!(nodes.iter().all(|node| node.name != "b4"), "its node is forgotten");
    assert!(!world.agent_runs("b4"));
    let (seen, _) = look(&operator.wanted(), &world).await.unwrap();
    let kafka = seen.health.kafka().unwrap();
    assert!(kafka.away.is_empty(), "its broker is struck off: {:?}", kafka.away);
    assert!(kafka.partitions.0.iter().all(|p| !p.lies_on("b4") && p.replicas.len() == 3));
    let stay: Vec<_> = services.into_iter().filter(|held| !held.spec.name.ends_with("b4")).collect();
    let versions =
        |held: &[Held<ServiceSpec>]| -> Vec<_> { held.iter().map(|h| (h.id.clone(), h.version)).collect() };
    assert_eq!(versions(&world.any().services().await.unwrap()), versions(&stay), "nothing else is touched");
    // It comes back on an empty card, and has the number that it had.
    world.reflash("b4");
    operator.rack = rack(&["b1", "b2", "b3", "b4"], "");
    operator.apply(&world).await.unwrap();
    assert_eq!(world.violations(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn of_a_board_that_is_to_leave_and_does_not_answer() {
    let (mut operator, world) = four().await;
    operator.rack = rack(&["b1", "b2", "b3"], "");
    world.set_power("b4", false);
    let changes = world.changes();
    golden("leaves_dead", &operator.plan(&world).await);
    assert!(matches!(operator.apply(&world).await, Err(OperationError::Refused(_))));
    assert_eq!(world.changes(), changes);
    operator.allowed = BTreeSet::from(["AL005".to_owned()]);
    operator.apply(&world).await.unwrap();
    let (seen, plan) = look(&operator.wanted(), &world).await.unwrap();
    assert!(plan.is_empty(), "{plan}");
    assert!(!seen.health.cassandra().unwrap().nodes.contains_key("b4"), "the others have its share");
    assert!(seen.health.kafka().unwrap().partitions.0.iter().all(|p| !p.lies_on("b4")));
}

#[tokio::test(start_paused = true)]
async fn of_a_manager_that_leaves() {
    let text = |roles: &str| format!("version = 1\nname = \"desk\"\n{roles}");
    let board = |number: u8, roles: &str| {
        format!("[[board]]\nname = \"b{number}\"\naddress = \"10.77.0.1{number}\"\nroles = [{roles}]\n")
    };
    let rack = |boards: &[String]| parse(&text(&boards.concat()), Path::new("rack.toml")).unwrap();
    let (manager, worker) = ("\"manager\", \"worker\"", "\"worker\"");
    let all = [board(1, manager), board(2, manager), board(3, manager), board(4, worker)];
    let mut operator = Operator::of(rack(&all));
    let world = FakeRack::new(&["b1", "b2", "b3", "b4"]);
    operator.apply(&world).await.unwrap();
    operator.rack = rack(&[board(1, manager), board(2, manager), board(4, manager)]);
    golden("manager_leaves", &operator.plan(&world).await);
    operator.apply(&world).await.unwrap();
    let nodes = world.any().nodes().await.unwrap();
    let managers: Vec<&str> =
        nodes.iter().filter(|node| node.manager.is_some()).map(|node| node.name.as_str()).collect();
    assert_eq!(managers, ["b1", "b2", "b4"], "never an even number for longer than a step");
    assert_eq!(world.cloud.engine("b3").membership().await.unwrap(), Membership::Inactive);
    assert!(operator.plan(&world).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn of_a_board_that_does_not_answer() {
    let (operator, world) = running().await;
    world.set_power("b3", false);
    golden("silent_board", &operator.plan(&world).await);
    let applied = operator.apply(&world).await.unwrap();
    assert_eq!((applied.steps, applied.undone.is_empty()), (0, false), "the rest is as it should be");
}

#[tokio::test(start_paused = true)]
async fn topics_wait_for_a_broker_whose_board_is_away_and_the_rest_does_not() {
    let (operator, world) = running().await;
    world.lose_topics();
    world.set_power("b3", false);
    let applied = operator.apply(&world).await.unwrap();
    let topics = applied.undone.iter().find(|left| left.subject == "topics").unwrap();
    assert!(topics.reason.starts_with("2 of 3 brokers are there"), "{topics:?}");
    world.set_power("b3", true);
    assert_eq!(operator.apply(&world).await.unwrap().undone, []);
    assert!(operator.plan(&world).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn of_another_racks_swarm() {
    let (mut operator, world) = running().await;
    operator.rack.name = "booth".parse().unwrap();
    golden("other_rack", &operator.plan(&world).await);
    let changes = world.changes();
    assert!(matches!(operator.apply(&world).await, Err(OperationError::Refused(_))));
    assert_eq!(world.changes(), changes);
}

#[tokio::test(start_paused = true)]
async fn of_boards_in_two_swarms() {
    let (operator, world) = running().await;
    let engine = world.cloud.engine("b3");
    engine.leave(true).await.unwrap();
    engine.init(&Birth::new(world.cloud.address("b3").unwrap())).await.unwrap();
    golden("two_swarms", &operator.plan(&world).await);
}

#[tokio::test(start_paused = true)]
async fn of_a_swarm_whose_managers_have_lost_their_majority() {
    let (operator, world) = running().await;
    world.set_power("b2", false);
    world.set_power("b3", false);
    golden("no_majority", &operator.plan(&world).await);
}

#[tokio::test(start_paused = true)]
async fn of_other_voters() {
    let (mut operator, world) = running().await;
    let kafka = operator.rack.kafka.as_mut().unwrap();
    (kafka.voters, kafka.voters_named) = (boards(&["b1"]), true);
    golden("other_voters", &operator.plan(&world).await);
}

#[tokio::test(start_paused = true)]
async fn of_what_loses_replicas_before_and_after_somebody_allows_it() {
    let (mut operator, world) = running().await;
    let cassandra = operator.rack.cassandra.as_mut().unwrap();
    (cassandra.nodes, cassandra.replication) = (boards(&["b1", "b2"]), 2);
    golden("to_be_allowed", &operator.plan(&world).await);
    let changes = world.changes();
    assert!(matches!(operator.apply(&world).await, Err(OperationError::Refused(_))));
    assert_eq!(world.changes(), changes);
    operator.allowed = BTreeSet::from(["AL004".to_owned(), "AL006".to_owned()]);
    golden("allowed", &operator.plan(&world).await);
}

#[tokio::test(start_paused = true)]
async fn of_a_reflashed_board_which_takes_its_lost_nodes_place() {
    let (operator, world) = running().await;
    world.reflash("b2");
    golden("reflashed", &operator.plan(&world).await);
    operator.apply(&world).await.unwrap();
    let (seen, plan) = look(&operator.wanted(), &world).await.unwrap();
    assert!(plan.is_empty(), "{plan}");
    let swarm = seen.swarm.unwrap();
    let names: Vec<&str> = swarm.observed.nodes.iter().map(|node| node.name.as_str()).collect();
    assert_eq!(names.iter().filter(|name| **name == "b2").count(), 1, "its old node is forgotten");
    assert!(seen.health.cassandra.unwrap().said().unwrap().is_well("b2"));
    assert!(swarm.identity.unwrap().unwrap().cassandra.unwrap().replaced["b2"] == "b1");
}

#[tokio::test(start_paused = true)]
async fn a_reflashed_board_takes_its_place_when_it_was_the_only_seed() {
    let (mut operator, world) = bare();
    let cassandra = operator.rack.cassandra.as_mut().unwrap();
    (cassandra.seeds, cassandra.seeds_named) = (boards(&["b2"]), true);
    operator.apply(&world).await.unwrap();
    world.reflash("b2");
    operator.apply(&world).await.unwrap();
    let seen = look(&operator.wanted(), &world).await.unwrap().0;
    assert!(seen.health.cassandra.unwrap().said().unwrap().is_well("b2"));
    assert_eq!(world.violations(), [""; 0], "its label brings it a task: its service has to know before");
}

#[tokio::test(start_paused = true)]
async fn a_saved_plan_is_applied_when_nothing_has_moved_and_refused_when_something_did() {
    let (mut operator, world) = bare();
    let saved = Saved::of("desk", operator.fresh, &operator.plan(&world).await).unwrap();
    // Whoever plans again makes up other ids; whoever applies what was saved, the same.
    operator.fresh = Uuid::from_u128(99);
    let moved = operator.apply_as(&world, Some(&saved), false).await;
    assert!(matches!(moved, Err(OperationError::Moved(Moved))), "{moved:?}");
    assert_eq!(world.changes(), 0);
    operator.fresh = saved.fresh();
    operator.apply_as(&world, Some(&saved), false).await.unwrap();

    operator.rack.cassandra.as_mut().unwrap().heap = Some(Bytes::mebibytes(1024));
    let saved = Saved::of("desk", operator.fresh, &operator.plan(&world).await).unwrap();
    operator.rack.cassandra.as_mut().unwrap().heap = Some(Bytes::mebibytes(1280));
    let changes = world.changes();
    let moved = operator.apply_as(&world, Some(&saved), false).await;
    assert!(matches!(moved, Err(OperationError::Moved(Moved))), "{moved:?}");
    assert_eq!(world.changes(), changes);
    operator.rack.cassandra.as_mut().unwrap().heap = Some(Bytes::mebibytes(1024));
    operator.apply_as(&world, Some(&saved), false).await.unwrap();
    // Agreed to once, it is done once.
    let again = operator.apply_as(&world, Some(&saved), false).await;
    assert!(matches!(again, Err(OperationError::Moved(Moved))), "{again:?}");
}

#[tokio::test(start_paused = true)]
async fn an_image_for_another_processor_is_refused_before_a_task_of_it_begins() {
    let mut operator = Operator::of(rack(&["b1", "b2", "b3"], ""));
    let world = FakeRack::new(&["b1", "b2", "b3"]);
    let image = operator.rack.kafka.as_ref().unwrap().image.clone();
    world.cloud.set_architecture(&image, "amd64");
    let Err(OperationError::Refused(refused)) = operator.apply(&world).await else {
        panic!("it was applied")
    };
    assert_eq!(refused.len(), 3, "{refused:?}");
    assert!(
        refused[0].reason.starts_with("its programs are for amd64, and the board is aarch64"),
        "{refused:?}"
    );
    let engine = world.manager().await.unwrap();
    assert_eq!(pirack_swarm::engine::Engine::services(engine).await.unwrap().len(), 0);
    operator.rack.kafka.as_mut().unwrap().image = "apache/kafka:4.1.3".parse().unwrap();
    operator.apply(&world).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_image_is_pinned_by_its_own_registrys_digest_whoever_else_has_given_it_one() {
    let (mut operator, world) = bare();
    let elsewhere = operator.rack.kafka.as_ref().unwrap().image.clone();
    let image: Image = format!("r1b1:5000/{elsewhere}").parse().unwrap();
    world.cloud.engine("b1").pull(&elsewhere, |_| ()).await.unwrap();
    world.cloud.push("b1", &elsewhere, &image);
    operator.rack.kafka.as_mut().unwrap().image = image;
    assert_eq!(operator.apply(&world).await.unwrap().undone, []);
    assert!(operator.plan(&world).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_image_with_several_digests_of_one_repository_is_there_by_each_of_them() {
    let (operator, world) = running().await;
    let image = operator.rack.kafka.as_ref().unwrap().image.clone();
    // Any of these digests may be told first.
    (0..8).for_each(|n| world.cloud.push("b2", &image, &format!("{image}-{n}").parse().unwrap()));
    let plan = operator.plan(&world).await;
    assert!(plan.is_empty(), "{plan}");
}

#[tokio::test]
async fn a_board_that_is_silent_before_there_is_a_swarm_is_told_once_and_nothing_begins() {
    let operator = Operator::of(rack(&["b1", "b2", "b3"], ""));
    let world = FakeRack::new(&["b1", "b2", "b3"]);
    world.set_power("b1", false);
    let plan = operator.plan(&world).await;
    let of_it = |left: &&Left| left.subject == "board b1";
    assert_eq!(plan.refused.iter().filter(of_it).count(), 1, "{plan}");
    assert!(plan.refused[0].reason.contains("may hold the rack's swarm"), "{plan}");
    assert_eq!(plan.undone.iter().filter(of_it).count(), 0, "{plan}");
    assert!(!plan.steps.iter().any(|step| step.stage == Stage::Membership), "{plan}");
}
