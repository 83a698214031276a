//! What a destroy takes, what it leaves, and what it refuses.

use std::collections::BTreeSet;
use std::sync::Arc;

use pirack_swarm::engine::Engine as _;
use pirack_swarm::member::{Member as _, Membership};
use tokio::sync::watch;
use tokio::time::Instant;
use uuid::Uuid;

use super::super::destroy::{Destroyed, Parts, Request, Scope, destroy, look};
use super::super::run::COMING_UP;
use super::super::testing::FakeRack;
use super::super::{Conductor, Kind, Operation, OperationError};
use super::Heard;
use crate::rack::{Identity, Rack, identity};
use crate::stack::Engine;

const BOARDS: [&str; 3] = ["b1", "b2", "b3"];

pub(super) fn whole() -> Scope {
    Scope { parts: Parts::Whole, agents: false, volumes: false }
}

pub(super) fn some(stacks: &[Engine], services: &[&str], boards: &[&str]) -> Scope {
    let parts = Parts::Some {
        stacks: stacks.iter().copied().collect(),
        services: services.iter().map(|name| (*name).to_owned()).collect(),
        boards: boards.iter().map(|name| name.parse().unwrap()).collect(),
    };
    Scope { parts, agents: false, volumes: false }
}

pub(super) async fn destroyed(
    world: &FakeRack,
    rack: &Rack,
    scope: &Scope,
    allowed: &[&str],
) -> (Result<Destroyed, OperationError>, Vec<String>) {
    let allowed: BTreeSet<String> = allowed.iter().map(|code| (*code).to_owned()).collect();
    let request = Request { rack, scope, allowed: &allowed, break_lock: false };
    let heard = Arc::new(Heard::default());
    let (_keep, interrupted) = watch::channel(false);
    let operation = Operation::new(Kind::Destroy, rack.name.as_str(), "ada@desk");
    let conductor = Conductor::new(operation, vec![heard.clone()], interrupted);
    let outcome = destroy(&request, world, &conductor).await;
    (outcome, heard.done())
}

/// Three boards with everything on them.
async fn running() -> (FakeRack, Rack) {
    let (operator, world) = super::running().await;
    (world, operator.rack)
}

async fn members(world: &FakeRack) -> usize {
    let mut members = 0;
    for board in BOARDS {
        let told = world.cloud.engine(board).membership().await.unwrap();
        members += usize::from(!matches!(told, Membership::Inactive));
    }
    members
}

