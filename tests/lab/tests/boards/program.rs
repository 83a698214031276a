//! Running programs on boards, and images without any registry on the internet.

use std::process::{Command, Output};
use std::time::Duration;

use bollard::Docker;
use bollard::models::{ContainerCreateBody, HostConfig};
use bollard::query_parameters::{
    CreateContainerOptionsBuilder, CreateImageOptionsBuilder, LogsOptionsBuilder,
    RemoveContainerOptionsBuilder, WaitContainerOptions,
};
use futures_util::{StreamExt as _, TryStreamExt as _};
use pirack_lab::Board;
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

/// A wait that is over tells of something stuck, never of a machine that is busy.
const LIMIT: Duration = Duration::from_secs(300);
/// Between one question and the next of the same kind: who asks without a pause takes what the answer needs.
pub(crate) const PAUSE: Duration = Duration::from_millis(200);

/// An image of a shell and a few programs, made of the board's own files.
pub(crate) const IMAGE: &str = "lab/shell:1";
const TAR: &str = "set -- /bin/bash /bin/sh /bin/sleep /bin/cat /usr/bin/tail
tar -C / -ch $({ for file; do echo \"$file\"; ldd \"$file\" | grep -o '/[^ ]*'; done; } | sort -u | sed 's,^/,,')";

/// What a program printed; it must have succeeded.
pub(crate) fn output(command: &mut Command) -> String {
    let Output { status, stdout, stderr } = command.output().unwrap();
    assert!(status.success(), "{command:?}: {status}: {}", String::from_utf8_lossy(&stderr));
    String::from_utf8(stdout).unwrap()
}

/// What a shell line on the board printed.
pub(crate) fn shell(board: &Board, line: &str) -> String {
    output(board.command("sh").args(["-c", line]))
}

/// Runs a future to its end, within five minutes.
pub(crate) fn within<T>(future: impl Future<Output = T>) -> T {
    runtime().block_on(async { timeout(LIMIT, future).await.expect("an end within five minutes") })
}

/// One thread is enough, and stays in the lab's network.
pub(crate) fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// Gives the board's engine the image, if it has it not.
pub(crate) async fn import(board: &Board) -> Docker {
    let engine = board.engine().unwrap();
    if engine.inspect_image(IMAGE).await.is_err() {
        let tar = board.command("sh").args(["-c", TAR]).output().unwrap().stdout;
        let (name, tag) = IMAGE.split_once(':').unwrap();
        let options = CreateImageOptionsBuilder::new().from_src("-").repo(name).tag(tag).build();
        let body = bollard::body_full(tar.into());
        engine.create_image(Some(options), Some(body), None).try_collect::<Vec<_>>().await.unwrap();
    }
    engine
}

/// Starts a container of the image.
pub(crate) async fn start(engine: &Docker, name: &str, line: &str, memory_bytes: Option<i64>) {
    let limits = HostConfig { memory: memory_bytes, memory_swap: memory_bytes, ..HostConfig::default() };
    let options = CreateContainerOptionsBuilder::new().name(name).build();
    engine.create_container(Some(options), container(line, limits)).await.unwrap();
    engine.start_container(name, None).await.unwrap();
}

/// Why no container starts that may do everything.
pub(crate) async fn privileged_is_refused(engine: &Docker) -> String {
    let body = container("true", HostConfig { privileged: Some(true), ..HostConfig::default() });
    let options = CreateContainerOptionsBuilder::new().name("mighty").build();
    engine.create_container(Some(options), body).await.unwrap();
    let refused = engine.start_container("mighty", None).await.unwrap_err();
    remove(engine, "mighty").await;
    refused.to_string()
}

fn container(line: &str, host: HostConfig) -> ContainerCreateBody {
    ContainerCreateBody {
        image: Some(IMAGE.to_owned()),
        cmd: Some(["bash", "-c", line].map(str::to_owned).into()),
        host_config: Some(host),
        ..ContainerCreateBody::default()
    }
}

/// Waits for a container's end, and returns its exit status and its output.
pub(crate) async fn finish(engine: &Docker, name: &str) -> (i64, String) {
    let mut ended = engine.wait_container(name, None::<WaitContainerOptions>);
    // An exit status that is not 0 comes as an error; the state has it too.
    while ended.next().await.is_some_and(|end| end.is_ok()) {}
    let state = engine.inspect_container(name, None).await.unwrap().state.unwrap();
    let options = LogsOptionsBuilder::new().stdout(true).stderr(true).build();
    let lines = engine.logs(name, Some(options)).try_collect::<Vec<_>>().await.unwrap();
    let output = lines.iter().map(ToString::to_string).collect();
    remove(engine, name).await;
    (state.exit_code.unwrap(), output)
}

/// Removes a container, running or not.
pub(crate) async fn remove(engine: &Docker, name: &str) {
    let options = RemoveContainerOptionsBuilder::new().force(true).build();
    engine.remove_container(name, Some(options)).await.unwrap();
}
