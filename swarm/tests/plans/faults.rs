//! Calls that fail although nothing is wrong: a plan made anew on what is observed ends where the first would have.

use std::ops::ControlFlow;

use pirack_swarm::apply::{Known, apply, take};
use pirack_swarm::engine::{Engine, EngineError, observe};
use pirack_swarm::plan::{Action, plan};
use pirack_swarm::spec::{Availability, NodeSpec};
use pirack_swarm::testing::FakeEngine;

use crate::worlds::{block_on, five_boards, rack, running_rack};

/// Observes, plans and applies until nothing is left. Tells how often it had to begin anew.
fn converge(engine: &FakeEngine) -> usize {
    let desired = rack().check().unwrap();
    for round in 0..500 {
        let Ok(observed) = block_on(observe(engine)) else { continue };
        let steps = plan(&desired, &observed);
        if steps.is_empty() {
            return round;
        }
        drop(block_on(apply(&steps, engine, |_| ControlFlow::Continue(()))));
    }
    panic!("no end of it");
}

#[test]
fn an_answer_that_is_lost_after_the_deed_costs_one_more_look_and_no_second_deed() {
    let whole = five_boards();
    let before = whole.mutating_calls();
    converge(&whole);
    let calls = whole.mutating_calls() - before;
    for call in 0..calls {
        let engine = five_boards();
        engine.lose_answer_after(call);
        // After the last of them nothing is left to do, whatever its answer was.
        let rounds = if call + 1 == calls { 1 } else { 2 };
        assert_eq!(converge(&engine), rounds, "call {call}");
        assert_eq!(engine.mutating_calls(), whole.mutating_calls(), "call {call} was made twice");
    }
}

#[test]
fn whatever_falters_by_whatever_seed_the_end_is_the_same() {
    let whole = five_boards();
    converge(&whole);
    let end = |engine: &FakeEngine| {
        let services = block_on(engine.services()).unwrap();
        services.into_iter().map(|held| held.spec).collect::<Vec<_>>()
    };
    for seed in 0..300 {
        let engine = five_boards();
        engine.falter(seed, 150);
        let rounds = converge(&engine);
        engine.falter(0, 0);
        assert_eq!(end(&engine), end(&whole), "seed {seed}, {rounds} rounds");
    }
}

#[test]
fn an_engine_that_is_told_to_stop_answering_does_nothing_more() {
    let engine = five_boards();
    engine.answer_only(Some(3));
    let desired = rack().check().unwrap();
    let steps = plan(&desired, &block_on(observe(&engine)).unwrap());
    let stopped = block_on(apply(&steps, &engine, |_| ControlFlow::Continue(()))).unwrap_err();
    assert_eq!(stopped.done, 3);
    assert!(matches!(stopped.source, EngineError::Unreachable { .. }));
    let left = plan(&desired, &block_on(observe(&engine)).unwrap());
    assert_eq!(left.steps.len() + 3, steps.steps.len());
    engine.answer_only(None);
    assert_eq!(converge(&engine), 1);
}

/// An update of a service and one of a node, while versions move before so many calls. Whether each says that it was
/// made, and whether it was.
fn updates_while_versions_move(calls: u64) -> [(Result<(), EngineError>, bool); 2] {
    let engine = running_rack();
    let observed = block_on(observe(&engine)).unwrap();
    let mut known = Known::of(&observed);
    let held = observed.services[0].clone();
    let mut spec = held.spec;
    spec.image = "app:2.0".into();
    engine.versions_move(calls);
    let action = Action::UpdateService { id: held.id, version: held.version, spec: spec.into() };
    let service = block_on(take(&action, &engine, &mut known));
    let held = observed.nodes[0].held.clone();
    let spec = NodeSpec { availability: Availability::Drain, ..held.spec };
    engine.versions_move(calls);
    let action = Action::UpdateNode { id: held.id, version: held.version, spec };
    let node = block_on(take(&action, &engine, &mut known));
    let after = block_on(observe(&engine)).unwrap();
    [
        (service, after.services[0].spec.image == "app:2.0"),
        (node, after.nodes[0].held.spec.availability == Availability::Drain),
    ]
}

#[test]
fn an_update_whose_version_moves_is_made_all_the_same_or_told_as_a_conflict_and_not_made() {
    for (outcome, made) in updates_while_versions_move(3) {
        assert!(outcome.is_ok() && made, "{outcome:?}");
    }
    for (outcome, made) in updates_while_versions_move(u64::MAX) {
        let conflict = outcome.unwrap_err();
        assert!(conflict.is_stale() && !made, "{conflict}");
    }
}