#[tokio::test(start_paused = true)]
async fn a_whole_rack_goes_in_a_safe_order_and_its_data_stay() {
    let (world, rack) = running().await;
    let (outcome, done) = destroyed(&world, &rack, &whole(), &[]).await;
    let outcome = outcome.unwrap();
    assert_eq!(outcome.undone, []);
    assert_eq!(members(&world).await, 0, "{done:#?}");
    let place = |words: &str| {
        done.iter().position(|step| step == words).unwrap_or_else(|| panic!("{words} not in {done:#?}"))
    };
    assert!(place("remove service kafka-b1") < place("wait until the tasks have ended"));
    assert!(place("wait until the tasks have ended") < place("change node b2"));
    assert!(place("change node b2") < place("remove board b2"));
    assert_eq!(done.last().map(String::as_str), Some("remove board b1"), "{done:#?}");
    let volumes: Vec<_> = outcome.stays.volumes.values().flatten().cloned().collect();
    let expected = ["cassandra-b1", "kafka-b1", "cassandra-b2", "kafka-b2", "cassandra-b3", "kafka-b3"];
    assert_eq!(volumes, expected);
    assert_eq!(outcome.stays.agents.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn nodes_whose_data_stay_are_drained_and_others_are_not() {
    for (volumes, drained) in [(false, 3), (true, 0)] {
        let (world, rack) = running().await;
        let scope = Scope { volumes, ..whole() };
        let request = Request { rack: &rack, scope: &scope, allowed: &BTreeSet::new(), break_lock: false };
        let text = serde_json::to_string(&look(&request, &world).await.0).unwrap();
        assert_eq!(text.matches("\"drain\":{").count(), drained, "{text}");
        destroyed(&world, &rack, &scope, &[]).await.0.unwrap();
        let undrained = world.violations().iter().filter(|words| words.contains("without a drain")).count();
        assert!(volumes || undrained == 0, "{:?}", world.violations());
    }
}

#[tokio::test(start_paused = true)]
async fn a_second_destroy_finds_nothing_to_do() {
    let (world, rack) = running().await;
    destroyed(&world, &rack, &whole(), &[]).await.0.unwrap();
    let before = world.changes();
    let (outcome, done) = destroyed(&world, &rack, &whole(), &[]).await;
    assert_eq!((outcome.unwrap().steps, done), (0, vec![]));
    assert_eq!(world.changes(), before);
}

#[tokio::test(start_paused = true)]
async fn volumes_and_agents_go_where_they_are_asked_for_and_also_later() {
    let (world, rack) = running().await;
    destroyed(&world, &rack, &whole(), &[]).await.0.unwrap();
    let all = Scope { agents: true, volumes: true, ..whole() };
    let (outcome, done) = destroyed(&world, &rack, &all, &[]).await;
    let outcome = outcome.unwrap();
    assert_eq!(outcome.steps, 9, "six volumes and three agents: {done:#?}");
    assert_eq!((outcome.stays.volumes.len(), outcome.stays.agents.len()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_volume_of_another_name_is_nobodys_business() {
    let (world, rack) = running().await;
    let stranger = "kafka-b2-backup".to_owned();
    world.put_volume("b2", &stranger);
    // The name of another board's service is not this board's either.
    world.put_volume("b2", "kafka-b1");
    let all = Scope { volumes: true, ..whole() };
    destroyed(&world, &rack, &all, &[]).await.0.unwrap();
    assert_eq!(world.volumes_on("b2"), ["kafka-b1".to_owned(), stranger]);
}

#[tokio::test(start_paused = true)]
async fn folders_on_a_data_disk_are_told_of_and_go_with_the_volumes_alone() {
    let operator = super::Operator::of(super::rack(&BOARDS, super::disks::DISK));
    let world = FakeRack::new(&BOARDS);
    operator.apply(&world).await.unwrap();
    let folders = ["/srv/data/pirack/cassandra", "/srv/data/pirack/kafka"].map(str::to_owned);
    let (kept, _) = destroyed(&world, &operator.rack, &whole(), &[]).await;
    let kept = kept.unwrap().stays;
    assert_eq!(kept.folders, [("b3".parse().unwrap(), folders.into())].into());
    assert!(kept.to_string().contains("folders on b3: /srv/data/pirack/cassandra, /srv/data/pirack/kafka"));
    assert_eq!(world.folders_on("b3").len(), 2);
    let volumes = Scope { volumes: true, ..whole() };
    world.set_disk("b3", false);
    let (astray, _) = destroyed(&world, &operator.rack, &volumes, &[]).await;
    let undone: Vec<String> = astray.unwrap().undone.into_iter().map(|left| left.subject).collect();
    assert_eq!((undone, world.folders_on("b3").len()), (vec!["data disk of b3".to_owned()], 2));
    world.set_disk("b3", true);
    let (gone, done) = destroyed(&world, &operator.rack, &volumes, &[]).await;
    assert_eq!((gone.unwrap().stays.folders.len(), world.folders_on("b3").len()), (0, 0), "{done:#?}");
}

#[tokio::test(start_paused = true)]
async fn a_stacks_folders_go_with_it_once_its_tasks_have_ended_and_others_stay() {
    let operator = super::Operator::of(super::rack(&BOARDS, super::disks::DISK));
    let world = FakeRack::new(&BOARDS);
    operator.apply(&world).await.unwrap();
    let scope = Scope { volumes: true, ..some(&[Engine::Kafka], &[], &[]) };
    let (gone, done) = destroyed(&world, &operator.rack, &scope, &[]).await;
    gone.unwrap();
    let at = |title: &str| done.iter().position(|step| step == title).unwrap_or_else(|| panic!("{done:#?}"));
    assert!(at("wait until the tasks have ended") < at("remove folder /srv/data/pirack/kafka on b3"));
    assert_eq!(world.folders_on("b3"), [("/srv/data/pirack/cassandra".to_owned(), 999)]);
}

#[tokio::test(start_paused = true)]
async fn one_stack_goes_and_the_rest_is_not_touched() {
    let (world, rack) = running().await;
    let (outcome, done) = destroyed(&world, &rack, &some(&[Engine::Kafka], &[], &[]), &[]).await;
    outcome.unwrap();
    assert!(done.iter().all(|step| step.contains("kafka") || step.starts_with("wait")), "{done:#?}");
    let left = world.any().services().await.unwrap();
    assert!(left.iter().all(|held| held.spec.name.starts_with("cassandra-")) && left.len() == 3);
    assert_eq!(members(&world).await, 3);
}

#[tokio::test(start_paused = true)]
async fn one_service_goes_and_its_name_is_no_mistake_once_it_has() {
    let (mut operator, world) = super::running().await;
    let without = operator.rack.clone();
    operator.rack = super::rack(&BOARDS, "[[app]]\nname = \"page\"\nimage = \"page:1.2\"\n");
    // Also one that the file has forgotten.
    for rack in [operator.rack.clone(), without] {
        operator.apply(&world).await.unwrap();
        let (outcome, done) = destroyed(&world, &rack, &some(&[], &["page"], &[]), &[]).await;
        assert_eq!(outcome.unwrap().undone, vec![], "{done:?}");
        let left = world.any().services().await.unwrap();
        assert!(left.len() == 6 && left.iter().all(|held| held.spec.name != "page"), "{done:?}");
    }
    let (again, _) = destroyed(&world, &operator.rack, &some(&[], &["page"], &[]), &[]).await;
    assert_eq!(again.unwrap().steps, 0, "what is gone is gone");
}

#[tokio::test(start_paused = true)]
async fn one_board_of_three_is_refused_where_it_loses_data_and_nothing_is_done() {
    let (world, rack) = running().await;
    let before = world.changes();
    let (outcome, _) = destroyed(&world, &rack, &some(&[], &[], &["b3"]), &[]).await;
    let Err(OperationError::Refused(refused)) = outcome else { panic!("{outcome:?}") };
    assert!(
        refused.iter().all(|left| left.code.as_deref().is_some_and(|code| code.starts_with("AL"))),
        "{refused:?}"
    );
    assert_eq!(world.changes(), before);
}

#[tokio::test(start_paused = true)]
async fn one_board_goes_where_it_is_allowed_and_hands_its_data_over_first() {
    let (world, rack) = running().await;
    let scope = some(&[], &[], &["b3"]);
    let request = Request { rack: &rack, scope: &scope, allowed: &BTreeSet::new(), break_lock: false };
    let codes: Vec<String> =
        look(&request, &world).await.0.refused.into_iter().filter_map(|left| left.code).collect();
    let codes: Vec<&str> = codes.iter().map(String::as_str).collect();
    let (outcome, done) = destroyed(&world, &rack, &scope, &codes).await;
    outcome.unwrap();
    assert_eq!(members(&world).await, 2, "{done:#?}");
    let nodes: Vec<String> = world.any().nodes().await.unwrap().into_iter().map(|node| node.name).collect();
    assert_eq!(nodes, ["b1", "b2"], "its node is forgotten");
    assert_eq!(world.violations(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn the_board_that_holds_the_majority_is_refused() {
    let (world, rack) = running().await;
    world.set_power("b2", false);
    let (outcome, _) =
        destroyed(&world, &rack, &some(&[], &[], &["b3"]), &["AL001", "AL002", "AL003", "AL004", "AL008"])
            .await;
    let Err(OperationError::Refused(refused)) = outcome else { panic!("{outcome:?}") };
    assert!(
        refused.iter().any(|left| left.reason.contains("majority") && left.code.is_none()),
        "{refused:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn what_does_not_answer_is_told_and_the_rest_goes() {
    let (world, rack) = running().await;
    world.set_power("b3", false);
    let (outcome, done) = destroyed(&world, &rack, &whole(), &[]).await;
    let outcome = outcome.unwrap();
    assert_eq!(outcome.undone.iter().map(|left| left.subject.as_str()).collect::<Vec<_>>(), ["board b3"]);
    assert!(outcome.stays.silent.contains(&"b3".parse().unwrap()));
    for board in ["b1", "b2"] {
        let told = world.cloud.engine(board).membership().await.unwrap();
        assert!(matches!(told, Membership::Inactive), "{board}: {told:?} after {done:#?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_is_not_there_is_waited_for_once_and_agents_go_without_one() {
    let (world, rack) = running().await;
    world.set_power("b2", false);
    world.set_power("b3", false);
    let began = Instant::now();
    let agents = Scope { agents: true, ..some(&[], &[], &[]) };
    let (outcome, done) = destroyed(&world, &rack, &agents, &[]).await;
    assert_eq!(outcome.unwrap().undone.len(), 2, "those of two boards stay");
    assert!(done.contains(&"remove agent on b1".to_owned()), "{done:?}");
    let waited = began.elapsed();
    assert!((COMING_UP..2 * COMING_UP).contains(&waited), "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn another_racks_swarm_is_left_alone() {
    let (world, rack) = running().await;
    let swarm = world.any().swarm().await.unwrap();
    let mut labels = swarm.labels.clone();
    let mut other = Identity::parse(&labels[identity::LABEL]).unwrap();
    (other.rack, other.id) = ("booth".to_owned(), Uuid::from_u128(9));
    labels.insert(identity::LABEL.to_owned(), other.label().unwrap());
    world.any().update_swarm(swarm.version, &labels).await.unwrap();
    let (outcome, _) = destroyed(&world, &rack, &whole(), &[]).await;
    let Err(OperationError::Refused(refused)) = outcome else { panic!("{outcome:?}") };
    assert!(refused[0].reason.contains("booth"), "{refused:?}");
    assert_eq!(members(&world).await, 3);
}

#[tokio::test(start_paused = true)]
async fn names_that_the_rack_has_not_are_refused() {
    let (world, rack) = running().await;
    let (outcome, _) = destroyed(&world, &rack, &some(&[], &["kafka-b9"], &["b7"]), &[]).await;
    let Err(OperationError::Refused(refused)) = outcome else { panic!("{outcome:?}") };
    let subjects: Vec<&str> = refused.iter().map(|left| left.subject.as_str()).collect();
    assert_eq!(subjects, ["service kafka-b9", "board b7"]);
}
