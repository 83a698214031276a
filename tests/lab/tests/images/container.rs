//! One container on a board, gone with its value.

use std::collections::HashMap;
use std::thread;
use std::time::{Duration, Instant};

use bollard::Docker;
use bollard::exec::StartExecResults;
use bollard::models::{ContainerCreateBody, ExecConfig, HostConfig};
use bollard::query_parameters::{
    CreateContainerOptions, CreateImageOptionsBuilder, LogsOptionsBuilder, RemoveContainerOptionsBuilder,
    StartContainerOptions, StopContainerOptionsBuilder,
};
use futures_util::{Stream, StreamExt as _};
use pirack_lab::Board;
use tokio::runtime::{Builder, Runtime};

/// Nothing asked of an engine here takes longer than a pull.
const DEADLINE: Duration = Duration::from_secs(180);
const LOOK: Duration = Duration::from_millis(200);

/// How a container is to run. Always on the board's network, with a read-only root and a tmpfs on /tmp.
pub struct Run<'a> {
    pub image: &'a str,
    pub variables: &'a [(&'a str, &'a str)],
    /// In MiB; 0 is none.
    pub memory: i64,
    /// A volume or a folder of the board's, and where; more options after a colon.
    pub volume: Option<(&'a str, &'a str)>,
}

pub struct Container {
    runtime: Runtime,
    engine: Docker,
    image: String,
    id: String,
    began: Instant,
}

/// What a program in the container said, and how it ended.
pub struct Said {
    pub status: i64,
    pub text: String,
}

impl Container {
    pub fn start(board: &Board, run: &Run<'_>) -> Self {
        Self::begin(board, run, None)
    }

    /// The image with nothing running in it.
    pub fn start_idle(board: &Board, run: &Run<'_>) -> Self {
        Self::begin(board, run, Some(vec!["tail".to_owned(), "-f".to_owned(), "/dev/null".to_owned()]))
    }

    fn begin(board: &Board, run: &Run<'_>, command: Option<Vec<String>>) -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let engine = {
            let _inside = runtime.enter();
            board.engine().unwrap()
        };
        let binds = run.volume.map(|(name, at)| vec![format!("{name}:{at}")]);
        let body = ContainerCreateBody {
            image: Some(run.image.to_owned()),
            cmd: command,
            env: Some(run.variables.iter().map(|(name, value)| format!("{name}={value}")).collect()),
            host_config: Some(HostConfig {
                network_mode: Some("host".to_owned()),
                readonly_rootfs: Some(true),
                tmpfs: Some(HashMap::from([("/tmp".to_owned(), String::new())])),
                memory: Some(run.memory * 1024 * 1024),
                binds,
                ..HostConfig::default()
            }),
            ..ContainerCreateBody::default()
        };
        let id = runtime.block_on(async {
            let pull = CreateImageOptionsBuilder::default().from_image(run.image).build();
            if engine.inspect_image(run.image).await.is_err() {
                let mut stream = engine.create_image(Some(pull), None, None);
                while let Some(step) = tokio::time::timeout(DEADLINE, stream.next()).await.unwrap() {
                    step.unwrap();
                }
            }
            let made = engine.create_container(None::<CreateContainerOptions>, body).await.unwrap();
            engine.start_container(&made.id, None::<StartContainerOptions>).await.unwrap();
            made.id
        });
        Self { runtime, engine, image: run.image.to_owned(), id, began: Instant::now() }
    }

    /// Runs a program in it.
    pub fn exec(&self, command: &[&str]) -> Said {
        let config = ExecConfig {
            cmd: Some(command.iter().map(|&word| word.to_owned()).collect()),
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            ..ExecConfig::default()
        };
        let work = async {
            let made = self.engine.create_exec(&self.id, config).await?;
            let mut text = String::new();
            if let StartExecResults::Attached { output, .. } = self.engine.start_exec(&made.id, None).await? {
                text = gather(output).await;
            }
            let status = self.engine.inspect_exec(&made.id).await?.exit_code.unwrap_or(-1);
            Ok::<_, bollard::errors::Error>(Said { status, text })
        };
        let done = self.runtime.block_on(async { tokio::time::timeout(DEADLINE, work).await });
        // A container that has ended runs nothing more.
        done.unwrap().unwrap_or_else(|error| Said { status: -1, text: error.to_string() })
    }

    /// Runs its image's own health check in it, which must be in exec form.
    pub fn check(&self) -> Said {
        let image = self.runtime.block_on(self.engine.inspect_image(&self.image)).unwrap();
        let test = image.config.unwrap().healthcheck.unwrap().test.unwrap();
        let Some(("CMD", words)) = test.split_first().map(|(form, words)| (form.as_str(), words)) else {
            panic!("{test:?} is no health check in exec form");
        };
        self.exec(&words.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// Waits for its image's own health check to succeed.
    pub fn healthy(&self, limit: Duration) {
        self.until("healthy", limit, |said: &mut String| {
            let Said { status, text } = self.check();
            *said = text;
            (status == 0).then_some(())
        });
    }

    /// Waits until there is something, or tells what was looked at last and the end of the log.
    fn until<T>(&self, what: &str, limit: Duration, mut look: impl FnMut(&mut String) -> Option<T>) -> T {
        let mut seen = String::new();
        loop {
            if let Some(found) = look(&mut seen) {
                return found;
            }
            let took = self.began.elapsed();
            assert!(took < limit, "not {what} after {took:?}: {seen}\n{}", last(&self.logs(), 30));
            thread::sleep(LOOK);
        }
    }

    /// The command line of its first process.
    pub fn command_line(&self) -> String {
        self.exec(&["cat", "/proc/1/cmdline"]).text.replace('\0', " ")
    }

    pub fn file(&self, path: &str) -> String {
        let said = self.exec(&["cat", path]);
        assert_eq!(said.status, 0, "{path}: {}", said.text);
        said.text
    }

    pub fn logs(&self) -> String {
        let options = LogsOptionsBuilder::default().stdout(true).stderr(true).build();
        self.runtime.block_on(gather(self.engine.logs(&self.id, Some(options))))
    }

    /// Stops it as Docker does, who kills what takes longer: its exit status tells which of the two it was.
    pub fn stop(&self, grace: i32) -> i64 {
        let options = StopContainerOptionsBuilder::default().t(grace).build();
        self.runtime.block_on(self.engine.stop_container(&self.id, Some(options))).unwrap();
        self.exit_status().unwrap()
    }

    /// Waits for its end by itself.
    pub fn ended(&self, limit: Duration) -> i64 {
        self.until("ended", limit, |_| self.exit_status())
    }

    fn exit_status(&self) -> Option<i64> {
        let told = self.runtime.block_on(self.engine.inspect_container(&self.id, None)).unwrap();
        let state = told.state.unwrap();
        (state.running == Some(false)).then(|| state.exit_code.unwrap())
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        let options = RemoveContainerOptionsBuilder::default().force(true).v(true).build();
        // The lab takes what is left.
        drop(self.runtime.block_on(self.engine.remove_container(&self.id, Some(options))));
    }
}

async fn gather<T: ToString, E>(stream: impl Stream<Item = Result<T, E>>) -> String {
    let mut stream = Box::pin(stream);
    let mut text = String::new();
    while let Ok(Some(Ok(part))) = tokio::time::timeout(DEADLINE, stream.next()).await {
        text.push_str(&part.to_string());
    }
    text
}

fn last(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}
