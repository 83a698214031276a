//! Each rule of the verdict, alone.

use pirack_swarm::member::Membership;
use pirack_swarm::observed::{NodeState, TaskState};
use pirack_swarm::spec::{Availability, Role};
use uuid::Uuid;

use super::racks::{
    BOARDS, Wrong, begun, ended, name, only, only_of, partition, rack, service_held, task, told, well,
};
use crate::look::{BoardLook, DiskSeen};
use crate::report::{Reason, Verdict, report};
use crate::stack::Answer;
use crate::stack::stargate::StargateHealth;

/// The one reason is so bad, about this, and says these words.
#[track_caller]
fn says(reason: &Reason, verdict: Verdict, about: &str, words: &[&str]) {
    assert_eq!((reason.verdict, reason.about.as_str()), (verdict, about), "{reason:?}");
    for words in words {
        assert!(reason.what.contains(words), "{words:?} not in {reason:?}");
    }
    assert!(!reason.remedy.is_empty());
}

use Verdict::{Degraded, Down};

#[test]
fn a_rack_with_nothing_wrong_is_healthy() {
    let report = told(&well());
    assert_eq!((report.verdict, report.reasons), (Verdict::Healthy, vec![]));
    let statuses = [Verdict::Healthy, Degraded, Down].map(Verdict::exit_status);
    assert_eq!(statuses, [0, 3, 4]);
}

#[test]
fn a_rack_of_which_nobody_can_tell_whether_it_is_what_its_file_says_is_degraded() {
    let told = report(&rack(), &well(), &Err("the secret admin_password cannot be read".to_owned()));
    says(&only_of(&told), Degraded, "rack desk", &["cannot be told", "admin_password cannot be read"]);
}

#[test]
fn a_swarm_without_a_leader_is_down() {
    let mut look = well();
    look.swarm = Err("b1: The swarm does not have a leader.".to_owned());
    says(&only(&look), Down, "swarm", &["does not have a leader"]);
}

#[test]
fn a_rack_that_is_no_swarm_yet_is_down_and_says_how_it_becomes_one() {
    let mut look = well();
    look.swarm = Err("no board that answers is a manager".to_owned());
    for board in BOARDS {
        if let Some(BoardLook::Reached(answered)) = look.boards.get_mut(&name(board)) {
            answered.engine.as_mut().unwrap().membership = Membership::Inactive;
        }
    }
    let reason = only(&look);
    says(&reason, Down, "swarm", &["in a swarm"]);
    assert!(reason.remedy.contains("pirack apply"));
}

#[test]
fn a_majority_of_managers_that_is_gone_is_down() {
    let mut look = well();
    for board in ["b2", "b3"] {
        look.node(board).reachable_manager = false;
    }
    let report = told(&look);
    says(&report.reasons[0], Down, "swarm", &["1 of 3 managers"]);
    let swarm = report.swarm.unwrap();
    assert_eq!((swarm.may_fail, swarm.leader.as_deref()), (0, Some("b1")));
}

#[test]
fn a_board_that_is_silent_degrades_and_says_why() {
    let mut look = well();
    look.silence("b3", "no route to host");
    says(&only(&look), Degraded, "board b3", &["does not answer: no route to host"]);
    look.silence("b3", "b3 does not answer at 10.0.0.13 port 22: is it on?");
    let reason = only(&look);
    assert_eq!(reason.what, "does not answer at 10.0.0.13 port 22: is it on?", "its name stands there once");
}

#[test]
fn an_engine_that_is_silent_is_told_apart_from_its_board() {
    let mut look = well();
    if let Some(BoardLook::Reached(answered)) = look.boards.get_mut(&name("b2")) {
        answered.engine = Err("no answer within 4 s".to_owned());
    }
    says(&only(&look), Degraded, "board b2", &["its engine", "4 s"]);
}

#[test]
fn a_board_outside_the_swarm_degrades() {
    let mut look = well();
    if let Some(BoardLook::Reached(answered)) = look.boards.get_mut(&name("b3")) {
        answered.engine.as_mut().unwrap().membership = Membership::Inactive;
    }
    look.swarm.as_mut().unwrap().observed.nodes.retain(|node| node.name != "b3");
    says(&only(&look), Degraded, "board b3", &["not in the swarm", "in no swarm"]);
}

#[test]
fn a_node_that_the_managers_have_lost_degrades() {
    let mut look = well();
    look.node("b3").state = NodeState::Down;
    look.node("b3").words = "heartbeat failure".to_owned();
    says(&only(&look), Degraded, "board b3", &["down", "heartbeat failure"]);
}

