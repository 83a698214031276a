//! What a service's tasks have logged, on whichever boards they ran: each line with its board, task and time.
//!
//! Invariant: lines of one task keep their order, and of several tasks those of the earlier time come first, as
//! far as they are there; memory holds one line a task. A task whose board is away says so in a line's place.

use std::collections::{BTreeMap, HashMap};
use std::pin::Pin;
use std::time::Duration;

use bollard::Docker;
use bollard::container::LogOutput;
use bollard::errors::Error;
use bollard::query_parameters::{ListTasksOptionsBuilder, LogsOptions, LogsOptionsBuilder};
use futures_util::stream::{FuturesUnordered, Stream, StreamExt};
use jiff::Timestamp;
use serde::Serialize;
use tokio::time::timeout;

/// How long an engine may be silent where lines are not awaited.
const PATIENCE: Duration = Duration::from_secs(20);

/// Which lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excerpt {
    /// None before this.
    pub since: Option<Timestamp>,
    /// The last so many of each task; all where nothing is said.
    pub tail: Option<u32>,
    /// Whether lines that come are awaited.
    pub follow: bool,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Line {
    /// The board that the task ran on.
    pub board: String,
    /// Its service.
    pub service: String,
    /// The task, by its beginning.
    pub task: String,
    /// When it was written, by the board's clock; nothing where the engine did not say.
    pub time: Option<Timestamp>,
    /// Standard output or standard error.
    pub stream: &'static str,
    /// The line.
    pub text: String,
}

/// Why there are no lines.
#[derive(Debug, thiserror::Error)]
pub enum LogsError {
    /// The engine.
    #[error("cannot ask the swarm for {about}")]
    Ask {
        /// What for.
        about: &'static str,
        /// Its words.
        #[source]
        source: Error,
    },
    /// It is silent.
    #[error("the swarm says nothing of {about} in {} s; see whether it has a leader", PATIENCE.as_secs())]
    Silent {
        /// What was asked for.
        about: &'static str,
    },
    /// No such service.
    #[error("there is no service {name}; there are: {}", there.join(", "))]
    Missing {
        /// Who was asked for.
        name: String,
        /// Who is there.
        there: Vec<String>,
    },
}

/// A task whose lines are read.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Task {
    id: String,
    service: String,
    board: String,
}

type Lines = Pin<Box<dyn Stream<Item = Line> + Send>>;

/// The services that a name means: the one that is called so, or all of a stack's: `kafka` is `kafka-b1` and the
/// others.
#[must_use]
pub fn meant<'a>(name: &str, services: &'a [String]) -> Vec<&'a str> {
    let exact = services.iter().find(|service| *service == name);
    let of_stack = |service: &&String| service.strip_prefix(name).is_some_and(|rest| rest.starts_with('-'));
    match exact {
        Some(exact) => vec![exact],
        None => services.iter().filter(of_stack).map(String::as_str).collect(),
    }
}

/// Reads what a service, or all of a stack's, have logged, and gives each line to `told`; ends with the lines, or
/// with `told` saying that nobody listens any more. With `follow` it ends only so.
///
/// # Errors
/// When the swarm does not answer, or has no such service.
pub async fn logs(
    docker: &Docker,
    name: &str,
    excerpt: &Excerpt,
    told: &mut dyn FnMut(&Line) -> bool,
) -> Result<(), LogsError> {
    let services = ask("its services", docker.list_services(None)).await?;
    let mut names: Vec<String> =
        services.into_iter().filter_map(|service| service.spec.and_then(|spec| spec.name)).collect();
    names.sort();
    let meant: Vec<String> = meant(name, &names).into_iter().map(str::to_owned).collect();
    if meant.is_empty() {
        return Err(LogsError::Missing { name: name.to_owned(), there: names });
    }
    let tasks = tasks(docker, &meant).await?;
    let streams = tasks.iter().map(|task| lines(docker, task, excerpt));
    if excerpt.follow {
        let mut all = futures_util::stream::select_all(streams);
        while let Some(line) = all.next().await {
            if !told(&line) {
                break;
            }
        }
    } else {
        merged(streams.collect(), told).await;
    }
    Ok(())
}

