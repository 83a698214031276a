//! What goes, what it takes with it, and who must say yes.

use std::collections::BTreeMap;

use super::*;

const KAFKA_GOES: &str = "[Kafka can do without b4] [brokers are there to take over from b4] (move what lies on Kafka's broker of b4 to the others) [nothing of Kafka lies on b4] Remove kafka-b4 [Kafka is without b4's broker]";

/// A fourth board goes: what its turns are, and what must be allowed.
fn fourth_goes(change: impl FnOnce(&mut StackHealth)) -> (Vec<String>, Vec<(Code, String)>) {
    let before = desk(4);
    let identity = remembered(None, &before);
    let rack = desk(3);
    let mut health = all_well(4);
    change(&mut health);
    let observed = holding(&before, &identity, |_| true);
    let plan = plan(&wanted(&rack, &identity), &observed);
    let refused = allow::refusals(&rack, &plan, &observed, &health);
    let refused = refused.into_iter().map(|refusal| (refusal.code, refusal.to_string())).collect();
    (told(&plan, &observed, &health), refused)
}

#[test]
fn a_node_that_goes_hands_its_data_over_first() {
    let (lines, refused) = fourth_goes(|_| ());
    assert_eq!(refused, vec![]);
    assert_eq!(
        lines,
        [
            KAFKA_GOES,
            "[Cassandra can do without b4] (decommission Cassandra's node of b4) [Cassandra's ring is without b4] Remove cassandra-b4",
        ]
    );
}

#[test]
fn a_decommission_that_was_begun_is_waited_for_and_not_asked_for_twice() {
    let (lines, _) = fourth_goes(|health| {
        ring(health).nodes.get_mut("b4").unwrap().gossip.as_mut().unwrap().state = State::Leaving;
    });
    assert_eq!(lines[1], "[Cassandra's ring is without b4] Remove cassandra-b4");
    let (lines, _) = fourth_goes(|health| {
        let node = ring(health).nodes.get_mut("b4").unwrap();
        (node.gossip, node.cql) = (None, None);
    });
    assert_eq!(lines[1], "Remove cassandra-b4");
}

#[test]
fn a_dead_node_is_forgotten_by_the_others_once_somebody_allows_it() {
    let (lines, refused) = fourth_goes(|health| dark(health, "b4"));
    assert_eq!(
        lines[1],
        "Remove cassandra-b4 (give the share of b4's dead node to the others) [Cassandra's ring is without b4]"
    );
    assert_eq!(refused.len(), 1);
    assert!(refused[0].1.starts_with("AL005 cassandra-b4 is down"), "{refused:?}");
}

#[test]
fn a_broker_is_emptied_before_it_goes() {
    let (lines, refused) = fourth_goes(|health| {
        let partition = &mut kafka(health).partitions.0[0];
        partition.replicas = ["b1", "b4"].map(str::to_owned).into();
        partition.in_sync = partition.replicas.clone();
    });
    assert_eq!(refused, vec![]);
    assert_eq!(lines[0], KAFKA_GOES);
}

#[test]
fn a_broker_goes_only_when_somebody_allows_what_is_lost_by_it() {
    let codes = |change: &dyn Fn(&mut StackHealth)| {
        let (_, refused) = fourth_goes(change);
        refused.into_iter().map(|(code, _)| code).filter(|code| *code != Code::DeadNode).collect::<Vec<_>>()
    };
    let set = |names: &[&str]| -> BTreeSet<String> { names.iter().map(|name| (*name).to_owned()).collect() };
    // What it alone has, and hands over while it lives.
    let alone = |health: &mut StackHealth| {
        let partition = &mut kafka(health).partitions.0[0];
        partition.replicas = set(&["b1", "b4"]);
        partition.in_sync = set(&["b4"]);
    };
    assert_eq!(codes(&alone), []);
    let dead = |health: &mut StackHealth| {
        alone(health);
        kafka(health).brokers.remove("b4");
    };
    assert_eq!(codes(&dead), [Code::LastReplica]);
    let dead_and_others_have_it = |health: &mut StackHealth| {
        kafka(health).partitions.0[0].replicas = set(&["b1", "b4"]);
        dark(health, "b4");
    };
    assert_eq!(codes(&dead_and_others_have_it), []);
    let four = |health: &mut StackHealth| {
        let partition = &mut kafka(health).partitions.0[0];
        partition.replicas = set(&["b1", "b2", "b3", "b4"]);
        partition.in_sync = partition.replicas.clone();
    };
    assert_eq!(codes(&four), [Code::FewerBrokers]);
    // It is on its way to the others already: a run before this one has asked for it.
    let underway = |health: &mut StackHealth| {
        let partition = &mut kafka(health).partitions.0[0];
        partition.leaving = set(&["b4"]);
        partition.in_sync = set(&["b1", "b2", "b4"]);
    };
    assert_eq!(codes(&underway), []);
}