#[test]
fn a_role_that_is_not_the_declared_one_degrades() {
    let mut look = well();
    let node = look.node("b3");
    (node.held.spec.role, node.manager, node.reachable_manager) = (Role::Worker, None, false);
    says(&only(&look), Degraded, "board b3", &["is a worker", "says manager"]);
}

#[test]
fn a_board_that_takes_no_tasks_degrades() {
    for (availability, words) in [(Availability::Drain, "drained"), (Availability::Pause, "paused")] {
        let mut look = well();
        look.node("b2").held.spec.availability = availability;
        says(&only(&look), Degraded, "board b2", &[words]);
    }
}

#[test]
fn a_manager_that_the_others_do_not_reach_degrades() {
    let mut look = well();
    look.node("b2").reachable_manager = false;
    says(&only(&look), Degraded, "board b2", &["do not reach"]);
}

#[test]
fn an_address_that_drifted_degrades_and_both_are_said() {
    let mut look = well();
    look.node("b2").manager.as_mut().unwrap().address = Some("10.0.0.99:2377".parse().unwrap());
    says(&only(&look), Degraded, "board b2", &["10.0.0.99", "10.0.0.12"]);
}

#[test]
fn a_data_disk_that_is_not_in_its_place_degrades() {
    let mut look = well();
    let astray = Some("/dev/sda1 is not mounted at /srv/data".to_owned());
    if let Some(BoardLook::Reached(answered)) = look.boards.get_mut(&name("b2")) {
        answered.disk = Ok(Some(DiskSeen { astray, ..DiskSeen::default() }));
    }
    says(&only(&look), Degraded, "board b2", &["no data disk in its place", "not mounted at /srv/data"]);
}

#[test]
fn a_manager_that_knows_itself_only_as_everywhere_has_not_drifted() {
    let mut look = well();
    look.node("b1").manager.as_mut().unwrap().address = Some("0.0.0.0:2377".parse().unwrap());
    assert_eq!(told(&look).verdict, Verdict::Healthy);
}

#[test]
fn want_of_power_right_now_degrades() {
    let mut look = well();
    look.agent("b1").under_voltage = Some(true);
    says(&only(&look), Degraded, "board b1", &["voltage"]);
    let mut look = well();
    look.agent("b1").throttled = Some(true);
    look.agent("b1").cpu_temperature_celsius = Some(84.6);
    says(&only(&look), Degraded, "board b1", &["slowed down", "85 °C"]);
}

#[test]
fn a_node_of_ours_that_is_no_board_degrades() {
    let mut look = well();
    let mut stranger = look.node("b3").clone();
    stranger.name = "b9".to_owned();
    stranger.held.id.0 = "node-9".to_owned();
    (stranger.held.spec.role, stranger.manager) = (Role::Worker, None);
    look.swarm.as_mut().unwrap().observed.nodes.push(stranger.clone());
    says(&only(&look), Degraded, "node b9", &["no such board"]);
    stranger.held.spec.labels.clear();
    look.swarm.as_mut().unwrap().observed.nodes.pop();
    look.swarm.as_mut().unwrap().observed.nodes.push(stranger);
    assert_eq!(told(&look).verdict, Verdict::Healthy, "what is not ours is none of our business");
}

#[test]
fn a_service_that_is_not_there_degrades() {
    let mut look = well();
    look.stops("kafka-b2");
    look.swarm.as_mut().unwrap().observed.services.retain(|held| held.spec.name != "kafka-b2");
    says(&only(&look), Degraded, "service kafka-b2", &["not there"]);
}

#[test]
fn a_service_whose_task_does_not_run_says_why_in_dockers_own_words() {
    let mut look = well();
    look.stops("kafka-b2");
    let mut pending = task("kafka-b2", 1, TaskState::Pending);
    (pending.node, pending.message) = (None, String::new());
    pending.error = "no suitable node (scheduling constraints not satisfied on 3 nodes)".to_owned();
    look.swarm.as_mut().unwrap().tasks.push(pending);
    says(&only(&look), Degraded, "service kafka-b2", &["0 of 1", "pending", "no suitable node"]);
}

