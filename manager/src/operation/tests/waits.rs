//! What is waited for, and what is waited for in vain.

use std::collections::BTreeMap;
use std::time::Duration;

use pirack_swarm::engine::Engine;
use pirack_swarm::object::Id;
use pirack_swarm::testing::Fate;
use tokio::time::{Instant, advance};

use super::*;
use crate::operation::patience::{LONGEST, Patience, STILL, Vain};
use crate::operation::testing::{Event, Starting};
use crate::rack::{Bytes, Identity, identity};
use crate::stack::cassandra::{CassandraHealth, Gossip, Node, State};
use crate::stack::roll::{Gate, Waiting};
use crate::stack::{Answer, StackHealth, Stopped};

const BAD: &str = "cassandra:5.0.10";

#[tokio::test(start_paused = true)]
async fn a_node_that_fails_again_and_again_ends_the_apply_in_dockers_words_and_no_other_is_touched() {
    let (mut operator, world) = running().await;
    let before = operator.rack.clone();
    operator.rack.cassandra.as_mut().unwrap().image = BAD.parse().unwrap();
    let pinned = pinned_name(&operator, &world).await;
    world.cloud.set_fate(&pinned, Fate::Exits(3));
    let began = Instant::now();
    let failed = operator.apply(&world).await;
    let Err(OperationError::Fails { service, words, .. }) = &failed else { panic!("{failed:?}") };
    assert!(words.contains("task: non-zero exit (3)"), "{words}");
    assert!(began.elapsed() < Duration::from_secs(60), "{:?}", began.elapsed());
    let lines = operator.heard.waiting();
    assert!(lines.iter().any(|line| line.contains("task: non-zero exit (3)")), "{lines:#?}");
    assert_eq!(world.violations(), [""; 0]);
    let running = look(&operator.wanted(), &world).await.unwrap().0.health.running;
    let down = ["b1", "b2", "b3"].map(|board| format!("cassandra-{board}")).into_iter();
    let down: Vec<String> = down.filter(|name| !running.contains(name)).collect();
    assert_eq!(&down, std::slice::from_ref(service));
    // Taken back in the file, it is mended.
    operator.rack = before;
    operator.apply(&world).await.unwrap();
    assert!(operator.plan(&world).await.is_empty());
    assert_eq!(world.violations(), [""; 0]);
}

