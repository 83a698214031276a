//! Rolls over racks that are well, and over such as are not.

mod gates;
mod losses;
mod upright;

use std::collections::BTreeSet;

use pirack_swarm::desired::Desired;
use pirack_swarm::object::{Id, Version};
use pirack_swarm::observed::{Held, NodeState, Observed, ObservedNode};
use pirack_swarm::plan::{Action, Plan, plan};
use pirack_swarm::spec::{Availability, NodeSpec, Role, ServiceSpec};
use uuid::Uuid;

use super::*;
use crate::rack::{Bytes, DataDisk, Identity, Rack, Secrets};
use crate::stack::cassandra::{CassandraHealth, Cql, Gossip, KEYSPACE, Node, State};
use crate::stack::desired;
use crate::stack::health::Answer;
use crate::stack::kafka::{KafkaHealth, Partition, Partitions, Quorum, Voter};
use crate::stack::tests::racks::{desk, nothing, of_2023, remembered};

fn wanted(rack: &Rack, identity: &Identity) -> Desired {
    desired(rack, identity, &nothing(), &Secrets::new()).unwrap()
}

/// A swarm that holds the services of this rack, those of which this holds.
fn holding(rack: &Rack, identity: &Identity, which: impl Fn(&str) -> bool) -> Observed {
    let steps = plan(&wanted(rack, identity), &Observed::default()).steps;
    let created = steps.into_iter().filter_map(|step| match step.action {
        Some(Action::CreateService { spec }) if which(&spec.name) => Some(*spec),
        _ => None,
    });
    let held = |spec: ServiceSpec| Held { id: Id(spec.name.clone()), version: Version(1), spec };
    Observed { services: created.map(held).collect(), ..Observed::default() }
}

/// A rack of boards where everything is well: RF 3 with 2 in sync at the least, b1 leads.
fn all_well(boards: u8) -> StackHealth {
    let names: Vec<String> = (1..=boards).map(|number| format!("b{number}")).collect();
    let replicas: BTreeSet<String> = names.iter().take(3).cloned().collect();
    let voters = names.iter().take(3).map(|name| (name.clone(), Voter { behind: 0, silent_ms: Some(100) }));
    let partition = |number| Partition {
        topic: "rack.readings".into(),
        number,
        leader: Some("b1".into()),
        replicas: replicas.clone(),
        leaving: BTreeSet::new(),
        in_sync: replicas.clone(),
        least: Some(2.min(replicas.len())),
    };
    let kafka = KafkaHealth {
        brokers: names.iter().cloned().collect(),
        quorum: Some(Quorum { leader: "b1".into(), voters: voters.collect() }),
        partitions: Partitions(vec![partition(0), partition(1)]),
        ..KafkaHealth::default()
    };
    let node = |name: &String| {
        let cql = Cql { release: "5.0.9".into(), schema: Uuid::from_u128(1), joined: true };
        let host_id = Uuid::from_u128(7);
        let gossip = Gossip { up: true, state: State::Normal, owned_ratio: None, host_id };
        (name.clone(), Node { gossip: Some(gossip), cql: Some(cql), ..Node::default() })
    };
    let cassandra = CassandraHealth {
        nodes: names.iter().map(node).collect(),
        replication: [(KEYSPACE.to_owned(), [("rack".to_owned(), 3)].into())].into(),
        own_replicas: 3,
        gossip_silence: None,
    };
    StackHealth {
        running: names
            .iter()
            .flat_map(|name| [format!("kafka-{name}"), format!("cassandra-{name}")])
            .collect(),
        kafka: Some(Answer::Said(kafka)),
        cassandra: Some(Answer::Said(cassandra)),
        ..StackHealth::default()
    }
}

fn kafka(health: &mut StackHealth) -> &mut KafkaHealth {
    let Some(Answer::Said(kafka)) = &mut health.kafka else { panic!() };
    kafka
}

fn ring(health: &mut StackHealth) -> &mut CassandraHealth {
    let Some(Answer::Said(ring)) = &mut health.cassandra else { panic!() };
    ring
}

/// A board loses its power.
fn dark(health: &mut StackHealth, board: &str) {
    health.running.retain(|service| !service.ends_with(board));
    let kafka = kafka(health);
    kafka.brokers.remove(board);
    for partition in &mut kafka.partitions.0 {
        partition.in_sync.remove(board);
    }
    if let Some(voter) = kafka.quorum.as_mut().and_then(|quorum| quorum.voters.get_mut(board)) {
        voter.silent_ms = Some(60_000);
    }
    let node = ring(health).nodes.get_mut(board).unwrap();
    node.cql = None;
    node.gossip.as_mut().unwrap().up = false;
}

