//! What a plan does about hands other than its own, boards that come and go, and a large rack.

use std::ops::ControlFlow;

use pirack_swarm::apply::apply;
use pirack_swarm::desired::Attachment;
use pirack_swarm::engine::{Engine, EngineError, observe};
use pirack_swarm::plan::{Move, Obstacle, Step, plan};
use pirack_swarm::spec::{Role, Scale};
use pirack_swarm::testing::FakeEngine;

use crate::worlds::{
    block_on, config, draft, five_boards, network, node, on_board, planned, rack, run, running_rack, service,
};

#[test]
fn what_somebody_changed_by_hand_is_seen_and_set_back() {
    let engine = running_rack();
    let mut held = block_on(engine.services()).unwrap().remove(0);
    held.spec.scale = Scale::Replicas(7);
    held.spec.unmodelled.insert("TaskTemplate.ContainerSpec.TTY".into(), "true".into());
    block_on(engine.update_service(&held.id, held.version, &held.spec)).unwrap();
    let mut w2 = block_on(engine.nodes()).unwrap().pop().unwrap().held;
    w2.spec.labels.remove("board");
    block_on(engine.update_node(&w2.id, w2.version, &w2.spec)).unwrap();
    let desired = rack().check().unwrap();
    let mending = planned(&desired, &engine);
    let text = mending.to_string();
    assert!(text.contains("scale.replicas: 7 -> 1"), "{text}");
    assert!(text.contains("unmodelled.TaskTemplate.ContainerSpec.TTY: \"true\" -> nothing"), "{text}");
    assert!(text.contains("labels.board: nothing -> \"w2\""), "{text}");
    run(&mending, &engine);
    assert!(planned(&desired, &engine).is_empty());
}

#[test]
fn labels_that_others_set_on_a_board_are_left_alone() {
    let engine = running_rack();
    let mut held = block_on(engine.nodes()).unwrap().remove(0).held;
    held.spec.labels.insert("owner-of-the-desk".into(), "ada".into());
    block_on(engine.update_node(&held.id, held.version, &held.spec)).unwrap();
    let mut draft = rack();
    assert!(planned(&draft.clone().check().unwrap(), &engine).is_empty());
    draft.nodes[0].labels.clear();
    run(&planned(&draft.check().unwrap(), &engine), &engine);
    let labels = block_on(engine.nodes()).unwrap().remove(0).held.spec.labels;
    assert_eq!(labels.get("owner-of-the-desk").map(String::as_str), Some("ada"));
    assert!(!labels.contains_key("board"));
}

#[test]
fn another_owners_things_are_neither_changed_nor_removed() {
    let engine = running_rack();
    let mut other = draft();
    other.owner = "other".parse().unwrap();
    let nothing_of_ours = planned(&other.clone().check().unwrap(), &engine);
    assert!(nothing_of_ours.is_empty(), "{nothing_of_ours}");
    other.services.push(service("web"));
    other.nodes.push(node("w1", Role::Worker));
    let plan = planned(&other.check().unwrap(), &engine);
    assert_eq!(plan.moves().count(), 0, "{plan}");
    assert!(plan.forbidden().all(|step| step.obstacle == Some(Obstacle::NotOurs)));
    assert_eq!(plan.count(Move::Forbidden), 2);
}

#[test]
fn a_stale_plan_stops_at_the_conflict_and_a_new_one_goes_through() {
    let engine = running_rack();
    let mut draft = rack();
    draft.services[2].image = "app:1.1".parse().unwrap();
    let desired = draft.check().unwrap();
    let stale = planned(&desired, &engine);
    let web = block_on(engine.services()).unwrap().pop().unwrap();
    block_on(engine.update_service(&web.id, web.version, &web.spec)).unwrap();
    let stopped = block_on(apply(&stale, &engine, |_| ControlFlow::Continue(()))).unwrap_err();
    assert!(stopped.is_stale() && stopped.at.name == "web", "{stopped:?}");
    assert!(matches!(stopped.source, EngineError::VersionConflict { .. }));
    run(&planned(&desired, &engine), &engine);
    assert!(planned(&desired, &engine).is_empty());
}

#[test]
fn a_manager_leaves_in_three_moves_drained_demoted_forgotten() {
    let engine = running_rack();
    let mut draft = rack();
    draft.nodes.retain(|node| node.name.as_str() != "m3");
    let desired = draft.check().unwrap();
    let first = planned(&desired, &engine);
    assert_eq!(first.count(Move::Change), 1, "{first}");
    assert!(first.forbidden().any(|step| step.obstacle == Some(Obstacle::NotLeft)));
    run(&first, &engine);
    engine.goes_down("m3");
    let second = planned(&desired, &engine);
    assert_eq!((second.steps.len(), second.count(Move::Remove)), (1, 1), "{second}");
    run(&second, &engine);
    assert!(planned(&desired, &engine).is_empty());
    assert_eq!(block_on(engine.nodes()).unwrap().len(), 4);
}

#[test]
fn a_board_that_joined_anew_leaves_no_ghost_behind() {
    let engine = running_rack();
    engine.goes_down("m2");
    engine.join("m2", Role::Worker);
    let desired = rack().check().unwrap();
    let plan = planned(&desired, &engine);
    assert_eq!(plan.count(Move::Forbidden), 0, "{plan}");
    run(&plan, &engine);
    assert!(planned(&desired, &engine).is_empty());
    assert_eq!(block_on(engine.nodes()).unwrap().len(), 5);
}

