//! The scenarios on Docker's own engines: one lab of three boards for all of them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "all of it is tests, which clippy cannot see without libtest's harness"
)]

mod scenarios;

use std::net::IpAddr;
use std::process::ExitCode;
use std::time::Duration;

use bollard::Docker;
use bollard::query_parameters::{CreateImageOptionsBuilder, PushImageOptionsBuilder, TagImageOptionsBuilder};
use futures_util::TryStreamExt as _;
use pirack_lab::{Lab, Outcome, Spec, Test, conduct};
use pirack_swarm::desired::Image;
use pirack_swarm::docker::{Deadlines, DockerEngine};
use pirack_swarm::engine::EngineError;
use scenarios::world::{Program, World};

/// The longest waits for three elections in a row.
const LIMIT: Duration = Duration::from_secs(240);
const IMAGE: &str = "pirack/scenarios";
/// A shell and a few programs, made of the board's own files.
const TAR: &str = "set -- /bin/bash /bin/sh /bin/sleep /bin/cat
tar -C / -ch $({ for file; do echo \"$file\"; ldd \"$file\" | grep -o '/[^ ]*'; done; } | sort -u | sed 's,^/,,')";

struct Real<'a> {
    lab: &'a Lab,
    engines: Vec<DockerEngine>,
}

impl<'a> Real<'a> {
    async fn new(lab: &'a Lab) -> Result<Self, EngineError> {
        let mut engines = vec![];
        for board in lab.boards() {
            let socket = board.path("/run/docker.sock");
            engines.push(DockerEngine::on_socket(board.name(), &socket, Deadlines::default()).await?);
        }
        Ok(Self { lab, engines })
    }

    /// Puts the image into the registry, three versions of it, if nobody has yet.
    async fn publish(&self) {
        let docker = self.engines[0].client();
        let name = format!("{}/{IMAGE}", self.lab.registry());
        if docker.inspect_image(&format!("{name}:1")).await.is_ok() {
            return;
        }
        let tar = self.lab.board(1).command("sh").args(["-c", TAR]).output().unwrap().stdout;
        let options = CreateImageOptionsBuilder::new().from_src("-").repo(&name).tag("1").build();
        let body = bollard::body_full(tar.into());
        docker.create_image(Some(options), Some(body), None).try_collect::<Vec<_>>().await.unwrap();
        for tag in ["1", "2", "3"] {
            push(docker, &format!("{name}:1"), &name, tag).await;
        }
    }
}

/// Pushes an image that the engine has under another name.
async fn push(docker: &Docker, image: &str, repository: &str, tag: &str) {
    let options = TagImageOptionsBuilder::new().repo(repository).tag(tag).build();
    docker.tag_image(image, Some(options)).await.unwrap();
    let push = PushImageOptionsBuilder::new().tag(tag).build();
    docker.push_image(repository, Some(push), None).try_collect::<Vec<_>>().await.unwrap();
}

impl World for Real<'_> {
    type Engine = DockerEngine;

    fn engine(&self, board: usize) -> &DockerEngine {
        &self.engines[board]
    }

    fn name(&self, board: usize) -> String {
        self.lab.board(board + 1).name().to_owned()
    }

    fn address(&self, board: usize) -> IpAddr {
        self.lab.board(board + 1).address().into()
    }

    fn program(&self, program: &Program, version: u8) -> (Image, Vec<String>) {
        let line = match program {
            Program::Line(line) => line.clone(),
            Program::Exits(status) => format!("exit {status}"),
        };
        let image = format!("{}/{IMAGE}:{version}", self.lab.registry());
        (image.parse().unwrap(), vec!["bash".into(), "-c".into(), line])
    }

    fn missing_image(&self) -> Image {
        format!("{}/{IMAGE}-missing:1", self.lab.registry()).parse().unwrap()
    }

    async fn pushed_as_a_copy(&self, board: usize, image: &Image) -> Image {
        let name = format!("{}/{IMAGE}-copy", self.lab.registry());
        push(self.engines[board].client(), image.as_str(), &name, "1").await;
        format!("{name}:1").parse().unwrap()
    }

    fn cut(&self, board: usize) {
        self.lab.board(board + 1).unplug().unwrap();
    }

    fn mend(&self, board: usize) {
        self.lab.board(board + 1).plug().unwrap();
    }
}

/// Tells one scenario.
fn told(lab: &Lab, scenario: impl AsyncFnOnce(&Real<'_>)) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let real = Real::new(lab).await.map_err(|error| pirack_lab::chain(&error))?;
        real.publish().await;
        let told = tokio::time::timeout(LIMIT, scenario(&real)).await;
        told.map_err(|_| format!("it did not end within {} s", LIMIT.as_secs()).into())
    })
}

macro_rules! tests {
    ($($room:ident::$name:ident,)*) => {
        &[$((stringify!($name), |lab| told(lab, async |real| scenarios::$room::$name(real).await)),)*]
    };
}

const TESTS: &[Test] = scenarios::all_scenarios!(tests);

fn main() -> ExitCode {
    conduct(&Spec::new(3), TESTS)
}
