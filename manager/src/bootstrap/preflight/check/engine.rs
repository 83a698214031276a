//! The engine: there, new enough, set up for a swarm, and in no other's.

use super::super::code::Check;
use super::super::facts::EngineFacts;
use super::{Found, Subject};
use crate::bootstrap::link::Root;

/// What swarm's host ports, jobs and updates here are known with.
const OLDEST: (u64, u64) = (20, 10);
const OLDEST_API: (u64, u64) = (1, 41);

pub(super) fn all(subject: &Subject) -> Vec<Found> {
    if !subject.is_member() {
        return vec![];
    }
    let mut found = installed(subject);
    found.extend(group(subject));
    found.extend(file(subject));
    if let Some(Ok(engine)) = &subject.facts.engine {
        found.extend(of_engine(subject, engine));
    }
    found
}

fn installed(subject: &Subject) -> Vec<Found> {
    let facts = subject.facts;
    let mut found = vec![];
    if facts.snap {
        found.push((Check::Snap, "there is /snap/bin/docker".to_owned()));
    }
    match &facts.engine {
        Some(Ok(_)) => {}
        // A closed door is the user's trouble, told there.
        Some(Err(_)) if subject.root == Root::No && subject.shell => {}
        Some(Err(error)) => found.push((Check::EngineSilent, error.clone())),
        None if facts.dockerd => {
            found.push((Check::EngineSilent, "it is installed, and there is no socket".to_owned()));
        }
        None => found.push((Check::NoEngine, "there is no dockerd".to_owned())),
    }
    found
}

fn group(subject: &Subject) -> Option<Found> {
    let outside = subject.root != Root::Own && !subject.facts.groups.contains("docker");
    let seen = || {
        format!(
            "{} is in {}",
            subject.user,
            subject.facts.groups.iter().cloned().collect::<Vec<_>>().join(", ")
        )
    };
    (subject.shell && subject.facts.dockerd && outside).then(|| (Check::DockerGroup, seen()))
}

fn file(subject: &Subject) -> Option<Found> {
    let bounded = match subject.facts.daemon.as_ref() {
        Some(Err(error)) => return Some((Check::DaemonFile, error.clone())),
        Some(Ok(file)) => {
            let driver = file["log-driver"].as_str().unwrap_or("json-file");
            driver != "json-file" || file["log-opts"]["max-size"].is_string()
        }
        None => false,
    };
    let unbounded = subject.shell && subject.facts.dockerd && !bounded;
    unbounded.then(|| (Check::LogBounds, "daemon.json has no max-size".to_owned()))
}

fn of_engine(subject: &Subject, engine: &EngineFacts) -> Vec<Found> {
    let mut found = vec![];
    let old = pair(&engine.version).is_some_and(|version| version < OLDEST)
        || pair(&engine.api).is_some_and(|api| api < OLDEST_API);
    if old {
        found.push((Check::EngineOld, format!("it is {}, API {}", engine.version, engine.api)));
    }
    if engine.live_restore {
        found.push((Check::LiveRestore, "it says so".to_owned()));
    }
    for registry in &subject.rack.network.insecure_registries {
        if !engine.insecure_registries.contains(registry) {
            found.push((Check::Registry, format!("it does not have {registry}")));
        }
    }
    let ours = |manager: &String| {
        let host = manager.rsplit_once(':').map_or(manager.as_str(), |(host, _)| host);
        subject.rack.boards.iter().any(|board| board.address.to_string() == host)
    };
    if engine.in_swarm && !engine.managers.is_empty() && !engine.managers.iter().any(ours) {
        let all: Vec<&str> = engine.managers.iter().map(String::as_str).collect();
        found.push((Check::OtherSwarm, format!("its managers are {}", all.join(", "))));
    }
    found
}

/// `20.10.24+dfsg1` as 20 and 10.
fn pair(version: &str) -> Option<(u64, u64)> {
    let mut numbers = version.split(['.', '-', '+', '~']).map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}
