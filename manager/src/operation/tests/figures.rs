//! How long a plan takes to make for the largest rack that anybody should have.

use std::time::Instant;

use pirack_swarm::member::{Active, Membership};
use pirack_swarm::object::{Id, Version};
use pirack_swarm::observed::{Held, Observed};
use pirack_swarm::plan::Action;

use super::*;
use crate::look::SwarmLook;
use crate::operation::plan::{Act, plan};
use crate::operation::seen::{BoardSeen, Seen};
use crate::rack::{Bytes, Identity};

/// Of a plan of bare boards: what the swarm holds once it was carried out.
fn carried_out(planned: &Plan) -> (Identity, Observed) {
    let (mut identity, mut observed) = (None, Observed::default());
    let held = |name: &str| (Id(name.to_owned()), Version(1));
    for step in &planned.steps {
        match &step.act {
            Act::Begin { identity: first, .. } => identity = Some(first.clone()),
            Act::Swarm { turn } => match turn.step.action.clone() {
                Some(Action::CreateService { spec }) => {
                    let (id, version) = held(&spec.name);
                    observed.services.push(Held { id, version, spec: *spec });
                }
                Some(Action::CreateConfig { spec }) => {
                    let (id, version) = held(&spec.name);
                    observed.configs.push(Held { id, version, spec });
                }
                Some(Action::CreateNetwork { spec }) => {
                    let (id, version) = held(&spec.name);
                    observed.networks.push(Held { id, version, spec });
                }
                _ => {}
            },
            _ => {}
        }
    }
    (identity.unwrap(), observed)
}

fn median(wanted: &Wanted<'_>, seen: &Seen) -> (f64, usize) {
    let mut milliseconds = vec![];
    let mut steps = 0;
    for _ in 0..21 {
        let began = Instant::now();
        steps = plan(wanted, seen).unwrap().steps.len();
        milliseconds.push(began.elapsed().as_secs_f64() * 1000.0);
    }
    milliseconds.sort_by(f64::total_cmp);
    (milliseconds[10], steps)
}

#[tokio::test]
#[expect(clippy::print_stdout, reason = "the figure is what it is run for")]
#[ignore = "a figure, for a release build: cargo test --release -p pirack --lib operation::tests::figures -- --ignored --nocapture"]
async fn a_plan_for_a_hundred_boards_and_three_hundred_services() {
    let names: Vec<String> = (1..=100).map(|number| format!("b{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let app = |number: u32| {
        format!("[[app]]\nname = \"page{number}\"\nimage = \"nginx:1.29.3\"\nboards = [\"b1\"]\n")
    };
    let mut operator = Operator::of(rack(&names, &(1..=100).map(app).collect::<String>()));
    let world = FakeRack::new(&names);
    let (mut seen, planned) = look(&operator.wanted(), &world).await.unwrap();
    let (bare, steps) = median(&operator.wanted(), &seen);
    println!("bare boards: {steps} steps, median of 21: {bare:.1} ms");
    let (identity, observed) = carried_out(&planned);
    assert_eq!(observed.services.len(), 300);
    for (name, board) in &mut seen.boards {
        let BoardSeen::Reached(reached) = board else { panic!("{name}") };
        reached.membership = Membership::Active(Active {
            node: Id(format!("(joins: {name})")),
            swarm: None,
            address: None,
            is_manager: false,
            control_available: false,
            managers: vec![],
            words: String::new(),
        });
    }
    seen.swarm = Some(SwarmLook {
        id: "swarm".to_owned(),
        identity: Some(Ok(identity)),
        lock: None,
        observed,
        tasks: vec![],
    });
    operator.rack.kafka.as_mut().unwrap().heap = Some(Bytes::mebibytes(640));
    operator.rack.cassandra.as_mut().unwrap().heap = Some(Bytes::mebibytes(1024));
    let (heap, steps) = median(&operator.wanted(), &seen);
    println!("a heap change: {steps} steps, median of 21: {heap:.1} ms");
}
