//! `pirack topics apply`: the rack's topics in Kafka.

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::{Args, Subcommand};
use pirack::stack::kafka::Bootstrap;
use pirack::stack::kafka::topics::{Declared, Report, Request, apply};

use super::log;
use super::span::{deadline, span};

/// What can be done with the topics.
#[derive(Subcommand)]
pub(crate) enum Topics {
    /// Make the rack's topics, or bring their settings up to date. What others set is left.
    Apply(Apply),
}

/// The options of `apply`.
#[derive(Args)]
#[command(after_help = "Examples:
  pirack topics apply --kafka w1:9092,w2:9092,w3:9092   waits for three brokers; messages stay for a day
  pirack topics apply --kafka w1:9092 --brokers 3       the same, with one address to begin with
  pirack topics apply --kafka w1:9092 --retention 3d    from now on for three days; in a run without it, a day again
  pirack topics apply --kafka w1:9092 --json | jq .steps

It may be run at any time, and again: what is as it should be is left alone. A partition count never changes
and no replica is ever taken away; where that would be needed it says so, does nothing and ends with 1.")]
pub(crate) struct Apply {
    /// Brokers to begin with, each HOST:PORT, separated by commas.
    #[arg(long, env = "PIRACK_KAFKA", default_value = "127.0.0.1:9092", value_name = "HOST:PORT")]
    kafka: Bootstrap,
    /// How many brokers must be there before a topic is created, for their number fixes its replicas;
    /// where it is not given, as many as --kafka names.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1000))]
    brokers: Option<u16>,
    /// How long messages stay, for example 12h or 3d; a day where it is not given.
    #[arg(long, value_name = "DURATION", value_parser = retention)]
    retention: Option<Duration>,
    /// The deadline for all of it, every partition's leader included.
    #[arg(long, default_value = "2m", value_name = "DURATION", value_parser = deadline)]
    timeout: Duration,
    /// One JSON object instead of lines.
    #[arg(long)]
    json: bool,
}

/// Runs one of them.
pub(crate) fn run(topics: Topics) -> anyhow::Result<ExitCode> {
    let Topics::Apply(options) = topics;
    log::to_stderr("error");
    let declared = Declared::built_in()?;
    let request = Request {
        declared: match options.retention {
            Some(retention) => declared.keeping(retention),
            None => declared,
        },
        brokers: options.brokers.map_or(options.kafka.count(), usize::from),
        bootstrap: options.kafka,
        deadline: options.timeout,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    let outcome = runtime.block_on(apply(&request));
    // A question to a broker that does not answer has a thread of its own.
    runtime.shutdown_timeout(Duration::from_secs(1));
    let report = outcome?;
    let said = if options.json { serde_json::to_string(&report)? } else { lines(&report, &request) };
    // A reader that has gone (`| head`) is no fault.
    let _gone = writeln!(std::io::stdout().lock(), "{said}");
    Ok(ExitCode::SUCCESS)
}

fn lines(report: &Report, request: &Request) -> String {
    let mut lines: Vec<String> = report.steps.iter().map(ToString::to_string).collect();
    lines.extend(report.left.iter().map(|left| format!("= {left}")));
    let changed = match report.steps.len() {
        0 => "nothing to change".to_owned(),
        1 => "1 change".to_owned(),
        many => format!("{many} changes"),
    };
    let brokers = match report.brokers {
        1 => "1 broker".to_owned(),
        many => format!("{many} brokers"),
    };
    let topics = request.declared.topics.len();
    lines.push(format!("{topics} topics on {brokers}, every partition has a leader: {changed}"));
    lines.join("\n")
}

fn retention(text: &str) -> Result<Duration, String> {
    let sensible = Duration::from_secs(60)..=Duration::from_secs(3650 * 86_400);
    let asked = span(text).filter(|retention| sensible.contains(retention));
    asked.ok_or_else(|| "give a time such as 12h, 1d or 2w, from 1m to 3650d".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_retention_is_read_as_people_write_it() {
        assert_eq!(retention("1d"), Ok(Duration::from_secs(86_400)));
        assert_eq!(retention("12h"), Ok(Duration::from_secs(12 * 3600)));
        for wrong in ["", "1", "59s", "-1d", "4000d", "forever"] {
            assert!(retention(wrong).is_err(), "{wrong:?} passed");
        }
    }
}
