//! What holds a roll up, and what does not.

use super::*;
use crate::stack::stargate::StargateHealth;

fn spares(board: &str, health: &StackHealth) -> Result<(), Waiting> {
    Gate::KafkaSpares { board: board.into() }.holds(health)
}

#[test]
fn kafka_never_goes_below_what_must_be_in_sync() {
    let mut health = all_well(4);
    assert_eq!(spares("b1", &health), Ok(()));
    kafka(&mut health).partitions.0[1].in_sync.remove("b3");
    let told = spares("b1", &health).unwrap_err().to_string();
    assert_eq!(told, "without b1 too few replicas are in sync of rack.readings-1");
    // Who has no part in it may go on.
    assert_eq!((spares("b3", &health), spares("b4", &health)), (Ok(()), Ok(())));
}

#[test]
fn where_kafka_does_not_tell_what_must_be_in_sync_only_whole_replicas_spare_anybody() {
    let mut health = all_well(4);
    kafka(&mut health).partitions.0[1].least = None;
    assert_eq!(spares("b1", &health), Ok(()));
    kafka(&mut health).partitions.0[1].in_sync.remove("b3");
    let told = spares("b1", &health).unwrap_err().to_string();
    assert_eq!(
        told,
        "Kafka does not tell how many replicas must be in sync of rack.readings-1, and not all are"
    );
    assert_eq!(kafka(&mut health).partitions.below_least(), Vec::<String>::new());
}

#[test]
fn one_broker_alone_may_be_changed_for_there_is_no_better_moment() {
    let mut health = all_well(1);
    assert_eq!(spares("b1", &health), Ok(()));
    kafka(&mut health).partitions.0[0].leader = None;
    assert!(
        spares("b1", &health)
            .unwrap_err()
            .to_string()
            .starts_with("offline, and so neither read nor written")
    );
}

#[test]
fn an_offline_partition_stops_the_roll_but_for_what_is_dead_itself() {
    let mut health = all_well(3);
    dark(&mut health, "b3");
    kafka(&mut health).partitions.0[0].leader = None;
    assert!(spares("b1", &health).unwrap_err().to_string().contains("rack.readings-0"));
    kafka(&mut health).quorum.as_mut().unwrap().voters.remove("b3");
    assert_eq!(spares("b3", &health), Ok(()));
}

#[test]
fn the_controllers_keep_their_majority() {
    let mut health = all_well(4);
    kafka(&mut health).quorum.as_mut().unwrap().voters.get_mut("b3").unwrap().silent_ms = None;
    assert!(spares("b2", &health).unwrap_err().to_string().contains("these are away: b3"));
    assert_eq!((spares("b3", &health), spares("b4", &health)), (Ok(()), Ok(())));
    kafka(&mut health).quorum = None;
    assert!(spares("b4", &health).is_err());
}

#[test]
fn a_broker_is_back_when_it_is_in_every_set_and_votes() {
    let gate = Gate::KafkaBack { board: "b3".into(), broker: true, votes: true };
    let mut health = all_well(3);
    assert_eq!(gate.holds(&health), Ok(()));
    kafka(&mut health).quorum.as_mut().unwrap().voters.get_mut("b3").unwrap().silent_ms = Some(30_000);
    assert!(gate.holds(&health).unwrap_err().to_string().contains("does not yet follow"));
    kafka(&mut health).partitions.0[0].in_sync.remove("b3");
    assert!(gate.holds(&health).unwrap_err().to_string().contains("not yet in sync with rack.readings-0"));
    kafka(&mut health).brokers.remove("b3");
    assert!(gate.holds(&health).unwrap_err().to_string().contains("not yet among the brokers"));
}

#[test]
fn nobody_stops_beside_one_that_has_changed_and_whose_old_task_still_runs() {
    let spares =
        |board: &str| [Gate::KafkaSpares { board: board.into() }, Gate::RingSpares { board: board.into() }];
    let mut health = all_well(3);
    health.outdated = ["kafka-b1", "cassandra-b1"].map(str::to_owned).into();
    for gate in spares("b2") {
        let waits = gate.holds(&health).unwrap_err().to_string();
        assert!(waits.contains("-b1 stops, or is about to"), "{waits}");
    }
    for gate in spares("b1") {
        assert_eq!(gate.holds(&health), Ok(()), "itself");
    }
    health.running.retain(|service| !service.ends_with("b2"));
    for gate in spares("b2") {
        assert_eq!(gate.holds(&health), Ok(()), "what does not run takes nothing away");
    }
}

