//! Which of a rack's engines a service runs, told by its image or, where that is another or not known, by variables
//! that only the engine has; by those that clients have too only where no image says otherwise. A client or a
//! one-off job runs none, whatever its image: Kafka's and Cassandra's hold their tools as well.

use super::image::{last_part, meant, repository};
use super::program::Program;
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

/// Of a service that is no job, by what it starts in which image.
pub(super) fn of(image: Option<&Word>, program: Program, variables: &[Variable]) -> Option<Engine> {
    let of_server = by_server_variables(variables);
    let by_variables = || of_server.or_else(|| by_shared_variables(variables));
    let engine = match image.map(|image| (repository(&image.text), last_part(&image.text))) {
        Some((whole, (name, true))) => {
            by_name(name).or_else(|| by_name(last_part(meant(whole)?).0)).or(of_server)
        }
        Some((_, (name, false))) => by_name(name).or_else(by_variables),
        None => by_variables(),
    }?;
    let runs = match program {
        Program::Server => true,
        Program::Client => false,
        Program::Unknown => of_server == Some(engine),
    };
    runs.then_some(engine)
}

fn by_name(name: &str) -> Option<Engine> {
    match name {
        "kafka" | "cp-kafka" | "cp-server" | "kafka-native" => Some(Engine::Kafka),
        "cassandra" => Some(Engine::Cassandra),
        "coordinator-4_0" | "coordinator-3_11" | "stargate-4_0" | "stargate-3_11" => Some(Engine::Stargate),
        // The doors of REST and of documents are set up as GraphQL's is.
        "graphqlapi" | "restapi" | "docsapi" => Some(Engine::Graphql),
        _ => None,
    }
}

const OF_KAFKA: &[&str] =
    &["KAFKA_PROCESS_ROLES", "KAFKA_CFG_PROCESS_ROLES", "KAFKA_NODE_ID", "KAFKA_CFG_NODE_ID"];
const OF_CASSANDRA: &[&str] = &[
    "CASSANDRA_LISTEN_ADDRESS",
    "CASSANDRA_BROADCAST_ADDRESS",
    "CASSANDRA_ENDPOINT_SNITCH",
    "CASSANDRA_NUM_TOKENS",
];
/// Of Cassandra, and of clients that look for one.
const SHARED: &[&str] = &["CASSANDRA_SEEDS", "CASSANDRA_CLUSTER_NAME"];

fn any(variables: &[Variable], names: &[&str]) -> bool {
    variables.iter().any(|variable| names.contains(&variable.name.text.as_str()))
}

/// What only the engine itself is told.
fn by_server_variables(variables: &[Variable]) -> Option<Engine> {
    let set = |names: &[&str]| any(variables, names);
    if set(OF_KAFKA) {
        Some(Engine::Kafka)
    } else if set(OF_CASSANDRA) {
        Some(Engine::Cassandra)
    } else if set(&["CLUSTER_VERSION"]) && set(&["SEED", "DEVELOPER_MODE"]) {
        Some(Engine::Stargate)
    } else if set(&["QUARKUS_GRPC_CLIENTS_BRIDGE_HOST"]) {
        Some(Engine::Graphql)
    } else {
        None
    }
}

fn by_shared_variables(variables: &[Variable]) -> Option<Engine> {
    any(variables, SHARED).then_some(Engine::Cassandra)
}
