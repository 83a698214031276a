//! The labels by which a plan knows what is its own. Nothing without them is ever changed or removed.

use std::collections::{BTreeMap, BTreeSet};

/// What all of them begin with.
pub(crate) const PREFIX: &str = "io.pirack.";
/// On every object: whose it is.
pub(crate) const OWNER: &str = "io.pirack.owner";
/// On a config or secret: the name that services know it by, before the hash.
pub(crate) const NAME: &str = "io.pirack.name";
/// On a node: which of its labels are ours, joined by `,`, so that others' are left alone.
pub(crate) const LABELS: &str = "io.pirack.labels";

/// The owner that an object's labels tell; nothing where nobody says whose it is.
#[must_use]
pub fn owner(labels: &BTreeMap<String, String>) -> Option<&str> {
    labels.get(OWNER).map(String::as_str)
}

/// The keys that a node's own list says are ours.
pub(crate) fn listed(labels: &BTreeMap<String, String>) -> BTreeSet<String> {
    let list = labels.get(LABELS).map_or("", String::as_str);
    list.split(',').filter(|key| !key.is_empty()).map(str::to_owned).collect()
}

/// That list.
pub(crate) fn list(keys: &BTreeSet<String>) -> String {
    keys.iter().map(String::as_str).collect::<Vec<_>>().join(",")
}
