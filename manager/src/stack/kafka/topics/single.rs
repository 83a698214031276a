//! One topic: made, changed, deleted, as a person asks.
//!
//! Invariants: the rack's own topics and Kafka's are left alone unless it is allowed; a partition count only
//! grows, and that of a rack's own topic never; what is set at a topic and was not named stays. Partitions,
//! which never go again, come last: where a setting is refused there are no more of them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use rdkafka::admin::{AlterConfig, NewPartitions, ResourceSpecifier, TopicReplication};
use rdkafka::error::RDKafkaErrorCode;
use serde::Serialize;
use tokio::time::{Instant, sleep};

use super::admin::{Admin, AdminError};
use super::cluster::{Cluster, TopicError, missing, nearest};
use super::name::Name;
use super::plan::Change;
use super::table::{Selection, table};

/// Between two looks at a cluster that does not yet show what was done.
const LOOK_AGAIN: Duration = Duration::from_millis(200);
/// How long a broker may take to show a setting that it took.
const SETTLED: Duration = Duration::from_secs(5);

/// A topic to be made. What is not said is the brokers' own default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTopic {
    /// Its name.
    pub name: Name,
    /// How many partitions.
    pub partitions: Option<u16>,
    /// How many replicas of each.
    pub replicas: Option<u16>,
    /// Its settings.
    pub settings: BTreeMap<String, String>,
}

/// A topic to be changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicChange {
    /// Which.
    pub name: Name,
    /// How many partitions it shall have.
    pub partitions: Option<u16>,
    /// Settings that it shall have.
    pub settings: BTreeMap<String, String>,
    /// Settings that shall be the brokers' own defaults again.
    pub unset: BTreeSet<String>,
}

/// A topic that was made, every partition with its leader.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Created {
    /// Its name.
    pub topic: String,
    /// How many partitions it has.
    pub partitions: usize,
    /// How many replicas of each.
    pub replicas: usize,
}

/// What was changed; nothing where all was so already.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Altered {
    /// Which topic.
    pub topic: String,
    /// Settings.
    pub changes: Vec<Change>,
    /// Settings that are the brokers' defaults again.
    pub unset: Vec<String>,
    /// Its partitions before and after, where there are more.
    pub partitions: Option<(usize, usize)>,
}

/// What was deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Deleted {
    /// Which topic.
    pub topic: String,
    /// What it held.
    pub messages: u64,
}

/// A topic as it is: its partitions, its replicas, whether all are led. Nothing where it is not there.
struct Seen {
    partitions: usize,
    replicas: usize,
    led: bool,
}

async fn look(place: &Cluster, admin: &Admin, name: &Name) -> Result<Result<Seen, TopicError>, TopicError> {
    let metadata = admin.metadata().await.map_err(|error| place.silent(&error))?;
    let found = metadata.topics().iter().find(|topic| topic.name() == name.as_str());
    let Some(topic) = found.filter(|topic| !topic.partitions().is_empty()) else {
        let names = metadata
            .topics()
            .iter()
            .map(|topic| topic.name())
            .filter(|known| *known != name.as_str())
            .collect();
        return Ok(Err(missing(place, name.as_str(), &names)));
    };
    let partitions = topic.partitions();
    Ok(Ok(Seen {
        partitions: partitions.len(),
        replicas: partitions.iter().map(|partition| partition.replicas().len()).min().unwrap_or(0),
        led: partitions.iter().all(|partition| partition.leader() >= 0),
    }))
}

/// How many partitions a topic has.
///
/// # Errors
/// When nobody answers, or it is not there.
pub async fn partitions(place: &Cluster, name: &Name) -> Result<usize, TopicError> {
    let admin = place.connect()?;
    Ok(look(place, &admin, name).await??.partitions)
}

/// Whether a topic can have these settings, as one that is there shows them all.
async fn known<'a>(
    place: &Cluster,
    admin: &Admin,
    like: &str,
    settings: impl Iterator<Item = &'a String>,
) -> Result<(), TopicError> {
    let names =
        admin.names(like).await.map_err(|error| place.refused("say what a topic can be set", &error))?;
    for name in settings {
        if !names.contains(name) {
            let near = nearest(name, names.iter().map(String::as_str));
            return Err(TopicError::Setting { name: name.clone(), near });
        }
    }
    Ok(())
}

/// Looks until the cluster shows what was done.
async fn shown(
    place: &Cluster,
    admin: &Admin,
    name: &Name,
    step: &str,
    until: Instant,
    done: impl Fn(&Result<Seen, TopicError>) -> bool,
) -> Result<Option<Seen>, TopicError> {
    loop {
        if let Ok(seen) = look(place, admin, name).await
            && done(&seen)
        {
            return Ok(seen.ok());
        }
        if Instant::now() + LOOK_AGAIN >= until {
            return Err(place.late(step));
        }
        sleep(LOOK_AGAIN).await;
    }
}

