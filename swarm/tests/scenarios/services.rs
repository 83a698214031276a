//! Services: what Docker fills in is no change, what has no field is kept, and what is said is so in the container.

use std::collections::BTreeSet;

use pirack_swarm::desired::{
    Attachment, Config, Constraint, Draft, File, HostEntry, Limited, Log, LogForm, Mount, Network, Secret,
    Service, Source, StopSignal, Subject, User,
};
use pirack_swarm::engine::Engine;
use pirack_swarm::spec::{
    EndpointMode, FailureAction, HealthCheck, PortSpec, Probe, ProbeTest, Protocol, Resources, Restart,
    RestartCondition, SecretValue, Span, Ulimit, Update, UpdateOrder,
};

use super::world::{
    Program, World, change_service, draft, formed, held_service, made, node, planned, running, service,
    settled, wanted,
};

pub(crate) async fn a_service_that_says_nothing_is_applied_once_and_never_again<W: World>(world: &W) {
    formed(world).await;
    let engine = world.engine(0);
    let mut draft = draft();
    let (image, command) = world.program(&Program::Line("exec sleep 1000".into()), 1);
    let mut bare = Service::new("bare".parse().unwrap(), image);
    bare.command = command;
    bare.network = Attachment::Host;
    draft.services.push(bare);
    made(engine, &draft).await;
    settled(engine, "bare").await;
    assert!(planned(engine, &draft.check().unwrap()).await.is_empty());
    assert!(held_service(engine, "bare").await.spec.unmodelled.is_empty());
}

/// Every field says something other than Docker's default, and the container looks whether it is so.
fn full<W: World>(world: &W) -> Draft {
    let line = "[ \"$(cat /run/secrets/token)\" = 'a long secret' ] && [ \"$(cat /etc/site)\" = hello ] \
        && [ \"$MODE\" = full ] && echo x >/scratch/x && ! { echo x >/x; } 2>/dev/null \
        && [ \"$(ulimit -n)\" = 4096 ] && [ \"$UID\" = 0 ] && exec sleep 1000";
    let mut full = running(world, "full", &Program::Line(line.into()));
    // The image has no entry point: its command's first word becomes one.
    full.entrypoint = full.command.drain(..1).collect();
    full.env.insert("MODE".parse().unwrap(), "full".into());
    full.user = Some(User { uid: 0, gid: 0 });
    full.init = Some(false);
    full.read_only_root = true;
    full.health = Some(HealthCheck::Probe(Probe {
        test: ProbeTest::Shell("[ -e /scratch/x ]".into()),
        interval: Some(Span::seconds(1)),
        timeout: Some(Span::seconds(5)),
        start_period: Some(Span::seconds(20)),
        retries: Some(5),
    }));
    full.ulimits.insert(Limited::OpenFiles, Ulimit::exactly(4096));
    // No more than what a lab's engine may give: it cannot raise a limit of its own.
    full.ulimits.insert(Limited::LockedMemory, Ulimit::exactly(4096));
    full.capabilities_added.insert("CAP_IPC_LOCK".parse().unwrap());
    full.capabilities_dropped.insert("CAP_NET_RAW".parse().unwrap());
    full.log = Some(Log { form: LogForm::Json, file_bytes: 1 << 20, files: 2 });
    full.mounts = vec![
        mount(Source::Volume("full-data".parse().unwrap()), "/data", false),
        mount(Source::Bind("/var/tmp".parse().unwrap()), "/host", true),
        mount(Source::Tmpfs { size_bytes: 1 << 20 }, "/scratch", false),
    ];
    full.network = Attachment::Overlays(["app".parse().unwrap()].into());
    full.hosts.insert(HostEntry { address: world.address(0), name: "b-one".parse().unwrap() });
    full.placement.insert(Constraint::equal(Subject::HostName, &world.name(1)).unwrap());
    full.endpoint = Some(EndpointMode::Dnsrr);
    full.ports = ports(18080);
    full.limits = Resources { nano_cpus: Some(500_000_000), memory_bytes: Some(64 << 20) };
    full.reservations = Resources { nano_cpus: Some(10_000_000), memory_bytes: Some(8 << 20) };
    full.restart = Restart {
        condition: Some(RestartCondition::OnFailure),
        delay: Some(Span::seconds(2)),
        max_attempts: Some(7),
        window: Some(Span::seconds(90)),
    };
    full.update = Update {
        parallelism: Some(2),
        delay: Some(Span::seconds(1)),
        monitor: Some(Span::seconds(3)),
        failure_action: Some(FailureAction::Continue),
        order: Some(UpdateOrder::StopFirst),
    };
    full.stop_signal = Some(StopSignal::Int);
    full.stop_grace = Some(Span::seconds(3));
    full.labels.insert("team".parse().unwrap(), "desk".into());
    let (uid, gid) = (Some(7), Some(8));
    full.configs = vec![File {
        uid,
        gid,
        mode: Some(0o440),
        ..File::new("site".parse().unwrap(), "/etc/site".parse().unwrap())
    }];
    full.secrets = vec![File {
        mode: Some(0o400),
        ..File::new("token".parse().unwrap(), "/run/secrets/token".parse().unwrap())
    }];
    let mut draft = draft();
    let mut app = Network::new("app".parse().unwrap());
    (app.attachable, app.internal) = (true, false);
    app.subnet = Some("10.90.0.0/24".parse().unwrap());
    app.mtu = Some(1400);
    draft.networks.push(app);
    draft.configs.push(Config { name: "site".parse().unwrap(), content: b"hello".to_vec() });
    let value = SecretValue::new(b"a long secret".to_vec());
    draft.secrets.push(Secret { name: "token".parse().unwrap(), value });
    draft.services.push(full);
    draft
}

