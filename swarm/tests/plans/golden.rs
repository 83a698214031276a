//! Plans as people see them, to the letter. `UPDATE_GOLDEN=1` writes them anew; read the difference then.

use std::path::Path;

use pirack_swarm::desired::{Attachment, Draft};
use pirack_swarm::engine::Engine;
use pirack_swarm::spec::{Availability, NetworkSpec, Role, Scale};
use pirack_swarm::testing::FakeEngine;

use crate::worlds::{
    block_on, config, five_boards, network, node, planned, rack, running_rack, secret, service,
};

fn golden(name: &str, draft: Draft, engine: &FakeEngine) {
    let text = planned(&draft.check().unwrap(), engine).to_string();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(text == kept, "{} is no more what it was; it is now:\n{text}", path.display());
}

#[test]
fn a_first_plan_adds_everything_in_the_order_of_need() {
    golden("first.txt", rack(), &five_boards());
}

#[test]
fn a_second_plan_says_that_there_is_nothing_to_do() {
    golden("nothing.txt", rack(), &running_rack());
}

#[test]
fn a_changed_rack_is_told_field_by_field_and_new_content_rotates() {
    let mut draft = rack();
    draft.configs = vec![config("broker", "log.dirs=/data\nnum.io.threads=4\n")];
    draft.secrets = vec![secret("token", "another long secret")];
    draft.services[0].env.insert("HEAP".parse().unwrap(), "2G".into());
    draft.services[2].image = "app:1.1".parse().unwrap();
    draft.nodes[4].labels.clear();
    draft.nodes[4].labels.insert("disk".parse().unwrap(), "nvme".into());
    draft.nodes[3].availability = Availability::Drain;
    golden("changed.txt", draft, &running_rack());
}

#[test]
fn what_docker_cannot_change_in_place_is_replaced_with_all_that_hangs_on_it() {
    let mut draft = rack();
    draft.networks[0].subnet = Some("10.77.0.0/24".parse().unwrap());
    draft.services[0].scale = Scale::Global;
    draft.services.remove(1);
    golden("replaced.txt", draft, &running_rack());
}

#[test]
fn what_a_plan_must_not_do_is_forbidden_and_says_who_can() {
    let engine = running_rack();
    let foreign = NetworkSpec {
        name: "metrics".into(),
        labels: Default::default(),
        driver: "overlay".into(),
        attachable: false,
        internal: false,
        subnet: None,
        options: Default::default(),
    };
    block_on(engine.create_network(&foreign)).unwrap();
    engine.goes_down("m2");
    let mut draft = rack();
    draft.nodes.retain(|node| node.name.as_str() != "w1" && node.name.as_str() != "m3");
    draft.nodes[0].role = Role::Worker;
    draft.nodes.push(node("w9", Role::Worker));
    draft.networks.push(network("metrics"));
    let mut graph = service("graph");
    graph.network = Attachment::Overlays(["metrics".parse().unwrap()].into());
    draft.services.push(graph);
    golden("forbidden.txt", draft, &engine);
}