/// The one answer to a question about one topic.
fn only<T>(answers: Vec<Result<T, (String, RDKafkaErrorCode)>>, admin: &Admin) -> Result<(), AdminError> {
    match answers.into_iter().next() {
        Some(Ok(_)) => Ok(()),
        Some(Err((_, code))) => Err(AdminError::Answer { code }),
        None => Err(admin.silence()),
    }
}

/// Makes a topic, and waits until every partition of it has a leader.
///
/// # Errors
/// When it is there already, or the cluster will not.
pub async fn create(place: &Cluster, new: &NewTopic) -> Result<Created, TopicError> {
    let until = Instant::now() + place.deadline;
    let (admin, step) = (place.connect()?, format!("create {}", new.name));
    if look(place, &admin, &new.name).await?.is_ok() {
        return Err(TopicError::Exists(new.name.to_string()));
    }
    if !new.settings.is_empty() {
        let metadata = admin.metadata().await.map_err(|error| place.silent(&error))?;
        // In a cluster without any topic nobody can say it.
        if let Some(other) = metadata.topics().first() {
            known(place, &admin, other.name(), new.settings.keys()).await?;
        }
    }
    // -1 is the brokers' own default, of both.
    let replicas = TopicReplication::Fixed(new.replicas.map_or(-1, i32::from));
    let mut topic =
        rdkafka::admin::NewTopic::new(new.name.as_str(), new.partitions.map_or(-1, i32::from), replicas);
    for (setting, value) in &new.settings {
        topic = topic.set(setting, value);
    }
    let answers = admin.within(admin.client.create_topics([&topic], &admin.options())).await;
    match answers.and_then(|answers| only(answers, &admin)) {
        Ok(()) => {}
        Err(AdminError::Answer { code: RDKafkaErrorCode::TopicAlreadyExists }) => {
            return Err(TopicError::Exists(new.name.to_string()));
        }
        Err(error) => return Err(place.refused(&step, &error)),
    }
    let led = |seen: &Result<Seen, TopicError>| seen.as_ref().is_ok_and(|seen| seen.led);
    let seen = shown(place, &admin, &new.name, &step, until, led).await?;
    let seen = seen.ok_or_else(|| place.late(&step))?;
    Ok(Created { topic: new.name.to_string(), partitions: seen.partitions, replicas: seen.replicas })
}

/// Changes a topic: its settings first, which a broker may refuse, then its partitions, which never go again.
///
/// # Errors
/// When it is not there, or the cluster will not.
pub async fn alter(place: &Cluster, change: &TopicChange) -> Result<Altered, TopicError> {
    let until = Instant::now() + place.deadline;
    let (admin, name) = (place.connect()?, &change.name);
    let step = format!("alter {name}");
    let seen = look(place, &admin, name).await??;
    let wanted = change.partitions.map(usize::from);
    let grown = grown(name, &seen, wanted)?;
    if !change.settings.is_empty() {
        known(place, &admin, name.as_str(), change.settings.keys()).await?;
    }
    let now = admin.settings(name.as_str()).await.map_err(|error| place.refused(&step, &error))?;
    let (whole, changes, unset) = settings(&now, change);
    if !changes.is_empty() || !unset.is_empty() {
        configure(place, &admin, name, &whole, until).await?;
    }
    if let Some((_, wanted)) = grown {
        let new = NewPartitions::new(name.as_str(), wanted);
        let answers = admin.within(admin.client.create_partitions([&new], &admin.options())).await;
        answers.and_then(|answers| only(answers, &admin)).map_err(|error| place.refused(&step, &error))?;
        let all = |seen: &Result<Seen, TopicError>| {
            seen.as_ref().is_ok_and(|seen| seen.led && seen.partitions == wanted)
        };
        shown(place, &admin, name, &step, until, all).await?;
    }
    Ok(Altered { topic: name.to_string(), changes, unset, partitions: grown })
}

/// How many partitions there are and will be, where there will be more.
fn grown(name: &Name, seen: &Seen, wanted: Option<usize>) -> Result<Option<(usize, usize)>, TopicError> {
    let there = seen.partitions;
    let Some(wanted) = wanted.filter(|wanted| *wanted != there) else { return Ok(None) };
    if name.is_own() {
        return Err(TopicError::Ordered(name.to_string()));
    }
    if wanted < there {
        return Err(TopicError::Fewer { name: name.to_string(), there, wanted });
    }
    Ok(Some((there, wanted)))
}