fn mount(source: Source, target: &str, read_only: bool) -> Mount {
    Mount { source, target: target.parse().unwrap(), read_only }
}

fn ports(published: u16) -> BTreeSet<PortSpec> {
    [PortSpec { published, target: 80, protocol: Protocol::Tcp }].into()
}

pub(crate) async fn a_service_that_says_everything_is_applied_once_and_never_again<W: World>(world: &W) {
    formed(world).await;
    let engine = world.engine(0);
    let draft = full(world);
    made(engine, &draft).await;
    settled(engine, "full").await;
    let desired = draft.check().unwrap();
    assert!(planned(engine, &desired).await.is_empty());
    let held = held_service(engine, "full").await;
    assert!(held.spec.unmodelled.is_empty(), "{:?}", held.spec.unmodelled);
    // What is read can be written as it is, and changes nothing.
    let task = wanted(engine, "full").await.remove(0).id;
    engine.update_service(&held.id, held.version, &held.spec).await.unwrap();
    assert_eq!(held_service(engine, "full").await.spec, held.spec);
    settled(engine, "full").await;
    assert_eq!(wanted(engine, "full").await.remove(0).id, task);
}

pub(crate) async fn what_has_no_field_here_is_seen_kept_and_set_back<W: World>(world: &W) {
    formed(world).await;
    let engine = world.engine(0);
    let mut draft = draft();
    draft.services.push(service(world, "web"));
    made(engine, &draft).await;
    let desired = draft.clone().check().unwrap();
    let by_hand = [
        ("TaskTemplate.ContainerSpec.TTY", "true"),
        ("TaskTemplate.ContainerSpec.Hostname", "\"other\""),
        ("TaskTemplate.ContainerSpec.Labels", "{\"a.b\":\"c\"}"),
        ("TaskTemplate.Resources.Limits.Pids", "100"),
    ];
    let by_hand = by_hand.map(|(path, value)| (path.into(), value.into()));
    let spec = change_service(engine, "web", |spec| spec.unmodelled.extend(by_hand.clone())).await;
    assert_eq!(held_service(engine, "web").await.spec.unmodelled, spec.unmodelled, "it is seen");
    let spec = change_service(engine, "web", |spec| drop(spec.env.insert("A".into(), "1".into()))).await;
    assert_eq!(held_service(engine, "web").await.spec, spec, "it is kept through another change");

    let text = planned(engine, &desired).await.to_string();
    assert!(text.contains("unmodelled.TaskTemplate.ContainerSpec.TTY: \"true\" -> nothing"), "{text}");
    made(engine, &draft).await;
    assert!(held_service(engine, "web").await.spec.unmodelled.is_empty(), "it is set back");
    settled(engine, "web").await;
}