#[test]
fn a_killed_run_that_stopped_a_service_and_not_more_is_finished_by_the_next() {
    let rack = desk(3);
    let identity = remembered(None, &desk(4));
    let observed = holding(&rack, &identity, |_| true);
    let mut health = all_well(4);
    assert_eq!(leftovers(&rack, &observed, &health), []);
    dark(&mut health, "b4");
    let known = kafka(&mut health);
    known.away.insert("b4".to_owned());
    known.nodes.insert(4, "b4".to_owned());
    let left = leftovers(&rack, &observed, &health);
    let told: Vec<&str> = left.iter().map(|left| left.subject.as_str()).collect();
    assert_eq!(told, ["broker b4", "Cassandra node of b4"]);
    let codes: Vec<Code> = left.iter().flat_map(|left| &left.refusals).map(|refusal| refusal.code).collect();
    assert_eq!(codes, [Code::DeadNode]);
    assert!(matches!(
        left[0].parts.as_slice(),
        [
            Part::Wait(Gate::KafkaTakes { .. }),
            Part::Do(Act::Vacate { .. }),
            Part::Wait(Gate::KafkaVacated { .. }),
            Part::Do(Act::Unregister { .. })
        ]
    ));
    // One whose board is only away, and whose service is there, is nobody's leftover.
    let observed = holding(&desk(4), &identity, |_| true);
    assert_eq!(leftovers(&desk(4), &observed, &health), []);
    assert_eq!(leftovers(&rack, &observed, &health), [], "it goes by the plan's own steps");
}

#[test]
fn cassandras_own_keyspaces_do_not_keep_a_node_from_going() {
    let before = desk(3);
    let identity = remembered(None, &before);
    let mut rack = desk(3);
    rack.cassandra.as_mut().unwrap().nodes.pop();
    let observed = holding(&before, &identity, |_| true);
    let plan = plan(&wanted(&rack, &identity), &observed);
    let mut health = all_well(3);
    ring(&mut health).replication.clear();
    assert!(allow::refusals(&rack, &plan, &observed, &health).is_empty());
    let forced = Part::Do(Act::Decommission { board: "b3".into(), force: true });
    let asked = |health: &StackHealth| turns(&plan, &observed, health)[0].before.contains(&forced);
    assert!(asked(&health), "system_distributed keeps three");
    ring(&mut health).own_replicas = 2;
    assert!(!asked(&health));
}

#[test]
fn who_does_not_answer_cannot_be_asked_what_would_be_lost() {
    let (_, refused) = fourth_goes(|health| {
        health.kafka = Some(Answer::Silent { reason: "refused".into() });
        health.cassandra = None;
    });
    assert_eq!(refused.iter().map(|(code, _)| *code).collect::<Vec<_>>(), [Code::Unknown, Code::Unknown]);
}

#[test]
fn a_node_whose_place_in_the_ring_nobody_tells_goes_neither_refused_for_another_reason_nor_unasked() {
    let (lines, refused) = fourth_goes(|health| {
        let ring = ring(health);
        ring.gossip_silence = Some("nodetool failed".into());
        ring.nodes.values_mut().for_each(|node| node.gossip = None);
    });
    assert_eq!(refused.iter().map(|(code, _)| *code).collect::<Vec<_>>(), [Code::Unknown]);
    assert!(
        refused[0].1.contains("cassandra-b4 would go while Cassandra's gossip does not answer"),
        "{refused:?}"
    );
    assert_eq!(
        lines[1], "[Cassandra can do without b4?] Remove cassandra-b4",
        "nobody tells, and so it waits, and what it hears is planned on"
    );
    let learns = |change: &dyn Fn(&mut StackHealth)| fourth_goes(change).0[1].contains("without b4?]");
    let silent = |health: &mut StackHealth| {
        health.cassandra = Some(Answer::Silent { reason: "no node answers".into() });
    };
    assert!(learns(&silent), "one that runs in a ring of which nothing at all is heard");
    assert!(fourth_goes(silent).1[0].1.contains("is waited for all the same"));
    assert!(!learns(&|health| {
        silent(health);
        health.running.remove("cassandra-b4");
    }));
    // It has just started, as far as its engine knows, and answers already.
    assert!(learns(&|health| {
        health.running.remove("cassandra-b4");
        let ring = ring(health);
        ring.gossip_silence = Some("nodetool failed".into());
        ring.nodes.values_mut().for_each(|node| node.gossip = None);
    }));
    // One that never came into the ring has nothing to hand over.
    let (lines, refused) = fourth_goes(|health| {
        ring(health).nodes.get_mut("b4").unwrap().gossip = None;
        ring(health).nodes.get_mut("b4").unwrap().cql = None;
    });
    assert_eq!((refused, lines[1].as_str()), (vec![], "Remove cassandra-b4"));
}

