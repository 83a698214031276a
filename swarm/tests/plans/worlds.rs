//! Swarms and desired states that the tests share.

use std::ops::ControlFlow;

use pirack_swarm::apply::{Applied, apply};
use pirack_swarm::desired::{
    Attachment, Config, Constraint, Desired, Draft, File, Mount, Network, Node, Secret, Service, Source,
    Subject,
};
use pirack_swarm::engine::observe;
use pirack_swarm::plan::{Plan, plan};
use pirack_swarm::spec::{Availability, Role, SecretValue, Span, UpdateOrder};
use pirack_swarm::testing::FakeEngine;

pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

pub(crate) fn planned(desired: &Desired, engine: &FakeEngine) -> Plan {
    plan(desired, &block_on(observe(engine)).unwrap())
}

pub(crate) fn run(plan: &Plan, engine: &FakeEngine) -> Applied {
    block_on(apply(plan, engine, |_| ControlFlow::Continue(()))).unwrap()
}

/// Three managers, two workers.
pub(crate) fn five_boards() -> FakeEngine {
    let engine = FakeEngine::new("m1");
    for name in ["m2", "m3"] {
        engine.join(name, Role::Manager);
    }
    for name in ["w1", "w2"] {
        engine.join(name, Role::Worker);
    }
    engine
}

pub(crate) fn draft() -> Draft {
    Draft::new("desk".parse().unwrap())
}

pub(crate) fn node(name: &str, role: Role) -> Node {
    Node {
        name: name.parse().unwrap(),
        role,
        availability: Availability::Active,
        labels: [("board".parse().unwrap(), name.to_owned())].into(),
    }
}

pub(crate) fn service(name: &str) -> Service {
    Service::new(name.parse().unwrap(), "app:1.0".parse().unwrap())
}

pub(crate) fn on_board(board: &str) -> Constraint {
    Constraint::equal(Subject::NodeLabel("board".parse().unwrap()), board).unwrap()
}

pub(crate) fn network(name: &str) -> Network {
    Network::new(name.parse().unwrap())
}

pub(crate) fn config(name: &str, content: &str) -> Config {
    Config { name: name.parse().unwrap(), content: content.into() }
}

pub(crate) fn secret(name: &str, value: &str) -> Secret {
    Secret { name: name.parse().unwrap(), value: SecretValue::new(value.into()) }
}

/// A data service pinned to each worker, an app on an overlay, and all five boards.
pub(crate) fn rack() -> Draft {
    let mut draft = draft();
    draft.nodes = ["m1", "m2", "m3"].map(|name| node(name, Role::Manager)).into();
    draft.nodes.extend(["w1", "w2"].map(|name| node(name, Role::Worker)));
    draft.networks.push(network("app"));
    draft.configs.push(config("broker", "log.dirs=/data\n"));
    draft.secrets.push(secret("token", "a very long secret"));
    for board in ["w1", "w2"] {
        let mut data = service(&format!("data-{board}"));
        data.network = Attachment::Host;
        data.placement.insert(on_board(board));
        data.env.insert("HEAP".parse().unwrap(), "1G".into());
        data.mounts.push(Mount {
            source: Source::Bind("/srv/data".parse().unwrap()),
            target: "/data".parse().unwrap(),
            read_only: false,
        });
        data.configs.push(File::new("broker".parse().unwrap(), "/etc/broker.properties".parse().unwrap()));
        data.stop_grace = Some(Span::seconds(120));
        data.update.order = Some(UpdateOrder::StopFirst);
        draft.services.push(data);
    }
    let mut web = service("web");
    web.network = Attachment::Overlays(["app".parse().unwrap()].into());
    web.secrets.push(File::new("token".parse().unwrap(), "/run/secrets/token".parse().unwrap()));
    draft.services.push(web);
    draft
}

/// Five boards on which [`rack`] already runs.
pub(crate) fn running_rack() -> FakeEngine {
    let engine = five_boards();
    run(&planned(&rack().check().unwrap(), &engine), &engine);
    engine
}
