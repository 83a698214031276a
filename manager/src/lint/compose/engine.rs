//! Which of a rack's engines a service runs, told by its image or, where that is misspelled or a variable, by the
//! variables that it sets.

use super::service::Variable;
use super::word::Word;
pub(in crate::lint) use crate::stack::Engine;

/// Its name in a sentence.
pub(in crate::lint) fn title(engine: Engine) -> &'static str {
    match engine {
        Engine::Kafka => "Kafka",
        Engine::Cassandra => "Cassandra",
        Engine::Stargate => "Stargate's coordinator",
        Engine::Graphql => "Stargate's door",
    }
}

/// Whether it keeps data and an identity.
pub(in crate::lint) fn keeps_data(engine: Engine) -> bool {
    matches!(engine, Engine::Kafka | Engine::Cassandra)
}

pub(super) fn of(image: Option<&Word>, variables: &[Variable]) -> Option<Engine> {
    let by_image = image.and_then(|image| by_name(repository(&image.text)));
    by_image.or_else(|| by_variables(variables))
}

/// An image's name without its registry's port, tag and digest, up to the first variable in it.
pub(super) fn repository(image: &str) -> &str {
    let image = image.split(['$', '@']).next().unwrap_or_default();
    let name = image.rfind('/').map_or(0, |at| at + 1);
    image[name..].find(':').map_or(image, |at| &image[..name + at])
}

fn by_name(repository: &str) -> Option<Engine> {
    match repository.rsplit('/').next().unwrap_or_default() {
        "kafka" | "cp-kafka" | "cp-server" | "kafka-native" => Some(Engine::Kafka),
        "cassandra" => Some(Engine::Cassandra),
        "coordinator-4_0" | "coordinator-3_11" | "stargate-4_0" | "stargate-3_11" => Some(Engine::Stargate),
        // The doors of REST and of documents are set up as GraphQL's is.
        "graphqlapi" | "restapi" | "docsapi" => Some(Engine::Graphql),
        _ => None,
    }
}

fn by_variables(variables: &[Variable]) -> Option<Engine> {
    let set = |names: &[&str]| variables.iter().any(|variable| names.contains(&variable.name.text.as_str()));
    let kafka = ["KAFKA_PROCESS_ROLES", "KAFKA_CFG_PROCESS_ROLES", "KAFKA_NODE_ID", "KAFKA_CFG_NODE_ID"];
    if set(&kafka) {
        Some(Engine::Kafka)
    } else if set(&["CASSANDRA_SEEDS", "CASSANDRA_CLUSTER_NAME"]) {
        Some(Engine::Cassandra)
    } else if set(&["CLUSTER_VERSION"]) && set(&["SEED", "DEVELOPER_MODE"]) {
        Some(Engine::Stargate)
    } else if set(&["QUARKUS_GRPC_CLIENTS_BRIDGE_HOST"]) {
        Some(Engine::Graphql)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_known_by_the_last_part_of_its_name() {
        for (image, repo, engine) in [
            ("apache/kafka:4.1.2", "apache/kafka", Some(Engine::Kafka)),
            ("10.77.0.1:5000/pirack/cassandra", "10.77.0.1:5000/pirack/cassandra", Some(Engine::Cassandra)),
            ("cassandra:${V}", "cassandra", Some(Engine::Cassandra)),
            ("provectuslabs/kafka-ui:v0.7", "provectuslabs/kafka-ui", None),
            ("bitnami/kafka@sha256:00", "bitnami/kafka", Some(Engine::Kafka)),
            ("${IMAGE}", "", None),
        ] {
            assert_eq!(repository(image), repo);
            assert_eq!(by_name(repo), engine, "{image}");
        }
    }
}