#[test]
fn fewer_nodes_or_fewer_replicas_than_rows_have_must_be_allowed() {
    let before = desk(3);
    let identity = remembered(None, &before);
    let mut rack = desk(3);
    let cassandra = rack.cassandra.as_mut().unwrap();
    cassandra.nodes.pop();
    cassandra.replication = 2;
    let observed = holding(&before, &identity, |_| true);
    let plan = plan(&wanted(&rack, &identity), &observed);
    let refused = allow::refusals(&rack, &plan, &observed, &all_well(3));
    let codes: Vec<Code> = refused.iter().map(|refusal| refusal.code).collect();
    assert_eq!(codes, [Code::FewerNodes, Code::FewerReplicas]);
    // Once it is allowed, Cassandra itself must not refuse.
    let turns = turns(&plan, &observed, &all_well(3));
    let forced = Part::Do(Act::Decommission { board: "b3".into(), force: true });
    assert!(turns[0].before.contains(&forced), "{turns:?}");
}

#[test]
fn data_that_would_be_looked_for_elsewhere_must_be_allowed() {
    let before = desk(3);
    let identity = remembered(None, &before);
    let mut rack = desk(3);
    rack.boards[0].data_disk = Some(DataDisk { uuid: "u".into(), mount: "/srv/data".into(), device: None });
    let observed = holding(&before, &identity, |_| true);
    let plan = plan(&wanted(&rack, &identity), &observed);
    let refused = allow::refusals(&rack, &plan, &observed, &all_well(3));
    let told: Vec<String> = refused.iter().map(ToString::to_string).collect();
    assert_eq!(told.len(), 2);
    assert!(
        told[1].starts_with(
            "AL007 kafka-b1 would look for its data in /srv/data/pirack/kafka and leave those in kafka-b1"
        ),
        "{told:?}"
    );
    assert!(told[1].ends_with("say --allow AL007"), "{told:?}");
}

#[test]
fn a_card_that_was_written_anew_takes_its_lost_nodes_place() {
    let mut health = all_well(3);
    let fresh = BTreeSet::from(["b3".to_owned(), "b9".to_owned()]);
    assert_eq!(crate::stack::cassandra::lost(&health, &fresh), BTreeMap::new());
    dark(&mut health, "b3");
    assert_eq!(
        crate::stack::cassandra::lost(&health, &fresh),
        BTreeMap::from([("b3".to_owned(), "b1".to_owned())])
    );
}

#[test]
fn every_code_is_read_as_it_is_written_and_told_in_the_files_page() {
    let page = include_str!("../../../../../docs/rack.md");
    for code in Code::ALL {
        assert!(page.contains(&format!("| `{code}` | {}", code.what())), "{code}");
        assert_eq!(code.to_string().parse(), Ok(code));
        assert!(!code.what().is_empty());
    }
    for spent in ["AL003", "AL009", "AL999"] {
        let told = spent.parse::<Code>().unwrap_err();
        assert!(told.ends_with("they are AL001, AL002, AL004, AL005, AL006, AL007, AL008, AL010"), "{told}");
    }
}

#[test]
fn nobody_waits_for_words_of_a_ring_of_which_nothing_stays() {
    let before = desk(3);
    let identity = remembered(None, &before);
    let mut rack = desk(3);
    rack.cassandra = None;
    let observed = holding(&before, &identity, |_| true);
    let plan = plan(&wanted(&rack, &identity), &observed);
    let mut health = all_well(3);
    health.cassandra = Some(Answer::Silent { reason: "no node answers".into() });
    let refused = allow::refusals(&rack, &plan, &observed, &health);
    assert!(refused.len() == 3 && refused.iter().all(|one| !one.what.contains("waited for")), "{refused:?}");
    let gone = told(&plan, &observed, &health);
    let gone: Vec<&String> = gone.iter().filter(|line| line.contains("cassandra-b")).collect();
    assert_eq!(gone, ["Remove cassandra-b3", "Remove cassandra-b1", "Remove cassandra-b2"]);
}
