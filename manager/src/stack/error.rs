//! Why a rack's services cannot be said.

use pirack_swarm::desired::{DesiredError, NameError};

use crate::rack::Bytes;

/// Why there is nothing to desire. All of it is for whoever writes the rack file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StackError {
    /// What the rack remembers does not hold what the file asks for: it was not settled first.
    #[error(
        "the rack's memory of itself has no {0}: run apply again, and read what it says of the swarm's labels first"
    )]
    Forgotten(&'static str),
    /// A name in the rack's memory, or in a stack, that no board of the file has.
    #[error(
        "{whom} counts on a board \"{board}\" that the file does not have: give it back its [[board]], or take it out"
    )]
    NoBoard {
        /// Who counts on it.
        whom: &'static str,
        /// Its name.
        board: String,
    },
    /// Nobody says how much memory a board has.
    #[error(
        "it is not known how much memory {board} has, and so not how large {service} may be: let the board answer once, or write memory = \"8GiB\" at it"
    )]
    NoMemory {
        /// Which board.
        board: String,
        /// What runs there.
        service: String,
    },
    /// A service that does not fit, even alone.
    #[error(
        "{board} has {memory}, and {service} needs more: take the board out of that stack, or write a heap and a limit that you know to be enough"
    )]
    TooSmall {
        /// Which board.
        board: String,
        /// What it has.
        memory: Bytes,
        /// What should run there.
        service: String,
    },
    /// Limits that leave the board nothing for itself.
    #[error("{board} has {memory}, and its services may use {wanted} with what the board needs itself ({}): write smaller limits, or move one of them to another board", .services.join(", "))]
    Full {
        /// Which board.
        board: String,
        /// What it has.
        memory: Bytes,
        /// All limits, and what the board needs itself.
        wanted: Bytes,
        /// Each service and its limit.
        services: Vec<String>,
    },
    /// A heap that its container's limit has no room for.
    #[error(
        "{service} on {board} has a heap of {heap} within a limit of {limit}: a JVM needs at least 192MiB beside its heap, and a heap of 64MiB; write others"
    )]
    Heap {
        /// Which service.
        service: String,
        /// Which board.
        board: String,
        /// The heap.
        heap: Bytes,
        /// The limit.
        limit: Bytes,
    },
    /// A young part that is no part of its heap.
    #[error(
        "cassandra-{board} has a young part of {young} within a heap of {heap}: write a smaller one, a quarter of the heap, or leave `young` out"
    )]
    Young {
        /// Which board.
        board: String,
        /// The young part.
        young: Bytes,
        /// The heap.
        heap: Bytes,
    },
    /// Two services of a board on one port.
    #[error(
        "{first} and {second} both want port {port} of {board}: give one of them another port, or another board"
    )]
    Port {
        /// Which board.
        board: String,
        /// The port.
        port: u16,
        /// Who has it.
        first: String,
        /// Who else wants it.
        second: String,
    },
    /// Stargate with a Cassandra that it does not know.
    #[error(
        "Stargate 2 speaks to Cassandra 4.0 and not to {version}: run Cassandra 4.0, or leave [stargate] out"
    )]
    StargateVersion {
        /// What Cassandra is.
        version: &'static str,
    },
    /// Stargate without Cassandra, or beside a node of it.
    #[error("Stargate {0}")]
    Stargate(&'static str),
    /// A secret that nobody read.
    #[error(
        "app {app} wants the secret {secret}, and it was not read: say where it is, in the file's [secrets]"
    )]
    Secret {
        /// Who wants it.
        app: String,
        /// Which.
        secret: String,
    },
    /// A name that Docker does not take.
    #[error(transparent)]
    Name(#[from] NameError),
    /// What does not fit together.
    #[error(transparent)]
    Desired(#[from] DesiredError),
}
