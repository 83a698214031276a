//! Objects: versions, names, what never changes, what is used.

use pirack_swarm::desired::{Attachment, Config, Draft, File, Network, Secret};
use pirack_swarm::engine::{Engine, EngineError};
use pirack_swarm::object::{Kind, Object};
use pirack_swarm::spec::{Scale, SecretValue};

use super::world::{World, draft, formed, held_service, made, service};

/// A service with a network, a config and a secret.
fn web<W: World>(world: &W) -> Draft {
    let mut draft = draft();
    draft.networks.push(Network::new("app".parse().unwrap()));
    draft.configs.push(Config { name: "site".parse().unwrap(), content: b"hello".to_vec() });
    let value = SecretValue::new(b"a long secret".to_vec());
    draft.secrets.push(Secret { name: "token".parse().unwrap(), value });
    let mut web = service(world, "web");
    web.network = Attachment::Overlays(["app".parse().unwrap()].into());
    web.endpoint = Some(pirack_swarm::spec::EndpointMode::Dnsrr);
    web.configs.push(File::new("site".parse().unwrap(), "/etc/site".parse().unwrap()));
    web.secrets.push(File::new("token".parse().unwrap(), "/run/secrets/token".parse().unwrap()));
    draft.services.push(web);
    draft
}

pub(crate) async fn an_update_that_names_an_old_version_is_refused_and_changes_nothing<W: World>(world: &W) {
    formed(world).await;
    let engine = world.engine(0);
    made(engine, &web(world)).await;
    let held = held_service(engine, "web").await;
    let mut spec = held.spec.clone();
    spec.env.insert("A".into(), "1".into());
    let version = engine.update_service(&held.id, held.version, &spec).await.unwrap();
    assert!(version > held.version);
    let stale = world.engine(1).update_service(&held.id, held.version, &held.spec).await;
    assert!(
        matches!(&stale, Err(EngineError::VersionConflict { named, .. }) if *named == held.version),
        "{stale:?}"
    );
    assert_eq!(held_service(engine, "web").await.spec, spec);

    let node = engine.nodes().await.unwrap().remove(1).held;
    let mut spec = node.spec.clone();
    spec.labels.insert("disk".into(), "nvme".into());
    engine.update_node(&node.id, node.version, &spec).await.unwrap();
    let stale = engine.update_node(&node.id, node.version, &node.spec).await;
    assert!(matches!(stale, Err(EngineError::VersionConflict { .. })), "{stale:?}");

    let config = engine.configs().await.unwrap().remove(0);
    let mut spec = config.spec.clone();
    spec.labels.insert("note".into(), "new".into());
    engine.update_config(&config.id, config.version, &spec).await.unwrap();
    let stale = engine.update_config(&config.id, config.version, &config.spec).await;
    assert!(matches!(stale, Err(EngineError::VersionConflict { .. })), "{stale:?}");
}

pub(crate) async fn content_name_and_mode_never_change<W: World>(world: &W) {
    formed(world).await;
    let engine = world.engine(0);
    made(engine, &web(world)).await;
    let held = engine.configs().await.unwrap().remove(0);
    let mut spec = held.spec.clone();
    spec.content.0.push(b'!');
    let refused = engine.update_config(&held.id, held.version, &spec).await;
    assert!(matches!(refused, Err(EngineError::Immutable { .. })), "{refused:?}");
    let held = engine.secrets().await.unwrap().remove(0);
    let mut spec = held.spec.clone();
    spec.name.push('x');
    let refused = engine.update_secret(&held.id, held.version, &spec).await;
    assert!(matches!(refused, Err(EngineError::Immutable { .. })), "{refused:?}");
    let held = held_service(engine, "web").await;
    let mut spec = held.spec.clone();
    spec.scale = Scale::Global;
    let refused = engine.update_service(&held.id, held.version, &spec).await;
    assert!(
        matches!(&refused, Err(EngineError::Immutable { field, .. }) if field == "the mode"),
        "{refused:?}"
    );
    let mut spec = held.spec.clone();
    spec.name = "other".into();
    let refused = engine.update_service(&held.id, held.version, &spec).await;
    assert!(
        matches!(&refused, Err(EngineError::Immutable { field, .. }) if field == "the name"),
        "{refused:?}"
    );
}