async fn ask<T>(about: &'static str, asking: impl Future<Output = Result<T, Error>>) -> Result<T, LogsError> {
    let answer = timeout(PATIENCE, asking).await.map_err(|_| LogsError::Silent { about })?;
    answer.map_err(|source| LogsError::Ask { about, source })
}

/// The tasks that ever started, with the names of their boards.
async fn tasks(docker: &Docker, services: &[String]) -> Result<Vec<Task>, LogsError> {
    let nodes = ask("its boards", docker.list_nodes(None)).await?;
    let boards: HashMap<String, String> =
        nodes.into_iter().filter_map(|node| Some((node.id?, node.description?.hostname?))).collect();
    let mut tasks = Vec::new();
    for service in services {
        let filter = HashMap::from([("service", vec![service.as_str()])]);
        let options = ListTasksOptionsBuilder::default().filters(&filter).build();
        let found = ask("its tasks", docker.list_tasks(Some(options))).await?;
        for task in found {
            let ran = task.status.and_then(|status| status.container_status).and_then(|of| of.container_id);
            let (Some(id), Some(node), true) = (task.id, task.node_id, ran.is_some_and(|id| !id.is_empty()))
            else {
                continue;
            };
            let board = boards.get(&node).cloned().unwrap_or(node);
            tasks.push(Task { id, service: service.clone(), board });
        }
    }
    Ok(tasks)
}

/// The lines of one task; where they cannot be read, one that says why.
fn lines(docker: &Docker, task: &Task, excerpt: &Excerpt) -> Lines {
    let stream = docker.task_logs(&task.id, Some(options(excerpt)));
    let (task, follow) = (task.clone(), excerpt.follow);
    let stream = Box::pin(stream);
    Box::pin(futures_util::stream::unfold(Some((stream, task)), move |state| async move {
        let (mut stream, task) = state?;
        let next = match follow {
            true => Ok(stream.next().await),
            false => timeout(PATIENCE, stream.next()).await,
        };
        match next {
            Ok(Some(Ok(output))) => Some((line(&task, &output), Some((stream, task)))),
            Ok(None) => None,
            Ok(Some(Err(error))) => Some((unread(&task, &error.to_string()), None)),
            Err(_) => Some((unread(&task, "its board does not answer"), None)),
        }
    }))
}

fn options(excerpt: &Excerpt) -> LogsOptions {
    let since = excerpt.since.map_or(0, |since| i32::try_from(since.as_second()).unwrap_or(i32::MAX));
    let tail = excerpt.tail.map_or_else(|| "all".to_owned(), |tail| tail.to_string());
    LogsOptionsBuilder::default()
        .stdout(true)
        .stderr(true)
        .timestamps(true)
        .follow(excerpt.follow)
        .since(since)
        .tail(&tail)
        .build()
}

/// What the engine sends: a time, a space, the line.
fn line(task: &Task, output: &LogOutput) -> Line {
    let stream = if matches!(output, LogOutput::StdErr { .. }) { "stderr" } else { "stdout" };
    let text = output.to_string();
    let text = text.trim_end_matches(['\n', '\r']);
    let timed = text.split_once(' ').and_then(|(time, text)| Some((time.parse().ok()?, text)));
    let alone = || text.parse().ok().map(|time| (time, ""));
    let (time, text) = match timed.or_else(alone) {
        Some((time, text)) => (Some(time), text),
        None => (None, text),
    };
    said(task, time, stream, text)
}

fn unread(task: &Task, why: &str) -> Line {
    said(task, None, "stderr", &format!("(the lines of this task cannot be read: {why})"))
}

