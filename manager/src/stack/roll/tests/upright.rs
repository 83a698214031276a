//! What somebody took by hand from a data service, while one is to go.

use super::*;
use crate::stack::service::BOARD;
use pirack_swarm::spec::Scale;

fn node(board: &str) -> ObservedNode {
    let labels = [(BOARD.to_owned(), board.to_owned())].into();
    let spec = NodeSpec { role: Role::Manager, availability: Availability::Active, labels };
    ObservedNode {
        held: Held { id: Id(format!("node-{board}")), version: Version(7), spec },
        name: board.to_owned(),
        state: NodeState::Ready,
        words: String::new(),
        reachable_manager: true,
        manager: None,
        address: None,
        machine: None,
    }
}

/// A fourth board goes, after this has happened to the swarm and while its node is dead.
fn fourth_goes(change: impl FnOnce(&mut Observed)) -> (Vec<String>, Vec<Code>) {
    let (before, rack) = (desk(4), desk(3));
    let identity = remembered(None, &before);
    let mut observed = holding(&before, &identity, |_| true);
    observed.nodes = ["b1", "b2", "b3", "b4"].map(node).into();
    change(&mut observed);
    let mut health = all_well(4);
    dark(&mut health, "b4");
    for node in observed.nodes.iter().filter(|node| !node.held.spec.labels.contains_key(BOARD)) {
        health.running.retain(|service| !service.ends_with(&node.name));
    }
    let plan = plan(&wanted(&rack, &identity), &observed);
    let Round { turns, refusals } = round(&rack, &plan, &observed, &health);
    let gates = |turn: &Turn| turn.after.iter().map(part).collect::<Vec<_>>().join(" ");
    let line = |turn: &Turn| {
        assert_eq!(turn.before, vec![], "what is missing is given back at once");
        format!("{} {}", turn.step.object, gates(turn)).trim_end().to_owned()
    };
    let mends = turns.iter().filter(|turn| turn.step.r#move == Move::Change && turn.before.is_empty());
    (mends.map(line).collect(), refusals.into_iter().map(|refusal| refusal.code).collect())
}

fn held<'a>(observed: &'a mut Observed, service: &str) -> &'a mut ServiceSpec {
    &mut observed.services.iter_mut().find(|held| held.spec.name == service).unwrap().spec
}

#[test]
fn who_cannot_run_for_want_of_a_label_is_given_it_back_and_waited_for_before_it_is_judged() {
    let (mends, refused) = fourth_goes(|observed| observed.nodes[3].held.spec.labels.clear());
    let gates = "[cassandra-b4 runs] [up and normal in Cassandra's ring: b4] [kafka-b4 runs] [b4 is back in Kafka, in sync]";
    assert_eq!(mends, [format!("node b4 {gates}")]);
    assert_eq!(refused, vec![]);
}

#[test]
fn all_that_stay_are_given_what_they_lack_before_any_is_waited_for() {
    let (mends, refused) = fourth_goes(|observed| {
        observed.nodes[1].held.spec.labels.clear();
        observed.nodes[2].held.spec.availability = Availability::Drain;
        held(observed, "cassandra-b4").scale = Scale::Replicas(0);
    });
    assert_eq!(mends[..2], ["node b2", "node b3"]);
    assert!(mends[2].starts_with("service cassandra-b4 ["), "{mends:?}");
    for service in ["kafka-b2", "cassandra-b2", "kafka-b3", "cassandra-b3", "cassandra-b4"] {
        assert!(mends[2].contains(service), "{service}: {mends:?}");
    }
    assert_eq!((mends.len(), refused), (3, vec![]));
}

#[test]
fn what_is_to_change_in_a_service_changes_before_its_label_brings_it_back() {
    let (mends, refused) = fourth_goes(|observed| {
        observed.nodes[3].held.spec.labels.clear();
        held(observed, "cassandra-b3").env.insert("MAX_HEAP_SIZE".to_owned(), "1M".to_owned());
        observed.nodes[2].held.spec.labels.clear();
    });
    assert_eq!(mends[..2], ["service cassandra-b3", "node b3"], "{mends:?}");
    assert_eq!((mends.len(), refused), (3, vec![]));
}

#[test]
fn who_is_down_for_no_such_reason_is_judged_as_it_is() {
    assert_eq!(fourth_goes(|_| ()).1, [Code::DeadNode]);
    // On a board that is away nothing can be made to run.
    let away = |observed: &mut Observed| {
        observed.nodes[3].held.spec.labels.clear();
        observed.nodes[3].state = NodeState::Down;
    };
    assert_eq!(fourth_goes(away).1, [Code::DeadNode]);
}
