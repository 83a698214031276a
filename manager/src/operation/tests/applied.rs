//! What an apply brings about.

use std::time::Duration;

use pirack_swarm::engine::Engine;
use pirack_swarm::spec::SecretValue;
use tokio::time::sleep;

use super::*;

#[tokio::test(start_paused = true)]
async fn bare_boards_become_a_rack_and_a_second_apply_changes_nothing() {
    let (operator, world) = running().await;
    assert!(operator.heard.waiting().contains(&"1 of 1 MB have come".to_owned()), "how far a pull is");
    let changes = world.changes();
    assert!(operator.plan(&world).await.is_empty(), "{}", operator.plan(&world).await);
    let again = operator.apply(&world).await.unwrap();
    assert_eq!((again.steps, again.undone.len()), (0, 0));
    assert_eq!(world.changes(), changes, "a second apply touched something");
    assert_eq!(world.violations(), [""; 0]);
}

const PAGE: &str = "[[app]]\nname = \"page\"\nimage = \"nginx:1.29.3\"\nboards = [\"b1\"]\n[app.secrets]\nkey = { env = \"KEY\" }\n";

fn key(value: &str) -> Secrets {
    Secrets::from([("key".parse().unwrap(), SecretValue::new(value.as_bytes().to_vec()))])
}

/// The names of the secrets that the swarm has, and of those that the app's service is given.
async fn secrets(world: &FakeRack) -> (Vec<String>, Vec<String>) {
    let engine = world.manager().await.unwrap();
    let all = engine.secrets().await.unwrap().into_iter().map(|held| held.spec.name).collect();
    let services = engine.services().await.unwrap();
    let page = services.into_iter().find(|held| held.spec.name == "page").unwrap();
    (all, page.spec.secrets.into_values().map(|file| file.source).collect())
}

#[tokio::test(start_paused = true)]
async fn a_secret_with_another_value_is_another_object_that_its_service_follows_and_the_old_one_goes() {
    let mut operator = Operator::of(rack(&["b1", "b2", "b3"], PAGE));
    operator.secrets = key("first");
    let world = FakeRack::new(&["b1", "b2", "b3"]);
    operator.apply(&world).await.unwrap();
    let (before, given) = secrets(&world).await;
    assert_eq!((before.len(), &before), (1, &given));
    let earlier = operator.heard.done().len();
    operator.secrets = key("second");
    operator.apply(&world).await.unwrap();
    let (after, given) = secrets(&world).await;
    assert_eq!((after.len(), &after), (1, &given));
    assert_ne!(before, after);
    let done = &operator.heard.done()[earlier..];
    assert!(done.iter().all(|step| !step.contains("kafka") && !step.contains("cassandra")), "{done:#?}");
    assert!(operator.plan(&world).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_brokers_setting_rolls_through_the_brokers_one_at_a_time_and_touches_nothing_else() {
    let (mut operator, world) = running().await;
    let earlier = operator.heard.done().len();
    operator.rack = rack(&["b1", "b2", "b3"], "[kafka.settings.properties]\n\"num.io.threads\" = 5\n");
    operator.apply(&world).await.unwrap();
    let mut done = operator.heard.done()[earlier..].to_vec();
    done.sort();
    assert_eq!(done, ["change service kafka-b1", "change service kafka-b2", "change service kafka-b3"]);
    // Each one waited until the one before it was in sync again, else the fake would have told.
    assert_eq!(world.violations(), [""; 0]);
    assert!(operator.plan(&world).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_apply_ends_only_when_every_agents_records_have_arrived() {
    let (operator, world) = running().await;
    let waiting = world.records_waiting();
    assert_eq!(waiting.len(), 3);
    assert!(waiting.values().all(|records| *records == 0), "{waiting:?}");
    let last = operator.heard.done().pop();
    assert_eq!(last.as_deref(), Some("wait until the agents' records have arrived"));
}

#[tokio::test(start_paused = true)]
async fn a_sink_that_takes_no_record_ends_the_apply_in_words_that_name_board_and_sink() {
    let operator = Operator::of(rack(&["b1", "b2", "b3"], ""));
    let world = FakeRack::new(&["b1", "b2", "b3"]);
    world.refuses_records("b2", "cassandra");
    let failed = operator.apply(&world).await;
    let Err(OperationError::Gate { why, .. }) = failed else { panic!("{failed:?}") };
    assert_eq!(why, "cassandra does not take the records of the agent on b2, of which 120 wait");
}

#[tokio::test(start_paused = true)]
async fn a_board_that_stops_answering_holds_no_apply_for_its_records() {
    let operator = Operator::of(rack(&["b1", "b2", "b3"], ""));
    let world = FakeRack::new(&["b1", "b2", "b3"]);
    world.refuses_records("b3", "kafka");
    let unplug = async {
        while !operator.heard.waiting().iter().any(|line| line.contains("the agent on b3")) {
            sleep(Duration::from_secs(1)).await;
        }
        world.set_power("b3", false);
    };
    let (applied, ()) = tokio::join!(operator.apply(&world), unplug);
    let undone: Vec<String> = applied.unwrap().undone.into_iter().map(|left| left.subject).collect();
    assert!(undone.contains(&"board b3".to_owned()) || undone.contains(&"node b3".to_owned()), "{undone:?}");
    assert!(operator.heard.notes().iter().any(|note| note.starts_with("the agent on b3 is not waited for")));
}

#[tokio::test(start_paused = true)]
async fn what_was_only_just_recorded_is_no_reason_to_change_anything() {
    let (operator, world) = running().await;
    world.records("b1", 40);
    let changes = world.changes();
    assert_eq!((operator.apply(&world).await.unwrap().steps, world.changes()), (0, changes));
}

#[tokio::test(start_paused = true)]
async fn time_left_falls_while_boards_are_seen_to_side_by_side() {
    let operator = Operator::of(rack(&["b1", "b2", "b3"], ""));
    operator.apply(&FakeRack::new(&["b1", "b2", "b3"])).await.unwrap();
    let heard = operator.heard.0.lock().unwrap();
    let left = |progress: &Progress| match progress {
        Progress::Step { what, state: StepState::Begun { left }, .. } if what.contains("image ") => {
            Some(*left)
        }
        _ => None,
    };
    let left: Vec<Duration> = heard.iter().filter_map(left).collect();
    assert!(left.last() < left.first(), "{left:?}");
}