#[test]
fn a_task_that_only_waits_is_told_with_what_the_one_before_it_failed_with() {
    let mut look = well();
    look.stops("cassandra-b3");
    let mut ready = task("cassandra-b3", 2, TaskState::Ready);
    ready.message = "ready to start".to_owned();
    let tasks = &mut look.swarm.as_mut().unwrap().tasks;
    tasks.extend([ended("cassandra-b3", 2, 4000, "task: non-zero exit (3)"), ready]);
    let words = ["ready on b3: ready to start", "before it failed on b3: task: non-zero exit (3)"];
    says(&only(&look), Degraded, "service cassandra-b3", &words);
}

#[test]
fn a_service_that_runs_and_keeps_ending_degrades_and_one_restart_is_no_reason() {
    let mut look = well();
    let tasks = &mut look.swarm.as_mut().unwrap().tasks;
    tasks.push(ended("kafka-b1", 0, 60, "task: non-zero exit (137)"));
    tasks.push(ended("kafka-b1", 0, 1200, "long ago"));
    let mut replaced = ended("kafka-b1", 0, 70, "");
    replaced.state = TaskState::Shutdown;
    tasks.push(replaced);
    let report = told(&look);
    assert_eq!(report.verdict, Verdict::Healthy);
    assert_eq!(report.services.iter().find(|s| s.name == "kafka-b1").unwrap().recent_restarts, 1);
    let tasks = &mut look.swarm.as_mut().unwrap().tasks;
    tasks.extend([ended("kafka-b1", 0, 120, "x"), ended("kafka-b1", 0, 180, "x")]);
    assert_eq!(told(&look).verdict, Verdict::Healthy, "it has run for an hour since");
    look.stops("kafka-b1");
    let tasks = &mut look.swarm.as_mut().unwrap().tasks;
    tasks.extend([ended("kafka-b1", 0, 120, "x"), ended("kafka-b1", 0, 50, "x"), begun("kafka-b1", 0, 20)]);
    says(&only(&look), Degraded, "service kafka-b1", &["2 times"]);
}

#[test]
fn a_service_of_ours_that_the_file_means_no_more_degrades() {
    let mut look = well();
    look.swarm.as_mut().unwrap().observed.services.push(service_held("old-page", 1));
    says(&only(&look), Degraded, "service old-page", &["no such service"]);
}

#[test]
fn a_service_scaled_by_hand_is_seen() {
    let mut look = well();
    let service =
        look.swarm.as_mut().unwrap().observed.services.iter_mut().find(|held| held.spec.name == "kafka-b1");
    service.unwrap().spec.scale = pirack_swarm::spec::Scale::Replicas(0);
    says(&only(&look), Degraded, "service kafka-b1", &["1 tasks run and 0 are wanted"]);
}

#[test]
fn what_an_apply_would_change_degrades() {
    let drift = Ok(vec!["change board b2".to_owned(), "change service kafka-b1".to_owned()]);
    let report = report(&rack(), &well(), &drift);
    says(&only_of(&report), Degraded, "rack desk", &["2 steps away", "change board b2"]);
}

#[test]
fn a_kafka_that_is_silent_is_down() {
    let mut look = well();
    look.stacks.kafka = Some(Answer::Silent { reason: "all brokers are down".to_owned() });
    says(&only(&look), Down, "kafka", &["all brokers are down"]);
}

#[test]
fn a_partition_that_nobody_leads_is_down() {
    let mut look = well();
    look.kafka().partitions.0.push(partition("rack.health", 0, &[]));
    says(&only(&look), Down, "kafka", &["1 partition", "rack.health-0"]);
}

#[test]
fn replicas_that_are_behind_degrade_and_fewer_than_writers_need_are_told_as_that() {
    let mut look = well();
    look.kafka().partitions.0.push(partition("rack.health", 0, &["b1", "b2"]));
    says(&only(&look), Degraded, "kafka", &["1 partition has replicas that are behind", "rack.health-0"]);
    let mut look = well();
    look.kafka().partitions.0.push(partition("rack.health", 0, &["b1"]));
    says(&only(&look), Degraded, "kafka", &["takes no more writes"]);
}

#[test]
fn a_broker_that_is_away_degrades() {
    let mut look = well();
    look.kafka().brokers.remove("b3");
    says(&only(&look), Degraded, "kafka", &["no broker on b3"]);
}

#[test]
fn controllers_without_a_leader_are_down_and_one_that_is_away_degrades() {
    let mut look = well();
    look.kafka().quorum.as_mut().unwrap().voters.get_mut("b3").unwrap().silent_ms = Some(60_000);
    says(&only(&look), Degraded, "kafka", &["1 controller does not follow", "b3"]);
    look.kafka().quorum = None;
    look.kafka().quorum_silence = Some("no majority answered".to_owned());
    says(&only(&look), Down, "kafka", &["no majority answered"]);
}