pub(crate) async fn a_name_is_given_once<W: World>(world: &W) {
    formed(world).await;
    let engine = world.engine(0);
    made(engine, &web(world)).await;
    let network = engine.networks().await.unwrap().into_iter().find(|held| held.spec.name == "app").unwrap();
    let mut again = network.spec.clone();
    again.subnet = None;
    again.options.clear();
    let clash = engine.create_network(&again).await;
    assert!(matches!(clash, Err(EngineError::NameClash { .. })), "{clash:?}");
    let clash = engine.create_config(&engine.configs().await.unwrap().remove(0).spec).await;
    assert!(matches!(clash, Err(EngineError::NameClash { .. })), "{clash:?}");
    let secret = engine.secrets().await.unwrap().remove(0).spec;
    let clash = engine.create_secret(&secret, &SecretValue::new(b"another".to_vec())).await;
    assert!(matches!(clash, Err(EngineError::NameClash { .. })), "{clash:?}");
    let clash = engine.create_service(&held_service(engine, "web").await.spec).await;
    assert!(matches!(clash, Err(EngineError::NameClash { .. })), "{clash:?}");
}

pub(crate) async fn what_a_service_uses_is_not_removed<W: World>(world: &W) {
    formed(world).await;
    let engine = world.engine(0);
    made(engine, &web(world)).await;
    let web = Object::new(Kind::Service, "web");
    let network = engine.networks().await.unwrap().into_iter().find(|held| held.spec.name == "app").unwrap();
    let used = engine.remove_network(&network.id).await;
    assert!(matches!(&used, Err(EngineError::InUse { by, .. }) if *by == web), "{used:?}");
    let used = engine.remove_config(&engine.configs().await.unwrap().remove(0).id).await;
    assert!(matches!(&used, Err(EngineError::InUse { by, .. }) if *by == web), "{used:?}");
    let used = engine.remove_secret(&engine.secrets().await.unwrap().remove(0).id).await;
    assert!(matches!(&used, Err(EngineError::InUse { by, .. }) if *by == web), "{used:?}");
}

pub(crate) async fn a_service_refers_only_to_what_is_there<W: World>(world: &W) {
    formed(world).await;
    let engine = world.engine(0);
    made(engine, &web(world)).await;
    let good = held_service(engine, "web").await.spec;
    let mut spec = good.clone();
    spec.name = "other".into();
    spec.networks = ["nowhere".to_owned()].into();
    let refused = engine.create_service(&spec).await;
    let nowhere = Object::new(Kind::Network, "nowhere");
    assert!(
        matches!(&refused, Err(EngineError::UnknownReference { needs, .. }) if *needs == nowhere),
        "{refused:?}"
    );
    let mut spec = good.clone();
    spec.name = "other".into();
    spec.configs.values_mut().for_each(|file| file.source = "nothing".into());
    let refused = engine.create_service(&spec).await;
    let nothing = Object::new(Kind::Config, "nothing");
    assert!(
        matches!(&refused, Err(EngineError::UnknownReference { needs, .. }) if *needs == nothing),
        "{refused:?}"
    );
    assert_eq!(engine.services().await.unwrap().len(), 1);
}

pub(crate) async fn what_is_gone_is_not_found<W: World>(world: &W) {
    formed(world).await;
    let engine = world.engine(0);
    made(engine, &web(world)).await;
    let held = held_service(engine, "web").await;
    engine.remove_service(&held.id).await.unwrap();
    let gone = engine.remove_service(&held.id).await;
    assert!(matches!(gone, Err(EngineError::NotFound { .. })), "{gone:?}");
    let gone = engine.update_service(&held.id, held.version, &held.spec).await;
    assert!(matches!(gone, Err(EngineError::NotFound { .. })), "{gone:?}");
    let config = engine.configs().await.unwrap().remove(0);
    engine.remove_config(&config.id).await.unwrap();
    let gone = engine.remove_config(&config.id).await;
    assert!(matches!(gone, Err(EngineError::NotFound { .. })), "{gone:?}");
    let secret = engine.secrets().await.unwrap().remove(0);
    engine.remove_secret(&secret.id).await.unwrap();
    let gone = engine.update_secret(&secret.id, secret.version, &secret.spec).await;
    assert!(matches!(gone, Err(EngineError::NotFound { .. })), "{gone:?}");
    let network = engine.networks().await.unwrap().into_iter().find(|held| held.spec.name == "app").unwrap();
    engine.remove_network(&network.id).await.unwrap();
    let gone = engine.remove_network(&network.id).await;
    assert!(matches!(gone, Err(EngineError::NotFound { .. })), "{gone:?}");
    let gone = engine.remove_node(&pirack_swarm::object::Id("0123456789abcdefghijklmno".into())).await;
    assert!(matches!(gone, Err(EngineError::NotFound { .. })), "{gone:?}");
}
