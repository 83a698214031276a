//! `pirack topics apply`: the rack's topics in Kafka.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use pirack::stack::kafka::Bootstrap;
use pirack::stack::kafka::topics::{Cluster, Declared, Report, Request, apply};

use super::super::global::{Global, Output};
use super::super::say;
use super::super::span::{deadline, span};
use super::{declared_brokers, wait_for};

/// The options of `apply`.
#[derive(Args)]
#[command(after_help = "Examples:
  pirack topics apply                              on the brokers of rack.toml
  pirack topics apply --kafka w1:9092,w2:9092      waits for two; a day is kept
  pirack topics apply --kafka w1:9092 --brokers 2  the same, from one address
  pirack topics apply --retention 3d               three days from now on
  pirack topics apply -o json | jq .steps

It may be run at any time, and again: what is as it should be is left alone. A partition count never \
changes and no replica is ever taken away; where that would be needed it says so and does nothing.

Exit status: 0 the topics are as they should be, 1 they are not (standard error says why), 2 wrong \
command line.")]
pub(crate) struct Apply {
    /// Brokers to begin with, each HOST:PORT, separated by commas; where it is not given, those of the rack's
    /// file, and without a file 127.0.0.1:9092.
    #[arg(long, env = "PIRACK_KAFKA", value_name = "HOST:PORT")]
    kafka: Option<Bootstrap>,
    /// How many brokers must be there before a topic is created, for their number fixes its replicas;
    /// where it is not given, as many as --kafka or the rack's file names.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1000))]
    brokers: Option<u16>,
    /// How long messages stay, for example 12h or 3d; where it is not given, as the rack's file says, else a day.
    #[arg(long, value_name = "DURATION", value_parser = retention)]
    retention: Option<Duration>,
    /// The deadline for all of it, every partition's leader included.
    #[arg(long, default_value = "2m", value_name = "DURATION", value_parser = deadline)]
    timeout: Duration,
}

/// Runs it.
pub(super) fn run(options: Apply, global: &Global) -> anyhow::Result<ExitCode> {
    let (bootstrap, of_rack) = match options.kafka {
        Some(named) => (named, None),
        None => declared_brokers(global)?,
    };
    let declared = Declared::built_in()?;
    let request = Request {
        declared: match options.retention.or(of_rack) {
            Some(retention) => declared.keeping(retention),
            None => declared,
        },
        brokers: options.brokers.map_or(bootstrap.count(), usize::from),
        bootstrap,
        deadline: options.timeout,
    };
    let cluster = Cluster { bootstrap: request.bootstrap.clone(), deadline: request.deadline };
    let report = wait_for(&cluster, apply(&request))??;
    say(&match global.output {
        Output::Json => serde_json::to_string(&report)?,
        Output::Table => lines(&report, &request),
    });
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
