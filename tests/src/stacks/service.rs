//! One container that plays one service: started, killed, started again, and asked how it feels.

use std::collections::HashMap;
use std::time::Duration;

use bollard::Docker;
use bollard::models::{ContainerCreateBody, HealthConfig, HealthStatusEnum, HostConfig};
use bollard::query_parameters::{
    CreateContainerOptionsBuilder, CreateImageOptionsBuilder, KillContainerOptionsBuilder,
    LogsOptionsBuilder, StopContainerOptionsBuilder,
};
use futures_util::{StreamExt, TryStreamExt};
use pirack_lab::Board;
use tokio::runtime::{Builder, Runtime};

use crate::{program, wait};

/// How often the engine asks a service whether it is well.
const HEALTH_INTERVAL: Duration = Duration::from_secs(2);
/// How long an engine may take for one thing, an image from the lab's registry included.
const PATIENCE: Duration = Duration::from_secs(600);

/// What a service is made of.
#[derive(Debug)]
pub struct Made<'a> {
    /// Its name, and its volume's.
    pub name: &'a str,
    /// An image that the board's engine can pull.
    pub image: &'a str,
    /// `NAME=value`, as the contract page of the image says.
    pub environment: Vec<String>,
    /// The most memory it may take.
    pub memory_mebibytes: i64,
    /// Where its volume is mounted.
    pub data: &'a str,
}

/// One service on one board.
#[derive(Debug)]
pub struct Service {
    runtime: Runtime,
    engine: Docker,
    name: String,
    board: String,
}

impl Service {
    /// Pulls its image, makes it and starts it.
    ///
    /// # Panics
    /// When the engine refuses, or takes too long.
    #[must_use]
    pub fn start(board: &Board, made: Made<'_>) -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let engine = board.engine().unwrap();
        let name = made.name.to_owned();
        let pull = CreateImageOptionsBuilder::default().from_image(made.image).build();
        let options = CreateContainerOptionsBuilder::default().name(made.name).build();
        let body = body(board, made);
        let starting = async {
            engine.create_image(Some(pull), None, None).try_collect::<Vec<_>>().await?;
            engine.create_container(Some(options), body).await?;
            engine.start_container(&name, None).await
        };
        let within = async { tokio::time::timeout(PATIENCE, starting).await };
        runtime
            .block_on(within)
            .unwrap_or_else(|_| panic!("{name} was not started within {PATIENCE:?}"))
            .unwrap();
        Self { runtime, engine, name, board: board.name().to_owned() }
    }

    /// Ends it as a power cut does.
    ///
    /// # Panics
    /// When the engine refuses.
    pub fn kill(&self) {
        let options = KillContainerOptionsBuilder::default().signal("SIGKILL").build();
        self.runtime.block_on(self.engine.kill_container(&self.name, Some(options))).unwrap();
    }

    /// Ends it as Docker does, with time to hand things over.
    ///
    /// # Panics
    /// When the engine refuses.
    pub fn stop(&self) {
        let options = StopContainerOptionsBuilder::default().t(60).build();
        self.runtime.block_on(self.engine.stop_container(&self.name, Some(options))).unwrap();
    }

    /// Starts it again, with the volume that it had.
    ///
    /// # Panics
    /// When the engine refuses.
    pub fn revive(&self) {
        self.runtime.block_on(self.engine.start_container(&self.name, None)).unwrap();
    }

    /// Waits until its own health check says that it is well.
    ///
    /// # Panics
    /// With the end of its log, when that takes longer than `limit`, or it has ended.
    pub fn when_well(&self, limit: Duration) {
        wait::until(format!("{} to be well", self.name), limit, || {
            let state = self.runtime.block_on(self.engine.inspect_container(&self.name, None)).ok()?.state?;
            assert!(state.running == Some(true), "{} has ended:\n{}", self.name, self.log(60));
            (state.health?.status? == HealthStatusEnum::HEALTHY).then_some(())
        });
    }

    /// The last lines that it wrote, so many at the most.
    pub(super) fn log(&self, lines: usize) -> String {
        let options =
            LogsOptionsBuilder::default().stdout(true).stderr(true).tail(&lines.to_string()).build();
        let lines = self.engine.logs(&self.name, Some(options));
        let lines = lines
            .filter_map(|line| std::future::ready(line.ok().map(|line| line.to_string())))
            .collect::<Vec<_>>();
        self.runtime.block_on(lines).concat()
    }
}

fn body(board: &Board, made: Made<'_>) -> ContainerCreateBody {
    let nanoseconds = |time: Duration| i64::try_from(time.as_nanos()).ok();
    ContainerCreateBody {
        image: Some(made.image.to_owned()),
        env: Some(made.environment),
        // Only the interval: what is asked is the image's own.
        healthcheck: Some(HealthConfig { interval: nanoseconds(HEALTH_INTERVAL), ..HealthConfig::default() }),
        host_config: Some(HostConfig {
            network_mode: Some("host".to_owned()),
            // A JVM asks for its own name, which is the board's.
            extra_hosts: Some(vec![format!("{}:{}", board.name(), board.address())]),
            binds: Some(vec![format!("{}:{}", made.name, made.data)]),
            memory: Some(made.memory_mebibytes << 20),
            tmpfs: Some(HashMap::from([("/tmp".to_owned(), "exec,size=64m".to_owned())])),
            ..HostConfig::default()
        }),
        ..ContainerCreateBody::default()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // For whoever looks into a failure: the container goes with the lab.
        program::keep_log(&format!("{}-{}", self.name, self.board), &self.log(5000));
    }
}
