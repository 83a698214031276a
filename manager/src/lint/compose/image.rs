//! An image's name, and what racks run by name.

/// Images that racks run.
const KNOWN: &[&str] = &[
    "apache/kafka",
    "apache/kafka-native",
    "bitnami/kafka",
    "bitnami/cassandra",
    "bitnami/zookeeper",
    "bitnamilegacy/kafka",
    "bitnamilegacy/cassandra",
    "cassandra",
    "confluentinc/cp-kafka",
    "confluentinc/cp-server",
    "confluentinc/cp-zookeeper",
    "confluentinc/cp-schema-registry",
    "stargateio/coordinator-3_11",
    "stargateio/coordinator-4_0",
    "stargateio/docsapi",
    "stargateio/graphqlapi",
    "stargateio/restapi",
    "zookeeper",
];
/// So many letters may be wrong in a name that is meant to be another.
const TYPO: usize = 2;

/// An image's name without its registry's port, tag and digest, up to the first variable in it.
pub(super) fn repository(image: &str) -> &str {
    let image = image.split(['$', '@']).next().unwrap_or_default();
    let name = image.rfind('/').map_or(0, |at| at + 1);
    image[name..].find(':').map_or(image, |at| &image[..name + at])
}

/// The last part of its name, without tag and digest, up to the first variable in it; and whether that is all of it.
pub(super) fn last_part(image: &str) -> (&str, bool) {
    let mut start = 0;
    let mut braces = 0_usize;
    for (at, letter) in image.char_indices() {
        match letter {
            '{' => braces += 1,
            '}' => braces = braces.saturating_sub(1),
            // Within braces it is a default's.
            '/' if braces == 0 => start = at + 1,
            _ => {}
        }
    }
    let last = &image[start..];
    let part = last.split([':', '@', '$']).next().unwrap_or_default();
    (part, !last[part.len()..].starts_with('$'))
}

/// The name that this repository's is a misspelling of.
pub(in crate::lint) fn meant(repository: &str) -> Option<&'static str> {
    let name = repository.strip_prefix("docker.io/").unwrap_or(repository);
    let name = name.strip_prefix("library/").unwrap_or(name);
    let own_registry = name.split_once('/').is_some_and(|(host, _)| host.contains(['.', ':']));
    if own_registry || KNOWN.contains(&name) {
        return None;
    }
    let distance = |known: &&'static str| strsim::damerau_levenshtein(name, known);
    KNOWN.iter().copied().min_by_key(distance).filter(|known| distance(known) <= TYPO)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_known_as_far_as_no_variable_is_in_it() {
        for (image, repo, last) in [
            ("apache/kafka:4.1.2", "apache/kafka", ("kafka", true)),
            ("10.77.0.1:5000/pirack/cassandra", "10.77.0.1:5000/pirack/cassandra", ("cassandra", true)),
            ("cassandra:${V}", "cassandra", ("cassandra", true)),
            ("bitnami/kafka@sha256:00", "bitnami/kafka", ("kafka", true)),
            ("${REGISTRY:-docker.io/a}/web:${V}", "", ("web", true)),
            ("$REGISTRY/web", "", ("web", true)),
            ("acme/web-${FLAVOUR}:1", "acme/web-", ("web-", false)),
            ("${IMAGE:-acme/web:1}", "", ("", false)),
        ] {
            assert_eq!(repository(image), repo);
            assert_eq!(last_part(image), last, "{image}");
        }
    }
}
