//! From any desired state to any other: one plan, and then nothing.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use pirack_swarm::apply::apply;
use pirack_swarm::desired::{Attachment, Desired, File, Node};
use pirack_swarm::plan::Obstacle;
use pirack_swarm::spec::{Availability, EndpointMode, Role, Scale, Span};
use pirack_swarm::testing::FakeEngine;
use proptest::collection::{btree_map, btree_set, vec};
use proptest::prelude::*;

use crate::worlds::{
    block_on, config, draft, five_boards, network, node, on_board, planned, run, secret, service,
};

const BOARDS: [&str; 6] = ["m1", "m2", "m3", "w1", "w2", "w3"];

/// What a generated service says, by index into what is generated beside it.
#[derive(Clone, Debug)]
struct Said {
    image: u8,
    replicas: Option<u64>,
    host: bool,
    networks: Vec<u8>,
    files: Vec<u8>,
    board: Option<u8>,
    grace: Option<u64>,
    dnsrr: bool,
    env: BTreeMap<u8, u8>,
}

fn said() -> impl Strategy<Value = Said> {
    let files = vec(0..3_u8, 0..3);
    (
        (0..3_u8, proptest::option::of(0..4_u64), any::<bool>(), vec(0..3_u8, 0..3), files),
        (proptest::option::of(0..6_u8), proptest::option::of(5..12_u64), any::<bool>()),
        btree_map(0..3_u8, 0..3_u8, 0..3),
    )
        .prop_map(|((image, replicas, host, networks, files), (board, grace, dnsrr), env)| Said {
            image,
            replicas,
            host,
            networks,
            files,
            board,
            grace,
            dnsrr,
            env,
        })
}

fn boards() -> impl Strategy<Value = Vec<Node>> {
    let one = (any::<bool>(), 0..3_u8, btree_set(0..3_u8, 0..3));
    btree_map(0..BOARDS.len(), one, 0..=BOARDS.len()).prop_map(|boards| {
        let mut nodes: Vec<Node> = boards
            .into_iter()
            .map(|(board, (manager, availability, labels))| {
                let mut node = node(BOARDS[board], if manager { Role::Manager } else { Role::Worker });
                let all = [Availability::Active, Availability::Pause, Availability::Drain];
                node.availability = all[usize::from(availability)];
                let text = |label: u8| (format!("l{label}").parse().unwrap(), label.to_string());
                node.labels.extend(labels.into_iter().map(text));
                node
            })
            .collect();
        // A swarm keeps at least one manager; without one the plan must (and does) forbid.
        nodes.retain(|node| node.name.as_str() != "m1");
        nodes.push(node("m1", Role::Manager));
        nodes
    })
}

fn desired() -> impl Strategy<Value = Desired> {
    let networks = btree_map(0..3_u8, (any::<bool>(), 0..3_u8), 0..=3);
    let files = btree_map(0..3_u8, 0..3_u8, 0..=3);
    let services = btree_map(0..6_u8, said(), 0..=6);
    (boards(), networks, files.clone(), files, services).prop_map(
        |(nodes, networks, configs, secrets, services)| {
            let mut draft = draft();
            draft.nodes = nodes;
            for (name, (attachable, range)) in &networks {
                let mut network = network(&format!("n{name}"));
                network.attachable = *attachable;
                network.subnet = (*range > 0).then(|| format!("10.9{range}.{name}.0/24").parse().unwrap());
                draft.networks.push(network);
            }
            draft.configs = configs.iter().map(|(n, c)| config(&format!("c{n}"), &format!("{c}"))).collect();
            draft.secrets = secrets.iter().map(|(n, c)| secret(&format!("x{n}"), &format!("{c}"))).collect();
            for (name, said) in services {
                let mut one = service(&format!("s{name}"));
                one.image = format!("app:1.{}", said.image).parse().unwrap();
                one.scale = said.replicas.map_or(Scale::Global, Scale::Replicas);
                one.stop_grace = said.grace.map(Span::seconds);
                one.endpoint = said.dnsrr.then_some(EndpointMode::Dnsrr);
                one.placement.extend(said.board.map(|board| on_board(BOARDS[usize::from(board)])));
                let env = |(k, v): (u8, u8)| (format!("E{k}").parse().unwrap(), v.to_string());
                one.env = said.env.into_iter().map(env).collect();
                let there = said.networks.iter().filter(|network| networks.contains_key(network));
                let overlays = there.map(|network| format!("n{network}").parse().unwrap()).collect();
                one.network = if said.host { Attachment::Host } else { Attachment::Overlays(overlays) };
                for (place, file) in said.files.iter().enumerate() {
                    if configs.contains_key(file) {
                        let target = format!("/etc/{place}").parse().unwrap();
                        one.configs.push(File::new(format!("c{file}").parse().unwrap(), target));
                    }
                    if secrets.contains_key(file) {
                        let target = format!("/run/{place}").parse().unwrap();
                        one.secrets.push(File::new(format!("x{file}").parse().unwrap(), target));
                    }
                }
                draft.services.push(one);
            }
            draft.check().unwrap()
        },
    )
}

/// Applies until all is as desired, doing meanwhile what only the boards themselves can do. Each plan must
/// leave nothing but what it forbids, call the engine once a step, and the last must call it never.
fn settle(desired: &Desired, engine: &FakeEngine) {
    for _ in 0..4 {
        let plan = planned(desired, engine);
        let before = engine.mutating_calls();
        run(&plan, engine);
        assert_eq!(engine.mutating_calls() - before, plan.moves().count() as u64);
        let left = planned(desired, engine);
        assert_eq!(left.moves().count(), 0, "after\n{plan}there is still\n{left}");
        let before = engine.mutating_calls();
        run(&left, engine);
        assert_eq!(engine.mutating_calls(), before, "a second apply called the engine");
        if left.is_empty() {
            return;
        }
        for step in left.forbidden() {
            match step.obstacle {
                Some(Obstacle::NotJoined) => engine.join(&step.object.name, Role::Worker),
                Some(Obstacle::NotLeft) => engine.goes_down(&step.object.name),
                _ => panic!("nobody is in the way here, and yet: {step}"),
            }
        }
    }
    panic!("still not as desired: {}", planned(desired, engine));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_state_leads_to_any_other_in_one_plan_and_a_second_does_nothing(a in desired(), b in desired()) {
        let engine = five_boards();
        settle(&a, &engine);
        settle(&b, &engine);
        settle(&a, &engine);
    }

    #[test]
    fn a_plan_cut_short_anywhere_is_finished_by_the_next(a in desired(), b in desired(), cut in 0..40_u64) {
        let engine = five_boards();
        settle(&a, &engine);
        engine.answer_only(Some(cut));
        let plan = planned(&b, &engine);
        let outcome = block_on(apply(&plan, &engine, |_| ControlFlow::Continue(())));
        let steps = u64::try_from(plan.moves().count()).unwrap();
        prop_assert_eq!(outcome.is_err(), cut < steps);
        engine.answer_only(None);
        settle(&b, &engine);
    }

    #[test]
    fn a_plan_is_the_same_however_often_it_is_made(a in desired(), b in desired()) {
        let engine = five_boards();
        run(&planned(&a, &engine), &engine);
        prop_assert_eq!(planned(&b, &engine), planned(&b, &engine));
    }
}
