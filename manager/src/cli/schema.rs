//! `pirack schema apply`: the rack's tables in Cassandra.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use clap::{Args, Subcommand};
use pirack::stack::cassandra::CQL;
use pirack::stack::cassandra::schema::{Action, Change, Connection, Report, Wishes, apply};
use pirack::text::{self, LARGEST};

use super::global::{Global, Output};
use super::span::{deadline, span};
use super::waiting::wait_for;
use super::{log, say};

/// What can be done with the schema.
#[derive(Subcommand)]
#[command(after_help = "Examples:
  pirack schema apply              in the Cassandra that rack.toml names
  pirack schema apply --keep 7d    from now on for a week

Exit status: 0 the tables are as they should be, 1 they are not (standard error says why), 2 wrong \
command line.")]
pub(crate) enum Schema {
    /// Make the rack's keyspace and tables, or bring them up to date. What is there already is left.
    Apply(Apply),
}

/// The options of `apply`.
#[derive(Args)]
#[command(after_help = "Examples:
  pirack schema apply                             as rack.toml says, for 30 days
  pirack schema apply --cassandra 10.0.0.11:9042  in this one
  pirack schema apply --keep 7d                   from now on for a week
  pirack schema apply -o json | jq .changed

It may be run at any time, and again: what is as it should be is left alone, and nothing is ever \
dropped. Rows that are there already keep the life they were written with.

Exit status: 0 the tables are as they should be, 1 they are not (standard error says why), 2 wrong \
command line.")]
pub(crate) struct Apply {
    /// Nodes to begin with, each HOST:PORT, separated by commas; where it is not given, those of the rack's
    /// file, and without a file 127.0.0.1:9042.
    #[arg(
        long,
        env = "PIRACK_CASSANDRA",
        value_name = "HOST:PORT",
        value_delimiter = ',',
        value_parser = contact_point
    )]
    cassandra: Option<Vec<String>>,
    /// Who may create keyspaces, where the cluster wants a login.
    #[arg(long, requires = "password_file", value_name = "NAME")]
    user: Option<String>,
    /// The file that holds the user's password, and nothing else.
    #[arg(long, requires = "user", value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// How long rows live, for example 7d or 36h; where it is not given, as long as in this cluster, 30 days
    /// in a new one.
    #[arg(long, value_name = "DURATION", value_parser = keep)]
    keep: Option<Duration>,
    /// Replicas in every datacenter; where it is not given, as the rack's file says, else 3, or as many as it
    /// has nodes.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=9))]
    replication: Option<u8>,
    /// The keyspace, where the agents' configuration names another.
    #[arg(long, default_value = "rack", value_name = "NAME", value_parser = keyspace)]
    keyspace: String,
    /// The deadline for all of it.
    #[arg(long, default_value = "5m", value_name = "DURATION", value_parser = deadline)]
    timeout: Duration,
}

/// Runs one of them.
pub(crate) fn run(schema: &Schema, global: &Global) -> anyhow::Result<ExitCode> {
    let Schema::Apply(options) = schema;
    log::to_stderr("error,scylla=off");
    let login = match (&options.user, &options.password_file) {
        (Some(user), Some(file)) => Some((user.clone(), password(file)?)),
        _ => None,
    };
    let (contact_points, of_rack) = match &options.cassandra {
        Some(named) => (named.clone(), None),
        None => declared_nodes(global)?,
    };
    let connection = Connection { contact_points, login, within: options.timeout };
    let wishes = Wishes {
        keyspace: options.keyspace.clone(),
        keep: options.keep,
        replication: options.replication.map(usize::from).or(of_rack),
    };
    let json = global.output == Output::Json;
    let mut told = move |change: &Change| {
        if !json {
            say(&line(change));
        }
    };
    let whom = format!("Cassandra at {}", connection.address());
    let report = wait_for(&whom, connection.within, apply(&connection, &wishes, &mut told))??;
    say(&if json { serde_json::to_string(&report)? } else { sentence(&report) });
    Ok(ExitCode::SUCCESS)
}

fn line(change: &Change) -> String {
    let verb = match change.action {
        Action::Create => "created",
        Action::Alter => "altered",
        Action::Leave => "left",
    };
    let what = if change.what.is_empty() { String::new() } else { format!(": {}", change.what) };
    format!("{verb:<8} {}{what}", change.object)
}