/// Where the swarm began is its leader; asked is the first by its name.
#[tokio::test(start_paused = true)]
async fn a_leader_that_hands_its_role_on_is_waited_for_and_who_is_asked_is_asked_no_more() {
    let file = |first: u8, managers: [u8; 3]| {
        let board = |number: u8| {
            let roles = if managers.contains(&number) { "\"manager\", \"worker\"" } else { "\"worker\"" };
            format!("[[board]]\nname = \"b{number}\"\naddress = \"10.77.0.1{number}\"\nroles = [{roles}]\n")
        };
        let others = (1..=4).filter(|number| *number != first);
        let boards: String = [first].into_iter().chain(others).map(board).collect();
        parse(&format!("version = 1\nname = \"desk\"\n{boards}"), Path::new("rack.toml")).unwrap()
    };
    for (leader, next, line) in [
        (1, [2, 3, 4], "the swarm has moved meanwhile: looking again"),
        (2, [1, 3, 4], "no manager answers for the swarm yet"),
    ] {
        let mut operator = Operator::of(file(leader, [1, 2, 3]));
        let world = FakeRack::new(&["b1", "b2", "b3", "b4"]);
        operator.apply(&world).await.unwrap();
        operator.rack = file(leader, next);
        operator.apply(&world).await.unwrap();
        let waiting = operator.heard.waiting();
        assert!(waiting.iter().any(|said| said == line), "{next:?}: {waiting:#?}");
        let nodes = world.manager().await.unwrap().nodes().await.unwrap();
        let managers: Vec<&str> =
            nodes.iter().filter(|node| node.manager.is_some()).map(|node| node.name.as_str()).collect();
        assert_eq!(managers, next.map(|number| format!("b{number}")));
        assert!(operator.plan(&world).await.is_empty());
        assert_eq!(world.violations(), [""; 0]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_goes_as_a_service_is_changed_lets_nobody_stop_beside_it() {
    let mut heard = 0;
    for calls in 0..12 {
        let (mut operator, world) = running().await;
        operator.rack.kafka.as_mut().unwrap().heap = Some(Bytes::mebibytes(640));
        operator.rack.cassandra.as_mut().unwrap().heap = Some(Bytes::mebibytes(1024));
        world.any().lose_leader_after(calls);
        let applied = operator.apply(&world).await;
        assert!(applied.is_ok(), "after {calls} calls: {applied:?}");
        assert_eq!(world.violations(), [""; 0], "after {calls} calls");
        let waiting = operator.heard.waiting();
        assert_eq!(operator.apply(&world).await.unwrap().steps, 0, "after {calls} calls");
        heard += waiting.iter().filter(|line| line.contains("stops, or is about to")).count();
    }
    assert!(heard > 0, "the old task was seen to run still");
}

#[tokio::test(start_paused = true)]
async fn a_node_of_which_nothing_is_heard_at_first_hands_its_data_over_all_the_same() {
    for looks in 1..8 {
        let (mut operator, world) = running().await;
        let cassandra = operator.rack.cassandra.as_mut().unwrap();
        (cassandra.nodes, cassandra.replication) = (vec!["b1".parse().unwrap(), "b2".parse().unwrap()], 2);
        operator.allowed = ["AL004", "AL006", "AL008"].map(str::to_owned).into();
        world.gossip_is_unheard(looks);
        operator.apply(&world).await.unwrap();
        let (seen, _) = look(&operator.wanted(), &world).await.unwrap();
        let ring = seen.health.cassandra().unwrap();
        assert!(!ring.nodes.contains_key("b3"), "unheard for {looks} looks: {ring:#?}");
        assert_eq!(world.violations(), [""; 0], "unheard for {looks} looks");
    }
}

/// Whatever the plan was made for is not so any more: nothing else of it is waited for.
#[tokio::test(start_paused = true)]
async fn a_node_that_goes_down_before_it_can_hand_over_is_planned_anew() {
    let mut again = 0;
    for calls in 15..30 {
        let boards = ["b1", "b2", "b3", "b4"];
        let (mut operator, world) = (Operator::of(rack(&boards, "")), FakeRack::new(&boards));
        operator.apply(&world).await.unwrap();
        operator.rack = rack(&boards[..3], "");
        world.after(calls, Event::TaskEnds("cassandra-b4".to_owned()));
        let began = Instant::now();
        match operator.apply(&world).await {
            // It is down in the next look too, and nobody allowed to give it up.
            Ok(_) | Err(OperationError::Refused(_)) => {}
            failed => panic!("call {calls}: {failed:?}"),
        }
        assert!(began.elapsed() < Duration::from_secs(300), "call {calls}: {:?}", began.elapsed());
        again += operator.heard.waiting().iter().filter(|line| line.contains("is not up")).count();
        assert_eq!(world.violations(), [""; 0], "call {calls}");
    }
    assert!(again > 0, "it never went between a plan and its step");
}

/// A look costs every board something: one shows of all services whether they are well.
#[tokio::test(start_paused = true)]
async fn more_services_are_no_more_looks_until_everything_is_well() {
    let mut calls = vec![];
    for boards in [&["b1", "b2", "b3"][..], &["b1", "b2", "b3", "b4", "b5"]] {
        let (operator, world) = (Operator::of(rack(boards, "")), FakeRack::new(boards));
        operator.apply(&world).await.unwrap();
        world.gossip_is_unheard(4);
        let (before, waits) = (world.calls(), operator.heard.waiting().len());
        assert_eq!(operator.apply(&world).await.unwrap().steps, 0);
        assert!(operator.heard.waiting().len() > waits, "the nodes that tell nothing are waited for");
        calls.push(world.calls() - before);
    }
    assert_eq!(calls[0], calls[1]);
}

#[tokio::test(start_paused = true)]
async fn an_apply_ends_only_when_what_it_changed_last_runs_as_it_is_now() {
    let mut waited = 0;
    for calls in 0..6 {
        let (mut operator, world) = (Operator::of(rack(&["b1"], "")), FakeRack::new(&["b1"]));
        operator.apply(&world).await.unwrap();
        operator.rack.kafka.as_mut().unwrap().heap = Some(Bytes::mebibytes(640));
        world.any().lose_leader_after(calls);
        operator.apply(&world).await.unwrap();
        let waiting = operator.heard.waiting();
        let old = "kafka-b1 runs: kafka-b1 stops, or is about to: its task of before still runs";
        waited += waiting.iter().filter(|line| *line == old).count();
    }
    assert!(waited > 0, "the only service that changed was seen to run as it was");
}

/// The image as services name it, which is by its digest.
async fn pinned_name(operator: &Operator, world: &FakeRack) -> pirack_swarm::desired::Image {
    use pirack_swarm::host::Host;
    let image = operator.rack.cassandra.as_ref().unwrap().image.clone();
    let engine = world.cloud.engine("b4");
    engine.pull(&image, |_| {}).await.unwrap();
    let held = engine.held(&image).await.unwrap().unwrap();
    format!("{image}@{}", held.digest_for(&image).unwrap()).parse().unwrap()
}

/// Another heap for the brokers: something to do.
async fn with_another_heap(
    how: Starting,
    looks: usize,
) -> (Operator, FakeRack, Vec<Id>, Result<Applied, OperationError>) {
    let (mut operator, world) = running().await;
    let nodes = nodes(&world).await;
    operator.rack.kafka.as_mut().unwrap().heap = Some(Bytes::mebibytes(640));
    world.is_starting("b3", how, looks);
    let applied = operator.apply(&world).await;
    (operator, world, nodes, applied)
}

async fn nodes(world: &FakeRack) -> Vec<Id> {
    let nodes = world.manager().await.unwrap().nodes().await.unwrap();
    nodes.into_iter().map(|node| node.held.id).collect()
}

#[tokio::test(start_paused = true)]
async fn a_board_that_has_just_got_its_power_is_waited_for_and_taken_for_no_new_one() {
    for (how, said) in [
        (
            Starting::Unheard,
            "the engine of b3 has started, and its swarm does not hear it yet: looking again",
        ),
        (
            Starting::Unable,
            "the engine of b3 cannot take part in its swarm yet (cannot assign requested address): looking again",
        ),
    ] {
        let (operator, world, before, applied) = with_another_heap(how, 5).await;
        assert_eq!(applied.unwrap().undone, []);
        assert_eq!(operator.heard.notes().iter().filter(|note| *note == said).count(), 1);
        assert_eq!(nodes(&world).await, before, "nobody has left");
        assert!(operator.plan(&world).await.is_empty());
        assert_eq!(world.violations(), [""; 0]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_board_that_its_swarm_never_hears_again_is_told_and_its_data_are_not_given_up() {
    let (operator, world, before, applied) = with_another_heap(Starting::Unheard, usize::MAX).await;
    let undone = applied.unwrap().undone;
    assert!(
        undone.iter().any(|left| left.subject == "board b3" && left.reason.contains("--force")),
        "{undone:?}"
    );
    assert_eq!(nodes(&world).await, before, "nobody has left");
    let swarm = world.manager().await.unwrap().swarm().await.unwrap();
    let identity = Identity::parse(&swarm.labels[identity::LABEL]).unwrap();
    assert_eq!(identity.cassandra.unwrap().replaced, BTreeMap::new());
    world.is_starting("b3", Starting::Unheard, 0);
    assert!(operator.plan(&world).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn failures_are_counted_from_the_waits_beginning_and_forgotten_when_it_runs() {
    let rack = rack(&["b1", "b2", "b3"], "");
    let gate = Gate::RingHas { nodes: ["b1".to_owned()].into() };
    let mut patience = Patience::with(&gate, &rack);
    let health = |task: &str, service: &str| {
        let stopped = Stopped { ended: Some(Id(task.to_owned())), words: "failed: exit 1".to_owned() };
        StackHealth { stopped: BTreeMap::from([(service.to_owned(), stopped)]), ..StackHealth::default() }
    };
    let is = Waiting("not in the ring".to_owned());
    let words = "up and normal in Cassandra's ring: b1: not in the ring";
    let failing = format!("{words}; cassandra-b1: failed: exit 1");
    for task in ["before", "before", "1", "1", "2", "3", "4"] {
        assert_eq!(patience.look(&is, &health(task, "cassandra-b1")), Ok(failing.clone()));
    }
    let runs = StackHealth { running: ["cassandra-b1".to_owned()].into(), ..StackHealth::default() };
    assert_eq!(patience.look(&is, &runs), Ok(words.to_owned()));
    for task in ["4", "5", "6", "7", "8"] {
        assert!(patience.look(&is, &health(task, "cassandra-b1")).is_ok());
    }
    let vain = patience.look(&is, &health("9", "cassandra-b1"));
    assert!(matches!(&vain, Err(Vain::Fails { service, .. }) if service == "cassandra-b1"), "{vain:?}");
    // Another's failures are no reason.
    for task in 10..30 {
        assert_eq!(patience.look(&is, &health(&task.to_string(), "kafka-b1")), Ok(words.to_owned()));
    }
    advance(STILL).await;
    let late = Vain::Late { why: "not in the ring".to_owned(), seconds: STILL.as_secs() };
    assert_eq!(patience.look(&is, &runs), Err(late));
}

#[tokio::test(start_paused = true)]
async fn a_node_that_streams_is_waited_for_as_long_as_it_does_and_not_for_ever() {
    let rack = rack(&["b1", "b2", "b3"], "");
    let gate = Gate::RingHas { nodes: ["b1".to_owned()].into() };
    let is = Waiting("b1 (UJ)".to_owned());
    let ring = |state| {
        let gossip = Gossip { up: true, state, owned_ratio: None, host_id: Uuid::nil() };
        let nodes = [("b1".to_owned(), Node { gossip: Some(gossip), ..Node::default() })];
        let ring = CassandraHealth { nodes: nodes.into(), ..CassandraHealth::default() };
        StackHealth { cassandra: Some(Answer::Said(ring)), ..StackHealth::default() }
    };
    let began = Instant::now();
    let mut patience = Patience::with(&gate, &rack);
    while began.elapsed() < LONGEST - STILL {
        assert!(patience.look(&is, &ring(State::Joining)).is_ok(), "after {:?}", began.elapsed());
        advance(STILL).await;
    }
    advance(STILL).await;
    let vain = patience.look(&is, &ring(State::Joining));
    assert!(matches!(&vain, Err(Vain::Late { seconds, .. }) if *seconds == LONGEST.as_secs()), "{vain:?}");
    // One that has stopped streaming is no longer waited for than any other.
    let mut patience = Patience::with(&gate, &rack);
    advance(STILL / 2).await;
    assert!(patience.look(&is, &ring(State::Joining)).is_ok());
    advance(STILL).await;
    assert!(matches!(patience.look(&is, &ring(State::Normal)), Err(Vain::Late { .. })));
}

#[tokio::test(start_paused = true)]
async fn what_a_board_is_not_ready_for_is_tried_more_and_more_seldom_and_ctrl_c_is_heard_meanwhile() {
    let mut operator = Operator::of(rack(&["b1", "b2", "b3", "b4"], ""));
    let world = FakeRack::new(&["b1", "b2", "b3", "b4"]);
    operator.apply(&world).await.unwrap();
    operator.rack = rack(&["b1", "b2", "b3"], "");
    world.refuses_records("b4", "kafka");
    let (interrupt, interrupted) = watch::channel(false);
    let conductor = operator.conductor(interrupted);
    let request = Request { wanted: operator.wanted(), saved: None, break_lock: false };
    let press = async {
        tokio::time::sleep(Duration::from_secs(60)).await;
        let calls = world.calls();
        tokio::time::sleep(Duration::from_secs(60)).await;
        interrupt.send(true).unwrap();
        (world.calls() - calls, Instant::now())
    };
    let (applied, (calls, pressed)) = tokio::join!(apply(&request, &world, &conductor), press);
    assert!(matches!(applied, Err(OperationError::Interrupted(_))), "{applied:?}");
    assert!(pressed.elapsed() <= Duration::from_secs(10), "{:?}", pressed.elapsed());
    // Six tries, and the beats of the lock, each a look and a write.
    assert!(calls < 60, "{calls} calls in a minute");
}