pub(crate) async fn on_the_hosts_own_network_a_task_has_its_boards_name_its_hosts_and_its_volume<W: World>(
    world: &W,
) {
    formed(world).await;
    let engine = world.engine(0);
    let (name, address) = (world.name(2), world.address(2));
    let line = format!(
        "[ \"$(cat /etc/hostname)\" = {name} ] && while read -r at who; do [ \"$at $who\" = '{address} {name}' ] \
         && echo mark >/data/mark && exec sleep 1000; done </etc/hosts; exit 1"
    );
    let mut data = running(world, "data", &Program::Line(line));
    data.network = Attachment::Host;
    data.hosts.insert(HostEntry { address, name: name.parse().unwrap() });
    data.placement.insert(Constraint::equal(Subject::HostName, &name).unwrap());
    data.mounts.push(mount(Source::Volume("data-of-scenarios".parse().unwrap()), "/data", false));
    let mut draft = draft();
    draft.services.push(data);
    made(engine, &draft).await;
    settled(engine, "data").await;
    assert_eq!(held_service(engine, "data").await.spec.networks, ["host".to_owned()].into());
    assert_eq!(wanted(engine, "data").await.remove(0).node.unwrap().name, name);

    // The service goes, the volume stays.
    draft.services.clear();
    made(engine, &draft).await;
    let line = "[ \"$(cat /data/mark)\" = mark ] && exec sleep 1000".to_owned();
    let mut after = running(world, "after", &Program::Line(line));
    after.network = Attachment::Host;
    after.placement.insert(Constraint::equal(Subject::HostName, &name).unwrap());
    after.mounts.push(mount(Source::Volume("data-of-scenarios".parse().unwrap()), "/data", true));
    draft.services.push(after);
    made(engine, &draft).await;
    settled(engine, "after").await;
}

pub(crate) async fn peers_on_an_overlay_run_and_the_overlay_goes_with_them<W: World>(world: &W) {
    formed(world).await;
    let engine = world.engine(0);
    let mut draft = draft();
    draft.networks.push(Network::new("peers".parse().unwrap()));
    for number in 1..=2 {
        let mut peer = service(world, &format!("peer-{number}"));
        peer.network = Attachment::Overlays(["peers".parse().unwrap()].into());
        peer.endpoint = Some(EndpointMode::Dnsrr);
        peer.placement.insert(Constraint::equal(Subject::HostName, &world.name(number)).unwrap());
        draft.services.push(peer);
    }
    made(engine, &draft).await;
    settled(engine, "peer-1").await;
    settled(engine, "peer-2").await;
    let held = held_service(engine, "peer-1").await.spec;
    assert_eq!((held.networks, held.endpoint), (["peers".to_owned()].into(), Some(EndpointMode::Dnsrr)));
    // Docker chose a range and a number; neither is a change.
    let network =
        engine.networks().await.unwrap().into_iter().find(|held| held.spec.name == "peers").unwrap();
    assert!(network.spec.subnet.is_some() && !network.spec.options.is_empty(), "{network:?}");
    // One plan removes both: tasks hold the network for a moment after their service is gone.
    draft.services.clear();
    draft.networks.clear();
    made(engine, &draft).await;
    assert!(engine.networks().await.unwrap().iter().all(|held| held.spec.name != "peers"));
}

pub(crate) async fn a_service_forced_anew_is_left_so<W: World>(world: &W) {
    formed(world).await;
    let engine = world.engine(0);
    let mut draft = draft();
    draft.services.push(service(world, "web"));
    made(engine, &draft).await;
    settled(engine, "web").await;
    let task = wanted(engine, "web").await.remove(0).id;
    let held = held_service(engine, "web").await;
    let mut spec = held.spec.clone();
    spec.forced += 1;
    engine.update_service(&held.id, held.version, &spec).await.unwrap();
    settled(engine, "web").await;
    assert_ne!(wanted(engine, "web").await.remove(0).id, task, "its tasks were made anew");
    let plan = planned(engine, &draft.check().unwrap()).await;
    assert!(plan.is_empty(), "{plan}");
    assert!(node(engine, &world.name(0)).await.reachable_manager);
}