fn sentence(report: &Report) -> String {
    let nodes: Vec<_> = report.datacenters.iter().map(|(name, nodes)| format!("{nodes} in {name}")).collect();
    let changed = match report.changed {
        0 => "nothing to change".to_owned(),
        1 => "1 change".to_owned(),
        many => format!("{many} changes"),
    };
    format!("Cassandra {} at {}, nodes: {}: {changed}", report.version, report.cassandra, nodes.join(", "))
}

/// The nodes of the rack's file, and the copies that it wants.
fn declared_nodes(global: &Global) -> anyhow::Result<(Vec<String>, Option<usize>)> {
    let Some(rack) = global.rack_if_any()? else { return Ok((vec![format!("127.0.0.1:{CQL}")], None)) };
    let file = global.file.display();
    let Some(cassandra) = &rack.cassandra else {
        bail!("{file} has no [cassandra]: name nodes with --cassandra")
    };
    let nodes = rack.addresses(&cassandra.nodes).map(|address| format!("{address}:{CQL}")).collect();
    Ok((nodes, usize::try_from(cassandra.replication).ok()))
}

fn password(file: &Path) -> anyhow::Result<String> {
    let text = text::of_file(file, LARGEST).context("cannot read the password file")?;
    // As an agent reads it: one newline at the end is not part of it, and one file is one password.
    let password = text.strip_suffix('\n').unwrap_or(&text);
    let password = password.strip_suffix('\r').unwrap_or(password);
    ensure!(
        !password.is_empty(),
        "the password file {} is empty: write the password into it",
        file.display()
    );
    Ok(password.to_owned())
}

fn contact_point(text: &str) -> Result<String, String> {
    let port = text.rsplit_once(':').filter(|(host, _)| !host.is_empty());
    let valid = port.is_some_and(|(_, port)| port.parse::<u16>().is_ok_and(|port| port > 0));
    if valid { Ok(text.to_owned()) } else { Err("give HOST:PORT, for example 10.0.0.11:9042".to_owned()) }
}

/// An unquoted CQL name.
fn keyspace(text: &str) -> Result<String, String> {
    let first = text.starts_with(|c: char| c.is_ascii_lowercase());
    let rest = text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if first && rest && text.len() <= 48 {
        Ok(text.to_owned())
    } else {
        Err("give 1 to 48 of a-z, 0-9 and _, beginning with a letter".to_owned())
    }
}

fn keep(text: &str) -> Result<Duration, String> {
    // Cassandra knows no longer TTL than twenty years of 365 days.
    let sensible = Duration::from_secs(3600)..=Duration::from_secs(20 * 365 * 86_400);
    let asked = span(text).filter(|keep| sensible.contains(keep));
    asked.ok_or_else(|| "give a time such as 30d, 36h or 8w, from 1h to 7300d".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_to_keep_is_read_as_people_write_it() {
        assert_eq!(keep("30d"), Ok(Duration::from_secs(30 * 86_400)));
        assert_eq!(keep("2w"), Ok(Duration::from_secs(14 * 86_400)));
        assert_eq!(keep("36h"), Ok(Duration::from_secs(36 * 3600)));
        for wrong in ["", "30", "1m", "-3d", "8000d", "soon"] {
            assert!(keep(wrong).is_err(), "{wrong:?} passed");
        }
    }

    #[test]
    fn a_password_is_the_file_without_one_newline_as_an_agent_reads_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("password");
        for (content, expected) in [("open\n", Some("open")), ("open\n\n", Some("open\n")), ("\r\n", None)] {
            std::fs::write(&file, content).unwrap();
            assert_eq!(password(&file).ok().as_deref(), expected, "{content:?}");
        }
    }

    #[test]
    fn a_contact_point_has_a_host_and_a_port() {
        for good in ["w1:9042", "10.0.0.11:9042", "[::1]:9042"] {
            assert!(contact_point(good).is_ok(), "{good} did not pass");
        }
        for wrong in ["w1", ":9042", "w1:0", "w1:cql", ""] {
            assert!(contact_point(wrong).is_err(), "{wrong:?} passed");
        }
    }

    #[test]
    fn a_keyspace_is_a_plain_cql_name() {
        assert!(keyspace("rack").is_ok());
        for wrong in ["", "Rack", "1rack", "rack;drop", "a".repeat(49).as_str()] {
            assert!(keyspace(wrong).is_err(), "{wrong:?} passed");
        }
    }
}
