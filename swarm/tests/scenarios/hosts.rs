//! Engines as hosts of containers.

use pirack_swarm::host::{Host, HostError};

use super::world::{Program, World};

pub(crate) async fn a_host_tells_what_it_is_and_which_images_it_has<W: World>(world: &W) {
    let host = world.engine(1);
    let facts = host.facts().await.unwrap();
    assert_eq!(facts.name, world.name(1));
    assert!(facts.memory_bytes > 0 && facts.cpus > 0 && !facts.version.is_empty(), "{facts:?}");
    assert!(facts.data_folder.starts_with('/') && !facts.id.is_empty(), "{facts:?}");

    let (image, _) = world.program(&Program::Exits(0), 3);
    assert!(!host.has_image(&image).await.unwrap());
    let mut words = vec![];
    host.pull(&image, |pulled| words.push(pulled.words)).await.unwrap();
    assert!(host.has_image(&image).await.unwrap() && !words.is_empty());
    host.pull(&image, |_| ()).await.unwrap();

    let missing = world.missing_image();
    assert!(!host.has_image(&missing).await.unwrap());
    let refused = host.pull(&missing, |_| ()).await;
    assert!(matches!(refused, Err(HostError::NoImage { .. })), "{refused:?}");
}
