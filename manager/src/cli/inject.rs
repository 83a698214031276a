//! `pirack inject TOPIC`: a load for a topic, one chunk every so often.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use pirack::stack::kafka::Bootstrap;
use pirack::stack::kafka::inject::{Chunk, Injected, Orders, Source, inject};
use pirack::stack::kafka::topics::{Cluster, Name, Selection, Table, table};
use serde::Serialize;

use super::global::{Global, Output};
use super::rack::ended_by_user;
use super::span::{deadline, span};
use super::topics::{brokers, table_lines};
use super::{log, say};

/// The options of `inject`.
#[derive(Args)]
#[command(arg = Global::short_file(), after_help = "Examples:
  pirack inject alerts --file alerts.json          10000 lines every 40 s
  zcat night.gz | pirack inject alerts --every 10s --count 2000 --file -
  pirack inject alerts --every 1s --count 500 --for 10m   made-up readings
  pirack inject alerts --count 100000 --chunks 1 -o json | jq .acknowledged

Every line of the file is a message; empty ones are left out. Ctrl-C ends it after the messages \
that are on their way.

Exit status: 0 every message was acknowledged by all replicas in sync, 1 not every one.")]
pub(crate) struct Inject {
    /// The topic; it must be there.
    #[arg(value_name = "TOPIC")]
    topic: Name,
    /// From the beginning of one chunk to the next's.
    #[arg(long, default_value = "40s", value_name = "DURATION", value_parser = every)]
    every: Duration,
    /// Messages in a chunk.
    #[arg(long, default_value_t = 10_000, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    count: u32,
    /// A file of messages, one a line; - is standard input. Without it readings are made up, valid by the rack's schema.
    #[arg(long = "file", visible_alias = "messages", value_name = "FILE")]
    messages: Option<PathBuf>,
    /// No chunk begins later than this after the first.
    #[arg(long = "for", value_name = "DURATION", value_parser = deadline)]
    last: Option<Duration>,
    /// No more chunks than this.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    chunks: Option<u64>,
    /// Brokers to begin with, each HOST:PORT, separated by commas; where it is not given, those of the rack's
    /// file, and without a file 127.0.0.1:9092.
    #[arg(long, env = "PIRACK_KAFKA", value_name = "HOST:PORT")]
    kafka: Option<Bootstrap>,
    /// How long a message may wait for its acknowledgement.
    #[arg(long, default_value = "2m", value_name = "DURATION", value_parser = deadline)]
    timeout: Duration,
}

/// What of all this becomes one JSON document.
#[derive(Serialize)]
struct Outcome {
    #[serde(flatten)]
    injected: Injected,
    /// What the topic holds now.
    table: Option<Table>,
}