fn said(task: &Task, time: Option<Timestamp>, stream: &'static str, text: &str) -> Line {
    Line {
        board: task.board.clone(),
        service: task.service.clone(),
        task: task.id.chars().take(12).collect(),
        time,
        stream,
        text: text.to_owned(),
    }
}

/// All lines, the earlier first; of each stream only the next line is held.
async fn merged(streams: Vec<Lines>, told: &mut dyn FnMut(&Line) -> bool) {
    let mut heads: BTreeMap<(Option<Timestamp>, usize), (Line, Lines)> = BTreeMap::new();
    let first =
        streams.into_iter().enumerate().map(|(at, stream)| async move { (at, stream.into_future().await) });
    let mut first: FuturesUnordered<_> = first.collect();
    while let Some((at, (head, rest))) = first.next().await {
        if let Some(head) = head {
            heads.insert((head.time, at), (head, rest));
        }
    }
    while let Some(((_, at), (line, mut rest))) = heads.pop_first() {
        if !told(&line) {
            return;
        }
        if let Some(next) = rest.next().await {
            heads.insert((next.time, at), (next, rest));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(board: &str) -> Task {
        Task { id: "0123456789abcdef".to_owned(), service: "kafka-b1".to_owned(), board: board.to_owned() }
    }

    fn output(text: &str) -> LogOutput {
        LogOutput::StdOut { message: text.to_owned().into_bytes().into() }
    }

    #[test]
    fn a_name_is_a_service_or_a_stack() {
        let services = ["cassandra-b1", "kafka-b1", "kafka-b2", "kafkaesque"].map(str::to_owned);
        assert_eq!(meant("kafka", &services), ["kafka-b1", "kafka-b2"]);
        assert_eq!(meant("kafka-b2", &services), ["kafka-b2"]);
        assert!(meant("kaf", &services).is_empty());
    }

    #[test]
    fn a_line_has_its_time_and_one_without_is_a_line_all_the_same() {
        let timed = line(&task("b1"), &output("2026-11-21T08:00:00.123456789Z INFO all is well \n"));
        assert_eq!((timed.board.as_str(), timed.text.as_str()), ("b1", "INFO all is well "));
        assert_eq!(timed.time, Some("2026-11-21T08:00:00.123456789Z".parse().unwrap()));
        assert_eq!(line(&task("b1"), &output("2026-11-21T08:00:00Z\n")).text, "");
        assert_eq!(line(&task("b1"), &output("no time\n")).text, "no time");
        assert_eq!(timed.task, "0123456789ab");
    }

    #[tokio::test]
    async fn of_several_tasks_the_earlier_line_comes_first_and_each_keeps_its_order() {
        let stream = |board: &str, seconds: &[i64]| {
            let of = |second: &i64| Timestamp::from_second(*second).ok();
            let lines =
                seconds.iter().map(|second| said(&task(board), of(second), "stdout", &second.to_string()));
            Box::pin(futures_util::stream::iter(lines.collect::<Vec<_>>())) as Lines
        };
        let mut seen = Vec::new();
        let streams = vec![stream("b1", &[1, 4, 4]), stream("b2", &[2, 3, 5]), stream("b3", &[])];
        merged(streams, &mut |line| {
            seen.push(format!("{} {}", line.board, line.text));
            seen.len() < 5
        })
        .await;
        assert_eq!(seen, ["b1 1", "b2 2", "b2 3", "b1 4", "b1 4"]);
    }

    #[test]
    fn what_is_asked_is_asked_of_the_engine() {
        let excerpt = Excerpt { since: Timestamp::from_second(70).ok(), tail: Some(5), follow: false };
        let asked = options(&excerpt);
        assert_eq!(
            (asked.since, asked.tail.as_str(), asked.follow, asked.timestamps),
            (70, "5", false, true)
        );
        assert_eq!(options(&Excerpt { tail: None, ..excerpt }).tail, "all");
    }
}
