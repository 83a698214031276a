//! `pirack topics create`, `alter` and `delete`: one topic.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use anyhow::{bail, ensure};
use clap::Args;
use pirack::stack::kafka::topics::{
    Altered, Cluster, Name, NewTopic, TopicChange, alter as alter_topic, create as create_topic,
    delete as delete_topic,
};
use serde::Serialize;

use super::super::global::Output;
use super::super::say;
use super::wait_for;

/// The options of `create`.
#[derive(Args)]
#[command(after_help = "Examples:
  pirack topics create alerts                  as the brokers' defaults say
  pirack topics create alerts --partitions 16 --replicas 2
  pirack topics create alerts --set retention.ms=86400000

Exit status: 0 it is there, 1 it is not (standard error says why), 2 wrong command line.")]
pub(crate) struct Create {
    /// Its name.
    #[arg(value_name = "NAME")]
    name: Name,
    /// How many partitions; the brokers' default where it is not given.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1000))]
    partitions: Option<u16>,
    /// On how many brokers each lies; likewise.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=9))]
    replicas: Option<u16>,
    /// A setting, by Kafka's own name; may be given several times.
    #[arg(long, value_name = "NAME=VALUE", value_parser = setting)]
    set: Vec<(String, String)>,
    /// Also where the name is the rack's own or Kafka's.
    #[arg(long)]
    allow: bool,
}

/// The options of `alter`.
#[derive(Args)]
#[command(after_help = "Examples:
  pirack topics alter alerts --set retention.ms=3600000
  pirack topics alter alerts --unset retention.ms    the brokers' default again
  pirack topics alter alerts --partitions 32         a key's messages move

Exit status: 0 it is so, 1 it is not (standard error says why), 2 wrong command line.")]
pub(crate) struct Alter {
    /// Which topic.
    #[arg(value_name = "NAME")]
    name: Name,
    /// How many partitions it shall have; never fewer than it has.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1000))]
    partitions: Option<u16>,
    /// A setting, by Kafka's own name; may be given several times. What is not named stays.
    #[arg(long, value_name = "NAME=VALUE", value_parser = setting)]
    set: Vec<(String, String)>,
    /// A setting that shall be the brokers' default again.
    #[arg(long, value_name = "NAME")]
    unset: Vec<String>,
    /// Also where the topic is the rack's own or Kafka's.
    #[arg(long)]
    allow: bool,
}

/// The options of `delete`.
#[derive(Args)]
#[command(after_help = "Examples:
  pirack topics delete alerts                  asks for its name
  pirack topics delete alerts --yes alerts     where nobody can be asked

Exit status: 0 it is gone, 1 it is not (standard error says why), 2 wrong command line.")]
pub(crate) struct Delete {
    /// Which topic.
    #[arg(value_name = "NAME")]
    name: Name,
    /// Its name again, so that nothing is asked.
    #[arg(long, value_name = "NAME")]
    yes: Option<String>,
    /// Also where the topic is the rack's own or Kafka's.
    #[arg(long)]
    allow: bool,
}

/// Runs `create`.
pub(super) fn create(
    options: Create,
    cluster: impl Fn() -> anyhow::Result<Cluster>,
    output: Output,
) -> anyhow::Result<ExitCode> {
    options.name.guarded(options.allow)?;
    let new = NewTopic {
        name: options.name,
        partitions: options.partitions,
        replicas: options.replicas,
        settings: settings(options.set)?,
    };
    let cluster = cluster()?;
    let created = wait_for(&cluster, create_topic(&cluster, &new))??;
    let sentence = format!(
        "created {}: partitions {}, replicas {}",
        created.topic, created.partitions, created.replicas
    );
    told(&created, &sentence, output)
}

/// Runs `alter`.
pub(super) fn alter(
    options: Alter,
    cluster: impl Fn() -> anyhow::Result<Cluster>,
    output: Output,
) -> anyhow::Result<ExitCode> {
    options.name.guarded(options.allow)?;
    let change = TopicChange {
        name: options.name,
        partitions: options.partitions,
        settings: settings(options.set)?,
        unset: options.unset.into_iter().collect::<BTreeSet<_>>(),
    };
    if let Some(both) = change.unset.iter().find(|name| change.settings.contains_key(*name)) {
        bail!("{both} is both set and unset: leave one of the two out");
    }
    let asked = change.partitions.is_some() || !change.settings.is_empty() || !change.unset.is_empty();
    ensure!(asked, "nothing to change: give --set, --unset or --partitions");
    let cluster = cluster()?;
    let altered = wait_for(&cluster, alter_topic(&cluster, &change))??;
    told(&altered, &sentences(&altered), output)
}