/// Runs it.
pub(crate) fn run(options: &Inject, global: &Global) -> anyhow::Result<ExitCode> {
    log::to_stderr("error");
    let bootstrap = brokers(options.kafka.as_ref(), global)?;
    let source = match &options.messages {
        Some(path) => Source::file(path)?,
        None => Source::readings()?,
    };
    let orders = Orders {
        cluster: Cluster { bootstrap, deadline: options.timeout },
        topic: options.topic.clone(),
        every: options.every,
        count: usize::try_from(options.count)?,
        chunks: options.chunks,
        last: options.last,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    let json = global.output == Output::Json;
    let outcome = runtime.block_on(async {
        let mut told = move |chunk: &Chunk| {
            if !json {
                say(&line(chunk));
            }
        };
        let injected = inject(&orders, source, ended_by_user(), &mut told).await?;
        let cluster = Cluster { deadline: LOOK, ..orders.cluster.clone() };
        let selection = Selection { names: vec![orders.topic.to_string()], internal: true };
        let table = table(&cluster, &selection).await;
        anyhow::Ok((injected, table))
    });
    // Standard input may never say another word, nor a broker: what waits for them is not waited for.
    runtime.shutdown_background();
    let (injected, table) = outcome?;
    let whole = injected.messages > 0 && injected.messages == injected.acknowledged;
    let silent = table.as_ref().err().map(ToString::to_string);
    if json {
        say(&serde_json::to_string(&Outcome { injected, table: table.ok() })?);
    } else {
        if let Ok(table) = &table {
            say(&format!("\n{}", table_lines(table)));
        }
        say(&sentence(&injected));
    }
    if let Some(silent) = silent {
        eprintln!("pirack: {silent}");
    }
    Ok(if whole { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// How long the table at the end may take.
const LOOK: Duration = Duration::from_secs(30);

/// A chunk in a line.
fn line(chunk: &Chunk) -> String {
    let Chunk { number, messages, acknowledged, seconds, .. } = chunk;
    let begun = chunk.begun.strftime("%Y-%m-%dT%H:%M:%SZ");
    let mut line =
        format!("{begun}  chunk {number}: {acknowledged} of {messages} acknowledged in {seconds:.2} s");
    if let Some(late) = chunk.late_seconds {
        line.push_str(&format!(", begun {late:.1} s late"));
    }
    if let Some(reason) = &chunk.reason {
        line.push_str(&format!("; not the others: {reason}"));
    }
    line
}

fn sentence(injected: &Injected) -> String {
    let Injected { chunks, messages, acknowledged, stopped } = injected;
    let ended = if *stopped { ", ended before its time" } else { "" };
    match messages {
        0 => format!("nothing was sent{ended}"),
        _ => format!("{} chunks, {acknowledged} of {messages} messages acknowledged{ended}", chunks.len()),
    }
}

fn every(text: &str) -> Result<Duration, String> {
    let sensible = Duration::from_millis(100)..=Duration::from_secs(86_400);
    let asked = span(text).filter(|every| sensible.contains(every));
    asked.ok_or_else(|| "give a time such as 40s or 500ms, of at most a day".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser, Subcommand};

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        global: Global,
        #[command(subcommand)]
        command: Only,
    }

    #[derive(Subcommand)]
    enum Only {
        Inject(Inject),
    }

    #[test]
    fn a_file_behind_inject_is_the_messages_and_by_its_letter_or_before_it_the_racks() {
        for (line, rack, messages) in [
            ("pirack --file r inject t --file m", "r", Some("m")),
            ("pirack inject t --file=m -f r", "r", Some("m")),
            ("pirack -f r inject t --messages m", "r", Some("m")),
            ("pirack inject t -f r", "r", None),
        ] {
            let Line { global, command: Only::Inject(inject) } =
                Line::try_parse_from(line.split(' ')).unwrap();
            assert_eq!(global.file, PathBuf::from(rack), "{line}");
            assert_eq!(inject.messages, messages.map(PathBuf::from), "{line}");
        }
        let mut all = Line::command();
        let help = all.find_subcommand_mut("inject").unwrap().render_long_help().to_string();
        let (rack, own) = (help.matches("-f, --file").count(), help.matches("--file <FILE>").count());
        assert_eq!((rack, own), (0, 1), "{help}");
    }

    #[test]
    fn a_chunk_is_a_line_with_its_time_and_what_became_of_it() {
        let chunk = Chunk {
            number: 2,
            begun: "2026-11-21T08:00:40.25Z".parse().unwrap(),
            messages: 10_000,
            acknowledged: 9_990,
            seconds: 1.234,
            late_seconds: Some(2.06),
            reason: Some("no more".to_owned()),
        };
        assert_eq!(
            line(&chunk),
            "2026-11-21T08:00:40Z  chunk 2: 9990 of 10000 acknowledged in 1.23 s, begun 2.1 s late; not the others: no more"
        );
    }

    #[test]
    fn a_beat_is_a_tenth_of_a_second_at_least() {
        assert_eq!(every("40s"), Ok(Duration::from_secs(40)));
        assert_eq!(every("500ms"), Ok(Duration::from_millis(500)));
        for wrong in ["", "40", "0s", "2d"] {
            assert!(every(wrong).is_err(), "{wrong:?} passed");
        }
    }
}
