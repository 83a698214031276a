//! Engines as hosts of containers.

use pirack_swarm::desired::Image;
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

pub(crate) async fn an_image_has_a_digest_of_each_repository_and_any_board_gets_it_by_that<W: World>(
    world: &W,
) {
    let (host, other) = (world.engine(0), world.engine(2));
    let (image, _) = world.program(&Program::Line(String::new()), 2);
    host.pull(&image, |_| ()).await.unwrap();
    let copy = world.pushed_as_a_copy(0, &image).await;
    assert_ne!(image.repository(), copy.repository());
    let held = host.held(&image).await.unwrap().unwrap();
    for name in [&image, &copy] {
        let pinned: Image = format!("{name}@{}", held.digest_for(name).unwrap()).parse().unwrap();
        assert!(held.is(&pinned) && host.has_image(&pinned).await.unwrap(), "{held:?}");
        other.pull(&pinned, |_| ()).await.unwrap();
        assert!(other.held(&pinned).await.unwrap().unwrap().is(&pinned));
    }
    assert_eq!(held.digest_for(&world.missing_image()), None);
}
