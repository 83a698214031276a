//! The scenarios on the fake: what it promises is what Docker's own engine was seen to do.
#![cfg(test)]

mod scenarios;

use std::net::IpAddr;

use pirack_swarm::desired::Image;
use pirack_swarm::testing::{Cloud, FakeEngine, Fate};
use scenarios::world::{Program, World};

const NAMES: [&str; 3] = ["b1", "b2", "b3"];

struct Fake {
    cloud: Cloud,
    engines: [FakeEngine; 3],
}

impl Fake {
    fn new() -> Self {
        let cloud = Cloud::new(&NAMES);
        let fake = Self { engines: NAMES.map(|name| cloud.engine(name)), cloud };
        let programs =
            [Program::Line(String::new()), Program::Exits(0), Program::Exits(3), Program::Exits(4)];
        let images = programs.iter().flat_map(|program| (1..=3).map(|version| image(program, version)));
        fake.cloud.registry_has(&images.collect::<Vec<_>>());
        fake
    }
}

/// An image's name says what becomes of it.
fn image(program: &Program, version: u8) -> Image {
    let name = match program {
        Program::Line(_) => "runs".to_owned(),
        Program::Exits(status) => format!("exits-{status}"),
    };
    format!("scenario/{name}:{version}").parse().unwrap()
}

impl World for Fake {
    type Engine = FakeEngine;

    fn engine(&self, board: usize) -> &FakeEngine {
        &self.engines[board]
    }

    fn name(&self, board: usize) -> String {
        NAMES[board].to_owned()
    }

    fn address(&self, board: usize) -> IpAddr {
        self.cloud.address(NAMES[board]).unwrap()
    }

    fn program(&self, program: &Program, version: u8) -> (Image, Vec<String>) {
        let image = image(program, version);
        if let Program::Exits(status) = program {
            self.cloud.set_fate(&image, Fate::Exits(*status));
        }
        let line = match program {
            Program::Line(line) => line.clone(),
            Program::Exits(status) => format!("exit {status}"),
        };
        (image, vec!["bash".into(), "-c".into(), line])
    }

    fn missing_image(&self) -> Image {
        "scenario/missing:1".parse().unwrap()
    }

    async fn pushed_as_a_copy(&self, board: usize, image: &Image) -> Image {
        let copy = format!("scenario/copy/{image}").parse().unwrap();
        self.cloud.push(NAMES[board], image, &copy);
        copy
    }

    fn cut(&self, board: usize) {
        self.cloud.set_link(NAMES[board], false);
    }

    fn mend(&self, board: usize) {
        self.cloud.set_link(NAMES[board], true);
    }
}

macro_rules! tests {
    ($($room:ident::$name:ident,)*) => {$(
        #[tokio::test(start_paused = true)]
        async fn $name() {
            scenarios::$room::$name(&Fake::new()).await;
        }
    )*};
}

scenarios::all_scenarios!(tests);
