//! Configs and secrets: rotation by content.

use pirack_swarm::desired::{Config, Draft, File, Secret};
use pirack_swarm::engine::Engine;
use pirack_swarm::spec::SecretValue;

use super::world::{Program, World, draft, formed, made, running, settled, wanted};

/// A service that runs only while its files say what they should.
fn reader<W: World>(world: &W, config: &str, secret: &str) -> Draft {
    let line = format!(
        "[ \"$(cat /etc/site)\" = '{config}' ] && [ \"$(cat /run/secrets/token)\" = '{secret}' ] && exec sleep 1000"
    );
    let mut reader = running(world, "reader", &Program::Line(line));
    reader.configs.push(File::new("site".parse().unwrap(), "/etc/site".parse().unwrap()));
    reader.secrets.push(File::new("token".parse().unwrap(), "/run/secrets/token".parse().unwrap()));
    let mut draft = draft();
    draft.configs.push(Config { name: "site".parse().unwrap(), content: config.into() });
    draft.secrets.push(Secret { name: "token".parse().unwrap(), value: SecretValue::new(secret.into()) });
    draft.services.push(reader);
    draft
}

pub(crate) async fn other_content_is_another_object_that_services_move_to_and_the_old_one_goes<W: World>(
    world: &W,
) {
    formed(world).await;
    let engine = world.engine(0);
    made(engine, &reader(world, "first", "one long secret")).await;
    settled(engine, "reader").await;
    let before = (engine.configs().await.unwrap().remove(0), engine.secrets().await.unwrap().remove(0));
    let task = wanted(engine, "reader").await.remove(0).id;

    made(engine, &reader(world, "second", "another long secret")).await;
    settled(engine, "reader").await;
    let (configs, secrets) = (engine.configs().await.unwrap(), engine.secrets().await.unwrap());
    assert_eq!((configs.len(), secrets.len()), (1, 1), "the old ones are gone");
    assert_ne!(configs[0].spec.name, before.0.spec.name);
    assert_ne!(secrets[0].id, before.1.id);
    assert_ne!(wanted(engine, "reader").await.remove(0).id, task);

    made(engine, &reader(world, "first", "one long secret")).await;
    let back = engine.configs().await.unwrap().remove(0);
    assert_eq!(back.spec, before.0.spec, "the same content has the same name again");
    assert_ne!(back.id, before.0.id);
}

pub(crate) async fn labels_of_configs_and_secrets_change_in_place<W: World>(world: &W) {
    formed(world).await;
    let engine = world.engine(0);
    let draft = reader(world, "first", "one long secret");
    made(engine, &draft).await;
    let config = engine.configs().await.unwrap().remove(0);
    let mut spec = config.spec.clone();
    spec.labels.insert("note".into(), "by hand".into());
    let version = engine.update_config(&config.id, config.version, &spec).await.unwrap();
    let now = engine.configs().await.unwrap().remove(0);
    assert_eq!((&now.spec, now.version, &now.id), (&spec, version, &config.id));
    let secret = engine.secrets().await.unwrap().remove(0);
    let mut spec = secret.spec.clone();
    spec.labels.insert("note".into(), "by hand".into());
    engine.update_secret(&secret.id, secret.version, &spec).await.unwrap();
    let mending = made(engine, &draft).await;
    assert_eq!(mending.steps.len(), 2, "{mending}");
    settled(engine, "reader").await;
}