fn sentences(altered: &Altered) -> String {
    let mut lines = vec![format!("altered {}", altered.topic)];
    if let Some((before, now)) = altered.partitions {
        lines.push(format!(
            "      partitions: {before} -> {now}; messages of a key may lie on another from now on"
        ));
    }
    lines.extend(altered.changes.iter().map(|change| format!("      {change}")));
    lines.extend(altered.unset.iter().map(|name| format!("      {name}: the brokers' default again")));
    match lines.as_slice() {
        [_] => format!("{} is so already", altered.topic),
        _ => lines.join("\n"),
    }
}

/// Runs `delete`.
pub(super) fn delete(
    options: &Delete,
    cluster: impl Fn() -> anyhow::Result<Cluster>,
    output: Output,
) -> anyhow::Result<ExitCode> {
    options.name.guarded(options.allow)?;
    confirmed(&options.name, options.yes.as_deref())?;
    let cluster = cluster()?;
    let deleted = wait_for(&cluster, delete_topic(&cluster, &options.name))??;
    let sentence = format!("deleted {}, which held {} messages", deleted.topic, deleted.messages);
    told(&deleted, &sentence, output)
}

/// Whether a person has said the topic's name twice.
fn confirmed(name: &Name, yes: Option<&str>) -> anyhow::Result<()> {
    let said = match yes {
        Some(yes) => yes.to_owned(),
        None => {
            let asked = std::io::stdin().is_terminal();
            ensure!(asked, "{name} was not deleted: nobody can be asked here, so say --yes {name}");
            let mut err = std::io::stderr().lock();
            write!(err, "This deletes {name} and all that it holds. Its name, to go on: ")?;
            err.flush()?;
            let mut line = String::new();
            std::io::stdin().read_line(&mut line)?;
            line.trim().to_owned()
        }
    };
    ensure!(said == name.as_str(), "{name} was not deleted: \"{said}\" is not its name");
    Ok(())
}

fn told<T: Serialize>(what: &T, sentence: &str, output: Output) -> anyhow::Result<ExitCode> {
    match output {
        Output::Json => say(&serde_json::to_string(what)?),
        Output::Table => say(sentence),
    }
    Ok(ExitCode::SUCCESS)
}

fn setting(text: &str) -> Result<(String, String), String> {
    let name = |name: &&str| !name.is_empty() && name.bytes().all(|c| c.is_ascii_lowercase() || c == b'.');
    match text.split_once('=').filter(|(left, _)| name(left)) {
        Some((left, value)) => Ok((left.to_owned(), value.to_owned())),
        None => Err("give NAME=VALUE, as Kafka calls it: retention.ms=86400000".to_owned()),
    }
}

fn settings(pairs: Vec<(String, String)>) -> anyhow::Result<BTreeMap<String, String>> {
    let mut settings = BTreeMap::new();
    for (name, value) in pairs {
        let twice = settings.insert(name.clone(), value).is_some();
        ensure!(!twice, "{name} is set twice: leave one of the two out");
    }
    Ok(settings)
}

#[cfg(test)]
mod tests {
    use pirack::stack::kafka::topics::TopicError;

    use super::*;

    #[test]
    fn a_setting_is_a_name_and_a_value() {
        assert_eq!(setting("retention.ms=1"), Ok(("retention.ms".to_owned(), "1".to_owned())));
        assert_eq!(setting("a=b=c"), Ok(("a".to_owned(), "b=c".to_owned())));
        for wrong in ["", "retention.ms", "=1", "Retention=1"] {
            assert!(setting(wrong).is_err(), "{wrong:?} passed");
        }
        let twice = [("a", "1"), ("a", "2")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert!(settings(twice.into()).is_err());
    }

    #[test]
    fn a_topic_is_deleted_only_by_its_name() {
        let name: Name = "alerts".parse().unwrap();
        assert!(confirmed(&name, Some("alerts")).is_ok());
        assert!(confirmed(&name, Some("alert")).unwrap_err().to_string().contains("not deleted"));
    }

    #[test]
    fn the_racks_own_are_refused_before_anybody_is_asked() {
        let name: Name = "rack.readings".parse().unwrap();
        assert!(matches!(name.guarded(false), Err(TopicError::Own(_))));
    }

    #[test]
    fn what_changed_is_told_and_nothing_is_told_as_such() {
        let nothing =
            Altered { topic: "alerts".to_owned(), changes: Vec::new(), unset: Vec::new(), partitions: None };
        assert_eq!(sentences(&nothing), "alerts is so already");
        let more = Altered { partitions: Some((4, 8)), unset: vec!["retention.ms".to_owned()], ..nothing };
        assert_eq!(sentences(&more).lines().count(), 3);
    }
}