#[test]
fn no_demotion_is_planned_that_would_cost_the_majority() {
    let engine = five_boards();
    engine.goes_down("m2");
    let mut draft = rack();
    draft.nodes[0].role = Role::Worker;
    let plan = planned(&draft.check().unwrap(), &engine);
    let held_back: Vec<_> = plan.forbidden().map(|step| (step.object.name.as_str(), step.obstacle)).collect();
    assert_eq!(held_back, [("m1", Some(Obstacle::Quorum))], "{plan}");
    run(&plan, &engine);
}

#[test]
fn a_board_that_does_not_answer_is_not_promoted() {
    let engine = FakeEngine::new("m1");
    engine.join("w1", Role::Worker);
    engine.goes_down("w1");
    let mut draft = draft();
    draft.nodes = vec![node("m1", Role::Manager), node("w1", Role::Manager)];
    let plan = planned(&draft.check().unwrap(), &engine);
    assert!(plan.forbidden().any(|step| step.obstacle == Some(Obstacle::Quorum)), "{plan}");
    run(&plan, &engine);
}

#[test]
fn a_config_that_somebody_else_uses_is_kept() {
    let engine = running_rack();
    let mut theirs = block_on(engine.services()).unwrap().remove(0).spec;
    theirs.name = "theirs".into();
    theirs.labels.clear();
    block_on(engine.create_service(&theirs)).unwrap();
    let mut draft = rack();
    draft.configs = vec![config("broker", "other\n")];
    let plan = planned(&draft.check().unwrap(), &engine);
    assert!(plan.forbidden().all(|step| step.obstacle == Some(Obstacle::InUse)), "{plan}");
    assert_eq!(plan.count(Move::Forbidden), 1);
    run(&plan, &engine);
}

#[test]
fn adding_a_board_changes_no_service_that_runs() {
    let engine = running_rack();
    engine.join("w3", Role::Worker);
    let mut draft = rack();
    draft.nodes.push(node("w3", Role::Worker));
    let mut data = service("data-w3");
    data.network = Attachment::Host;
    data.placement.insert(on_board("w3"));
    draft.services.push(data);
    let plan = planned(&draft.check().unwrap(), &engine);
    let moved: Vec<_> = plan.steps.iter().map(|step| step.object.to_string()).collect();
    assert_eq!(moved, ["node w3", "service data-w3"], "{plan}");
}

#[test]
fn no_secrets_value_is_in_a_plan_however_it_is_shown() {
    let plan = planned(&rack().check().unwrap(), &five_boards());
    let json = serde_json::to_string(&plan).unwrap();
    assert!(json.contains("create_secret"), "the plan should add one");
    for text in [json, plan.to_string(), format!("{plan:?}")] {
        assert!(!text.contains("a very long secret"), "{text}");
    }
}

#[test]
fn a_hundred_boards_and_three_hundred_services_are_planned_and_applied() {
    let engine = FakeEngine::new("b0");
    let mut draft = draft();
    draft.networks.push(network("app"));
    draft.configs.push(config("all", "x"));
    for board in 0..100 {
        let name = format!("b{board}");
        if board > 0 {
            engine.join(&name, Role::Worker);
        }
        draft.nodes.push(node(&name, if board == 0 { Role::Manager } else { Role::Worker }));
        for index in 0..3 {
            let mut one = service(&format!("s{board}-{index}"));
            one.network = Attachment::Overlays(["app".parse().unwrap()].into());
            one.placement.insert(on_board(&name));
            draft.services.push(one);
        }
    }
    let desired = draft.check().unwrap();
    let first = planned(&desired, &engine);
    assert_eq!((first.count(Move::Change), first.count(Move::Add)), (100, 302));
    run(&first, &engine);
    let observed = block_on(observe(&engine)).unwrap();
    assert!(plan(&desired, &observed).is_empty());
    assert_eq!(engine.placement("s42-1"), ["b42"]);
}

#[test]
fn a_run_that_its_caller_ends_stops_between_two_steps_and_can_go_on_later() {
    let engine = five_boards();
    let desired = rack().check().unwrap();
    let whole = planned(&desired, &engine);
    let mut left = 7;
    let seven = |_: &Step| {
        left -= 1;
        if left < 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let applied = block_on(apply(&whole, &engine, seven)).unwrap();
    assert_eq!((applied.done, applied.interrupted, engine.mutating_calls()), (7, true, 7));
    let rest = planned(&desired, &engine);
    assert_eq!(rest.steps.len() + 7, whole.steps.len());
    run(&rest, &engine);
    assert!(planned(&desired, &engine).is_empty());
}

#[test]
fn a_board_has_its_label_before_the_service_that_looks_for_it_comes_and_until_it_is_gone() {
    let engine = running_rack();
    let mut draft = rack();
    draft.nodes[4].labels.clear();
    draft.services.remove(1);
    let plan = planned(&draft.check().unwrap(), &engine);
    let moved: Vec<_> = plan.steps.iter().map(|step| step.object.to_string()).collect();
    assert_eq!(moved, ["service data-w2", "node w2"], "{plan}");
    run(&plan, &engine);
    let back = planned(&rack().check().unwrap(), &engine);
    let moved: Vec<_> = back.steps.iter().map(|step| step.object.to_string()).collect();
    assert_eq!(moved, ["node w2", "service data-w2"], "{back}");
}