#[test]
fn the_ring_takes_nobody_in_while_it_is_not_whole_or_has_two_schemas() {
    let gate = Gate::RingTakes { board: "b9".into() };
    let mut health = all_well(3);
    assert_eq!(gate.holds(&health), Ok(()));
    ring(&mut health).nodes.get_mut("b2").unwrap().gossip.as_mut().unwrap().state = State::Joining;
    assert!(gate.holds(&health).unwrap_err().to_string().contains("b2 (UJ)"));
    let mut health = all_well(3);
    ring(&mut health).nodes.get_mut("b2").unwrap().cql.as_mut().unwrap().schema = Uuid::from_u128(2);
    assert!(gate.holds(&health).unwrap_err().to_string().contains("2 versions of their schema"));
    let mut health = all_well(3);
    ring(&mut health).gossip_silence = Some("nodetool failed".into());
    assert!(gate.holds(&health).is_err());
    let mut health = all_well(3);
    health.outdated = ["cassandra-b3".to_owned()].into();
    assert!(gate.holds(&health).unwrap_err().to_string().contains("cassandra-b3 stops"));
}

#[test]
fn a_node_that_is_late_to_answer_is_still_a_replica_and_one_that_is_dead_or_joins_is_mended_first() {
    let gate = Gate::RingSpares { board: "b1".into() };
    let drain = Act::Drain { board: "b1".into() };
    let mut health = all_well(3);
    ring(&mut health).nodes.get_mut("b1").unwrap().cql = None;
    assert_eq!((gate.holds(&health), drain.due(&health)), (Ok(()), Due::Now));
    dark(&mut health, "b3");
    assert!(gate.holds(&health).unwrap_err().to_string().contains("b3 (DN"));
    let mut unheard = health.clone();
    ring(&mut unheard).gossip_silence = Some("nodetool failed".into());
    ring(&mut unheard).nodes.values_mut().for_each(|node| node.gossip = None);
    assert!(gate.holds(&unheard).unwrap_err().to_string().contains("nodetool failed"));
    unheard.running.remove("cassandra-b1");
    assert_eq!(gate.holds(&unheard), Ok(()), "what does not run takes nothing away");
    let mut joins = health.clone();
    ring(&mut joins).nodes.get_mut("b1").unwrap().gossip.as_mut().unwrap().state = State::Joining;
    dark(&mut health, "b1");
    for health in [joins, health] {
        assert_eq!(gate.holds(&health), Ok(()));
        assert!(matches!(drain.due(&health), Due::Needless(_)));
    }
}

/// What is in the way of a rack that is well.
fn not_well(rack: &Rack, health: &StackHealth) -> Vec<String> {
    well(rack).iter().filter_map(|gate| gate.holds(health).err()).map(|waiting| waiting.to_string()).collect()
}

#[test]
fn a_rack_is_well_when_all_of_it_answers() {
    let rack = desk(3);
    let mut health = all_well(3);
    assert_eq!(not_well(&rack, &health), Vec::<String>::new());
    // One that is about to stop, and one that is stopping, still answer like any other.
    health.outdated = ["kafka-b1".to_owned()].into();
    health.running.remove("cassandra-b3");
    let told =
        ["kafka-b1 stops, or is about to: its task of before still runs", "cassandra-b3 does not run yet"];
    assert_eq!(not_well(&rack, &health), told);
    let mut health = all_well(3);
    dark(&mut health, "b2");
    let told = [
        "not among the brokers: b2",
        "kafka-b2 does not run yet",
        "not up and normal: b2 (DN, and no answer to CQL)",
        "cassandra-b2 does not run yet",
    ];
    assert_eq!(not_well(&rack, &health), told);
}

#[test]
fn nobody_waits_for_what_only_a_board_that_is_away_could_bring() {
    let mut rack = desk(3);
    rack.boards.remove(1);
    let mut health = all_well(3);
    dark(&mut health, "b2");
    assert_eq!(not_well(&rack, &health), Vec::<String>::new());
    kafka(&mut health).partitions.0[0].in_sync.remove("b3");
    assert_eq!(not_well(&rack, &health), ["not in sync: rack.readings-0"]);
}

#[test]
fn stargate_is_well_only_as_it_is_now() {
    let (rack, mut health) = (of_2023(), StackHealth::default());
    health.stargate = [("a1".to_owned(), Answer::Said(StargateHealth { keyspaces: 5 }))].into();
    health.running = ["stargate-a1", "graphql-a1"].map(str::to_owned).into();
    let of_stargate = |health: &StackHealth| {
        let told = not_well(&rack, health).into_iter();
        told.filter(|told| told.contains("-a1")).collect::<Vec<_>>()
    };
    assert_eq!(of_stargate(&health), Vec::<String>::new());
    health.outdated = ["stargate-a1".to_owned()].into();
    health.running.remove("graphql-a1");
    let told =
        ["stargate-a1 stops, or is about to: its task of before still runs", "graphql-a1 does not run yet"];
    assert_eq!(of_stargate(&health), told);
}