/// All that is set afterwards (Kafka's AlterConfigs sets all or resets it), what changes, and what is unset.
fn settings(
    now: &BTreeMap<String, String>,
    change: &TopicChange,
) -> (BTreeMap<String, String>, Vec<Change>, Vec<String>) {
    let mut whole = now.clone();
    let unset: Vec<String> =
        change.unset.iter().filter(|name| whole.remove(*name).is_some()).cloned().collect();
    let differ = change.settings.iter().filter(|(name, value)| now.get(*name) != Some(*value));
    let changes = differ.map(|(setting, to)| Change {
        setting: setting.clone(),
        from: now.get(setting).cloned(),
        to: to.clone(),
    });
    let changes = changes.collect();
    whole.extend(change.settings.clone());
    (whole, changes, unset)
}

/// Sets all of this at a topic, and looks whether it is so: the client tells nobody when a broker refuses a value.
async fn configure(
    place: &Cluster,
    admin: &Admin,
    name: &Name,
    whole: &BTreeMap<String, String>,
    until: Instant,
) -> Result<(), TopicError> {
    let refused = |error: &AdminError| place.refused(&format!("alter {name}"), error);
    let mut alteration = AlterConfig::new(ResourceSpecifier::Topic(name.as_str()));
    for (setting, value) in whole {
        alteration = alteration.set(setting, value);
    }
    let answers = admin.within(admin.client.alter_configs([&alteration], &admin.options())).await;
    let answer = answers.and_then(|answers| match answers.into_iter().next() {
        Some(Ok(_)) => Ok(()),
        Some(Err((_, code))) => Err(AdminError::Answer { code }),
        None => Err(admin.silence()),
    });
    answer.map_err(|error| refused(&error))?;
    let until = until.min(Instant::now() + SETTLED);
    while admin.settings(name.as_str()).await.map_err(|error| refused(&error))? != *whole {
        if Instant::now() + LOOK_AGAIN >= until {
            return Err(refused(&AdminError::Answer { code: RDKafkaErrorCode::InvalidConfig }));
        }
        sleep(LOOK_AGAIN).await;
    }
    Ok(())
}

/// Deletes a topic and all that it holds, and waits until it is gone.
///
/// # Errors
/// When it is not there, or the cluster will not.
pub async fn delete(place: &Cluster, name: &Name) -> Result<Deleted, TopicError> {
    let until = Instant::now() + place.deadline;
    let (admin, step) = (place.connect()?, format!("delete {name}"));
    let held = table(place, &Selection { names: vec![name.to_string()], internal: true }).await?;
    let answers = admin.within(admin.client.delete_topics(&[name.as_str()], &admin.options())).await;
    answers.and_then(|answers| only(answers, &admin)).map_err(|error| place.refused(&step, &error))?;
    shown(place, &admin, name, &step, until, Result::is_err).await?;
    Ok(Deleted { topic: name.to_string(), messages: held.messages })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        text.parse().unwrap()
    }

    fn seen(partitions: usize) -> Seen {
        Seen { partitions, replicas: 1, led: true }
    }

    #[test]
    fn partitions_only_grow_and_the_racks_own_never() {
        assert_eq!(grown(&name("alerts"), &seen(4), None).unwrap(), None);
        assert_eq!(grown(&name("alerts"), &seen(4), Some(4)).unwrap(), None);
        assert_eq!(grown(&name("alerts"), &seen(4), Some(16)).unwrap(), Some((4, 16)));
        assert!(matches!(grown(&name("alerts"), &seen(4), Some(3)), Err(TopicError::Fewer { .. })));
        assert!(matches!(grown(&name("rack.health"), &seen(16), Some(32)), Err(TopicError::Ordered(_))));
    }

    #[test]
    fn what_is_set_and_was_not_named_stays() {
        let map = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect::<BTreeMap<_, _>>()
        };
        let now = map(&[("retention.ms", "1"), ("preallocate", "true"), ("segment.ms", "5")]);
        let change = TopicChange {
            name: name("alerts"),
            partitions: None,
            settings: map(&[("retention.ms", "2"), ("segment.ms", "5")]),
            unset: ["preallocate", "cleanup.policy"].map(str::to_owned).into(),
        };
        let (whole, changes, unset) = settings(&now, &change);
        assert_eq!(whole, map(&[("retention.ms", "2"), ("segment.ms", "5")]));
        assert_eq!(unset, ["preallocate"]);
        assert_eq!(changes.len(), 1);
        assert_eq!(changes[0].from.as_deref(), Some("1"));
    }
}
