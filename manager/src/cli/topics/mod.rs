//! `pirack topics`: what topics hold, and what can be done with them.

mod apply;
mod change;
mod show;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::bail;
use clap::{Args, Subcommand};
use pirack::stack::kafka::Bootstrap;
use pirack::stack::kafka::topics::{Cluster, Selection};

use super::global::Global;
use super::span::deadline;
use super::{log, waiting};

pub(super) use show::lines as table_lines;

/// The options of `topics`, and what else can be done.
#[derive(Args)]
#[command(
    subcommand_precedence_over_arg = true,
    after_help = "Examples:
  pirack topics                                what each topic holds
  pirack topics alerts rack.readings -o json   these two, as one JSON document
  pirack topics create alerts --partitions 16
  pirack topics alter alerts --unset retention.ms
  pirack topics delete alerts                  asks for the name
  pirack topics apply                          the rack's own, as it needs them

Of each topic: its partitions, the oldest and the newest offset, how many messages. A compacted or a \
transactional topic has fewer messages than offsets. A partition that does not answer is shown with its reason.

Exit status: 0 well, 1 not, or a partition does not answer, 2 wrong command line."
)]
pub(crate) struct Topics {
    #[command(subcommand)]
    action: Option<Action>,
    /// These topics alone.
    #[arg(value_name = "TOPIC")]
    topics: Vec<String>,
    /// Kafka's own topics too.
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    place: Place,
}

/// Where a broker is that nobody names.
const HERE: &str = "127.0.0.1:9092";

/// What can be done.
#[derive(Subcommand)]
enum Action {
    /// Make the rack's topics, or bring their settings up to date. What others set is left.
    Apply(apply::Apply),
    /// Make a topic, and wait until each of its partitions has a leader.
    Create(change::Create),
    /// Change a topic's settings, or give it more partitions.
    Alter(change::Alter),
    /// Delete a topic and all that it holds.
    Delete(change::Delete),
}

/// Where the cluster is.
#[derive(Args)]
struct Place {
    /// Brokers to begin with, each HOST:PORT, separated by commas; where it is not given, those of the rack's
    /// file, and without a file 127.0.0.1:9092.
    #[arg(long, global = true, env = "PIRACK_KAFKA", value_name = "HOST:PORT")]
    kafka: Option<Bootstrap>,
    /// The deadline for all of it.
    #[arg(long, global = true, default_value = "30s", value_name = "DURATION", value_parser = deadline)]
    timeout: Duration,
}

impl Place {
    fn cluster(&self, global: &Global) -> anyhow::Result<Cluster> {
        Ok(Cluster { bootstrap: brokers(self.kafka.as_ref(), global)?, deadline: self.timeout })
    }
}

/// The brokers that are named, or those of the rack's file.
pub(super) fn brokers(named: Option<&Bootstrap>, global: &Global) -> anyhow::Result<Bootstrap> {
    match named {
        Some(named) => Ok(named.clone()),
        None => Ok(declared_brokers(global)?.0),
    }
}

/// The brokers of the rack's file, and how long its topics keep.
fn declared_brokers(global: &Global) -> anyhow::Result<(Bootstrap, Option<Duration>)> {
    let Some(rack) = global.rack_if_any()? else { return Ok((HERE.parse()?, None)) };
    let file = global.file.display();
    let Some(kafka) = &rack.kafka else { bail!("{file} has no [kafka]: name brokers with --kafka") };
    let port = kafka.defaults.rack().port;
    let addresses = rack.addresses(&kafka.brokers).map(|address| format!("{address}:{port}"));
    Ok((addresses.collect::<Vec<_>>().join(",").parse()?, kafka.retention))
}

/// Runs one of them.
pub(crate) fn run(topics: Topics, global: &Global) -> anyhow::Result<ExitCode> {
    let cluster = || topics.place.cluster(global);
    match topics.action {
        Some(Action::Apply(apply)) => apply::run(apply, global),
        Some(Action::Create(create)) => change::create(create, cluster, global.output),
        Some(Action::Alter(alter)) => change::alter(alter, cluster, global.output),
        Some(Action::Delete(delete)) => change::delete(&delete, cluster, global.output),
        None => {
            let selection = Selection { names: topics.topics, internal: topics.all };
            show::run(&cluster()?, &selection, global.output)
        }
    }
}

/// Waits for one question to this cluster.
fn wait_for<T>(cluster: &Cluster, question: impl Future<Output = T>) -> anyhow::Result<T> {
    log::to_stderr("error");
    waiting::wait_for(&format!("Kafka at {}", cluster.bootstrap), cluster.deadline, question)
}
