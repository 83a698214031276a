//! `pirack logs SERVICE`: what a service's tasks have logged, on whichever boards they ran.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use jiff::{SignedDuration, Timestamp};
use pirack::operation::world::World;
use pirack::stack::logs::{Excerpt, Line, logs};

use super::global::{Global, Output};
use super::rack::{ended_by_user, with_world};
use super::span::span;
use super::{answer, log};

/// The options of `logs`.
#[derive(Args)]
#[command(after_help = "Examples:
  pirack logs kafka                      the last 100 lines of each broker
  pirack logs cassandra-b1 --since 10m   what one node has said in ten minutes
  pirack logs kafka --follow             until Ctrl-C
  pirack logs kafka --tail all -o json   an object a line

An object has board, service, task, time, stream, text.

Lines are of all tasks whose containers are still on their boards, also of those that have ended: \
why one does not run often stands there.

Exit status: 0 the lines were read, 1 they were not, 2 wrong command line.")]
pub(crate) struct Logs {
    /// A service, or the stack that several belong to: kafka, cassandra, stargate.
    #[arg(value_name = "SERVICE")]
    service: String,
    /// No line that is older, for example 10m or 2h.
    #[arg(long, value_name = "DURATION", value_parser = since)]
    since: Option<Duration>,
    /// The last so many lines of each task; `all` for all.
    #[arg(long, default_value = "100", value_name = "N", value_parser = tail)]
    tail: Tail,
    /// Go on with lines as they come.
    #[arg(long)]
    follow: bool,
}

/// How many lines; nothing is all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Tail(Option<u32>);

/// Runs it.
pub(crate) fn run(options: &Logs, global: &Global) -> anyhow::Result<ExitCode> {
    log::to_stderr("error");
    let earlier = options.since.and_then(|since| SignedDuration::try_from(since).ok());
    let excerpt = Excerpt {
        since: earlier.and_then(|earlier| Timestamp::now().checked_sub(earlier).ok()),
        tail: options.tail.0,
        follow: options.follow,
    };
    let output = global.output;
    with_world(global, async |opened| {
        let engine = opened.world.engine().await?;
        // A reader that has gone (`| head`) has read enough.
        let mut told = |line: &Line| answer::tell(&shown(line, output));
        let reading = logs(engine.client(), &options.service, &excerpt, &mut told);
        tokio::select! {
            read = reading => read?,
            () = ended_by_user() => {}
        }
        Ok(ExitCode::SUCCESS)
    })
}

/// A line of the answer.
fn shown(line: &Line, output: Output) -> String {
    match output {
        Output::Json => serde_json::to_string(line).unwrap_or_default(),
        Output::Table => {
            let time = line.time.map(|time| time.strftime("%Y-%m-%dT%H:%M:%S%.3fZ ").to_string());
            format!("{} {} | {}{}", line.board, line.service, time.unwrap_or_default(), line.text)
        }
    }
}

fn since(text: &str) -> Result<Duration, String> {
    span(text).ok_or_else(|| "give a time such as 10m or 2h".to_owned())
}

fn tail(text: &str) -> Result<Tail, String> {
    match text {
        "all" => Ok(Tail(None)),
        number => {
            number.parse().map(|lines| Tail(Some(lines))).map_err(|_| "give a number, or all".to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_which_board_wrote_it_and_when() {
        let line = Line {
            board: "b1".to_owned(),
            service: "kafka-b1".to_owned(),
            task: "abc".to_owned(),
            time: Some("2026-11-21T08:00:00.5Z".parse().unwrap()),
            stream: "stdout",
            text: "INFO".to_owned(),
        };
        assert_eq!(shown(&line, Output::Table), "b1 kafka-b1 | 2026-11-21T08:00:00.500Z INFO");
        let object: serde_json::Value = serde_json::from_str(&shown(&line, Output::Json)).unwrap();
        assert_eq!(object["board"], "b1");
    }

    #[test]
    fn a_tail_is_a_number_or_all() {
        assert_eq!(tail("all"), Ok(Tail(None)));
        assert_eq!(tail("5"), Ok(Tail(Some(5))));
        assert!(tail("-1").is_err() && tail("").is_err());
    }
}
