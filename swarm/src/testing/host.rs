//! The fake as a [`Host`]: what a board's engine is and which images it has.

use super::FakeEngine;
use super::registry::is_among;
use crate::desired::Image;
use crate::host::{HeldImage, Host, HostError, HostFacts, Pulled};

impl FakeEngine {
    fn host(&self, about: &str) -> Result<String, HostError> {
        self.world().board_behind(&self.door).ok_or_else(|| HostError::Unreachable {
            engine: self.name(),
            about: about.to_owned(),
            source: "the fake does not answer".into(),
        })
    }
}

impl Host for FakeEngine {
    async fn facts(&self) -> Result<HostFacts, HostError> {
        let name = self.host("itself")?;
        let world = self.world();
        let machine = world.boards.get(&name).map(|board| board.machine.clone());
        let machine = machine.ok_or_else(|| HostError::Refused {
            engine: name.clone(),
            about: "itself".to_owned(),
            words: "there is no such board".to_owned(),
        })?;
        Ok(HostFacts {
            id: format!("ENGINE:{}", name.to_uppercase()),
            version: machine.engine_version,
            api: "1.41".to_owned(),
            architecture: machine.architecture,
            operating_system: "Debian GNU/Linux 12 (bookworm)".to_owned(),
            kernel: "6.1.0".to_owned(),
            memory_bytes: machine.memory_bytes,
            cpus: machine.nano_cpus / 1_000_000_000,
            data_folder: "/var/lib/docker".to_owned(),
            warnings: vec![],
            name,
        })
    }

    async fn held(&self, image: &Image) -> Result<Option<HeldImage>, HostError> {
        let name = self.host("its images")?;
        let world = self.world();
        let board = world.boards.get(&name).filter(|board| is_among(&board.images, image.as_str()));
        let Some(board) = board else { return Ok(None) };
        let tag = image.as_str().split_once('@').map_or(image.as_str(), |(tag, _)| tag);
        let architecture = match (world.architectures.get(tag), board.machine.architecture.as_str()) {
            (Some(other), _) => other.as_str(),
            (None, "x86_64") => "amd64",
            (None, _) => "arm64",
        };
        let digests = world.registry.digests(&board.images, image.as_str());
        Ok(Some(HeldImage { digests, architecture: architecture.to_owned() }))
    }

    async fn pull(&self, image: &Image, mut progress: impl FnMut(Pulled) + Send) -> Result<(), HostError> {
        let name = self.host("its images")?;
        let mut world = self.world();
        world.faults.mutating_calls += 1;
        if !world.registry.gives(image.as_str()) {
            let words = format!("manifest for {image} not found: manifest unknown");
            return Err(HostError::NoImage { engine: name, image: image.to_string(), words });
        }
        if let Some(board) = world.boards.get_mut(&name) {
            board.images.insert(image.to_string());
        }
        drop(world);
        progress(Pulled { bytes: 1 << 20, of: 1 << 20, words: "Pull complete".to_owned() });
        Ok(())
    }
}