#[test]
fn a_cassandra_that_is_silent_is_down() {
    let mut look = well();
    look.stacks.cassandra = Some(Answer::Silent { reason: "no node answers".to_owned() });
    says(&only(&look), Down, "cassandra", &["no node answers"]);
}

#[test]
fn one_node_of_three_that_is_down_degrades_and_two_leave_rows_without_a_majority() {
    let mut look = well();
    look.cassandra("b3").gossip.as_mut().unwrap().up = false;
    look.cassandra("b3").cql = None;
    says(&only(&look), Degraded, "cassandra", &["b3", "DN"]);
    look.cassandra("b2").gossip.as_mut().unwrap().up = false;
    look.cassandra("b2").cql = None;
    let report = told(&look);
    assert_eq!(report.reasons.len(), 3);
    says(&report.reasons[0], Down, "cassandra", &["2 nodes are away", "3 replicas"]);
}

#[test]
fn a_node_that_joins_degrades_and_takes_no_rows_majority() {
    let mut look = well();
    for board in ["b2", "b3"] {
        look.cassandra(board).gossip.as_mut().unwrap().state = crate::stack::cassandra::State::Joining;
    }
    let report = told(&look);
    assert_eq!(report.verdict, Degraded, "{:?}", report.reasons);
}

#[test]
fn nodes_that_disagree_about_the_schema_degrade() {
    let mut look = well();
    look.cassandra("b2").cql.as_mut().unwrap().schema = Uuid::from_u128(99);
    says(&only(&look), Degraded, "cassandra", &["2 versions of the schema"]);
}

#[test]
fn a_ring_whose_gossip_nobody_tells_degrades_and_its_nodes_speak_for_themselves() {
    let mut look = well();
    for board in BOARDS {
        look.cassandra(board).gossip = None;
    }
    if let Some(Answer::Said(health)) = &mut look.stacks.cassandra {
        health.gossip_silence = Some("cassandra-b1 does not run on b1".to_owned());
    }
    says(&only(&look), Degraded, "cassandra", &["cannot be told"]);
}

#[test]
fn a_stargate_whose_query_fails_degrades() {
    let mut look = well();
    let well = Answer::Said(StargateHealth { keyspaces: 5 });
    let ill = Answer::Silent { reason: "GraphQL answers HTTP 502".to_owned() };
    look.stacks.stargate = [("b1".to_owned(), well), ("b2".to_owned(), ill)].into();
    says(&only(&look), Degraded, "stargate", &["on b2", "502"]);
}

#[test]
fn an_agent_that_is_not_there_or_does_not_answer_degrades() {
    let mut look = well();
    look.agent("b1").version = None;
    says(&only(&look), Degraded, "agent on b1", &["not installed"]);
    let mut look = well();
    look.agent("b1").running = false;
    look.agent("b1").silence = Some("it gave no answer".to_owned());
    says(&only(&look), Degraded, "agent on b1", &["does not run", "it gave no answer"]);
}

#[test]
fn an_agent_that_drops_now_degrades_and_one_that_once_did_is_no_reason() {
    let mut look = well();
    look.agent("b1").dropped = Some(41);
    assert_eq!(told(&look).verdict, Verdict::Healthy);
    look.agent("b1").queue_bytes = look.agent("b1").queue_limit_bytes.map(|limit| limit / 100 * 95);
    says(&only(&look), Degraded, "agent on b1", &["queue is full", "41 records"]);
}

#[test]
fn an_agent_whose_sink_fails_degrades_and_says_what_waits() {
    let mut look = well();
    let kafka = look.agent("b1").sinks.get_mut("kafka").unwrap();
    (kafka.failing, kafka.waiting) = (true, 900);
    says(&only(&look), Degraded, "agent on b1", &["kafka does not take", "900"]);
}

#[test]
fn an_agent_that_has_made_no_record_for_long_degrades() {
    let mut look = well();
    look.agent("b1").record_age_seconds = Some(400.0);
    says(&only(&look), Degraded, "agent on b1", &["400 s ago"]);
}

#[test]
fn the_worst_is_said_first() {
    let mut look = well();
    look.silence("b3", "gone");
    look.kafka().partitions.0.push(partition("rack.health", 0, &[]));
    let report = told(&look);
    assert_eq!(report.verdict, Down);
    assert_eq!(report.reasons.iter().map(|r| r.verdict).collect::<Vec<_>>(), [Down, Degraded]);
}
