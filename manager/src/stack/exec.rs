//! A command in the container of a data service: what its engine can be asked or told in no other way.
//!
//! The trait is the edge: health and rolls know nothing of how a board's Docker is reached.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use bollard::Docker;
use bollard::container::LogOutput;
use bollard::exec::{CreateExecOptions, StartExecResults};
use bollard::query_parameters::ListContainersOptionsBuilder;
use futures_util::StreamExt;
use tokio::time::timeout;

use super::service::Engine;

/// As much of each of a command's outputs is kept, its beginning; the rest is read and dropped.
const KEPT: usize = 256 * 1024;
/// Docker's label of a service's containers.
const SERVICE: &str = "com.docker.swarm.service.name";

/// What a command came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ran {
    /// Its exit status.
    pub status: i64,
    /// What it wrote to standard output.
    pub out: String,
    /// And to standard error.
    pub err: String,
}

/// Why it did not run to its end.
#[derive(Debug, thiserror::Error)]
pub enum ExecError {
    /// There is no way to that board's engine.
    #[error("no connection to the engine of {board}: {why}")]
    NoBoard {
        /// Which board.
        board: String,
        /// Why not, in the words of whoever tried.
        why: String,
    },
    /// The service has no container that runs.
    #[error("{service} does not run on {board}: see its tasks")]
    NotRunning {
        /// Which service.
        service: String,
        /// Where.
        board: String,
    },
    /// The engine did not do it.
    #[error("the engine of {board} did not run {command} in {service}")]
    Engine {
        /// Which board.
        board: String,
        /// Which service.
        service: String,
        /// The command.
        command: String,
        /// What came of it.
        #[source]
        source: bollard::errors::Error,
    },
    /// It took too long, and was ended. What it asked the data service for may still be done.
    #[error("{command} in {service} on {board} has not ended within {} s", .within.as_secs())]
    Late {
        /// Which board.
        board: String,
        /// Which service.
        service: String,
        /// The command.
        command: String,
        /// The deadline.
        within: Duration,
    },
}

/// Runs a command beside a data service.
pub trait Exec: Send + Sync {
    /// Runs it in that engine's container on that board, and waits for its end.
    ///
    /// # Errors
    /// See [`ExecError`]; a command that fails is no error.
    fn exec(
        &self,
        board: &str,
        engine: Engine,
        command: &[&str],
        within: Duration,
    ) -> impl Future<Output = Result<Ran, ExecError>> + Send;
}

/// Through each board's own engine.
#[derive(Clone, Debug, Default)]
pub struct Engines(pub BTreeMap<String, Docker>);

impl Exec for Engines {
    async fn exec(
        &self,
        board: &str,
        engine: Engine,
        command: &[&str],
        within: Duration,
    ) -> Result<Ran, ExecError> {
        let unknown =
            || ExecError::NoBoard { board: board.to_owned(), why: "it is not of this rack".to_owned() };
        let docker = self.0.get(board).ok_or_else(unknown)?;
        let service = engine.on(board);
        match timeout(within, run(docker, &service, mortal(command, within))).await {
            Ok(Ok(Some(ran))) => Ok(ran),
            Ok(Ok(None)) => Err(ExecError::NotRunning { service, board: board.to_owned() }),
            Ok(Err(source)) => {
                let (board, command) = (board.to_owned(), command.join(" "));
                Err(ExecError::Engine { board, service, command, source })
            }
            Err(_) => {
                let (board, command) = (board.to_owned(), command.join(" "));
                Err(ExecError::Late { board, service, command, within })
            }
        }
    }
}

/// What a command that was told to end may take for it, before it is killed.
const ENDING: &str = "10";

/// The same, ended with its deadline: no engine ends a command whose caller has gone, and one for every look at a slow
/// service would take the memory that the service has. It is told before it is killed: `timeout` ends with what it
/// kills, and whoever is left to a container's first process, a JVM as a rule, stays a zombie.
fn mortal(command: &[&str], within: Duration) -> Vec<String> {
    let seconds = within.as_secs().max(1).to_string();
    let ended = ["timeout", "-k", ENDING, &seconds];
    ended.iter().chain(command).map(|word| (*word).to_owned()).collect()
}

async fn run(
    docker: &Docker,
    service: &str,
    command: Vec<String>,
) -> Result<Option<Ran>, bollard::errors::Error> {
    let filters = HashMap::from([
        ("label", vec![format!("{SERVICE}={service}")]),
        ("status", vec!["running".to_owned()]),
    ]);
    let options = ListContainersOptionsBuilder::default().filters(&filters).build();
    let containers = docker.list_containers(Some(options)).await?;
    let Some(id) = containers.into_iter().find_map(|container| container.id) else { return Ok(None) };
    let options = CreateExecOptions {
        attach_stdout: Some(true),
        attach_stderr: Some(true),
        cmd: Some(command),
        ..CreateExecOptions::default()
    };
    let exec = docker.create_exec(&id, options).await?.id;
    let (mut out, mut err) = (vec![], vec![]);
    if let StartExecResults::Attached { mut output, .. } = docker.start_exec(&exec, None).await? {
        while let Some(piece) = output.next().await {
            match piece? {
                LogOutput::StdErr { message } => keep(&mut err, &message),
                LogOutput::StdOut { message } | LogOutput::Console { message } => keep(&mut out, &message),
                LogOutput::StdIn { .. } => {}
            }
        }
    }
    let status = docker.inspect_exec(&exec).await?.exit_code.unwrap_or(-1);
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Ok(Some(Ran { status, out: text(out), err: text(err) }))
}

/// What still fits of a piece of output: nothing once a piece did not.
fn keep(kept: &mut Vec<u8>, piece: &[u8]) {
    let room = KEPT - kept.len();
    kept.extend_from_slice(&piece[..piece.len().min(room)]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_too_much_output_the_beginning_is_kept_without_a_hole() {
        let mut kept = vec![];
        let begun = vec![b'-'; KEPT - 2];
        for piece in [&begun[..], b"end", b"x", b""] {
            keep(&mut kept, piece);
        }
        assert_eq!((kept.len(), &kept[KEPT - 3..]), (KEPT, &b"-en"[..]));
    }
}
