//! Docker's refusals, told apart by their words: its API has no codes beyond HTTP's.
//!
//! The words are those of Docker 20.10 to 29 (moby `daemon/cluster`, swarmkit `manager/controlapi`); the scenarios
//! hold a real engine to them.

use crate::engine::EngineError;
use crate::object::{Kind, Object, Version};

/// A question about many objects.
pub(super) fn of_question(about: &str, status: u16, words: &str) -> EngineError {
    of_managers(about, words).unwrap_or_else(|| EngineError::Refused {
        object: Object::new(Kind::Swarm, about),
        reason: said(status, words),
    })
}

/// A question about one object, or its removal or creation. What an update needs besides is in [`of_update`].
pub(super) fn of_object(object: &Object, status: u16, words: &str) -> EngineError {
    let has = |part: &str| words.contains(part);
    if let Some(error) = of_managers(&object.to_string(), words) {
        error
    } else if has("name conflicts with an existing object") || has("already exists") {
        EngineError::NameClash { object: object.clone() }
    } else if let Some(field) = immutable(words) {
        EngineError::Immutable { object: object.clone(), field: field.to_owned() }
    } else if let Some(by) = user(words) {
        EngineError::InUse { object: object.clone(), by }
    } else if let Some(needs) = missing(object, status, words) {
        EngineError::UnknownReference { object: object.clone(), needs }
    } else if status == 404 {
        EngineError::NotFound { object: object.clone() }
    } else {
        EngineError::Refused { object: object.clone(), reason: said(status, words) }
    }
}

/// An update that named a version.
pub(super) fn of_update(object: &Object, named: Version, status: u16, words: &str) -> EngineError {
    if words.contains("update out of sequence") {
        EngineError::VersionConflict { object: object.clone(), named }
    } else {
        of_object(object, status, words)
    }
}

/// Whether a demotion was refused for the sake of the majority.
pub(super) fn is_quorum(reason: &str) -> bool {
    reason.contains("last manager of the swarm") || reason.contains("loss of quorum")
}

/// Whether tasks that are on their way out hold it still.
pub(super) fn is_held_by_tasks(reason: &str) -> bool {
    reason.contains("in use by task") || reason.contains("has active endpoints")
}

/// The engine cannot speak for the swarm, or the swarm for itself.
fn of_managers(about: &str, words: &str) -> Option<EngineError> {
    if words.contains("not a swarm manager") || words.contains("not part of a swarm") {
        let words = words.trim().to_owned();
        return Some(EngineError::NotManager { about: about.to_owned(), words });
    }
    let leaderless = [
        "does not have a leader",
        "no elected leader",
        "context deadline exceeded",
        "raft: ",
        "code = Unavailable",
        "lost leadership",
        "request timed out",
        // A manager that hears of another leader ends what it had asked the one before.
        "client connection is closing",
        "transport is closing",
        "error reading from server",
    ];
    leaderless
        .iter()
        .any(|part| words.contains(part) && !words.contains("loss of quorum"))
        .then(|| EngineError::NoLeader { about: about.to_owned() })
}

fn immutable(words: &str) -> Option<&'static str> {
    let kinds = [
        ("renaming services is not supported", "the name"),
        ("mode change is not allowed", "the mode"),
        ("only updates to Labels are allowed", "all but the labels"),
    ];
    kinds.iter().find(|(part, _)| words.contains(part)).map(|(_, field)| *field)
}

/// The service that still uses it: Docker names it, or for a network gives its id.
fn user(words: &str) -> Option<Object> {
    let found =
        ["in use by the following service: ", "in use by the following services: ", "in use by service "]
            .iter()
            .find_map(|part| words.split_once(part));
    let name = found?.1.split([',', ' ', '\n']).next()?;
    Some(Object::new(Kind::Service, name))
}

/// What a service refers to in vain.
fn missing(object: &Object, status: u16, words: &str) -> Option<Object> {
    if object.kind != Kind::Service {
        return None;
    }
    let network = words.split_once("network ").filter(|_| status == 404 || words.contains("not found"));
    let name = network?.1.split_once(" not found")?.0;
    Some(Object::new(Kind::Network, name.trim_matches('"')))
}

/// The words without gRPC's own around them.
fn said(status: u16, words: &str) -> String {
    match words.rsplit_once(" desc = ") {
        Some((_, inner)) => inner.trim().to_owned(),
        None if words.trim().is_empty() => format!("HTTP status {status}"),
        None => words.trim().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(status: u16, words: &str) -> EngineError {
        of_object(&Object::new(Kind::Service, "web"), status, words)
    }

    #[test]
    fn each_kind_of_refusal_is_told_by_dockers_words() {
        let clash = "rpc error: code = AlreadyExists desc = name conflicts with an existing object: service web already exists";
        assert!(matches!(service(409, clash), EngineError::NameClash { .. }));
        let used =
            "rpc error: code = InvalidArgument desc = config 'a' is in use by the following service: web";
        assert!(matches!(service(400, used), EngineError::InUse { by, .. } if by.name == "web"));
        let sequence = "rpc error: code = Unknown desc = update out of sequence";
        let conflict = of_update(&Object::new(Kind::Service, "web"), Version(7), 500, sequence);
        assert!(matches!(conflict, EngineError::VersionConflict { named: Version(7), .. }));
        let leader = "rpc error: code = Unknown desc = The swarm does not have a leader. It's possible that too few managers are online.";
        let closing = "rpc error: code = Canceled desc = grpc: the client connection is closing";
        for passing in [leader, closing] {
            assert!(matches!(service(500, passing), EngineError::NoLeader { .. }), "{passing}");
        }
        assert!(
            matches!(service(404, "network nowhere not found"), EngineError::UnknownReference { needs, .. } if needs.name == "nowhere")
        );
        assert!(matches!(service(404, "service web not found"), EngineError::NotFound { .. }));
        let other = service(500, "rpc error: code = Unknown desc = something new");
        assert!(matches!(other, EngineError::Refused { reason, .. } if reason == "something new"));
    }
}