fn part(part: &Part) -> String {
    match part {
        Part::Wait(gate) => format!("[{gate}]"),
        Part::Learn(gate) => format!("[{gate}?]"),
        Part::Do(act) => format!("({act})"),
    }
}

/// Turns as people read them: a line each, parts before and after it.
fn told(plan: &Plan, observed: &Observed, health: &StackHealth) -> Vec<String> {
    let line = |turn: Turn| {
        let before: Vec<String> = turn.before.iter().map(part).collect();
        let after: Vec<String> = turn.after.iter().map(part).collect();
        let step = format!("{:?} {}", turn.step.r#move, turn.step.object.name);
        [before, vec![step], after].concat().join(" ")
    };
    turns(plan, observed, health).into_iter().map(line).collect()
}

fn lines(wanted: &Rack, identity: &Identity, observed: &Observed, health: &StackHealth) -> Vec<String> {
    told(&plan(&super::tests::wanted(wanted, identity), observed), observed, health)
}

#[test]
fn a_first_start_has_all_of_kafka_at_once_and_cassandra_node_after_node() {
    let rack = desk(3);
    let lines = lines(&rack, &remembered(None, &rack), &Observed::default(), &StackHealth::default());
    assert_eq!(
        lines,
        [
            "Add kafka-b1",
            "Add kafka-b2",
            "Add kafka-b3",
            "Add cassandra-b1 [up and normal in Cassandra's ring: b1]",
            "[Cassandra's ring is whole, to take b2 in] Add cassandra-b2 [up and normal in Cassandra's ring: b2]",
            "[Cassandra's ring is whole, to take b3 in] Add cassandra-b3 [up and normal in Cassandra's ring: b3]",
        ]
    );
}

#[test]
fn a_start_that_was_broken_off_waits_for_what_it_had_begun() {
    let rack = desk(3);
    let identity = remembered(None, &rack);
    let begun = holding(&rack, &identity, |name| name.starts_with("kafka") || name == "cassandra-b1");
    let lines = lines(&rack, &identity, &begun, &StackHealth::default());
    let waits = "[up and normal in Cassandra's ring: b1] [Cassandra's ring is whole, to take b2 in]";
    assert!(lines[0].starts_with(&format!("{waits} Add cassandra-b2")), "{lines:?}");
}

#[test]
fn a_node_that_goes_is_let_go_after_its_services_and_one_that_comes_is_marked_before() {
    let four = desk(4);
    let identity = remembered(None, &four);
    let mut observed = holding(&four, &identity, |_| true);
    let node = |name: &str| ObservedNode {
        held: Held {
            id: Id(name.to_owned()),
            version: Version(1),
            spec: NodeSpec {
                role: Role::Worker,
                availability: Availability::Active,
                labels: [("io.pirack.owner".to_owned(), four.name.to_string())].into(),
            },
        },
        name: name.to_owned(),
        state: NodeState::Ready,
        words: String::new(),
        reachable_manager: false,
        manager: None,
        address: None,
        machine: None,
    };
    observed.nodes = vec![node("b3"), node("b4")];
    let lines = lines(&desk(3), &identity, &observed, &all_well(4));
    let at = |text: &str| lines.iter().position(|line| line.contains(text)).unwrap();
    assert_eq!(at("Change b3"), 0, "{lines:#?}");
    assert!(at("Remove kafka-b4") < at("decommission"), "{lines:#?}");
    assert!(at("decommission") < at("Change b4"), "{lines:#?}");
}

#[test]
fn a_heap_change_rolls_with_the_leader_last_and_every_node_drained() {
    let before = desk(4);
    let identity = remembered(None, &before);
    let mut rack = desk(4);
    rack.kafka.as_mut().unwrap().heap = Some(Bytes::mebibytes(640));
    rack.cassandra.as_mut().unwrap().heap = Some(Bytes::mebibytes(1024));
    let lines = lines(&rack, &identity, &holding(&before, &identity, |_| true), &all_well(4));
    let kafka = |board: &str| {
        format!(
            "[Kafka can do without {board}] Change kafka-{board} [kafka-{board} runs] [{board} is back in Kafka, in sync]"
        )
    };
    let cassandra = |board: &str| {
        format!(
            "[Cassandra can do without {board}] (drain Cassandra on {board}) Change cassandra-{board} [cassandra-{board} runs] [up and normal in Cassandra's ring: {board}]"
        )
    };
    let expected = [["b4", "b2", "b3", "b1"].map(kafka), ["b3", "b4", "b1", "b2"].map(cassandra)].concat();
    assert_eq!(lines, expected);
}

#[test]
fn what_does_not_run_is_mended_first_and_waits_for_nobody() {
    let before = desk(3);
    let identity = remembered(None, &before);
    let mut rack = desk(3);
    rack.kafka.as_mut().unwrap().heap = Some(Bytes::mebibytes(640));
    rack.cassandra.as_mut().unwrap().heap = Some(Bytes::mebibytes(1024));
    let mut health = all_well(3);
    dark(&mut health, "b3");
    let observed = holding(&before, &identity, |_| true);
    let turns = turns(&plan(&wanted(&rack, &identity), &observed), &observed, &health);
    let names: Vec<&str> = turns.iter().map(|turn| turn.step.object.name.as_str()).collect();
    assert_eq!((names[0], names[3]), ("kafka-b3", "cassandra-b3"));
    let drained = |turn: &Turn| turn.before.iter().any(|part| matches!(part, Part::Do(_)));
    assert!(turns[3..].iter().all(drained), "{turns:?}");
    for (turn, passes) in [(0, true), (1, false), (2, false), (3, true), (4, false), (5, false)] {
        let Part::Wait(gate) = &turns[turn].before[0] else { panic!() };
        assert_eq!(gate.holds(&health).is_ok(), passes, "{gate}: {:?}", gate.holds(&health));
    }
    // Nobody answers at all, and nothing runs: a mistake that stopped everything can be taken back.
    let dead = StackHealth {
        kafka: Some(Answer::Silent { reason: "refused".into() }),
        cassandra: Some(Answer::Silent { reason: "refused".into() }),
        ..StackHealth::default()
    };
    for turn in &turns {
        let Part::Wait(gate) = &turn.before[0] else { panic!() };
        assert_eq!(gate.holds(&dead), Ok(()), "{gate}");
    }
    // Nobody answers, and they run: the way is broken, not the cluster.
    let lost = StackHealth { running: all_well(3).running, ..dead };
    let Part::Wait(gate) = &turns[0].before[0] else { panic!() };
    assert!(gate.holds(&lost).is_err());
    // Nobody was asked, as when no manager of the swarm answers: nothing is known, and nothing opens.
    for turn in &turns {
        let Part::Wait(gate) = &turn.before[0] else { panic!() };
        assert!(gate.holds(&StackHealth::default()).is_err(), "{gate}");
    }
}

#[test]
fn stargate_comes_when_the_ring_is_whole_and_its_door_when_it_runs() {
    let rack = of_2023();
    let identity = remembered(None, &rack);
    let observed = holding(&rack, &identity, |name| !name.ends_with("a1") && name != "page");
    let plan = plan(&wanted(&rack, &identity), &observed);
    let lines = told(&plan, &observed, &StackHealth::default());
    let services: Vec<&String> =
        lines.iter().filter(|line| line.contains("-a1") || line.contains("page")).collect();
    assert_eq!(
        services,
        [
            "[every node of Cassandra is up and normal, and they agree on the schema] Add stargate-a1 [stargate-a1 runs]",
            "[stargate-a1 runs] Add graphql-a1 [graphql-a1 runs] [Stargate on a1 answers a query]",
            "Add page",
        ]
    );
}

/// A rack with Cassandra alone, a board at each of these places, and these seeds.
fn at_places(places: &[&str], seeds: &[&str]) -> (Rack, Identity) {
    let mut rack = desk(u8::try_from(places.len()).unwrap());
    rack.kafka = None;
    for (board, place) in rack.boards.iter_mut().zip(places) {
        board.place = (*place).to_owned();
    }
    rack.cassandra.as_mut().unwrap().seeds = seeds.iter().map(|seed| seed.parse().unwrap()).collect();
    let identity = remembered(None, &rack);
    (rack, identity)
}

/// The boards whose node is added, in that order.
fn joined(rack: &Rack, identity: &Identity, observed: &Observed, health: &StackHealth) -> Vec<String> {
    let plan = plan(&wanted(rack, identity), observed);
    let turns = turns(&plan, observed, health);
    turns
        .iter()
        .filter_map(|turn| turn.step.object.name.strip_prefix("cassandra-").map(str::to_owned))
        .collect()
}

#[test]
fn one_node_of_each_new_place_joins_before_a_second_of_any() {
    let places = ["left", "left", "right", "right", "top"];
    let nothing = (Observed::default(), StackHealth::default());
    // A ring begins at a seed, whatever its name, and its other seeds wait for the places.
    let (rack, identity) = at_places(&places, &["b2", "b3", "b4"]);
    assert_eq!(joined(&rack, &identity, &nothing.0, &nothing.1), ["b2", "b3", "b5", "b4", "b1"]);
    // Of a ring at one place: first the places that it does not have.
    let places = ["left", "left", "left", "right", "right", "top"];
    let (rack, identity) = at_places(&places, &["b1", "b2"]);
    let begun = holding(&rack, &identity, |name| ["cassandra-b1", "cassandra-b2"].contains(&name));
    assert_eq!(joined(&rack, &identity, &begun, &all_well(2)), ["b4", "b6", "b3", "b5"]);
}
